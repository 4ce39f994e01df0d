#include "base/gate.h"

#include "base/turn.h"

static rill_visit *first_waiting(const rill_gate *gate)
{
    return RILL_OWNER(gate->waiting.first, rill_visit, member);
}

static void let_in(rill_turn *turn, rill_visit *visit)
{
    rill_gate *gate = &turn->gate;
    visit->state = VISIT_INSIDE;
    gate->inside++;
    gate->counted_ms = turn->now_ms;
}

static void let_next_in(rill_turn *turn)
{
    rill_visit *visit = first_waiting(&turn->gate);
    rill_list_leave(&visit->member);
    let_in(turn, visit);
    rill_turn_mark(turn, visit->mark);
}

/* The next one comes in by and by, or nobody waits. */
static void set_timer(rill_turn *turn)
{
    rill_gate *gate = &turn->gate;
    if (gate->waiting.first)
        rill_wheel_start(&turn->wheel, &gate->timer, turn->now_ms + GATE_EVERY_MS);
    else
        rill_wheel_stop(&turn->wheel, &gate->timer);
}

/* As many as the time since the last one allows: it may be late. */
static void on_timer(rill_timer *timer)
{
    rill_turn *turn = RILL_OWNER(timer, rill_turn, gate.timer);
    uint64_t due = (turn->now_ms - turn->gate.counted_ms) / GATE_EVERY_MS;
    for (; due && turn->gate.waiting.first; due--)
        let_next_in(turn);
    set_timer(turn);
}

void rill_gate_init(rill_gate *gate)
{
    gate->timer.expire = on_timer;
}

bool rill_gate_enter(rill_turn *turn, rill_visit *visit, rill_mark *mark)
{
    rill_gate *gate = &turn->gate;
    if (visit->state != VISIT_OUTSIDE)
        return visit->state == VISIT_INSIDE;
    if (gate->inside < GATE_MOST) {
        let_in(turn, visit);
        return true;
    }
    visit->state = VISIT_WAITING;
    visit->mark = mark;
    if (!gate->waiting.first)
        gate->counted_ms = turn->now_ms; /* what nobody waited for is nobody's */
    rill_list_push(&gate->waiting, &visit->member);
    if (!rill_timer_running(&gate->timer))
        set_timer(turn);
    return false;
}

void rill_gate_leave(rill_turn *turn, rill_visit *visit)
{
    rill_gate *gate = &turn->gate;
    rill_list_leave(&visit->member);
    gate->inside -= visit->state == VISIT_INSIDE;
    visit->state = VISIT_OUTSIDE;
    while (gate->waiting.first && gate->inside < GATE_MOST)
        let_next_in(turn);
    if (!gate->waiting.first)
        set_timer(turn);
}
