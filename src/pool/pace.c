#include "pool/pace.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/trace.h"
#include "http/retry_after.h"
#include "pool/origin.h"

/* --- calls that may go ----------------------------------------------------------------------- */

/* Where they follow each other after a delay, the next one waits until the one before is sent: it
 * may have to wait for its connection. */
static bool may_start(const rill_pace *pace)
{
    const rill_manners *manners = pace->manners;
    return pace->running < manners->concurrency && pace->ready_ms <= pace->paces->turn->now_ms &&
           !(manners->delay_ms && pace->granted.first);
}

static void grant(rill_pace *pace, rill_call *call)
{
    call->paced->granted = true;
    pace->running++;
    rill_list_push(&pace->granted, &call->paced->member);
    rill_queue_add(&call->origin->queue, call);
}

static void park(rill_pace *pace, rill_call *call)
{
    if (call->state == CALL_ASSIGNED)
        rill_call_assign(call, false); /* `timeout` stops */
    rill_queue_add(&pace->waiting, call);
    rill_list_push(&call->origin->parked, &call->paced->member);
    pace->paces->waiting++;
    if (RILL_TRACES(call->turn, TRACE_POOL))
        rill_call_trace(call, 0, "waits: its origin has as many requests as it may");
}

/* NULL: it has none. */
static rill_pace *pace_of(const rill_call *call)
{
    return call->paced ? call->paced->pace : NULL;
}

static bool is_parked(const rill_call *call)
{
    return call->paced && call->queued.list == &call->paced->pace->waiting.calls;
}

static void unpark(rill_pace *pace, rill_call *call)
{
    rill_queue_remove(&pace->waiting, call);
    rill_list_leave(&call->paced->member);
    pace->paces->waiting--;
}

static void arm(rill_pace *pace)
{
    rill_turn *turn = pace->paces->turn;
    if (pace->waiting.calls.first && pace->ready_ms > turn->now_ms)
        rill_wheel_start(&turn->wheel, &pace->timer, pace->ready_ms);
    else
        rill_wheel_stop(&turn->wheel, &pace->timer);
}

/* Lets those go that may, the oldest first. */
static void go_on(rill_pace *pace)
{
    rill_call *call;
    while ((call = rill_queue_first(&pace->waiting)) && may_start(pace)) {
        unpark(pace, call);
        grant(pace, call);
        rill_turn_mark(call->turn, &call->origin->mark);
    }
    arm(pace);
}

static void on_timer(rill_timer *timer)
{
    go_on(RILL_OWNER(timer, rill_pace, timer));
}

void rill_pace_enter(rill_call *call)
{
    rill_pace *pace = pace_of(call);
    if (!pace) {
        rill_queue_add(&call->origin->queue, call);
    } else if (!pace->waiting.calls.first && may_start(pace)) {
        grant(pace, call);
    } else {
        park(pace, call);
        go_on(pace);
    }
}

void rill_pace_withdraw(rill_call *call)
{
    if (is_parked(call))
        unpark(call->paced->pace, call);
    else
        rill_queue_remove(&call->origin->queue, call);
}

rill_call *rill_pace_first(const rill_origin *origin)
{
    rill_call *call = rill_queue_first(&origin->queue);
    if (!call && origin->parked.first)
        call = rill_paced_first(&origin->parked)->call;
    return call;
}

/* The delay, times a number between 1 - jitter and 1 + jitter. */
static uint64_t next_delay_ms(const rill_pace *pace)
{
    const rill_manners *manners = pace->manners;
    double chance = (double)rill_turn_random(pace->paces->turn) / (double)UINT32_MAX;
    double factor = 1 + manners->jitter * (2 * chance - 1);
    return (uint64_t)((double)manners->delay_ms * factor + 0.5);
}

void rill_pace_sent(rill_call *call)
{
    rill_pace *pace = pace_of(call);
    rill_queue_remove(&call->origin->queue, call);
    if (!pace)
        return;
    rill_list_leave(&call->paced->member);
    if (!pace->manners->delay_ms)
        return;
    /* the turn may have lasted, and the clock's next step may be near: never too early */
    uint64_t ready_ms = rill_turn_clock_ms() + 1 + next_delay_ms(pace);
    if (ready_ms > pace->ready_ms)
        pace->ready_ms = ready_ms;
    go_on(pace);
}

void rill_pace_release(rill_call *call)
{
    rill_paced *paced = call->paced;
    if (!paced || !paced->granted)
        return;
    paced->granted = false;
    paced->pace->running--;
    rill_list_leave(&paced->member);
}

/* --- pauses that servers ask for ------------------------------------------------------------- */

/* Those that were let go and are not sent yet wait again. */
static void call_back(rill_pace *pace)
{
    while (pace->granted.first) {
        rill_call *call = rill_paced_first(&pace->granted)->call;
        rill_queue_remove(&call->origin->queue, call);
        rill_pace_release(call);
        park(pace, call);
        rill_turn_mark(call->turn, &call->origin->mark);
    }
}

void rill_pace_heed(rill_call *call)
{
    rill_pace *pace = pace_of(call);
    rill_stream *stream = call->stream;
    if (!stream || !stream->busy)
        return;
    stream->busy = false;
    if (!pace || !pace->manners->retry_after)
        return;
    uint64_t pause_ms = rill_retry_after(stream->head.data, stream->head.length, PACE_RETRY_MS);
    uint64_t ready_ms = rill_turn_clock_ms() + pause_ms;
    if (!pause_ms || ready_ms <= pace->ready_ms)
        return;
    pace->ready_ms = ready_ms;
    RILL_TRACE(pace->paces->turn, TRACE_POOL, 0, "%.*s:%u is left alone for %.1f s, as it asks",
               (int)(pace->host_length < 80 ? pace->host_length : 80), pace->host,
               (unsigned)pace->port, (double)pause_ms / 1000);
    call_back(pace);
    arm(pace);
}

/* --- paces ----------------------------------------------------------------------------------- */

static void free_pace(rill_pace *pace)
{
    rill_paces *paces = pace->paces;
    assert(!pace->calls && !pace->running && !pace->waiting.calls.first);
    if (pace->unused.list)
        paces->unused_count--;
    rill_list_leave(&pace->unused);
    rill_wheel_stop(&paces->turn->wheel, &pace->timer);
    rill_table_remove(&paces->table, &pace->item);
    if (paces->latest == pace)
        paces->latest = NULL;
    rill_slab_free(&paces->turn->slab, pace);
}

static void note_unused(rill_pace *pace)
{
    rill_paces *paces = pace->paces;
    rill_list_push(&paces->unused, &pace->unused);
    paces->unused_count++;
}

static rill_pace *first_unused(const rill_paces *paces)
{
    return RILL_OWNER(paces->unused.first, rill_pace, unused);
}

static bool holds_back(const rill_pace *pace)
{
    return pace->ready_ms > pace->paces->turn->now_ms;
}

/* Forgets the first one of those without a call, unless it holds back: then it goes behind the
 * others, so that a long pause does not keep these. */
static void look_at_first(rill_paces *paces)
{
    rill_pace *pace = first_unused(paces);
    if (!holds_back(pace)) {
        free_pace(pace);
        return;
    }
    rill_list_leave(&pace->unused);
    rill_list_push(&paces->unused, &pace->unused);
}

/* No call uses it. What holds nothing back is as good as new: so those of many origins take turns
 * in the memory of a few. Two are looked at for one that comes: the list shrinks to those that hold
 * back, a little at a time. */
static void retire_pace(rill_pace *pace)
{
    rill_paces *paces = pace->paces;
    if (!holds_back(pace)) {
        free_pace(pace);
        return;
    }
    note_unused(pace); /* it holds back: there is one, whatever goes */
    look_at_first(paces);
    look_at_first(paces);
    if (paces->unused_count > PACES_UNUSED)
        free_pace(first_unused(paces));
}

bool rill_pace_join(rill_pace *pace, rill_call *call)
{
    if (!pace)
        return true;
    rill_paced *paced = rill_slab_zalloc(&call->turn->slab, sizeof(*paced));
    if (!paced)
        return false;
    paced->call = call;
    paced->pace = pace;
    call->paced = paced;
    if (pace->unused.list)
        pace->paces->unused_count--;
    rill_list_leave(&pace->unused);
    pace->calls++;
    return true;
}

void rill_pace_end(rill_call *call)
{
    rill_pace *pace = pace_of(call);
    if (!pace)
        return;
    rill_pace_release(call);
    rill_slab_free(&call->turn->slab, call->paced);
    call->paced = NULL;
    pace->calls--;
    go_on(pace);
    if (!pace->calls)
        retire_pace(pace);
}

static rill_pace *new_pace(rill_paces *paces, const rill_manners *manners, const char *host,
                           size_t length)
{
    rill_pace *pace = rill_slab_zalloc(&paces->turn->slab, sizeof(*pace) + length);
    if (!pace)
        return NULL;
    pace->paces = paces;
    pace->manners = manners;
    pace->timer.expire = on_timer;
    pace->host_length = (uint32_t)length;
    memcpy(pace->host, host, length);
    return pace;
}

bool rill_paces_find(rill_paces *paces, bool tls, const char *host, size_t length, uint16_t port,
                     rill_pace **found)
{
    *found = NULL;
    if (rill_rules_none(&paces->rules))
        return true;
    uint32_t hash = rill_table_hash(&paces->table, host, length, port ^ (uint32_t)tls << 16);
    for (rill_item *item = rill_table_bucket(&paces->table, hash); item; item = item->next) {
        rill_pace *pace = RILL_OWNER(item, rill_pace, item);
        if (item->hash == hash && pace->tls == tls && pace->port == port &&
            pace->host_length == length && !memcmp(pace->host, host, length)) {
            *found = pace;
            return true;
        }
    }
    const rill_manners *manners = rill_rules_of(&paces->rules, tls, host, length, port);
    if (!manners)
        return true;
    rill_pace *pace = new_pace(paces, manners, host, length);
    if (!pace)
        return false;
    pace->tls = tls;
    pace->port = port;
    if (!rill_table_add(&paces->table, &pace->item, hash)) {
        rill_slab_free(&paces->turn->slab, pace);
        return false;
    }
    note_unused(pace);
    *found = pace;
    return true;
}

void rill_paces_init(rill_paces *paces, rill_turn *turn)
{
    paces->turn = turn;
    rill_table_init(&paces->table, &turn->slab);
    rill_table_init(&paces->rules.named, &turn->slab);
}

void rill_paces_dispose(rill_paces *paces)
{
    for (rill_item *next, *item = rill_table_next(&paces->table, NULL); item; item = next) {
        next = rill_table_next(&paces->table, item);
        free_pace(RILL_OWNER(item, rill_pace, item));
    }
    rill_table_dispose(&paces->table);
    rill_rules_dispose(&paces->rules);
}
