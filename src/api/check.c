#include "api/check.h"

#ifdef RILL_CHECK

#undef NDEBUG
#include <assert.h>
#include <string.h>

/* A walk of so many objects is worth one pass. */
enum { CHECK_SHARE = 256 };

/* What bodies hold of their accounts: see rill_account. */
typedef struct held {
    uint64_t bytes, windows, widened, done;
} held;

/* What was seen, to be compared with the loop's counters, and what accounts with bodies. */
typedef struct seen {
    uint32_t clients, origins, connections, requests, waiting, in_line, handshakes, held_dials;
    held counted, found;
} seen;

/* The length of a list; every member knows it, and both its neighbours know the member. */
static uint32_t length_of(const rill_list *list)
{
    uint32_t count = 0;
    const rill_member *before = NULL;
    for (const rill_member *member = list->first; member; member = member->next, count++) {
        assert(member->list == list);
        assert(member->prev == before);
        before = member;
    }
    assert(list->last == before);
    return count;
}

/* Whoever has news has an id; the id names it. */
static void check_events(const rill_turn *turn)
{
    assert(length_of(&turn->events) == turn->event_count);
    for (rill_member *member = turn->events.first; member; member = member->next) {
        const rill_entry *entry = RILL_OWNER(member, rill_entry, member);
        assert(entry->pending && entry->id.generation);
        assert(turn->slots[entry->id.slot - turn->first_slot].entry == entry);
    }
    for (int i = 0; i < 2; i++)
        length_of(&turn->marks[i]);
    for (rill_member *member = turn->later.first; member; member = member->next)
        assert(!RILL_OWNER(member, rill_entry, member)->id.generation);
    length_of(&turn->later);
}

/* The account of a client that has gone is looked at by nobody. */
static void add_body(const rill_call *call, held *found)
{
    const rill_inlet *inlet = call->stream ? &call->stream->inlet : NULL;
    if (!inlet || !inlet->account || !inlet->account->stats)
        return;
    found->bytes += inlet->held;
    found->windows += inlet->began ? inlet->window : 0;
    found->widened += inlet->widened;
    found->done += inlet->done;
}

/* Calls that have left their origins: what nobody has read or dropped yet still counts. */
static void add_ended(const rill_turn *turn, held *found)
{
    for (uint32_t i = 0; i < turn->slot_count; i++) {
        const rill_entry *entry = turn->slots[i].entry;
        const rill_call *call =
            entry && entry->kind == ENTRY_CALL ? (const rill_call *)entry : NULL;
        if (call && call->state == CALL_ENDED)
            add_body(call, found);
    }
    for (rill_member *member = turn->later.first; member; member = member->next) {
        const rill_entry *entry = RILL_OWNER(member, rill_entry, member);
        if (entry->kind == ENTRY_CALL)
            add_body((const rill_call *)entry, found);
    }
}

/* One of an origin, or (`origin` NULL) of a pace. */
static void check_queue(const rill_queue *queue, const rill_origin *origin, held *found)
{
    const rill_call *before = NULL;
    uint32_t count = 0;
    for (const rill_call *call = rill_queue_first(queue); call;
         call = rill_queue_call(call->queued.next), count++) {
        assert(rill_call_waits(call) && !call->conn && (!origin || call->origin == origin));
        assert(!call->paced || call->paced->granted == (origin != NULL));
        assert(!before || before->number < call->number); /* the older one is sent first */
        assert((call->state == CALL_ASSIGNED) == (count < queue->assigned));
        add_body(call, found);
        before = call;
    }
    assert(length_of(&queue->calls) == count && queue->count == count && queue->assigned <= count);
}

static void check_stream(const rill_conn *conn, const rill_stream *stream, held *found)
{
    const rill_call *call = rill_call_of(stream);
    assert(call->stream == stream && call->conn == conn && call->state == CALL_SENT);
    /* who has sent nothing receives nothing; a head opens the other half */
    assert(stream->local != HALF_IDLE || stream->remote == HALF_IDLE);
    assert(stream->remote == HALF_IDLE || stream->status);
    add_body(call, found);
}

/* What a session counts is what its streams are. Returns how many they are. */
static uint32_t check_streams(const rill_conn *conn, held *found)
{
    const rill_link *session = conn->session;
    uint32_t count = 0, active = 0, blocked = 0;
    length_of(&session->open);
    length_of(&session->closed);
    length_of(&conn->pool.guests);
    length_of(&conn->pool.guests_waiting);
    for (const rill_stream *stream = rill_stream_first(&session->open); stream;
         stream = rill_stream_next(stream), count++) {
        check_stream(conn, stream, found);
        assert(stream->reason == RILL_OPEN);
        active += stream->on_wire;
        blocked += stream->blocked;
    }
    for (const rill_stream *stream = rill_stream_first(&session->closed); stream;
         stream = rill_stream_next(stream), count++) {
        check_stream(conn, stream, found);
        assert(stream->reason != RILL_OPEN && !stream->on_wire);
    }
    assert(conn->state == CONN_CLOSED ||
           (session->active == active && session->blocked == blocked));
    return count;
}

/* The connect deadline is held as long as it waits for its turn; it may have been let in since. */
static void check_dial(const rill_conn *conn, seen *all)
{
    const rill_visit *visit = &conn->dial->visit;
    assert(!conn->left_ms || !rill_timer_running(&conn->timer));
    assert((visit->state == VISIT_WAITING) == (visit->member.list != NULL));
    assert(visit->state != VISIT_WAITING || visit->mark == conn->setup.mark);
    assert(visit->state != VISIT_WAITING || !rill_timer_running(&conn->timer));
    all->handshakes += visit->state == VISIT_INSIDE;
    all->held_dials += visit->state == VISIT_WAITING;
}

static void check_conn(const rill_origin *origin, const rill_conn *conn, seen *all)
{
    assert(conn->setup.mark == &origin->mark);
    assert((conn->state == CONN_DIALING) == (conn->dial != NULL));
    if (conn->dial)
        check_dial(conn, all);
    assert(conn->state != CONN_CLOSED ||
           (!rill_conn_streams(conn) && !rill_timer_running(&conn->timer)));
    /* its origin has not acted on what has happened */
    assert(!conn->pool.idle.list || rill_conn_idle(conn) || origin->mark.member.list);
    all->connections += conn->state != CONN_CLOSED;
    all->requests += conn->session ? check_streams(conn, &all->found) : 0;
}

/* Returns the connections that take a place in the pool; adds to `*granted` what they may be sent.
 */
static uint32_t check_origin(const rill_origin *origin, seen *all, uint64_t *granted)
{
    uint32_t placed = 0;
    check_queue(&origin->queue, origin, &all->found);
    length_of(&origin->parked);
    all->origins++;
    all->waiting += origin->queue.count;
    all->in_line += origin->queue.count - origin->queue.assigned;
    all->requests += origin->queue.count;
    length_of(&origin->conns);
    assert(!origin->shared == !origin->guest.list);
    for (const rill_conn *conn = rill_conn_first(&origin->conns); conn;
         conn = rill_conn_next(conn)) {
        check_conn(origin, conn, all);
        placed += !conn->pool.given_back;
        *granted += conn->setup.link.conn_window;
    }
    assert(!origin->unused.list || (!rill_pace_first(origin) && !origin->conns.first));
    assert(!origin->last_conn || origin->last_conn->state == CONN_CLOSED);
    return placed;
}

/* What the account counts is what its bodies are. Adds to `*counted` what is compared when all
 * calls have been seen. */
static void check_account(const rill_account *account, held *counted)
{
    uint32_t held_back = 0;
    length_of(&account->collected);
    for (const rill_inlet *inlet = rill_inlet_oldest(account); inlet;
         inlet = rill_inlet_newer(inlet)) {
        assert(inlet->account == account && !inlet->done);
        held_back += inlet->held_back;
    }
    assert(account->held_back == held_back);
    counted->bytes += account->bytes;
    counted->windows += account->windows;
    counted->widened += account->widened;
    counted->done += account->done;
}

/* What waits for its turn, and what may go. */
static void check_pace(const rill_pace *pace, seen *all)
{
    check_queue(&pace->waiting, NULL, &all->found);
    assert(!pace->waiting.assigned);
    assert(pace->running <= pace->manners->concurrency && pace->running <= pace->calls);
    assert(length_of(&pace->granted) <= pace->running);
    assert((pace->unused.list != NULL) == !pace->calls);
    all->waiting += pace->waiting.count;
    all->in_line += pace->waiting.count;
    all->requests += pace->waiting.count;
}

static void check_paces(const rill_paces *paces, seen *all)
{
    uint32_t before = all->waiting;
    for (const rill_item *item = rill_table_next(&paces->table, NULL); item;
         item = rill_table_next(&paces->table, item))
        check_pace(RILL_OWNER((rill_item *)item, rill_pace, item), all);
    assert(paces->waiting == all->waiting - before);
    assert(length_of(&paces->unused) == paces->unused_count);
}

static void check_pool(const rill_pool *pool, seen *all)
{
    uint32_t placed = 0;
    uint64_t granted = 0, count = 0;
    check_account(pool->account, &all->counted);
    check_paces(&pool->paces, all);
    for (const rill_origin *origin = rill_origin_next(pool, NULL); origin;
         origin = rill_origin_next(pool, origin), count++) {
        assert(origin->pool == pool);
        placed += check_origin(origin, all, &granted);
    }
    assert(pool->origins.count == count);
    assert(pool->connections == placed && pool->connections <= pool->max_connections);
    assert(pool->granted == granted);
    assert(length_of(&pool->unused) == pool->unused_count);
    length_of(&pool->idle);
    length_of(&pool->shareable);
    length_of(&pool->waiting);
    length_of(&pool->waiting_for_more);
}

/* Who waits at the gate does because it is full, and the timer will let it in. */
static void check_gate(const rill_gate *gate, const seen *all)
{
    assert(gate->inside == all->handshakes);
    assert(length_of(&gate->waiting) == all->held_dials);
    assert(!all->held_dials || gate->inside >= GATE_MOST);
    assert(rill_timer_running(&gate->timer) == (gate->waiting.first != NULL));
}

void rill_check(rill_loop *loop)
{
    const rill_counters *counters = &loop->turn.counters;
    if (++loop->unchecked <= (counters->origins + counters->requests) / CHECK_SHARE)
        return;
    loop->unchecked = 0;
    seen all = {0};
    check_events(&loop->turn);
    for (const rill_endpoint *client = rill_endpoint_first(&loop->clients); client;
         client = rill_endpoint_next(client), all.clients++)
        check_pool(&client->pool, &all);
    assert(length_of(&loop->clients) == counters->clients && all.clients == counters->clients);
    assert(length_of(&loop->alarms) == counters->timers);
    assert(length_of(&loop->signals) == counters->signals);
    length_of(&loop->watches);
    check_gate(&loop->turn.gate, &all);
    assert(all.origins == counters->origins);
    assert(all.connections == counters->connections);
    assert(all.waiting == counters->waiting && all.in_line == loop->turn.in_line);
    assert(all.requests == counters->requests);
    add_ended(&loop->turn, &all.found);
    assert(!memcmp(&all.found, &all.counted, sizeof(all.found)));
}

#else
typedef int no_empty_unit; /* ISO C forbids one */
#endif
