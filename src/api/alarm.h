/* Timers and signals that scripts wait for. Private to src/api. */
#ifndef RILL_ALARM_H
#define RILL_ALARM_H

#include "api/loop.h"

struct rill_alarm {
    rill_entry entry;
    rill_timer timer;
    rill_mark at_once; /* instead of the timer, for a time of 0 */
    rill_turn *turn;
    rill_member member; /* in loop->alarms */
};

struct rill_signal {
    rill_entry entry;
    rill_turn *turn;
    struct event *event;
    int number;
    rill_member member; /* in loop->signals */
};

/* Stops it and leaves the loop. */
void rill_alarm_free(rill_alarm *alarm);

/* Gives the signal its former disposition back, where nobody else waits for it. */
void rill_signal_free(rill_signal *sig);

#endif
