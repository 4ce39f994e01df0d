#include "pool/ending.h"

#include <stdio.h>

#include "base/error.h"
#include "base/trace.h"
#include "pool/retry.h"

static void trace_end(const rill_call *call, const char *what)
{
    char text[64];
    if (!RILL_TRACES(call->turn, TRACE_POOL))
        return;
    snprintf(text, sizeof(text), "%s: %s, attempt %u", what,
             rill_reason_name((int32_t)rill_call_reason(call)), (unsigned)call->attempts);
    rill_call_trace(call, call->conn ? call->conn->setup.link.number : 0, text);
}

void rill_ending_finish(rill_call *call)
{
    trace_end(call, "ends");
    rill_origin *origin = call->origin;
    rill_stats *stats = &origin->pool->stats;
    enum rill_reason reason = rill_call_reason(call);
    if (reason == RILL_OPEN)
        reason = RILL_ENDED; /* by the peer; what its reader makes of it shows later */
    stats->closed[reason]++;
    if (reason == RILL_ENDED || reason == RILL_STOPPED) {
        stats->responses++;
        origin->failures = 0;
        if (call->conn)
            rill_conn_count_response(call->conn);
    }
    origin->pool->turn->counters.requests--;
    rill_call_finish(call);
}

void rill_ending_attempt(rill_call *call)
{
    rill_origin *origin = call->origin;
    rill_retry_heed_calm(call);
    enum call_next next = rill_retry_next(call);
    if (next == CALL_DONE) {
        rill_ending_finish(call);
        return;
    }
    trace_end(call, next == CALL_REPEAT_LATER ? "is repeated after back-off" : "is repeated");
    if (next == CALL_REPEAT_LATER)
        rill_retry_back_off(origin);
    origin->pool->stats.retries++;
    rill_call_renew(call);
    rill_queue_add(&origin->queue, call);
}

void rill_ending_close(rill_call *call, const rill_error *error)
{
    rill_origin *origin = call->origin;
    if (rill_call_undecided(call)) {
        rill_call_close(call, error);
        rill_call_decided(call);
        return;
    }
    if (rill_call_closed(call))
        return;
    rill_call_close(call, error);
    if (rill_call_waits(call)) {
        rill_queue_remove(&origin->queue, call);
        rill_ending_finish(call);
    } else {
        rill_link_retire(call->conn->session, call->stream);
    }
    rill_turn_mark(call->turn, &origin->mark);
}

void rill_ending_note(rill_call *call)
{
    if (call->state == CALL_ENDED) {
        rill_call_decided(call);
        return;
    }
    rill_link_retire(call->conn->session, call->stream);
    rill_turn_mark(call->turn, &call->origin->mark);
}

void rill_ending_drop(rill_call *call)
{
    static const rill_error dropped = {.reason = RILL_CANCELLED, .code = -1, .message = "dropped"};
    rill_turn_forget(call->turn, &call->entry);
    if (call->state != CALL_ENDED)
        rill_ending_close(call, &dropped); /* finishing buries what has no id */
    else
        rill_turn_bury(call->turn, &call->entry);
    if (call->stream)
        rill_stream_uncount(call->stream);
}
