/* The loop: waiting, stepping, handing events over. Private to loop.c and command.c. */
#ifndef RILL_LOOP_H
#define RILL_LOOP_H

#include "pool/call.h"
#include "api/endpoint.h"
#include "api/given.h"
#include "base/turn.h"

struct event;
typedef struct rill_signal rill_signal;
typedef struct rill_alarm rill_alarm;
typedef struct rill_watch rill_watch;
typedef struct rill_question rill_question;
typedef struct rill_nginx rill_nginx;

struct rill_loop {
    rill_turn turn;
    uint32_t references;
    rill_list clients;   /* owned: endpoints, closed ones until they are empty */
    rill_list alarms;    /* owned: timers of scripts */
    rill_list signals;   /* owned */
    rill_list watches;   /* owned */
    rill_list questions; /* owned: names that scripts look up */

    uint32_t batches;   /* of events handed over since I/O was looked at */
    uint32_t unchecked; /* passes since rill_check() has walked */
    int timer_fd;
    uint64_t armed_ms; /* what timer_fd is set to; UINT64_MAX: nothing */
    struct event *timer_event, *wake_event;
    int epoll_fd;      /* libevent's own; -1: could not be found */
    rill_nginx *nginx; /* owned; NULL: not inside nginx */
    void (*free_nginx)(rill_nginx *nginx);
};

/* Sets the timer that makes the loop's descriptor readable: after a timer was started, or something
 * acted, outside of a step. */
void rill_loop_arm(rill_loop *loop);

/* Something was submitted to a loop that a foreign one drives: what comes first leaves at once,
 * what comes while others are on their way leaves with the next step. */
void rill_loop_begin(rill_loop *loop, bool was_idle);

/* Clears `err` (may be NULL). 0; or -RILL_ARGUMENT with `err`: the loop is NULL, or was made before
 * fork(), by another process. */
static inline int32_t rill_loop_check(const rill_loop *loop, rill_error *err)
{
    return rill_given_turn(loop ? &loop->turn : NULL, err);
}

#endif
