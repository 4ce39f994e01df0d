#include "origin.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

static rill_call *call_of(rill_stream *stream)
{
    return (rill_call *)((char *)stream - offsetof(rill_call, stream));
}

/* Room for a sentence is kept for the one that says that others were dropped. */
void rill_pool_warn(rill_pool *pool, const char *format, ...)
{
    char text[WARNING_LENGTH];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (pool->warnings_dropped)
        return;
    if (pool->warning_length + 2 * WARNING_LENGTH > WARNINGS_MAX) {
        pool->warnings_dropped = true;
        snprintf(text, sizeof(text), "more warnings than anybody reads: some were dropped");
    }
    size_t size = strlen(text) + 1;
    char *grown = rill_slab_realloc(&pool->turn->slab, pool->warning, pool->warning_length + size);
    if (!grown)
        return;
    memcpy(grown + pool->warning_length, text, size);
    pool->warning = grown;
    pool->warning_length += size;
    rill_turn_report(pool->turn, pool->entry, RILL_EVENT_WARNING);
}

static void mark(rill_origin *origin)
{
    rill_turn_mark(origin->pool->turn, &origin->mark);
}

/* --- the queue ------------------------------------------------------------------------------- */

static void enqueue(rill_origin *origin, rill_call *call, rill_call *before)
{
    call->next = before;
    call->prev = before ? before->prev : origin->last;
    *(call->prev ? &call->prev->next : &origin->first) = call;
    *(before ? &before->prev : &origin->last) = call;
    call->queued = true;
    origin->queued++;
}

static void dequeue(rill_origin *origin, rill_call *call)
{
    *(call->prev ? &call->prev->next : &origin->first) = call->next;
    *(call->next ? &call->next->prev : &origin->last) = call->prev;
    call->next = call->prev = NULL;
    call->queued = false;
    origin->queued--;
    if (call->assigned)
        origin->assigned--;
}

/* --- clocks ---------------------------------------------------------------------------------- */

static void on_call_timer(rill_timer *timer);

/* Starts the clock that runs now, and keeps what is left on the other. */
static void set_assigned(rill_call *call, bool assigned)
{
    rill_turn *turn = call->setup.turn;
    rill_timer *timer = &call->timer;
    uint64_t *stopped = assigned ? &call->queue_ms : &call->timeout_ms;
    uint64_t running = assigned ? call->timeout_ms : call->queue_ms;
    if (rill_timer_running(timer))
        *stopped = timer->deadline_ms > turn->now_ms ? timer->deadline_ms - turn->now_ms : 1;
    timer->expire = on_call_timer;
    call->assigned = assigned;
    if (running)
        rill_wheel_start(&turn->wheel, timer, turn->now_ms + running);
    else
        rill_wheel_stop(&turn->wheel, timer);
}

/* How many waiting calls a connection is held to be coming for. One that grants no slot at all
 * counts: else its calls would wait for ever without a clock. */
static uint32_t assignable(const rill_origin *origin)
{
    uint64_t count = 0;
    for (const rill_conn *conn = origin->conns; conn; conn = conn->next)
        if (conn->state == CONN_DIALING ||
            (conn->state == CONN_OPEN && !conn->session.peer_max_streams) ||
            (conn->state == CONN_OPEN && rill_transport_blocked(&conn->transport)))
            count += origin->pool->max_streams;
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* The assigned ones are always the first of the queue. */
static void assign(rill_origin *origin)
{
    uint32_t most = assignable(origin), seen = 0;
    if (!most && !origin->assigned)
        return;
    for (rill_call *call = origin->first; call; call = call->next) {
        bool wanted = seen++ < most;
        if (!wanted && !origin->assigned)
            break;
        if (wanted == call->assigned)
            continue;
        origin->assigned += wanted ? 1 : (uint32_t)-1;
        set_assigned(call, wanted);
    }
}

/* --- ends ------------------------------------------------------------------------------------ */

static void finish(rill_origin *origin, rill_call *call)
{
    rill_stats *stats = &origin->pool->stats;
    stats->closed[call->stream.reason]++;
    if (call->stream.reason == RILL_ENDED || call->stream.reason == RILL_STOPPED)
        stats->responses++;
    origin->pool->turn->counters.requests--;
    rill_call_finish(call);
}

/* Repeats a call whose attempt has ended, before `before`, or finishes it. */
static void end_attempt(rill_origin *origin, rill_call *call, rill_call *before)
{
    if (!rill_call_repeats(call)) {
        finish(origin, call);
        return;
    }
    call->repeats++;
    origin->pool->stats.retries++;
    rill_call_renew(call);
    call->assigned = false;
    enqueue(origin, call, before);
}

/* Takes what has closed on a connection: older requests go back to the head of the queue, in order. */
static void settle(rill_origin *origin, rill_conn *conn)
{
    rill_stream *closed = NULL;
    rill_call *head = origin->first;
    if (!conn->session.closed)
        return;
    rill_conn_take_closed(conn, &closed);
    while (closed) {
        rill_call *call = call_of(closed);
        rill_stream_move(closed, NULL);
        end_attempt(origin, call, head);
    }
}

static void warn_sizes(rill_origin *origin, rill_conn *conn)
{
    rill_stream *const lists[] = {conn->session.open, conn->session.closed};
    conn->session.warn = false;
    for (int i = 0; i < 2; i++) {
        for (rill_stream *stream = lists[i]; stream; stream = stream->next) {
            if (!stream->warn)
                continue;
            char url[256];
            stream->warn = false;
            rill_call_url(call_of(stream), url, sizeof(url));
            bool announced = stream->content_length > (int64_t)stream->warnsize;
            rill_pool_warn(origin->pool, "%s: %s %llu bytes, more than warnsize (%llu)", url,
                           announced ? "announces" : "has sent",
                           (unsigned long long)(announced ? (uint64_t)stream->content_length
                                                          : stream->received),
                           (unsigned long long)stream->warnsize);
        }
    }
}

/* Every waiting call is told that there is no connection. */
static void fail_queue(rill_origin *origin, const rill_error *error)
{
    rill_call *call = origin->first;
    while (call) {
        rill_call *next = call->next;
        dequeue(origin, call);
        call->attempts++;
        rill_stream_close_because(&call->stream, error);
        finish(origin, call);
        call = next;
    }
}

/* --- connections ----------------------------------------------------------------------------- */

static void leave_idle(rill_conn *conn)
{
    if (!conn->idle_link)
        return;
    *conn->idle_link = conn->idle_next;
    if (conn->idle_next)
        conn->idle_next->idle_link = conn->idle_link;
    conn->idle_next = NULL;
    conn->idle_link = NULL;
}

static void note_idle(rill_origin *origin, rill_conn *conn)
{
    bool idle = rill_conn_idle(conn);
    if (!idle)
        leave_idle(conn);
    if (!idle || conn->idle_link)
        return;
    rill_pool *pool = origin->pool;
    conn->idle_next = pool->idle;
    conn->idle_link = &pool->idle;
    if (pool->idle)
        pool->idle->idle_link = &conn->idle_next;
    pool->idle = conn;
    if (pool->waiting)
        rill_turn_mark(pool->turn, &pool->waiting->mark); /* it may evict this one */
}

static void stop_waiting(rill_origin *origin)
{
    if (!origin->wait_link)
        return;
    *origin->wait_link = origin->wait_next;
    if (origin->wait_next)
        origin->wait_next->wait_link = origin->wait_link;
    origin->wait_next = NULL;
    origin->wait_link = NULL;
}

static void wait_for_connection(rill_origin *origin)
{
    if (origin->wait_link)
        return;
    rill_origin **end = &origin->pool->waiting;
    while (*end)
        end = &(*end)->wait_next;
    origin->wait_next = NULL;
    origin->wait_link = end;
    *end = origin;
}

/* Closes the connection that has been idle longest. False: none is. */
static bool evict(rill_pool *pool)
{
    rill_conn *oldest = pool->idle;
    while (oldest && oldest->idle_next)
        oldest = oldest->idle_next;
    if (!oldest)
        return false;
    leave_idle(oldest);
    rill_conn_fail(oldest, NULL);
    rill_turn_mark(pool->turn, oldest->setup.mark); /* its origin buries it */
    pool->connections--;
    oldest->given_back = true;
    return true;
}

/* What a new connection may be sent before it must wait: all of them together stay below
 * max_buffered, but for the least that HTTP/2 allows. */
static uint32_t window_left(const rill_pool *pool)
{
    uint64_t most = pool->session.max_buffered;
    uint64_t left = most > pool->granted ? most - pool->granted : 0;
    return left > SESSION_WINDOW       ? SESSION_WINDOW
           : left < SESSION_WINDOW_MIN ? SESSION_WINDOW_MIN
                                       : (uint32_t)left;
}

static void dial(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    if (pool->connections >= pool->max_connections && !evict(pool)) {
        wait_for_connection(origin);
        return;
    }
    stop_waiting(origin);
    rill_conn_setup setup = {
        .turn = pool->turn,
        .mark = &origin->mark,
        .target = {.host = origin->host,
                   .port = origin->port,
                   .resolver = pool->resolver,
                   .resolve = pool->resolve,
                   .resolve_count = pool->resolve_count,
                   .tls = origin->tls ? pool->tls : NULL,
                   .memory = &origin->memory},
        .session = pool->session,
        .connect_timeout_ms = pool->connect_timeout_ms,
        .idle_timeout_ms = pool->idle_timeout_ms,
        .max_streams = pool->max_streams,
    };
    setup.session.conn_window = window_left(pool);
    rill_error error = {0};
    rill_conn *conn = rill_conn_new(&setup, &error);
    if (!conn) {
        fail_queue(origin, &error);
        return;
    }
    pool->granted += setup.session.conn_window;
    pool->connections++;
    conn->next = origin->conns;
    conn->link = &origin->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    origin->conns = conn;
}

static void count_opened(rill_origin *origin, rill_conn *conn)
{
    rill_stats *stats = &origin->pool->stats;
    if (conn->counted || conn->state == CONN_DIALING || !conn->session.ng)
        return;
    conn->counted = true;
    stats->connections_opened++;
    if (!conn->transport.ssl)
        return;
    stats->handshakes++;
    stats->resumptions += SSL_session_reused(conn->transport.ssl);
}

static void bury(rill_origin *origin, rill_conn *conn)
{
    rill_pool *pool = origin->pool;
    leave_idle(conn);
    pool->stats.bytes_sent += conn->transport.bytes_sent;
    pool->stats.bytes_received += conn->transport.bytes_received;
    pool->granted -= conn->setup.session.conn_window;
    if (!conn->given_back)
        pool->connections--;
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    rill_conn_free(conn);
    if (pool->waiting)
        rill_turn_mark(pool->turn, &pool->waiting->mark);
}

/* --- sending --------------------------------------------------------------------------------- */

/* No 100 (Continue) came: the body goes all the same. */
static void on_expect_timer(rill_timer *timer)
{
    rill_call *call = (rill_call *)((char *)timer - offsetof(rill_call, expect));
    call->source->held = false;
    if (!call->conn)
        return;
    rill_session_resume(&call->conn->session, &call->stream);
    rill_turn_mark(call->setup.turn, call->conn->setup.mark);
}

static bool send_call(rill_origin *origin, rill_conn *conn, rill_call *call)
{
    rill_pool *pool = origin->pool;
    size_t count;
    nghttp2_nv *fields = rill_call_fields(call, &pool->defaults, &count);
    if (fields && rill_conn_submit(conn, &call->stream, fields, count)) {
        rill_slab_free(&pool->turn->slab, fields);
        return false;
    }
    dequeue(origin, call);
    call->attempts++;
    if (!fields) {
        rill_stream_close(&call->stream, RILL_ERROR, -1, "out of memory");
        finish(origin, call);
        return true;
    }
    rill_slab_free(&pool->turn->slab, fields); /* nghttp2 keeps a copy of the array */
    if (!call->assigned)
        set_assigned(call, true);
    call->conn = conn;
    call->conn_id = conn->entry.id;
    if (call->source && call->source->held) {
        call->expect.expire = on_expect_timer;
        rill_wheel_start(&pool->turn->wheel, &call->expect, pool->turn->now_ms + CALL_EXPECT_MS);
    }
    if (call->started_ms < conn->opened_ms) { /* it has waited for the dial */
        call->timings.dns = conn->dns_s;
        call->timings.connect = conn->connect_s;
        call->timings.tls = conn->tls_s;
    }
    pool->stats.attempts++;
    return true;
}

/* The one connection takes no new streams: says why. */
static void refuse_queue(rill_origin *origin, const rill_conn *conn)
{
    const rill_session *session = &conn->session;
    rill_error error = {0};
    if (conn->error.reason && !conn->greeted) {
        error = conn->error;
    } else if (session->goaway_received) {
        rill_error_set(&error, RILL_GOAWAY, "the peer has said GOAWAY (%s%s%s): no new streams",
                       rill_code_name(session->goaway_code), session->goaway_debug[0] ? ": " : "",
                       session->goaway_debug);
        error.code = session->goaway_code;
    } else {
        rill_error_set(&error, RILL_INACTIVE, "the connection takes no new streams: %s",
                       conn->error.reason              ? conn->error.message
                       : conn->state == CONN_DRAINING ? "it drains"
                                                      : "it is closed");
    }
    fail_queue(origin, &error);
}

/* Hands waiting calls to connections that have room; dials when there is none to hope for. */
static void dispatch(rill_origin *origin)
{
    bool hope = false;
    for (rill_conn *conn = origin->conns; conn; conn = conn->next) {
        uint32_t room = rill_conn_room(conn);
        while (origin->first && room-- && (conn->greeted || origin->first->repeat) &&
               send_call(origin, conn, origin->first))
            ;
        hope = hope || conn->state == CONN_DIALING ||
               (conn->state == CONN_OPEN && rill_session_usable(&conn->session));
    }
    if (origin->first && !hope && origin->conns && origin->single)
        refuse_queue(origin, origin->conns);
    else if (origin->first && !hope)
        dial(origin);
    else if (!origin->first)
        stop_waiting(origin);
    assign(origin);
}

/* Calls that counted on a connection which went without taking them: another one is tried, but not
 * for ever. */
static void lose_assigned(rill_origin *origin)
{
    static const rill_error inactive = {
        .reason = RILL_INACTIVE,
        .code = -1,
        .message = "the connection went before the request was sent"};
    uint32_t left = origin->assigned;
    for (rill_call *next, *call = origin->first; call && left--; call = next) {
        next = call->next;
        if (!call->repeat || ++call->repeats > CALL_REPEATS)
            rill_origin_close_call(call, &inactive);
    }
}

/* A connection that ended before anybody used it tells those who wait; a later one is replaced. */
static void bury_closed(rill_origin *origin)
{
    rill_conn *next;
    for (rill_conn *conn = origin->conns; conn; conn = next) {
        next = conn->next;
        if (conn->state != CONN_CLOSED || origin->single)
            continue;
        rill_error error = conn->error;
        bool failed = error.reason && error.reason != RILL_CONNECTION_LOST && !conn->greeted;
        bury(origin, conn);
        if (failed)
            fail_queue(origin, &error);
        else
            lose_assigned(origin);
    }
}

static void leave_unused(rill_origin *origin)
{
    if (!origin->unused_link)
        return;
    *origin->unused_link = origin->unused_next;
    if (origin->unused_next)
        origin->unused_next->unused_link = origin->unused_link;
    origin->unused_next = NULL;
    origin->unused_link = NULL;
    origin->pool->unused_count--;
}

static void note_unused(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    bool busy = origin->first || (origin->conns && (!origin->single || !origin->told_closed ||
                                                    origin->conns->session.closed));
    if (busy || origin->unused_link)
        return;
    if (pool->owner)
        rill_turn_mark(pool->turn, pool->owner);
    origin->unused_next = pool->unused;
    origin->unused_link = &pool->unused;
    if (pool->unused)
        pool->unused->unused_link = &origin->unused_next;
    pool->unused = origin;
    if (++pool->unused_count <= ORIGINS_UNUSED)
        return;
    while (origin->unused_next)
        origin = origin->unused_next;
    rill_origin_free(origin);
}

static void tell(rill_origin *origin, rill_conn *conn)
{
    rill_pool *pool = origin->pool;
    if (conn->session.pong)
        rill_turn_report(pool->turn, pool->entry, RILL_EVENT_PONG);
    conn->session.pong = false;
    if (conn->greeted && !origin->told_connected) {
        origin->told_connected = true;
        rill_turn_report(pool->turn, pool->entry, RILL_EVENT_CONNECTED);
    }
    if (conn->state == CONN_CLOSED && !origin->told_closed) {
        origin->told_closed = true;
        rill_turn_report(pool->turn, pool->entry, RILL_EVENT_CLOSED);
    }
}

static void on_act(rill_mark *marked)
{
    rill_origin *origin = (rill_origin *)((char *)marked - offsetof(rill_origin, mark));
    for (rill_conn *conn = origin->conns; conn; conn = conn->next) {
        rill_conn_act(conn);
        count_opened(origin, conn);
        if (conn->session.warn)
            warn_sizes(origin, conn);
        settle(origin, conn);
    }
    bury_closed(origin);
    dispatch(origin);
    bool closed = false;
    for (rill_conn *conn = origin->conns; conn; conn = conn->next) {
        rill_conn_flush(conn);
        settle(origin, conn);
        note_idle(origin, conn);
        closed = closed || conn->state == CONN_CLOSED;
        if (origin->single)
            tell(origin, conn);
    }
    if (closed && (!origin->single || origin->first))
        mark(origin); /* buried, and replaced, in the next pass */
    note_unused(origin);
}

/* --- from outside ---------------------------------------------------------------------------- */

void rill_origin_add(rill_origin *origin, rill_call *call)
{
    leave_unused(origin);
    call->origin = origin;
    enqueue(origin, call, NULL);
    set_assigned(call, false);
    origin->pool->turn->counters.requests++;
    origin->pool->turn->submitted++;
    mark(origin);
}

void rill_origin_close_call(rill_call *call, const rill_error *error)
{
    rill_origin *origin = call->origin;
    if (!origin || call->stream.reason != RILL_OPEN)
        return; /* it has ended */
    rill_stream_close_because(&call->stream, error);
    if (call->queued) {
        dequeue(origin, call);
        finish(origin, call);
    } else {
        rill_session_retire(&call->conn->session, &call->stream);
    }
    mark(origin);
}

void rill_origin_drop_call(rill_call *call)
{
    static const rill_error dropped = {.reason = RILL_CANCELLED, .code = -1, .message = "dropped"};
    rill_turn_forget(call->setup.turn, &call->entry);
    if (call->origin)
        rill_origin_close_call(call, &dropped); /* finishing buries what has no id */
    else
        rill_turn_bury(call->setup.turn, &call->entry);
}

static enum rill_phase phase_of(const rill_call *call)
{
    if (!call->queued)
        return call->stream.status ? RILL_PHASE_BODY : RILL_PHASE_HEADERS;
    if (call->assigned)
        for (rill_conn *conn = call->origin->conns; conn; conn = conn->next)
            if (conn->state == CONN_DIALING)
                return rill_conn_phase(conn);
    return RILL_PHASE_QUEUE;
}

static void on_call_timer(rill_timer *timer)
{
    rill_call *call = (rill_call *)((char *)timer - offsetof(rill_call, timer));
    enum rill_phase phase = phase_of(call);
    rill_error error = {0};
    rill_error_set(&error, RILL_TIMEOUT, "%s ran out (waiting for %s)",
                   call->assigned ? "timeout" : "queue_timeout", rill_phase_name((int32_t)phase));
    error.phase = (int32_t)phase;
    rill_origin_close_call(call, &error);
}

void rill_origin_close(rill_origin *origin)
{
    rill_conn *conn;
    static const rill_error inactive = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the client was closed"};
    static const rill_error cancelled = {
        .reason = RILL_CANCELLED, .code = -1, .message = "the client was closed"};
    while (origin->first)
        rill_origin_close_call(origin->first, &inactive);
    for (conn = origin->conns; conn; conn = conn->next) {
        while (conn->session.open)
            rill_origin_close_call(call_of(conn->session.open), &cancelled);
        settle(origin, conn);
        rill_conn_drain(conn);
    }
    mark(origin);
}

void rill_origin_connect(rill_origin *origin)
{
    origin->single = true;
    dial(origin);
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
    pool->turn->counters.origins++;
    return origin;
}

void rill_origin_free(rill_origin *origin)
{
    rill_pool *pool = origin->pool;
    assert(!origin->first);
    while (origin->conns) {
        rill_conn_fail(origin->conns, NULL);
        settle(origin, origin->conns);
        bury(origin, origin->conns);
    }
    stop_waiting(origin);
    leave_unused(origin);
    if (origin->link) {
        *origin->link = origin->next;
        if (origin->next)
            origin->next->link = origin->link;
    }
    rill_turn_unmark(&origin->mark);
    rill_tls_memory_dispose(&origin->memory);
    pool->turn->counters.origins--;
    rill_slab_free(&pool->turn->slab, origin->host);
    rill_slab_free(&pool->turn->slab, origin);
}
