#include "pool/origin.h"

#include <assert.h>
#include <string.h>

#include "pool/timeouts.h"
#include "pool/ending.h"
#include "pool/notice.h"
#include "pool/notes.h"
#include "pool/pace.h"
#include "pool/retry.h"
#include "pool/share.h"
#include "pool/unsent.h"
#include "base/error.h"
#include "base/trace.h"

/* Fewer calls than this that wait are put off where more may follow at once: see puts_off(). */
enum { ORIGIN_FEW = 8 };

static void mark(rill_origin *origin)
{
    rill_turn_mark(origin->pool->turn, &origin->mark);
}

/* --- ends ------------------------------------------------------------------------------------ */

static uint32_t number_of(const rill_conn *conn)
{
    return conn ? conn->setup.link.number : 0;
}

static void take_closed(rill_conn *conn)
{
    while (rill_conn_has_closed(conn)) {
        rill_stream *stream = rill_conn_oldest_closed(conn);
        rill_call *call = rill_call_of(stream);
        rill_stream_move(stream, NULL);
        rill_ending_attempt(call);
    }
}

/* Takes what has closed on a connection. After a failed dial, waiting calls fail first; a call
 * already sent during the handshake has used its attempt. */
static void take_ended(rill_conn *conn)
{
    if (conn->state != CONN_CLOSED || rill_conn_greeted(conn))
        take_closed(conn);
}

/* --- connections ----------------------------------------------------------------------------- */

static void wait_for_room(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    rill_list *line = origin->conns.first ? &pool->waiting_for_more : &pool->waiting;
    if (origin->waiting.list == line)
        return;
    rill_list_leave(&origin->waiting);
    rill_list_push(line, &origin->waiting);
}

static void wake_waiting(rill_pool *pool)
{
    rill_list *line = pool->waiting.first ? &pool->waiting : &pool->waiting_for_more;
    if (line->first)
        mark(RILL_OWNER(line->first, rill_origin, waiting));
}

/* It does not want a connection now: the next in line may. */
static void leave_line(rill_origin *origin)
{
    if (!origin->waiting.list)
        return;
    rill_list_leave(&origin->waiting);
    wake_waiting(origin->pool);
}

/* False: there is no room for it, or no memory. */
static bool dial(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    bool others_first = origin->conns.first && pool->waiting.first;
    if (others_first || !rill_pool_make_room(pool)) {
        wait_for_room(origin);
        return false;
    }
    rill_list_leave(&origin->waiting);
    origin->round++;
    rill_conn_setup setup = {
        .mark = &origin->mark,
        .target = {.host = origin->host,
                   .port = origin->port,
                   .tls = origin->tls ? pool->tls : NULL,
                   .tls_options = pool->tls,
                   .proxy = origin->proxy,
                   .forward = origin->forward,
                   .user_agent = pool->proxy_agent,
                   .memory = &origin->memory,
                   .http11 = origin->http11,
                   .asks = rill_share_wanted(origin),
                   .clear = pool->clear,
                   .from = &origin->from},
    };
    rill_error error = {0};
    rill_conn *conn = rill_pool_dial(pool, &setup, &error);
    if (!conn) {
        rill_unsent_fail(origin, NULL, &error);
        return false;
    }
    conn->calm = origin->calm;
    origin->calm = 0;
    rill_list_push_first(&origin->conns, &conn->member);
    rill_notes_dial(rill_notes_of(pool), conn);
    if (pool->connections < pool->max_connections)
        wake_waiting(pool); /* there is room for the next in line too */
    return true;
}

static void count_opened(rill_origin *origin, rill_conn *conn)
{
    rill_stats *stats = &origin->pool->stats;
    if (conn->pool.counted || conn->state == CONN_DIALING || conn->state == CONN_CLOSED)
        return;
    conn->pool.counted = true;
    origin->content.failures = 0;
    rill_notes_connected(rill_notes_of(origin->pool), conn);
    origin->protocol = conn->session->protocol;
    stats->connections_opened++;
    rill_share_offer(origin, conn);
    if (!conn->transport.tls)
        return;
    stats->handshakes++;
    stats->resumptions += SSL_session_reused(conn->transport.tls->ssl);
    rill_pool_warn_tls(origin->pool); /* writing the key log may have failed */
}

/* It has closed, and its streams are taken. */
static void free_closed(rill_origin *origin, rill_conn *conn)
{
    rill_list_leave(&conn->member);
    rill_list_leave(&conn->pool.shareable);
    rill_share_wake(conn, true);
    rill_pool_retire(origin->pool, conn);
    if (origin->single)
        origin->last_conn = conn;
    else
        rill_conn_free(conn);
    wake_waiting(origin->pool);
}

/* --- sending --------------------------------------------------------------------------------- */

static void trace_sent(const rill_call *call)
{
    char text[64];
    if (!RILL_TRACES(call->turn, TRACE_POOL))
        return;
    snprintf(text, sizeof(text), "sent as stream %d, attempt %u", (int)call->stream->id,
             (unsigned)call->attempts);
    rill_call_trace(call, number_of(call->conn), text);
}

static bool send_call(rill_origin *origin, rill_conn *conn, rill_call *call)
{
    rill_pool *pool = origin->pool;
    rill_head head;
    rill_call_head(call, &pool->defaults, &head);
    head.forward = origin->forward;
    const char *rights = origin->forward ? origin->proxy->authorization : NULL;
    head.proxy_authorization = (rill_chars){rights, rights ? strlen(rights) : 0};
    bool begun = rill_call_begin(call);
    if (begun && conn->setup.mark != &origin->mark)
        call->stream->elsewhere = call->repeat && rill_source_repeats(call->source);
    int32_t code = begun ? rill_conn_submit(conn, call->stream, &head) : -RILL_ERROR;
    if (code == -RILL_INACTIVE)
        return false;
    rill_pace_sent(call);
    rill_pool_leave_idle(conn);
    call->attempts++;
    if (code) {
        rill_call_close(call, &rill_error_no_memory);
        rill_ending_finish(call);
        return true;
    }
    call->conn = conn;
    trace_sent(call);
    origin->abroad += rill_share_is_guest(call);
    rill_peer_release(call->peer);
    call->peer = rill_peer_hold(conn->peer);
    rill_timeouts_dialled(call, conn);
    rill_timeouts_start(call);
    rill_call_move(call, CALL_SENT);
    pool->stats.attempts++;
    rill_notes_call(call, RILL_NOTE_SENT);
    return true;
}

/* Whether calls that still wait can expect room without another dial: none is coming; all
 * connections are full; a slot or a connection will come. Fills what has room. */
enum room { ROOM_NONE, ROOM_ALL_FULL, ROOM_COMING };

/* Fills one that is open. */
static enum room fill(rill_origin *origin, rill_conn *conn, uint32_t *usable)
{
    rill_queue *queue = &origin->queue;
    bool ready = !queue->calls.first || rill_conn_ready(conn);
    if (!rill_conn_usable(conn))
        return ROOM_NONE;
    ++*usable;
    uint32_t slots = ready ? rill_conn_room(conn) : 0;
    while (queue->calls.first && slots-- && !conn->session->full &&
           (conn->state == CONN_OPEN || rill_queue_first(queue)->repeat) &&
           send_call(origin, conn, rill_queue_first(queue)))
        ;
    return rill_conn_at_limit(conn) ? ROOM_ALL_FULL : ROOM_COMING;
}

/* The same for one that it is a guest on, whose owner sends. */
static enum room fill_shared(rill_origin *origin, uint32_t *usable)
{
    rill_conn *conn = origin->queue.calls.first ? rill_share_of(origin) : NULL;
    if (!conn)
        return ROOM_NONE;
    enum room room = fill(origin, conn, usable);
    if (rill_share_of(origin) && origin->queue.calls.first)
        rill_share_wait(origin);
    rill_turn_mark(origin->pool->turn, conn->setup.mark);
    return room;
}

static enum room fill_connections(rill_origin *origin, uint32_t *usable)
{
    enum room expected = ROOM_NONE;
    *usable = 0;
    for (rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn)) {
        if (conn->state == CONN_DIALING) {
            ++*usable;
            expected = ROOM_COMING;
            continue;
        }
        if (origin->http11 && !conn->setup.target.http11)
            rill_conn_drain(conn);
        enum room room = fill(origin, conn, usable);
        expected = room > expected ? room : expected;
    }
    enum room room = fill_shared(origin, usable);
    return room > expected ? room : expected;
}

/* Whether those that there are have to do, see rill_retry_be_content(). */
static bool is_content(const rill_origin *origin, uint32_t usable)
{
    return usable && rill_timer_running(&origin->content.timer);
}

/* Whether it may have one more: so many that take requests, and as many again that drain. A peer
 * that says GOAWAY again and again, and lets its streams go on, gets no more. */
static bool may_dial(const rill_origin *origin, uint32_t usable)
{
    uint64_t most = origin->pool->max_connections_per_origin, count = usable;
    if (!most)
        most = origin->protocol ? origin->protocol->connections : 1;
    for (const rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn))
        count += conn->state == CONN_DRAINING;
    return !origin->single && !is_content(origin, usable) && usable < most && count < 2 * most;
}

/* Where a connection carries one call, as many are dialled as calls wait. */
static void dial_side_by_side(rill_origin *origin, uint32_t usable)
{
    while (rill_unsent_expected(origin, false) < origin->queue.count && may_dial(origin, usable) &&
           dial(origin))
        usable++;
}

/* Hands waiting calls to connections that have room; dials when none is expected. */
static void dispatch(rill_origin *origin)
{
    rill_queue *queue = &origin->queue;
    if (!queue->calls.first && !origin->http11) { /* with that some connections have to drain */
        leave_line(origin);
        return;
    }
    if (rill_origin_backs_off(origin)) {
        leave_line(origin);
    } else {
        uint32_t usable;
        enum room expected = fill_connections(origin, &usable);
        if (!queue->calls.first || is_content(origin, usable))
            leave_line(origin);
        else if (expected == ROOM_NONE && origin->single)
            rill_unsent_refuse(origin, rill_origin_conn(origin));
        else if (expected != ROOM_COMING && may_dial(origin, usable))
            dial(origin);
        else if (origin->protocol && origin->protocol->side_by_side)
            dial_side_by_side(origin, usable);
    }
    rill_queue_assign(queue, rill_origin_backs_off(origin) ? queue->assigned
                                                           : rill_unsent_expected(origin, false));
}

/* Reports to the owner of a single connection. */
static void report(rill_origin *origin, rill_conn *conn, bool closed)
{
    rill_pool *pool = origin->pool;
    if (!origin->single)
        return;
    if (conn->session && conn->session->pong) {
        rill_turn_report(pool->turn, pool->entry, RILL_EVENT_PONG);
        conn->session->pong = false;
    }
    if (rill_conn_greeted(conn) && !origin->told_connected) {
        origin->told_connected = true;
        rill_turn_report(pool->turn, pool->entry, RILL_EVENT_CONNECTED);
    }
    if (closed)
        rill_turn_report(pool->turn, pool->entry, RILL_EVENT_CLOSED);
}

static void free_all_closed(rill_origin *origin)
{
    rill_conn *next;
    for (rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = next) {
        next = rill_conn_next(conn);
        if (conn->state != CONN_CLOSED)
            continue;
        rill_notes_ended(rill_notes_of(origin->pool), conn);
        if (!conn->pool.unneeded)
            rill_unsent_lose(origin, conn);
        take_closed(conn);
        report(origin, conn, true);
        free_closed(origin, conn);
    }
}

static void leave_unused(rill_origin *origin)
{
    if (!origin->unused.list)
        return;
    rill_list_leave(&origin->unused);
    origin->pool->unused_count--;
}

static void note_unused(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    if (rill_pace_first(origin) || origin->conns.first || origin->abroad || origin->unused.list)
        return;
    if (pool->owner)
        rill_turn_mark(pool->turn, pool->owner);
    rill_list_push(&pool->unused, &origin->unused);
    if (++pool->unused_count > ORIGINS_UNUSED)
        rill_origin_free(RILL_OWNER(pool->unused.first, rill_origin, unused));
}

/* Whether its few waiting calls, and all else that it would send or give away, are put off, once:
 * responses have just come, and who gets these may ask for more. Where the queue of events has
 * filled, they are handed out first; else it acts again in the same pass. A call that goes alone is
 * answered alone, and so on: of 1,000 connections with ten streams each, half of all writes carried
 * one request. */
static bool puts_off(rill_origin *origin, uint32_t events)
{
    const rill_turn *turn = origin->pool->turn;
    bool batches = origin->protocol && !origin->protocol->side_by_side;
    origin->put_off = !origin->put_off && batches && turn->event_count > events &&
                      origin->queue.calls.first && origin->queue.count < ORIGIN_FEW;
    if (origin->put_off)
        mark(origin);
    return origin->put_off;
}

static void on_act(rill_mark *marked)
{
    rill_origin *origin = RILL_OWNER(marked, rill_origin, mark);
    uint32_t events = origin->pool->turn->event_count;
    for (rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn)) {
        rill_conn_act(conn);
        rill_share_act(origin, conn);
        count_opened(origin, conn);
        if (rill_notes_of(origin->pool)) {
            rill_notes_goaway(rill_notes_of(origin->pool), conn);
            rill_notes_heads(conn);
        }
        if (conn->session && conn->session->look)
            rill_notice_streams(conn);
        take_ended(conn);
    }
    free_all_closed(origin);
    if (puts_off(origin, events))
        return;
    dispatch(origin);
    bool closed = false, ended = false;
    for (rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn)) {
        bool full = conn->session && conn->session->full;
        rill_conn_flush(conn);
        ended = ended || rill_conn_has_closed(conn) || full;
        take_ended(conn);
        rill_pool_note_idle(origin->pool, conn);
        if (conn->pool.idle.list)
            wake_waiting(origin->pool); /* it may take this one's place */
        closed = closed || conn->state == CONN_CLOSED;
        rill_share_wake(conn, !rill_conn_usable(conn));
        report(origin, conn, false);
    }
    if (closed || (ended && origin->queue.calls.first))
        mark(origin); /* freed, replaced, or sent again, in the next pass */
    note_unused(origin);
}

/* --- from outside ---------------------------------------------------------------------------- */

void rill_origin_add(rill_origin *origin, rill_call *call)
{
    rill_turn *turn = origin->pool->turn;
    leave_unused(origin);
    call->origin = origin;
    rill_timeouts_init(call);
    call->number = ++origin->pool->calls;
    rill_pace_enter(call);
    rill_call_assign(call, false);
    turn->counters.requests++;
    turn->submitted++;
    rill_notes_call(call, RILL_NOTE_REQUEST);
    if (origin->no_h2 && turn->now_ms - origin->no_h2_ms < ALPN_VERDICT_MS) {
        call->attempts++;
        rill_ending_close(call, origin->no_h2);
    }
    mark(origin);
}

void rill_origin_close(rill_origin *origin)
{
    static const rill_error inactive = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the client was closed"};
    static const rill_error cancelled = {
        .reason = RILL_CANCELLED, .code = -1, .message = "the client was closed"};
    rill_call *call;
    while ((call = rill_pace_first(origin)))
        rill_ending_close(call, &inactive);
    for (rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn)) {
        while (rill_conn_streams(conn))
            rill_ending_close(rill_call_of(rill_conn_streams(conn)), &cancelled);
        take_ended(conn);
        rill_conn_drain(conn);
        rill_notes_ended(rill_notes_of(origin->pool), conn);
    }
    mark(origin);
}

void rill_origin_settle(rill_origin *origin)
{
    for (rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn)) {
        take_closed(conn);
        rill_notes_ended(rill_notes_of(origin->pool), conn);
    }
}

void rill_origin_connect(rill_origin *origin)
{
    origin->single = true;
    dial(origin);
}

rill_origin *rill_origin_next(const rill_pool *pool, const rill_origin *origin)
{
    return RILL_OWNER(rill_table_next(&pool->origins, origin ? &origin->item : NULL), rill_origin,
                      item);
}

rill_origin *rill_origin_new(rill_pool *pool, bool tls, const char *host, size_t host_length,
                             uint16_t port)
{
    rill_slab *slab = &pool->turn->slab;
    rill_origin *origin = rill_slab_zalloc(slab, sizeof(*origin));
    char *name = rill_slab_alloc(slab, host_length + 1);
    if (!origin || !name) {
        rill_slab_free(slab, origin);
        rill_slab_free(slab, name);
        return NULL;
    }
    memcpy(name, host, host_length);
    name[host_length] = 0;
    origin->pool = pool;
    origin->host = name;
    origin->port = port;
    origin->tls = tls;
    origin->mark.act = on_act;
    rill_retry_init(origin);
    pool->turn->counters.origins++;
    return origin;
}

void rill_origin_free(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    assert(!rill_pace_first(origin));
    rill_conn *conn;
    while ((conn = rill_conn_first(&origin->conns))) {
        rill_conn_fail(conn, NULL);
        take_closed(conn);
        rill_notes_ended(rill_notes_of(pool), conn);
        free_closed(origin, conn);
    }
    if (origin->last_conn)
        rill_conn_free(origin->last_conn);
    rill_list_leave(&origin->waiting);
    rill_share_leave(origin);
    leave_unused(origin);
    if (origin->listed)
        rill_table_remove(&pool->origins, &origin->item);
    if (pool->latest == origin)
        pool->latest = NULL;
    rill_turn_unmark(&origin->mark);
    rill_wheel_stop(&pool->turn->wheel, &origin->backoff.timer);
    rill_wheel_stop(&pool->turn->wheel, &origin->content.timer);
    rill_tls_memory_dispose(&origin->memory);
    rill_proxy_release(origin->proxy);
    pool->turn->counters.origins--;
    rill_slab_free(&pool->turn->slab, origin->no_h2);
    rill_slab_free(&pool->turn->slab, origin->host);
    rill_slab_free(&pool->turn->slab, origin);
}
