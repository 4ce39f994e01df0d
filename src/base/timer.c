#include "base/timer.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static unsigned slot_of(uint64_t ms, unsigned level)
{
    return (unsigned)(ms >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
}

/* The level is that of the highest group of bits in which the deadline differs from now: below it
 * the timer's slot is always ahead of the wheel's hand. */
static void place(rill_wheel *wheel, rill_timer *timer)
{
    uint64_t deadline = timer->deadline_ms;
    if (deadline <= wheel->now_ms)
        deadline = wheel->now_ms + 1;
    uint64_t differs = deadline ^ wheel->now_ms;
    unsigned level = (63u - (unsigned)__builtin_clzll(differs)) / WHEEL_BITS;
    unsigned slot;
    if (level < WHEEL_LEVELS) {
        slot = slot_of(deadline, level);
    } else {
        level = WHEEL_LEVELS - 1; /* beyond the horizon: the slot that comes up last */
        slot = (slot_of(wheel->now_ms, level) + WHEEL_SLOTS - 1) & (WHEEL_SLOTS - 1);
    }
    rill_list_push_first(&wheel->slots[level][slot], &timer->member);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

void rill_wheel_init(rill_wheel *wheel, uint64_t now_ms)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->now_ms = now_ms;
}

void rill_wheel_start(rill_wheel *wheel, rill_timer *timer, uint64_t deadline_ms)
{
    assert(timer->expire);
    rill_wheel_stop(wheel, timer);
    timer->deadline_ms = deadline_ms;
    place(wheel, timer);
    wheel->count++;
}

/* A slot that is emptied is not woken for. */
static void note_emptied(rill_wheel *wheel, const rill_list *list)
{
    ptrdiff_t index = list - &wheel->slots[0][0];
    if (!list->first && list != &wheel->due)
        wheel->occupied[index / WHEEL_SLOTS] &= ~(UINT64_C(1) << (index % WHEEL_SLOTS));
}

void rill_wheel_stop(rill_wheel *wheel, rill_timer *timer)
{
    if (!rill_timer_running(timer))
        return;
    const rill_list *list = timer->member.list;
    rill_list_leave(&timer->member);
    note_emptied(wheel, list);
    wheel->count--;
}

/* The start of the next occupied slot of `level`, counted from the hand. */
static uint64_t slot_start(const rill_wheel *wheel, unsigned level)
{
    unsigned hand = slot_of(wheel->now_ms, level);
    uint64_t bits = wheel->occupied[level];
    uint64_t turned = (bits >> hand) | (hand ? bits << (WHEEL_SLOTS - hand) : 0);
    turned &= ~UINT64_C(1); /* the hand's own slot has been emptied, or is a whole turn away */
    unsigned ahead = turned ? (unsigned)__builtin_ctzll(turned) : WHEEL_SLOTS;
    uint64_t width = UINT64_C(1) << (level * WHEEL_BITS);
    return (wheel->now_ms / width + ahead) * width;
}

uint64_t rill_wheel_next(const rill_wheel *wheel)
{
    if (wheel->due.first)
        return wheel->now_ms;
    uint64_t next = UINT64_MAX;
    if (!wheel->count)
        return next;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        if (!wheel->occupied[level])
            continue;
        uint64_t start = slot_start(wheel, level);
        if (start < next)
            next = start;
    }
    return next;
}

/* Takes the list of a slot: its timers are due or belong to lower levels now. */
static void empty_slot(rill_wheel *wheel, unsigned level, unsigned slot)
{
    rill_list *list = &wheel->slots[level][slot];
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    while (list->first) {
        rill_timer *timer = RILL_OWNER(list->first, rill_timer, member);
        rill_list_leave(&timer->member);
        if (timer->deadline_ms <= wheel->now_ms)
            rill_list_push_first(&wheel->due, &timer->member);
        else
            place(wheel, timer); /* into another slot: this one is the hand's */
    }
}

void rill_wheel_advance(rill_wheel *wheel, uint64_t now_ms)
{
    for (;;) {
        uint64_t next = rill_wheel_next(wheel);
        if (next > now_ms)
            break;
        wheel->now_ms = next;
        for (unsigned level = WHEEL_LEVELS; level-- > 0;)
            if (!(next & ((UINT64_C(1) << (level * WHEEL_BITS)) - 1)))
                empty_slot(wheel, level, slot_of(next, level));
        while (wheel->due.first) {
            rill_timer *timer = RILL_OWNER(wheel->due.first, rill_timer, member);
            rill_list_leave(&timer->member);
            wheel->count--;
            timer->expire(timer);
        }
    }
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms; /* every occupied slot is still ahead of the hand */
}
