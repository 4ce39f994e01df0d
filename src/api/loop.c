#include "api/loop.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/x509.h>

#include "pool/conn.h"
#include "pool/ending.h"
#include "pool/report.h"
#include "net/transport.h"
#include "api/alarm.h"
#include "api/check.h"
#include "api/client.h"
#include "api/connection.h"
#include "api/given.h"
#include "api/lookup.h"
#include "api/watch.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/trace.h"

/* More requests than this waiting to be written are sent before the next batch of events is handed
 * over; fewer wait for it, so that one write carries many (measured: 12 to 23 % of the CPU). */
enum { FLUSH_REQUESTS = 8 };

/* So many batches of events are handed over without looking at I/O and time; a script whose every
 * step makes another event must not stop the clocks. */
enum { BATCHES_MOST = 16 };

/* --- what ids name ------------------------------------------------------------------------------
 */

void rill_drop(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    if (!loop)
        return;
    rill_turn *turn = &loop->turn;
    rill_entry *entry;
    if ((entry = rill_turn_find(turn, slot, generation, ENTRY_TIMER)))
        rill_alarm_free((rill_alarm *)entry);
    else if ((entry = rill_turn_find(turn, slot, generation, ENTRY_CALL)))
        rill_ending_drop((rill_call *)entry);
    else if ((entry = rill_turn_find(turn, slot, generation, ENTRY_SIGNAL)))
        rill_signal_free((rill_signal *)entry);
    else if ((entry = rill_turn_find(turn, slot, generation, ENTRY_WATCH)))
        rill_watch_free((rill_watch *)entry);
    else if ((entry = rill_turn_find(turn, slot, generation, ENTRY_QUESTION)))
        rill_question_free((rill_question *)entry);
    else if ((entry = rill_turn_find(turn, slot, generation, ENTRY_CLIENT)))
        rill_endpoint_drop((rill_endpoint *)entry);
    else if ((entry = rill_turn_find(turn, slot, generation, ENTRY_CONNECTION)))
        rill_connection_drop((rill_endpoint *)entry);
}

void rill_handle_hold(rill_handle *handle, rill_loop *loop, uint32_t slot, uint32_t generation)
{
    if (!handle)
        return;
    handle->loop = loop;
    handle->id = (rill_id){slot, generation};
    if (loop)
        loop->references++;
}

void rill_handle_drop(rill_handle *handle)
{
    rill_loop *loop = handle ? handle->loop : NULL;
    if (!loop)
        return;
    handle->loop = NULL;
    rill_drop(loop, handle->id.slot, handle->id.generation);
    rill_loop_free(loop);
}

/* --- a loop's life --------------------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    rill_loop *loop = arg;
    uint64_t times;
    if (read(fd, &times, sizeof(times)) < 0 && errno == EAGAIN)
        return;
    loop->armed_ms = UINT64_MAX;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    rill_loop *loop = arg;
    uint64_t times;
    if (read(fd, &times, sizeof(times)) == sizeof(times))
        loop->turn.woken = false;
}

/* libevent takes one for epoll and two for a pipe, and ends the process where it gets the first of
 * these alone. */
enum { BASE_DESCRIPTORS = 3 };

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_O1);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* Opens what the system has for a loop. False: errno says why not. */
static bool open_loop(rill_loop *loop)
{
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer_fd < 0 || !rill_process_has_descriptors(BASE_DESCRIPTORS))
        return false;
    errno = 0;
    loop->turn.base = new_base();
    if (loop->turn.base)
        loop->timer_event =
            event_new(loop->turn.base, loop->timer_fd, EV_READ | EV_PERSIST, on_timer, loop);
    if (loop->timer_event && !event_add(loop->timer_event, NULL))
        return true;
    errno = errno ? errno : ENOMEM; /* libevent need not set it */
    return false;
}

enum { EPOLL_NEAR = 8 }; /* numbers that are tried before all are */

/* Whether that is a set, and has our timerfd: a parent's set, which a child has too, may have
 * another file under its number. Changes nothing. */
static bool is_listed(int epoll_fd, int fd)
{
    struct epoll_event same = {.events = EPOLLIN, .data.fd = fd};
    return !epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &same);
}

/* libevent has no function that gives its epoll descriptor. It is the one that watches our timerfd,
 * and was made just after that: most often its number is the next one. */
static int find_epoll(int listed_fd)
{
    for (int fd = listed_fd + 1; fd <= listed_fd + EPOLL_NEAR; fd++)
        if (is_listed(fd, listed_fd))
            return fd;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -1;
    int found = -1;
    struct dirent *item;
    while (found < 0 && (item = readdir(dir)))
        if (item->d_name[0] != '.' && is_listed(atoi(item->d_name), listed_fd))
            found = atoi(item->d_name);
    closedir(dir);
    return found;
}

/* A loop without anything of the system's. NULL: out of memory. */
static rill_loop *new_bare(void)
{
    rill_loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return NULL;
    rill_process_init(&loop->turn.process);
    loop->turn.slab.process = &loop->turn.process;
    loop->turn.slab.shelf = rill_shelf_new();
    loop->references = 1;
    loop->armed_ms = UINT64_MAX;
    loop->epoll_fd = loop->timer_fd = loop->turn.wake_fd = -1;
    rill_trace_init(&loop->turn);
    rill_turn_tick(&loop->turn);
    rill_wheel_init(&loop->turn.wheel, loop->turn.now_ms);
    rill_gate_init(&loop->turn.gate);
    return loop;
}

rill_loop *rill_loop_new(rill_error *err)
{
    if (err)
        rill_error_clear(err);
    rill_loop *loop = new_bare();
    if (!loop) {
        rill_error_memory(err);
        return NULL;
    }
    if (!open_loop(loop)) {
        rill_error_set(err, RILL_ERROR, "a loop cannot be made: %s", strerror(errno));
        rill_loop_free(loop);
        return NULL;
    }
    loop->epoll_fd = find_epoll(loop->timer_fd);
    return loop;
}

int32_t rill_options_check(const rill_options *options, rill_error *err)
{
    rill_error own;
    err = err ? err : &own;
    rill_error_clear(err);
    rill_loop *loop = new_bare();
    if (!loop)
        return rill_error_memory(err);
    bool can = rill_client_create(&loop->turn, &loop->clients, options, err);
    rill_loop_free(loop);
    return can ? 0 : -err->reason;
}

rill_loop *rill_loop_renew(const rill_loop *old, rill_error *err)
{
    rill_loop *loop = rill_loop_new(err);
    if (loop)
        loop->turn.first_slot = old->turn.first_slot + old->turn.slot_count;
    return loop;
}

bool rill_loop_is_own(const rill_loop *loop)
{
    return rill_turn_is_own(&loop->turn);
}

uint32_t rill_loop_first_slot(const rill_loop *loop)
{
    return loop->turn.first_slot;
}

static void free_later(rill_turn *turn)
{
    while (turn->later.first) {
        rill_call *call = RILL_OWNER(turn->later.first, rill_call, entry.member);
        rill_list_leave(&call->entry.member); /* nothing but calls stands there */
        rill_call_free(call);
    }
    rill_turn_take_back(turn);
    turn->handed_over = false;
}

/* Calls that have ended, but whose owner has not taken the event or dropped the id. */
static void free_ended(rill_turn *turn)
{
    for (uint32_t i = 0; i < turn->slot_count; i++) {
        rill_entry *entry = turn->slots[i].entry;
        if (entry && entry->kind == ENTRY_CALL)
            rill_call_free((rill_call *)entry);
    }
}

void rill_loop_free(rill_loop *loop)
{
    if (!loop || --loop->references)
        return;
    rill_turn *turn = &loop->turn;
    if (loop->nginx)
        loop->free_nginx(loop->nginx);
    /* a child leaves its parent's epoll set before it takes anything out */
    if (turn->base && !rill_turn_is_own(turn))
        event_reinit(turn->base);
    while (loop->clients.first)
        rill_endpoint_free(rill_endpoint_first(&loop->clients));
    free_ended(turn);
    free_later(turn);
    while (loop->alarms.first)
        rill_alarm_free(RILL_OWNER(loop->alarms.first, rill_alarm, member));
    while (loop->signals.first)
        rill_signal_free(RILL_OWNER(loop->signals.first, rill_signal, member));
    while (loop->watches.first)
        rill_watch_free(rill_watch_first(&loop->watches));
    while (loop->questions.first)
        rill_question_free(rill_question_first(&loop->questions));
    rill_tls_pipe_dispose_shared(turn);
    X509_STORE_free(turn->system_trust);
    if (loop->wake_event)
        event_free(loop->wake_event);
    if (loop->timer_event)
        event_free(loop->timer_event);
    if (turn->base)
        event_base_free(turn->base);
    if (turn->wake_fd >= 0)
        close(turn->wake_fd);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    rill_bytes_dispose(&turn->slab, &turn->scratch);
    rill_slab_free(&turn->slab, turn->slots);
    rill_slab_dispose(&turn->slab);
    rill_process_dispose(&turn->process);
    free(loop);
}

void rill_loop_counters(const rill_loop *loop, rill_counters *counters)
{
    if (counters)
        *counters = (rill_counters){0};
    if (!loop || !counters)
        return;
    const rill_turn *turn = &loop->turn;
    *counters = turn->counters;
    counters->events = turn->event_count;
    counters->slots = turn->named;
    counters->bytes = (double)rill_slab_bytes(&turn->slab);
}

uint32_t rill_loop_in_line(const rill_loop *loop)
{
    return loop ? loop->turn.in_line : 0;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* UINT64_MAX: nothing is waited for, and nothing wakes. */
static void arm(rill_loop *loop, uint64_t deadline_ms)
{
    if (deadline_ms == loop->armed_ms)
        return;
    struct itimerspec when = {0};
    if (deadline_ms != UINT64_MAX)
        when.it_value = (struct timespec){.tv_sec = (time_t)(deadline_ms / 1000),
                                          .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    if (!timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL))
        loop->armed_ms = deadline_ms;
}

/* How a pass looks at I/O: it waits for some, looks whether there is some, or not even that. */
enum look { LOOK_WAIT, LOOK_ONLY, LOOK_NOT };

/* So many descriptors are shown by a look: where it shows fewer, others are not ready. libevent
 * takes 32 at a time at first, and more as it needs. */
enum { LOOK_SHOWS = 16 };

/* The socket that is ready to be read, and nothing else; NULL: it is another descriptor, or more is
 * the matter. */
static rill_socket *find_reader(const rill_turn *turn, const struct epoll_event *ready)
{
    rill_socket *socket = turn->readers[ready->data.fd % TURN_READERS];
    return socket && socket->fd == ready->data.fd && ready->events == EPOLLIN ? socket : NULL;
}

/* Looks, or waits, without libevent, which would wait by a system call of its own, look by another
 * one, and go on waiting after a signal: a script's own handler (Ctrl-C) would never be looked at.
 * Where sockets that were read before are all that is ready, they are woken, and there is nothing
 * to look for any more: a lone request then costs no system call more than sending, waiting,
 * receiving. False: a signal has come. */
static bool look_first(rill_loop *loop, enum look *how)
{
    rill_turn *turn = &loop->turn;
    rill_socket *sockets[LOOK_SHOWS];
    struct epoll_event ready[LOOK_SHOWS];
    int known = 0, timeout_ms = *how == LOOK_WAIT ? -1 : 0;
    if (loop->epoll_fd < 0 || (turn->wake_fd >= 0 && *how == LOOK_ONLY))
        return true; /* a foreign loop has waited, and mostly for what woke it */
    int count = epoll_wait(loop->epoll_fd, ready, LOOK_SHOWS, timeout_ms);
    *how = LOOK_ONLY;
    while (known < count && (sockets[known] = find_reader(turn, &ready[known])))
        known++;
    if (known < count || known == LOOK_SHOWS || count < 0)
        return count >= 0 || errno != EINTR;
    for (int i = 0; i < count; i++)
        rill_socket_wake(sockets[i]);
    *how = LOOK_NOT;
    return true;
}

/* By libevent. 0, or negative: it has failed. */
static int look_at_all(rill_turn *turn, enum look how)
{
    turn->look.ready = 0;
    if (how == LOOK_NOT)
        return 0;
    return event_base_loop(turn->base,
                           how == LOOK_WAIT ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* One pass: I/O is looked at, what came of it and what is marked acts. 0, -RILL_ERROR, or 1: a
 * signal has come. */
static int32_t pass(rill_loop *loop, enum look how)
{
    rill_turn *turn = &loop->turn;
    loop->batches = 0;
    turn->stepping = true;
    bool undisturbed = look_first(loop, &how);
    int code = look_at_all(turn, how);
    turn->look.done = turn->look.ready < LOOK_SHOWS;
    rill_turn_tick(turn);
    rill_turn_act(turn); /* what has arrived is read before time is up */
    rill_wheel_advance(&turn->wheel, turn->now_ms);
    rill_turn_act(turn);
    rill_turn_age_shelf(turn);
    turn->stepping = false;
    rill_check(loop);
    return code < 0 ? -RILL_ERROR : !undisturbed;
}

static void act(rill_turn *turn)
{
    rill_turn_tick(turn);
    turn->look.done = false;
    turn->stepping = true;
    rill_turn_act(turn);
    turn->stepping = false;
}

/* What is marked acts before I/O is waited for. */
static int32_t act_first(rill_loop *loop)
{
    if (loop->turn.look.first)
        return pass(loop, LOOK_ONLY);
    act(&loop->turn);
    return 0;
}

void rill_loop_arm(rill_loop *loop)
{
    arm(loop, rill_wheel_next(&loop->turn.wheel));
}

/* Work that is left, and events of what was given since the last step. */
static void wake_for_rest(rill_turn *turn)
{
    if (rill_turn_marked(turn) || turn->event_count)
        rill_turn_wake(turn);
}

void rill_loop_begin(rill_loop *loop, bool was_idle)
{
    rill_turn *turn = &loop->turn;
    if (turn->wake_fd < 0 || turn->quiet)
        return;
    if (was_idle && !turn->woken) {
        act(turn);
        rill_loop_arm(loop);
    }
    wake_for_rest(turn);
}

static void fill_event(rill_loop *loop, rill_entry *entry, enum rill_event_type type,
                       rill_event *event)
{
    memset(event, 0, sizeof(*event));
    event->slot = entry->id.slot;
    event->generation = entry->id.generation;
    event->type = type;
    switch ((enum rill_entry_kind)entry->kind) {
    case ENTRY_CALL: {
        rill_call *call = (rill_call *)entry;
        if (rill_report_event(call, type, event))
            rill_turn_free_later(&loop->turn, entry);
        break;
    }
    case ENTRY_CLIENT:
        rill_endpoint_warning((rill_endpoint *)entry, event); /* a client has no other events */
        break;
    case ENTRY_CONNECTION:
        rill_connection_event((rill_endpoint *)entry, type, event);
        break;
    case ENTRY_PEER:
        break;
    case ENTRY_TIMER:
        rill_alarm_free((rill_alarm *)entry);
        break;
    case ENTRY_WATCH:
        rill_watch_free((rill_watch *)entry);
        break;
    case ENTRY_QUESTION:
        rill_question_event((rill_question *)entry, event);
        break;
    case ENTRY_SIGNAL:
        event->status = ((rill_signal *)entry)->number;
        break;
    }
}

static int32_t take_events(rill_loop *loop, rill_event *events, int32_t max)
{
    int32_t count = 0;
    enum rill_event_type type;
    rill_entry *entry;
    while (count < max && (entry = rill_turn_take(&loop->turn, &type)))
        fill_event(loop, entry, type, &events[count++]);
    while (count < max && (entry = rill_journal_next(&loop->turn)))
        events[count++] = (rill_event){
            .slot = entry->id.slot, .generation = entry->id.generation, .type = RILL_EVENT_NOTES};
    loop->turn.handed_over = count > 0;
    return count;
}

int32_t rill_events(rill_loop *loop, rill_event *events, int32_t max)
{
    if (rill_loop_check(loop, NULL) || !events || max < 1)
        return -RILL_ARGUMENT;
    free_later(&loop->turn);
    int32_t count = take_events(loop, events, max);
    rill_turn_wake_for_work(&loop->turn); /* what the full queue had put off */
    return count;
}

int32_t rill_poll(rill_loop *loop, rill_event *events, int32_t max, int32_t timeout_ms)
{
    if (rill_loop_check(loop, NULL) || !events || max < 1)
        return -RILL_ARGUMENT;
    rill_turn *turn = &loop->turn;
    free_later(turn);
    if ((turn->submitted >= FLUSH_REQUESTS || (!turn->event_count && rill_turn_marked(turn))) &&
        act_first(loop) < 0)
        return -RILL_ERROR;
    if (turn->event_count && ++loop->batches > BATCHES_MOST && pass(loop, LOOK_ONLY) < 0)
        return -RILL_ERROR;
    if (turn->event_count)
        return take_events(loop, events, max);
    uint64_t end_ms = UINT64_MAX;
    if (timeout_ms > 0)
        end_ms = rill_turn_clock_ms() + (uint64_t)timeout_ms;
    while (!turn->event_count) {
        enum look how = LOOK_ONLY;
        if (!rill_turn_marked(turn) && timeout_ms) {
            uint64_t next_ms = rill_wheel_next(&turn->wheel);
            arm(loop, next_ms < end_ms ? next_ms : end_ms);
            how = LOOK_WAIT;
        }
        int32_t code = pass(loop, how);
        if (code < 0)
            return code;
        if (code || timeout_ms == 0 || turn->now_ms >= end_ms)
            break;
    }
    return take_events(loop, events, max);
}

int32_t rill_loop_fd(rill_loop *loop, rill_error *err)
{
    if (rill_loop_check(loop, err))
        return -1;
    rill_turn *turn = &loop->turn;
    if (turn->wake_fd >= 0)
        return loop->epoll_fd;
    if (loop->epoll_fd < 0)
        return rill_error_set(err, RILL_ERROR, "the loop's descriptor cannot be found"), -1;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return rill_error_set(err, RILL_ERROR, "eventfd: %s", strerror(errno)), -1;
    loop->wake_event = event_new(turn->base, fd, EV_READ | EV_PERSIST, on_wake, loop);
    if (!loop->wake_event || event_add(loop->wake_event, NULL)) {
        rill_error_set(err, RILL_ERROR, "an eventfd cannot be waited for");
        if (loop->wake_event)
            event_free(loop->wake_event);
        loop->wake_event = NULL;
        close(fd);
        return -1;
    }
    turn->wake_fd = fd;
    rill_turn_wake(turn); /* whatever was given before */
    return loop->epoll_fd;
}

int32_t rill_loop_step(rill_loop *loop)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_turn *turn = &loop->turn;
    if (!turn->handed_over)
        free_later(turn); /* no event points there: they need not wait for a taker */
    rill_turn_begin_step(turn);
    if (rill_turn_marked(turn) && !turn->look.first)
        act(turn);
    int32_t code = pass(loop, LOOK_ONLY);
    rill_turn_end_step(turn);
    if (code < 0)
        return code;
    if (!turn->quiet)
        rill_loop_arm(loop);
    rill_turn_wake_for_work(turn);
    return (int32_t)turn->event_count;
}

void rill_loop_quiet(rill_loop *loop, bool quiet)
{
    if (rill_loop_check(loop, NULL) || loop->turn.quiet == quiet)
        return;
    loop->turn.quiet = quiet;
    if (!quiet) {
        rill_loop_arm(loop);
        wake_for_rest(&loop->turn);
    }
}

double rill_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
