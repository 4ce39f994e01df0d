#include "pool/retry.h"

#include "http/code.h"

/* --- back-off -------------------------------------------------------------------------------- */

static void on_backoff(rill_timer *timer)
{
    rill_origin *origin = RILL_OWNER(timer, rill_origin, backoff.timer);
    rill_turn_mark(origin->pool->turn, &origin->mark);
}

static void on_content(rill_timer *timer)
{
    rill_origin *origin = RILL_OWNER(timer, rill_origin, content.timer);
    rill_turn_mark(origin->pool->turn, &origin->mark);
}

void rill_retry_init(rill_origin *origin)
{
    origin->backoff.timer.expire = on_backoff;
    origin->content.timer.expire = on_content;
}

/* Unless it lasts already. */
static void begin(rill_origin_pause *pause, rill_turn *turn)
{
    if (rill_timer_running(&pause->timer))
        return;
    uint64_t delay_ms = BACKOFF_MOST_MS;
    if (pause->failures < 6)
        delay_ms = (uint64_t)BACKOFF_FIRST_MS << pause->failures;
    pause->failures++;
    if (delay_ms > BACKOFF_MOST_MS)
        delay_ms = BACKOFF_MOST_MS;
    delay_ms = delay_ms / 2 + rill_turn_random(turn) % (delay_ms / 2 + 1);
    rill_wheel_start(&turn->wheel, &pause->timer, turn->now_ms + delay_ms);
}

void rill_retry_back_off(rill_origin *origin)
{
    begin(&origin->backoff, origin->pool->turn);
}

void rill_retry_be_content(rill_origin *origin)
{
    begin(&origin->content, origin->pool->turn);
}

uint64_t rill_retry_delay_ms(const rill_origin *origin)
{
    uint64_t now_ms = origin->pool->turn->now_ms;
    return rill_origin_backs_off(origin) && origin->backoff.timer.deadline_ms > now_ms
               ? origin->backoff.timer.deadline_ms - now_ms
               : 0;
}

/* Before a head: node resets so what its session's memory has no room for. */
static bool asks_for_calm(const rill_stream *stream)
{
    return stream->reason == RILL_RESET && stream->peer_reset && !stream->status &&
           stream->code == CODE_ENHANCE_YOUR_CALM;
}

/* Streams are reset many at a time: that halves their number once, or ends what they were on. */
void rill_retry_heed_calm(const rill_call *call)
{
    rill_origin *origin = call->origin;
    rill_conn *conn = call->conn;
    if (!conn || origin->single || !asks_for_calm(call->stream) || conn->state != CONN_OPEN ||
        (rill_origin_backs_off(origin) && !conn->session->cut))
        return;
    rill_conn_calm_down(conn);
    if (conn->state == CONN_DRAINING)
        origin->calm = conn->calm;
    rill_retry_back_off(origin);
}

void rill_retry_remember_alpn(rill_origin *origin, const rill_error *error)
{
    if (error->kind != RILL_KIND_ALPN)
        return;
    if (!origin->no_h2)
        origin->no_h2 = rill_slab_alloc(&origin->pool->turn->slab, sizeof(*error));
    if (!origin->no_h2)
        return;
    *origin->no_h2 = *error;
    origin->no_h2_ms = origin->pool->turn->now_ms;
}

/* --- what is next ----------------------------------------------------------------------------- */

/* The peer wants HTTP/1.1 instead (RFC 9113 section 7): from now on it gets that, where we may. */
static bool wants_http11(const rill_call *call)
{
    const rill_stream *stream = call->stream;
    return stream->code == CODE_HTTP_1_1_REQUIRED && call->conn &&
           (stream->reason == RILL_GOAWAY || (stream->reason == RILL_RESET && stream->peer_reset));
}

static enum call_next judge_http11(const rill_call *call)
{
    rill_origin *origin = call->origin;
    if (!origin->pool->http11 || call->conn->setup.target.http11)
        return CALL_DONE;
    origin->http11 = true;
    return CALL_REPEAT_NOW;
}

/* Never after a head: the server has acted, and the script may have seen part of the response. */
static enum call_next judge(const rill_call *call)
{
    const rill_stream *stream = call->stream;
    if (stream->status)
        return CALL_DONE;
    if (stream->misdirected)
        return CALL_REPEAT_NOW;
    if (wants_http11(call))
        return judge_http11(call);
    switch (stream->reason) {
    case RILL_INACTIVE:
        return CALL_REPEAT_NOW;
    case RILL_GOAWAY: /* a server that gives another code is in trouble */
        return stream->code == CODE_NO_ERROR ? CALL_REPEAT_NOW : CALL_REPEAT_LATER;
    case RILL_RESET:
        if (call->idempotent && asks_for_calm(stream)) /* a connection that is cut has caused it */
            return call->conn && call->conn->session->cut ? CALL_REPEAT_NOW : CALL_REPEAT_LATER;
        return stream->peer_reset && stream->refused ? CALL_REPEAT_LATER : CALL_DONE;
    case RILL_CONNECT_FAILED:
        return stream->errors && stream->errors->kind == RILL_KIND_TCP ? CALL_REPEAT_LATER
                                                                       : CALL_DONE;
    case RILL_CONNECTION_LOST:
        if (stream->stale && call->idempotent && !call->was_stale)
            return CALL_REPEAT_NOW; /* it ended while nobody looked */
        return rill_stream_processed(stream) == RILL_PROCESSED_NO || call->idempotent
                   ? CALL_REPEAT_LATER
                   : CALL_DONE;
    default:
        return CALL_DONE;
    }
}

/* Of its requests the peer has taken some, and will take the rest on other connections. Repeats for
 * that come to an end by themselves: each such connection costs a request. */
static bool had_its_share(const rill_conn *conn)
{
    const rill_link *link = conn ? conn->session : NULL;
    return link && link->goaway.received && link->goaway.code == CODE_NO_ERROR &&
           link->goaway.last > 0 && link->streams > 0;
}

static bool is_free(const rill_call *call)
{
    return call->stream->reason == RILL_GOAWAY && had_its_share(call->conn);
}

static bool has_left(const rill_call *call, enum call_next next)
{
    if (next == CALL_REPEAT_LATER)
        return call->retries > 0;
    return call->repeats < CALL_REPEATS || is_free(call);
}

static void count(rill_call *call, enum call_next next)
{
    call->round = call->origin->round;
    if (next == CALL_REPEAT_LATER)
        call->retries--;
    else
        call->repeats++;
}

enum call_next rill_retry_next(rill_call *call)
{
    if (!call->stream)
        return CALL_DONE;
    enum rill_processed processed = rill_stream_processed(call->stream);
    if (processed > call->processed)
        call->processed = processed;
    if (!call->repeat || !call->entry.id.generation || rill_pool_closed(call->origin->pool))
        return CALL_DONE;
    enum call_next next = judge(call);
    if (next == CALL_DONE || !has_left(call, next) ||
        (call->source && !rill_source_rewind(call->source)))
        return CALL_DONE;
    call->was_stale = call->was_stale || call->stream->stale;
    if (next == CALL_REPEAT_LATER || !is_free(call))
        count(call, next);
    return next;
}

bool rill_retry_wait(rill_call *call, const rill_conn *gone)
{
    if (!call->repeat)
        return false;
    if (call->round == call->origin->round || had_its_share(gone))
        return true;
    if (call->repeats >= CALL_REPEATS)
        return false;
    count(call, CALL_REPEAT_NOW);
    return true;
}
