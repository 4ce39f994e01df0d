/* All deadlines of one loop in one structure: a wheel of wheels with steps of a millisecond.
 * Starting, moving and stopping a timer take constant time, whatever their number. */
#ifndef RILL_TIMER_H
#define RILL_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

typedef struct rill_timer rill_timer;

/* Embedded in what waits. Zeroed: not running. */
struct rill_timer {
    rill_member member; /* in a slot of the wheel; in none: not running */
    uint64_t deadline_ms;
    void (*expire)(rill_timer *timer); /* records what is due; see rill_wheel_advance() */
};

/* Seven levels of 64 slots cover 139 years from boot at steps of a millisecond; what is further
 * away waits in the last slot and is sorted again when it comes up. */
enum { WHEEL_LEVELS = 7, WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS };

typedef struct rill_wheel {
    uint64_t now_ms;                 /* up to here everything due has expired */
    uint64_t occupied[WHEEL_LEVELS]; /* one bit per slot that holds timers */
    rill_list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    rill_list due; /* expiring now: a list, so that an expiring timer may stop others */
    uint32_t count;
} rill_wheel;

void rill_wheel_init(rill_wheel *wheel, uint64_t now_ms);

/* Starts a timer, or moves a running one; a deadline that has passed is due at the next step. */
void rill_wheel_start(rill_wheel *wheel, rill_timer *timer, uint64_t deadline_ms);

/* Stopping one that does not run is fine. */
void rill_wheel_stop(rill_wheel *wheel, rill_timer *timer);

static inline bool rill_timer_running(const rill_timer *timer)
{
    return timer->member.list;
}

/* No timer is due before this instant (it may be earlier than the first deadline, never later);
 * UINT64_MAX when none runs. */
uint64_t rill_wheel_next(const rill_wheel *wheel);

/* Calls `expire` of every timer due at `now_ms`, each stopped first; `expire` may start and stop
 * any timer; one started for the past is due at the next advance. */
void rill_wheel_advance(rill_wheel *wheel, uint64_t now_ms);

#endif
