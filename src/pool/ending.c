#include "pool/ending.h"

#include <stdio.h>

#include "base/error.h"
#include "base/trace.h"
#include "pool/notes.h"
#include "pool/pace.h"
#include "pool/retry.h"
#include "pool/share.h"

static void trace_end(const rill_call *call, const char *what)
{
    char text[64];
    if (!RILL_TRACES(call->turn, TRACE_POOL))
        return;
    snprintf(text, sizeof(text), "%s: %s, attempt %u", what,
             rill_reason_name((int32_t)rill_call_reason(call)), (unsigned)call->attempts);
    rill_call_trace(call, call->conn ? call->conn->setup.link.number : 0, text);
}

static bool is_response(enum rill_reason reason)
{
    return reason == RILL_ENDED || reason == RILL_STOPPED;
}

/* `stats` NULL: the client has gone. */
static void count_end(rill_stats *stats, enum rill_reason reason)
{
    if (!stats)
        return;
    stats->closed[reason]++;
    stats->responses += is_response(reason);
}

void rill_ending_finish(rill_call *call)
{
    trace_end(call, "ends");
    rill_origin *origin = call->origin;
    enum rill_reason reason = rill_call_reason(call);
    if (reason != RILL_OPEN)
        count_end(&origin->pool->stats, reason);
    if (reason == RILL_OPEN || is_response(reason)) {
        origin->backoff.failures = 0;
        if (call->conn)
            rill_conn_count_response(call->conn);
    }
    origin->pool->turn->counters.requests--;
    rill_pace_end(call);
    rill_call_finish(call);
    if (reason != RILL_OPEN)
        rill_notes_call(call, RILL_NOTE_DONE);
    else
        rill_notes_head(call->stream);
}

/* It was sent on another origin's connection. */
static void note_guest(rill_call *call)
{
    rill_origin *origin = call->origin;
    if (!rill_share_is_guest(call))
        return;
    origin->abroad--;
    rill_turn_mark(call->turn, &origin->mark);
    if (call->stream->misdirected || call->stream->status == 421)
        rill_share_refuse(origin);
}

void rill_ending_attempt(rill_call *call)
{
    rill_origin *origin = call->origin;
    note_guest(call);
    rill_pace_heed(call);
    rill_retry_heed_calm(call);
    enum call_next next = rill_retry_next(call);
    if (next == CALL_DONE) {
        rill_ending_finish(call);
        return;
    }
    trace_end(call, next == CALL_REPEAT_LATER ? "is repeated after back-off" : "is repeated");
    if (next == CALL_REPEAT_LATER)
        rill_retry_back_off(origin);
    rill_notes_retry(call, rill_retry_delay_ms(origin));
    origin->pool->stats.retries++;
    rill_call_renew(call);
    rill_pace_release(call);
    rill_pace_enter(call);
}

/* The peer had ended it, and now it has closed. */
static void decide(rill_call *call)
{
    count_end(call->stream->inlet.account->stats, call->stream->reason);
    rill_call_decided(call);
    rill_notes_call(call, RILL_NOTE_DONE);
}

void rill_ending_close(rill_call *call, const rill_error *error)
{
    rill_origin *origin = call->origin;
    if (rill_call_undecided(call)) {
        rill_call_close(call, error);
        decide(call);
        return;
    }
    if (rill_call_closed(call))
        return;
    rill_call_close(call, error);
    if (rill_call_waits(call)) {
        rill_pace_withdraw(call);
        rill_ending_finish(call);
    } else {
        rill_link_retire(call->conn->session, call->stream);
        rill_turn_mark(call->turn, call->conn->setup.mark);
    }
    rill_turn_mark(call->turn, &origin->mark);
}

void rill_ending_note(rill_call *call)
{
    if (call->state == CALL_ENDED) {
        decide(call);
        return;
    }
    rill_link_retire(call->conn->session, call->stream);
    rill_turn_mark(call->turn, call->conn->setup.mark);
}

void rill_ending_go_on(rill_call *call, bool was_open, size_t released)
{
    rill_stream *stream = call->stream;
    if (was_open && stream->reason != RILL_OPEN) {
        rill_ending_note(call);
        return;
    }
    bool wanted = stream->inlet.narrow && stream->status;
    if (!call->conn || !(released || stream->inlet.owed || wanted))
        return;
    rill_link_consume(call->conn->session, stream, released);
    rill_turn_mark(call->turn, call->conn->setup.mark);
}

void rill_ending_relieve(rill_call *call, bool all)
{
    rill_stream *stream = call->stream;
    bool open = stream->reason == RILL_OPEN;
    size_t released = rill_stream_relieve(stream, all);
    if (stream->reason == RILL_OPEN && stream->inlet.narrow)
        rill_inlet_release(&stream->inlet, released); /* its reader has not answered */
    else
        rill_ending_go_on(call, open, released);
}

void rill_ending_drop(rill_call *call)
{
    static const rill_error dropped = {.reason = RILL_CANCELLED, .code = -1, .message = "dropped"};
    if (rill_call_undecided(call))
        rill_ending_close(call, &dropped);
    rill_turn_forget(call->turn, &call->entry);
    if (call->state != CALL_ENDED)
        rill_ending_close(call, &dropped); /* finishing ends what has no id */
    else
        rill_turn_free_later(call->turn, &call->entry);
    if (call->stream)
        rill_stream_uncount(call->stream);
}
