#include "base/turn.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

enum { FIRST_SLOTS = 64 };

static bool grow_slots(rill_turn *turn)
{
    uint32_t room = turn->slot_room ? turn->slot_room * 2 : FIRST_SLOTS;
    if (room < turn->slot_room)
        return false;
    struct turn_slot *slots =
        rill_slab_realloc(&turn->slab, turn->slots, (size_t)room * sizeof(*turn->slots));
    if (!slots)
        return false;
    turn->slots = slots;
    turn->slot_room = room;
    return true;
}

int32_t rill_turn_name(rill_turn *turn, rill_entry *entry, enum rill_entry_kind kind,
                       rill_error *err)
{
    uint32_t slot;
    if (turn->free_slot) {
        slot = turn->free_slot - 1;
        turn->free_slot = turn->slots[slot].next_free;
    } else {
        if (turn->slot_count == turn->slot_room && !grow_slots(turn))
            return rill_error_memory(err);
        slot = turn->slot_count++;
        turn->slots[slot].generation = 1;
    }
    turn->slots[slot].entry = entry;
    entry->id = (rill_id){turn->first_slot + slot, turn->slots[slot].generation};
    entry->kind = (uint8_t)kind;
    turn->named++;
    return 0;
}

static void leave_queue(rill_turn *turn, rill_entry *entry)
{
    if (entry->member.list != &turn->events)
        return;
    rill_list_leave(&entry->member);
    turn->event_count--;
}

void rill_turn_forget(rill_turn *turn, rill_entry *entry)
{
    if (!entry->id.generation)
        return;
    leave_queue(turn, entry);
    entry->pending = 0;
    uint32_t index = entry->id.slot - turn->first_slot;
    struct turn_slot *slot = &turn->slots[index];
    assert(slot->entry == entry);
    slot->entry = NULL;
    if (++slot->generation) { /* 0: wrapped, an old id could come back to life */
        slot->next_free = turn->free_slot;
        turn->free_slot = index + 1;
    }
    entry->id = (rill_id){0, 0};
    turn->named--;
}

rill_entry *rill_turn_find(const rill_turn *turn, uint32_t slot, uint32_t generation,
                           enum rill_entry_kind kind)
{
    uint32_t index = slot - turn->first_slot; /* a slot before the first one wraps around */
    if (index >= turn->slot_count || turn->slots[index].generation != generation ||
        !rill_turn_is_own(turn))
        return NULL;
    rill_entry *entry = turn->slots[index].entry;
    return entry && entry->kind == kind ? entry : NULL;
}

void rill_turn_wake(rill_turn *turn)
{
    const uint64_t one = 1;
    if (turn->wake_fd < 0 || turn->stepping || turn->quiet || turn->woken ||
        !rill_turn_is_own(turn))
        return;
    turn->woken = write(turn->wake_fd, &one, sizeof(one)) == sizeof(one);
}

void rill_turn_report(rill_turn *turn, rill_entry *entry, enum rill_event_type type)
{
    if (!entry->id.generation)
        return;
    entry->pending |= 1u << type;
    if (entry->member.list)
        return;
    rill_list_push(&turn->events, &entry->member);
    turn->event_count++;
    rill_turn_wake(turn);
}

void rill_turn_unreport(rill_turn *turn, rill_entry *entry, enum rill_event_type type)
{
    entry->pending &= ~(1u << type);
    if (!entry->pending)
        leave_queue(turn, entry);
}

struct turn_text {
    struct turn_text *next;
    _Alignas(max_align_t) char text[];
};

void *rill_turn_lend(rill_turn *turn, size_t size)
{
    struct turn_text *lent = rill_slab_alloc(&turn->slab, sizeof(*lent) + size);
    if (!lent)
        return NULL;
    lent->next = turn->lent;
    turn->lent = lent;
    return lent->text;
}

void rill_turn_take_back(rill_turn *turn)
{
    while (turn->lent) {
        struct turn_text *lent = turn->lent;
        turn->lent = lent->next;
        rill_slab_free(&turn->slab, lent);
    }
}

void rill_turn_free_later(rill_turn *turn, rill_entry *entry)
{
    rill_turn_forget(turn, entry);
    rill_list_push_first(&turn->later, &entry->member);
}

rill_entry *rill_turn_take(rill_turn *turn, enum rill_event_type *type)
{
    rill_entry *entry = RILL_OWNER(turn->events.first, rill_entry, member);
    if (!entry)
        return NULL;
    *type = (enum rill_event_type)__builtin_ctz(entry->pending);
    entry->pending &= entry->pending - 1;
    if (!entry->pending)
        leave_queue(turn, entry);
    return entry;
}

uint32_t rill_turn_random(rill_turn *turn)
{
    if (!turn->random_state) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        turn->random_state = (uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec ^ (uintptr_t)turn;
    }
    turn->random_state = turn->random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(turn->random_state >> 32);
}

void rill_turn_mark(rill_turn *turn, rill_mark *mark)
{
    if (mark->member.list)
        return;
    rill_list_push_first(&turn->marks[!turn->acting], &mark->member);
    rill_turn_wake(turn);
}

void rill_turn_wake_for_work(rill_turn *turn)
{
    if (rill_turn_marked(turn) && turn->event_count < TURN_EVENTS)
        rill_turn_wake(turn);
}

void rill_turn_unmark(rill_mark *mark)
{
    rill_list_leave(&mark->member);
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void rill_turn_begin_step(rill_turn *turn)
{
    turn->step.bounded = true;
    turn->step.acted = false;
    turn->step.bytes = 0;
    turn->step.end_us = clock_us() + TURN_STEP_US;
}

void rill_turn_end_step(rill_turn *turn)
{
    turn->step.bounded = false;
}

bool rill_turn_is_spent(const rill_turn *turn)
{
    return turn->step.bounded &&
           (turn->step.bytes >= TURN_STEP_BYTES || clock_us() >= turn->step.end_us);
}

bool rill_turn_bears(const rill_turn *turn, size_t bytes, size_t over)
{
    return !turn->step.bounded || turn->step.bytes + bytes <= TURN_STEP_BYTES + over;
}

bool rill_turn_gives_way(const rill_turn *turn)
{
    return rill_turn_is_spent(turn) || (turn->wake_fd >= 0 && !turn->stepping);
}

static bool may_act(const rill_turn *turn)
{
    return turn->event_count < TURN_EVENTS && !(turn->step.acted && rill_turn_is_spent(turn));
}

static void act(rill_turn *turn)
{
    rill_list *list = &turn->marks[turn->acting];
    while (list->first && may_act(turn)) {
        rill_mark *mark = RILL_OWNER(list->first, rill_mark, member);
        rill_turn_unmark(mark);
        turn->step.acted = true;
        mark->act(mark);
    }
}

void rill_turn_act(rill_turn *turn)
{
    turn->submitted = 0;
    act(turn); /* what was put off comes first */
    if (turn->marks[turn->acting].first)
        return;
    turn->acting = !turn->acting; /* what acts may mark itself for later: in the other list */
    act(turn);
}

static void age_shelf(rill_timer *timer)
{
    rill_turn *turn = RILL_OWNER(timer, rill_turn, aging);
    if (rill_shelf_age(turn->slab.shelf))
        rill_wheel_start(&turn->wheel, timer, turn->now_ms + SHELF_KEEP_MS);
}

void rill_turn_age_shelf(rill_turn *turn)
{
    const rill_shelf *shelf = turn->slab.shelf;
    if (!shelf || rill_timer_running(&turn->aging) || !rill_shelf_is_asked(shelf))
        return;
    turn->aging.expire = age_shelf;
    rill_wheel_start(&turn->wheel, &turn->aging, turn->now_ms + SHELF_KEEP_MS);
}

uint64_t rill_turn_clock_ms(void)
{
    return clock_us() / 1000;
}

void rill_turn_tick(rill_turn *turn)
{
    turn->now_us = clock_us();
    turn->now_ms = turn->now_us / 1000;
}

uint64_t rill_turn_ms_of(double seconds)
{
    const double most = 10.0 * 365 * 86400; /* ten years: no sum of two overflows */
    if (!(seconds > 0))
        return 0;
    return (uint64_t)ceil((seconds < most ? seconds : most) * 1000);
}

uint64_t rill_turn_limit_ms(double seconds)
{
    return isinf(seconds) ? 0 : rill_turn_ms_of(seconds);
}
