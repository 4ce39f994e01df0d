#include "pool/report.h"

static float seconds(uint64_t from_us, uint64_t to_us)
{
    return from_us && to_us > from_us ? (float)(int64_t)(to_us - from_us) / 1000000 : 0;
}

/* What is reported of a call that has no stream. */
static const rill_stream nothing = {.code = -1, .content_length = -1};

static const rill_stream *attempt_of(const rill_call *call)
{
    return call->stream ? call->stream : &nothing;
}

void rill_report_time(const rill_call *call, rill_timings *timings)
{
    const rill_stream *stream = attempt_of(call);
    uint64_t now_us = call->turn->now_us;
    float dial = timings->dns + timings->connect + timings->tls;
    float before = seconds(call->started_us, stream->sent_us ? stream->sent_us : now_us);
    timings->queue = before > dial ? before - dial : 0;
    timings->wait = seconds(stream->sent_us, stream->head_us ? stream->head_us : now_us);
    timings->body = seconds(stream->head_us, now_us);
    uint64_t held_ms = stream->stalled_local_ms;
    if (stream->local_since_ms)
        held_ms += call->turn->now_ms - stream->local_since_ms;
    timings->stalled_local = (float)(int64_t)held_ms / 1000;
    uint64_t waited_ms = stream->stalled_remote_ms;
    if (stream->remote_since_ms && stream->local == HALF_OPEN)
        waited_ms += call->turn->now_ms - stream->remote_since_ms;
    timings->stalled_remote = (float)(int64_t)waited_ms / 1000;
    timings->total = seconds(call->started_us, now_us);
    bool runs = rill_timer_running(&call->timer) && call->state != CALL_WAITING;
    timings->left = (float)(runs ? rill_call_left_ms(call) : call->timeout_ms) / 1000;
}

/* Neither a response without its body nor an end without its reason is one. */
static void tell_no_memory(rill_event *event, enum rill_processed processed)
{
    static const rill_error errors[] = {
        {.reason = RILL_ERROR, .code = -1, .message = "out of memory"},
        {.reason = RILL_ERROR,
         .processed = RILL_PROCESSED_YES,
         .code = -1,
         .message = "out of memory"},
    };
    event->type = RILL_EVENT_FAILED;
    event->reason = RILL_ERROR;
    event->errors = &errors[processed == RILL_PROCESSED_YES];
    event->error_count = 1;
}

static void fill_body(rill_call *call, rill_event *event)
{
    rill_bytes *kept = &call->stream->inlet.kept;
    if (kept->length <= CALL_SMALL_BODY) {
        event->body = kept->data ? kept->data : "";
        event->body_length = (uint32_t)kept->length;
        return;
    }
    if (!rill_stream_detach_body(call->stream, &event->large))
        tell_no_memory(event, RILL_PROCESSED_YES);
}

bool rill_report_event(rill_call *call, enum rill_event_type type, rill_event *event)
{
    const rill_stream *stream = attempt_of(call);
    event->request = call;
    event->status = stream->status;
    event->reason = stream->reason;
    event->attempts = call->attempts;
    if (call->peer) {
        event->peer_slot = call->peer->entry.id.slot;
        event->peer_generation = call->peer->entry.id.generation;
    }
    event->headers = stream->head.data ? stream->head.data : "";
    event->headers_length = (uint32_t)stream->head.length;
    if (stream->extras) {
        event->trailers = stream->extras->trailers.data;
        event->trailers_length = (uint32_t)stream->extras->trailers.length;
        event->informational = stream->extras->informational.data;
        event->informational_length = (uint32_t)stream->extras->informational.length;
    }
    event->errors = stream->errors;
    event->flight = stream->flight;
    event->error_count = stream->error_count;
    event->timings = &stream->timings;
    event->bytes_received = (double)stream->received;
    event->saved = stream->saved;
    event->cut = stream->cut;
    event->decoded = rill_inlet_decoded(&stream->inlet);
    if (type == RILL_EVENT_RESPONSE)
        fill_body(call, event);
    else if (!call->stream)
        tell_no_memory(event, RILL_PROCESSED_NO);
    bool last = type == RILL_EVENT_RESPONSE || type == RILL_EVENT_FAILED;
    if (type == RILL_EVENT_CLOSED && call->stream)
        rill_stream_told(call->stream);
    if (last && call->stream)
        rill_stream_uncount(call->stream);
    return last;
}

/* How long its head and body took to go, which is part of `wait`; so far, where they still do. */
static float sending(const rill_call *call, const rill_stream *stream)
{
    uint64_t end_us = stream->sent_all_us ? stream->sent_all_us : call->turn->now_us;
    float took = seconds(stream->sent_us, end_us), wait = stream->timings.wait;
    return stream->reason != RILL_OPEN && took > wait ? wait : took;
}

void rill_report_info(const rill_call *call, rill_stream_info *info)
{
    const rill_stream *stream = attempt_of(call);
    const rill_source *source = call->source;
    *info = (rill_stream_info){
        .id = stream->id,
        .status = stream->status,
        .reason = call->stream || call->origin ? stream->reason : RILL_ERROR,
        .code = stream->code,
        .attempts = call->attempts,
        .peer_slot = call->peer ? call->peer->entry.id.slot : 0,
        .peer_generation = call->peer ? call->peer->entry.id.generation : 0,
        .saved = stream->saved,
        .cut = stream->cut,
        .head = stream->status != 0 && stream->remote != HALF_IDLE,
        .request_sent = stream->local != HALF_IDLE,
        .closed_local = stream->local == HALF_CLOSED || stream->reason != RILL_OPEN,
        .closed_remote = stream->remote == HALF_CLOSED || stream->reason != RILL_OPEN,
        .reached_warnsize = stream->reached_warnsize,
        .headers = stream->head.data ? stream->head.data : "",
        .headers_length = (uint32_t)stream->head.length,
        .errors = stream->errors,
        .error_count = stream->error_count,
        .timings = stream->timings,
        .bytes_received = (double)stream->received,
        .bytes_sent = source ? (double)source->taken : 0,
        .readable = (double)(stream->inlet.chunks.length + rill_inlet_ahead(&stream->inlet) +
                             stream->inlet.kept.length),
        .decoded = rill_inlet_decoded(&stream->inlet),
        .request_content_length = source ? (double)source->length : 0,
        .remaining_content_length = !source ? 0
                                    : source->length < 0
                                        ? -1
                                        : (double)source->length - (double)source->taken,
        .started = (double)call->started_us / 1e6,
        .sending = (double)sending(call, stream),
        .connection = call->peer ? call->peer->number : 0,
    };
    if (stream->extras) {
        info->trailers = stream->extras->trailers.data;
        info->trailers_length = (uint32_t)stream->extras->trailers.length;
        info->informational = stream->extras->informational.data;
        info->informational_length = (uint32_t)stream->extras->informational.length;
    }
    if (stream->reason == RILL_CANCELLED && !stream->status)
        info->status = 499;
    if (stream->reason == RILL_OPEN)
        rill_report_time(call, &info->timings);
}
