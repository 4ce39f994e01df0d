#include "pool/unsent.h"

#include "base/error.h"
#include "pool/ending.h"
#include "pool/pace.h"
#include "pool/retry.h"
#include "pool/timeouts.h"

/* HTTP/1.1 that a peer has asked for, and does not speak: what it has said first stands. */
static const rill_error *why_of(const rill_origin *origin, const rill_call *call,
                                const rill_error *error)
{
    bool refused = error->kind == RILL_KIND_ALPN || error->kind == RILL_KIND_TLS;
    return origin->http11 && refused && call->last ? call->last : error;
}

void rill_unsent_fail(rill_origin *origin, const rill_conn *conn, const rill_error *error)
{
    rill_list calls = {0};
    rill_queue_take_all(&origin->queue, &calls);
    while (origin->parked.first) {
        rill_call *parked = rill_paced_first(&origin->parked)->call;
        rill_pace_withdraw(parked);
        rill_list_push(&calls, &parked->queued);
    }
    while (calls.first) {
        rill_call *call = rill_queue_call(calls.first);
        rill_list_leave(&call->queued);
        call->attempts++;
        if (conn && rill_call_begin(call))
            rill_timeouts_dialled(call, conn);
        rill_call_close(call, why_of(origin, call, error));
        if (conn && conn->session && call->stream)
            rill_stream_keep_flight(call->stream, conn->session->flight);
        rill_ending_attempt(call);
    }
}

/* Whether it has shown to be none that could carry anything. */
static bool was_useless(const rill_conn *conn)
{
    bool at_once = conn->error.kind == RILL_KIND_PREFACE || conn->error.kind == RILL_KIND_TCP;
    return conn->error.reason && (!rill_conn_greeted(conn) || at_once);
}

void rill_unsent_refuse(rill_origin *origin, const rill_conn *conn)
{
    const rill_link *session = conn->session;
    rill_error error = {0};
    if (was_useless(conn)) {
        error = conn->error;
    } else if (session && session->goaway.received && !conn->drained) {
        char text[CODE_TEXT];
        rill_error_set(&error, RILL_GOAWAY, "the peer has said GOAWAY (%s%s%s): no new streams",
                       rill_code_text(text, session->goaway.code, false),
                       session->goaway.debug[0] ? ": " : "", session->goaway.debug);
        error.code = session->goaway.code;
    } else {
        rill_error_set(&error, RILL_INACTIVE, "the connection takes no new streams: %s",
                       conn->error.reason             ? conn->error.message
                       : conn->state == CONN_DRAINING ? "it drains"
                                                      : "it is closed");
    }
    rill_unsent_fail(origin, NULL, &error);
}

/* What a connection of its carries at a time, as far as we know. */
static uint32_t streams_of(const rill_origin *origin)
{
    uint32_t most = origin->pool->max_streams;
    return origin->protocol && origin->protocol->streams < most ? origin->protocol->streams : most;
}

uint32_t rill_unsent_expected(const rill_origin *origin, bool unfilled)
{
    uint64_t count = 0;
    for (const rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn))
        if (conn->state == CONN_DIALING || conn->state == CONN_GREETING ||
            (conn->state == CONN_OPEN && !rill_conn_grants(conn)))
            count += streams_of(origin);
        else if (unfilled)
            count += rill_conn_room(conn);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* Calls that counted on a connection which went without taking them: another one is tried, but not
 * for ever. */
static void lose_assigned(rill_origin *origin, const rill_conn *gone)
{
    static const rill_error inactive = {.reason = RILL_INACTIVE,
                                        .code = -1,
                                        .message =
                                            "the connection went before the request was sent"};
    uint32_t left = origin->queue.assigned;
    uint32_t kept =
        rill_unsent_expected(origin, true); /* other connections are there for so many */
    for (rill_call *next, *call = rill_queue_first(&origin->queue); call && left;
         call = next, left--) {
        next = rill_queue_call(call->queued.next);
        if (kept)
            kept--;
        else if (!rill_retry_wait(call, gone))
            rill_ending_close(call, &inactive);
    }
}

/* Whether another one carries calls, or may come to it. */
static bool has_others(const rill_origin *origin)
{
    for (const rill_conn *conn = rill_conn_first(&origin->conns); conn; conn = rill_conn_next(conn))
        if (conn->state == CONN_DIALING || rill_conn_usable(conn))
            return true;
    return false;
}

void rill_unsent_lose(rill_origin *origin, const rill_conn *conn)
{
    rill_error error = conn->error;
    if (origin->single) {
        rill_unsent_refuse(origin, conn);
        return;
    }
    if (conn->error.reason && !rill_conn_greeted(conn) && has_others(origin)) {
        rill_retry_be_content(origin); /* a server may take two connections of a client, not six */
        return;
    }
    if (was_useless(conn)) {
        rill_retry_remember_alpn(origin, &error);
        rill_unsent_fail(origin, conn, &error);
    } else {
        lose_assigned(origin, conn);
    }
    if (rill_conn_peer_fails(conn))
        rill_retry_back_off(origin); /* for later calls too, though none of these is repeated */
}
