#include "api/alarm.h"

#include <math.h>
#include <signal.h>

#include <event2/event.h>

#include "api/given.h"
#include "base/error.h"

static void on_alarm(rill_timer *timer)
{
    rill_alarm *alarm = RILL_OWNER(timer, rill_alarm, timer);
    rill_turn_report(alarm->turn, &alarm->entry, RILL_EVENT_TIMER);
}

static void on_next_turn(rill_mark *mark)
{
    rill_alarm *alarm = RILL_OWNER(mark, rill_alarm, at_once);
    rill_turn_report(alarm->turn, &alarm->entry, RILL_EVENT_TIMER);
}

void rill_alarm_free(rill_alarm *alarm)
{
    rill_turn *turn = alarm->turn;
    rill_wheel_stop(&turn->wheel, &alarm->timer);
    rill_turn_unmark(&alarm->at_once);
    rill_turn_forget(turn, &alarm->entry);
    rill_list_leave(&alarm->member);
    rill_slab_free(&turn->slab, alarm);
    turn->counters.timers--;
}

int32_t rill_timer_start(rill_loop *loop, double seconds, rill_id *id, rill_error *err)
{
    if (rill_loop_check(loop, err) || rill_given_pointer(id, "id", err))
        return -RILL_ARGUMENT;
    if (isnan(seconds))
        return rill_error_set(err, RILL_ARGUMENT, "a timer of %g seconds", seconds);
    rill_turn *turn = &loop->turn;
    rill_alarm *alarm = rill_slab_zalloc(&turn->slab, sizeof(*alarm));
    if (!alarm)
        return rill_error_memory(err);
    int32_t code = rill_turn_name(turn, &alarm->entry, ENTRY_TIMER, err);
    if (code) {
        rill_slab_free(&turn->slab, alarm);
        return code;
    }
    alarm->turn = turn;
    alarm->timer.expire = on_alarm;
    rill_list_push_first(&loop->alarms, &alarm->member);
    turn->counters.timers++;
    alarm->at_once.act = on_next_turn;
    uint64_t ms = rill_turn_ms_of(seconds);
    if (ms) { /* the clock's fraction of a millisecond is rounded up too: never early */
        rill_wheel_start(&turn->wheel, &alarm->timer, rill_turn_clock_ms() + ms + 1);
        rill_turn_wake(turn);
    } else {
        rill_turn_mark(turn, &alarm->at_once);
    }
    *id = alarm->entry.id;
    return 0;
}

static void on_signal(int number, short what, void *arg)
{
    (void)number, (void)what;
    rill_signal *sig = arg;
    rill_turn_report(sig->turn, &sig->entry, RILL_EVENT_SIGNAL);
}

void rill_signal_free(rill_signal *sig)
{
    rill_turn *turn = sig->turn;
    event_free(sig->event); /* the last one of a number puts the former disposition back */
    rill_turn_forget(turn, &sig->entry);
    rill_list_leave(&sig->member);
    rill_slab_free(&turn->slab, sig);
    turn->counters.signals--;
}

int32_t rill_signal_start(rill_loop *loop, int32_t number, rill_id *id, rill_error *err)
{
    if (rill_loop_check(loop, err) || rill_given_pointer(id, "id", err))
        return -RILL_ARGUMENT;
    rill_turn *turn = &loop->turn;
    if (number < 1 || number >= NSIG)
        return rill_error_set(err, RILL_ARGUMENT, "signal %d: no such signal", (int)number);
    rill_signal *sig = rill_slab_zalloc(&turn->slab, sizeof(*sig));
    if (!sig)
        return rill_error_memory(err);
    sig->turn = turn;
    sig->number = number;
    sig->event = evsignal_new(turn->base, number, on_signal, sig);
    int32_t code = 0;
    if (!sig->event || event_add(sig->event, NULL))
        code = rill_error_set(err, RILL_ERROR, "signal %d: cannot be watched", (int)number);
    else
        code = rill_turn_name(turn, &sig->entry, ENTRY_SIGNAL, err);
    if (code) {
        if (sig->event)
            event_free(sig->event);
        rill_slab_free(&turn->slab, sig);
        return code;
    }
    rill_list_push_first(&loop->signals, &sig->member);
    turn->counters.signals++;
    *id = sig->entry.id;
    return 0;
}

void rill_outlive_file_limit(void)
{
    struct sigaction action;
    if (sigaction(SIGXFSZ, NULL, &action) || (action.sa_flags & SA_SIGINFO) ||
        action.sa_handler != SIG_DFL)
        return;
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, NULL);
}
