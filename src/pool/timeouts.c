#include "pool/timeouts.h"

#include <event2/event.h>

#include "base/error.h"
#include "pool/ending.h"

/* There is something of the body to send again. */
static void go_on(rill_call *call)
{
    if (!call->conn)
        return;
    rill_link_resume(call->conn->session, call->stream);
    rill_turn_mark(call->turn, call->conn->setup.mark);
}

/* No 100 (Continue) came: the body goes all the same. */
static void on_expect_timer(rill_timer *timer)
{
    rill_source *source = RILL_OWNER(timer, rill_source, expect);
    source->held = false;
    go_on(source->call);
}

/* The pipe that the body comes from has more. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    go_on(arg);
}

/* Without the event (out of memory) a pipe that is empty when it is read is a file_error. */
static void start_source(rill_call *call, rill_source *source)
{
    rill_turn *turn = call->turn;
    if (source->kind == SOURCE_UNSIZED && !source->readable)
        source->readable = event_new(turn->base, source->fd, EV_READ, on_readable, call);
    if (!source->held)
        return;
    source->expect.expire = on_expect_timer;
    rill_wheel_start(&turn->wheel, &source->expect, turn->now_ms + CALL_EXPECT_MS);
}

/* The peer was silent on a stream for read_timeout, unless it was not its turn. */
static void on_silence_timer(rill_timer *timer)
{
    const rill_stream *stream = RILL_OWNER(timer, rill_stream, silence);
    rill_call *call = rill_call_of(stream);
    uint64_t now_ms = call->turn->now_ms, due_ms = stream->active_ms + call->read_ms;
    if (rill_stream_waits_for_us(stream))
        due_ms = now_ms + call->read_ms;
    if (due_ms > now_ms) {
        rill_wheel_start(&call->turn->wheel, timer, due_ms);
        return;
    }
    rill_error error = {0};
    rill_error_set(&error, RILL_TIMEOUT, "read_timeout ran out: the peer was silent for %.3g s",
                   (double)call->read_ms / 1000);
    error.phase = stream->status ? RILL_PHASE_BODY : RILL_PHASE_HEADERS;
    rill_ending_close(call, &error);
}

static enum rill_phase phase_of(const rill_call *call)
{
    if (call->state == CALL_SENT && !rill_conn_greeted(call->conn))
        return RILL_PHASE_SETTINGS; /* sent behind the handshake: the dial is what is slow */
    if (call->state == CALL_SENT || call->state == CALL_ENDED)
        return call->stream->status ? RILL_PHASE_BODY : RILL_PHASE_HEADERS;
    if (call->state == CALL_ASSIGNED)
        for (rill_conn *conn = rill_conn_first(&call->origin->conns); conn;
             conn = rill_conn_next(conn))
            if (conn->state == CONN_DIALING || conn->state == CONN_GREETING)
                return rill_conn_phase(conn);
    return RILL_PHASE_QUEUE;
}

static void on_call_timer(rill_timer *timer)
{
    rill_call *call = RILL_OWNER(timer, rill_call, timer);
    if (rill_call_waits(call) && call->last && rill_origin_backs_off(call->origin)) {
        rill_ending_close(call, call->last); /* the failure that began the back-off says more */
        return;
    }
    enum rill_phase phase = phase_of(call);
    rill_error error = {0};
    rill_error_set(&error, RILL_TIMEOUT, "%s ran out (waiting for %s)",
                   call->state == CALL_WAITING ? "queue_timeout" : "timeout",
                   rill_phase_name((int32_t)phase));
    error.phase = (int32_t)phase;
    rill_ending_close(call, &error);
}

void rill_timeouts_init(rill_call *call)
{
    call->timer.expire = on_call_timer;
}

/* The part of a phase that ended at `*end_us` and took `spent_s` which came after `since_us`;
 * `*end_us` becomes its start. */
static float seen_of(float spent_s, uint64_t since_us, uint64_t *end_us)
{
    uint64_t end = *end_us, spent = (uint64_t)((double)spent_s * 1000000 + 0.5);
    uint64_t start = end > spent ? end - spent : 0;
    *end_us = start;
    if (start < since_us)
        start = since_us;
    return start < end ? (float)(end - start) / 1000000 : 0;
}

void rill_timeouts_dialled(rill_call *call, const rill_conn *conn)
{
    rill_timings *timings = &call->stream->timings;
    uint64_t end_us = conn->dialled_us;
    if (end_us <= call->since_us)
        return;
    timings->tls = seen_of(conn->tls_s, call->since_us, &end_us);
    timings->connect = seen_of(conn->connect_s, call->since_us, &end_us);
    timings->dns = seen_of(conn->dns_s, call->since_us, &end_us);
}

void rill_timeouts_start(rill_call *call)
{
    rill_turn *turn = call->turn;
    if (call->state == CALL_WAITING)
        rill_call_assign(call, true);
    if (call->source)
        start_source(call, call->source);
    if (call->read_ms) {
        call->stream->active_ms = turn->now_ms;
        call->stream->silence.expire = on_silence_timer;
        rill_wheel_start(&turn->wheel, &call->stream->silence, turn->now_ms + call->read_ms);
    }
}
