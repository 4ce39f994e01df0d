#include "http/stream.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/body.h"
#include "base/error.h"
#include "http/code.h"
#include "http/fields.h"

_Static_assert(sizeof(rill_stream) <= STREAM_MOST, "see there");

void rill_stream_init(rill_stream *stream, const rill_stream_setup *setup)
{
    uint32_t most_fields = setup->limits->max_header_list;
    memset(stream, 0, sizeof(*stream));
    stream->turn = setup->turn;
    stream->entry = setup->entry;
    stream->pieces = setup->pieces;
    stream->decodes = setup->decodes;
    stream->save_path = setup->save_path;
    stream->is_head = setup->is_head;
    stream->limits = setup->limits;
    stream->lenient_eof = setup->lenient_eof;
    stream->source = setup->source;
    bool pieces = setup->pieces && !setup->save_path;
    rill_inlet_init(&stream->inlet, setup->limits->account, pieces ? INLET_PIECES : INLET_MEMORY,
                    setup->limits->window);
    stream->inlet.narrow = setup->narrow;
    stream->header_room = most_fields ? most_fields : UINT64_MAX;
    stream->content_length = -1;
    stream->code = -1;
}

void rill_stream_uncount(rill_stream *stream)
{
    rill_inlet_uncount(&stream->inlet);
}

void rill_stream_told(rill_stream *stream)
{
    rill_inlet_told(&stream->inlet);
}

void rill_stream_dispose(rill_stream *stream)
{
    if (!stream->turn)
        return;
    rill_slab *slab = &stream->turn->slab;
    rill_stream_move(stream, NULL);
    rill_bytes_dispose(slab, &stream->head);
    if (stream->extras) {
        rill_bytes_dispose(slab, &stream->extras->trailers);
        rill_bytes_dispose(slab, &stream->extras->informational);
        rill_slab_free(slab, stream->extras);
        stream->extras = NULL;
    }
    rill_inlet_dispose(&stream->inlet);
    rill_slab_free(slab, stream->errors);
    stream->errors = NULL;
    rill_flight_free(stream->flight);
    stream->flight = NULL;
    stream->error_count = 0;
}

void rill_stream_move(rill_stream *stream, rill_list *list)
{
    rill_list_leave(&stream->member);
    if (list)
        rill_list_push_first(list, &stream->member);
}

/* --- halves ---------------------------------------------------------------------------------- */

void rill_stream_sent_head(rill_stream *stream, bool end)
{
    assert(stream->local == HALF_IDLE);
    stream->local = end ? HALF_CLOSED : HALF_OPEN;
    stream->sent_us = stream->turn->now_us;
    if (end)
        stream->sent_all_us = stream->sent_us;
}

void rill_stream_sent_end(rill_stream *stream)
{
    assert(stream->local == HALF_OPEN);
    stream->local = HALF_CLOSED;
    stream->sent_all_us = stream->turn->now_us;
}

void rill_stream_unsent(rill_stream *stream)
{
    stream->local = HALF_IDLE;
    stream->sent_us = stream->sent_all_us = 0;
}

void rill_stream_received_end(rill_stream *stream)
{
    assert(stream->remote == HALF_OPEN);
    stream->remote = HALF_CLOSED;
}

void rill_stream_received_head(rill_stream *stream)
{
    assert(stream->remote == HALF_IDLE);
    stream->remote = HALF_OPEN;
    stream->head_us = stream->turn->now_us;
}

/* --- how it ends ----------------------------------------------------------------------------- */

enum rill_processed rill_stream_processed(const rill_stream *stream)
{
    if (stream->status)
        return RILL_PROCESSED_YES;
    if (stream->local == HALF_IDLE || stream->refused)
        return RILL_PROCESSED_NO;
    return RILL_PROCESSED_MAYBE;
}

/* Room for the error and its cause; what is lost for want of memory is the sentence, not the
 * reason. */
static void set_error(rill_stream *stream, const rill_error *error)
{
    rill_slab *slab = &stream->turn->slab;
    if (!stream->errors)
        stream->errors = rill_slab_alloc(slab, 2 * sizeof(rill_error));
    if (!stream->errors)
        return;
    stream->errors[0] = *error;
    stream->errors[0].code = stream->code;
    stream->errors[0].processed = (int32_t)rill_stream_processed(stream);
    stream->errors[0].status = stream->status;
    if (stream->reason == RILL_CANCELLED && !stream->status)
        stream->errors[0].status = 499;
    stream->error_count = 1;
}

/* A file gets its name with the end of the body; without it, nothing is left. */
static void end_sink(rill_stream *stream, enum rill_reason reason)
{
    rill_sink *sink = stream->inlet.sink;
    if (!sink)
        return;
    rill_error error = {0};
    stream->inlet.sink = NULL;
    if (reason == RILL_ENDED) {
        stream->saved = !rill_sink_commit(sink, &error);
        if (!stream->saved)
            rill_stream_close_because(stream, &error);
    }
    rill_sink_free(&stream->turn->slab, sink);
}

/* The way in has failed: the stream does, unless it has closed. */
static void fail(rill_stream *stream, rill_error *error)
{
    if (error->reason == RILL_MAXSIZE_EXCEEDED_ACTUAL) {
        error->limit = (double)stream->limits->maxsize;
        error->expected = stream->content_length > 0 ? (double)stream->content_length : 0;
    }
    rill_stream_close_because(stream, error);
}

/* A file replaces nothing before its reader has seen the head, and so could refuse it. */
static bool awaits_reader(const rill_stream *stream)
{
    return stream->inlet.sink && stream->inlet.narrow && !stream->settles;
}

/* Its reader has seen the head, and wants the file. While the peer still sends, the session notes
 * that: the stream gets its whole window then. */
static void want_file(rill_stream *stream)
{
    if (stream->over)
        stream->inlet.narrow = false;
}

/* The peer has ended it: whether its body is whole, the codings say. False: it is not, or that
 * shows later. */
static bool end_body(rill_stream *stream)
{
    rill_error error;
    size_t released = 0;
    bool later;
    rill_error_clear(&error);
    int32_t code = rill_inlet_end(&stream->inlet, &later, &error);
    if (!code && later && stream->settles && stream->inlet.way == INLET_PIECES) {
        code = rill_inlet_fill(&stream->inlet, true, &released, &error);
        if (!code)
            code = rill_inlet_end(&stream->inlet, &later, &error);
    }
    stream->over = true;
    if (code)
        fail(stream, &error);
    return !code && !later && !awaits_reader(stream);
}

/* It is stopped: what has come is its body, as far as it can be decoded. */
static void decode_rest(rill_stream *stream)
{
    rill_error error = {0};
    size_t released = 0;
    rill_inlet_fill(&stream->inlet, true, &released, &error);
}

static inline bool close_once(rill_stream *stream, enum rill_reason reason, int32_t code)
{
    if (stream->reason != RILL_OPEN)
        return false;
    if (reason == RILL_ENDED && !end_body(stream))
        return false;
    end_sink(stream, reason);
    if (stream->reason != RILL_OPEN)
        return false; /* the file has decided otherwise */
    if (reason == RILL_STOPPED && stream->inlet.way == INLET_MEMORY)
        decode_rest(stream);
    stream->reason = reason;
    stream->code = code;
    stream->refused = stream->refused || reason == RILL_GOAWAY ||
                      (reason == RILL_RESET && stream->peer_reset &&
                       (code == CODE_REFUSED_STREAM || code == CODE_HTTP_1_1_REQUIRED));
    rill_inlet_close(&stream->inlet);
    if (reason == RILL_MAXSIZE_EXCEEDED || reason == RILL_MAXSIZE_EXCEEDED_ACTUAL)
        rill_inlet_drop(&stream->inlet);
    return true;
}

void rill_stream_end(rill_stream *stream)
{
    close_once(stream, RILL_ENDED, -1);
}

void rill_stream_close(rill_stream *stream, enum rill_reason reason, int32_t code,
                       const char *format, ...)
{
    assert(reason != RILL_ENDED);
    if (!close_once(stream, reason, code) || reason == RILL_STOPPED)
        return;
    rill_error error = {.reason = (int32_t)reason};
    va_list args;
    va_start(args, format);
    rill_error_write(&error, format, args);
    va_end(args);
    if (reason == RILL_MAXSIZE_EXCEEDED || reason == RILL_MAXSIZE_EXCEEDED_ACTUAL) {
        error.limit = (double)stream->limits->maxsize;
        error.expected = stream->content_length > 0 ? (double)stream->content_length : 0;
    }
    set_error(stream, &error);
}

void rill_stream_close_because(rill_stream *stream, const rill_error *cause)
{
    if (close_once(stream, (enum rill_reason)cause->reason, cause->code) &&
        cause->reason != RILL_STOPPED)
        set_error(stream, cause);
}

void rill_stream_overrule(rill_stream *stream, const rill_error *error)
{
    if (stream->reason != RILL_RESET || !stream->peer_reset || stream->refused)
        return;
    stream->reason = (enum rill_reason)error->reason;
    stream->code = error->code;
    set_error(stream, error);
}

void rill_stream_keep_flight(rill_stream *stream, rill_flight *flight)
{
    if (!stream->flight)
        stream->flight = rill_flight_hold(flight);
}

void rill_stream_add_cause(rill_stream *stream, const rill_error *cause)
{
    if (stream->error_count == 1)
        stream->errors[stream->error_count++] = *cause;
}

/* --- body ------------------------------------------------------------------------------------ */

/* What a peer announces is believed up to here when room is made for it. */
enum { BODY_BELIEVED = 1 << 20 };

/* Of a long body a part of which has arrived, a whole long block: none of its pages is memory
 * before it is written, and what stands in another block by then is copied. */
static size_t believed(const rill_stream *stream)
{
    int64_t announced = stream->content_length;
    if (announced <= 0)
        return 0;
    if (rill_long_block_is_earned(stream->received, (uint64_t)announced))
        return LONG_BLOCK;
    return announced < BODY_BELIEVED ? (size_t)announced : BODY_BELIEVED;
}

/* For a reader that has found nothing: there is something now. */
static void feed_reader(rill_stream *stream)
{
    if (!stream->hungry || !rill_inlet_ready(&stream->inlet))
        return;
    stream->hungry = false;
    rill_turn_report(stream->turn, stream->entry, RILL_EVENT_READABLE);
}

size_t rill_stream_data(rill_stream *stream, const void *data, size_t length)
{
    size_t released = 0;
    if (stream->reason != RILL_OPEN)
        return 0;
    stream->received += length;
    stream->active_ms = stream->turn->now_ms;
    if (stream->limits->maxsize && rill_stream_has_body(stream) &&
        stream->received > stream->limits->maxsize) {
        rill_stream_close(stream, RILL_MAXSIZE_EXCEEDED_ACTUAL, CODE_CANCEL,
                          "%llu bytes arrived, more than maxsize (%llu)",
                          (unsigned long long)stream->received,
                          (unsigned long long)stream->limits->maxsize);
        return 0;
    }
    if (stream->limits->warnsize && !stream->reached_warnsize &&
        stream->received > stream->limits->warnsize)
        stream->reached_warnsize = stream->warn = true;
    rill_error error;
    rill_error_clear(&error);
    if (rill_inlet_write(&stream->inlet, data, length, believed(stream), stream->hungry, &released,
                         &error))
        fail(stream, &error);
    feed_reader(stream);
    return released;
}

void rill_stream_hold(rill_stream *stream, bool held)
{
    uint64_t now_ms = stream->turn->now_ms;
    if (held == (stream->local_since_ms != 0))
        return;
    if (!held) {
        stream->stalled_local_ms += (uint32_t)(now_ms - stream->local_since_ms);
        stream->active_ms = now_ms;
    }
    stream->local_since_ms = held ? now_ms : 0;
}

bool rill_stream_waits_for_us(const rill_stream *stream)
{
    const rill_source *source = stream->source;
    return stream->local_since_ms || stream->starved ||
           (source && stream->local == HALF_OPEN && rill_source_paused(source));
}

/* What breaks after the stream has closed just ends there. */
static void decode(rill_stream *stream, bool all, size_t *released)
{
    rill_error error = {0};
    if (rill_inlet_fill(&stream->inlet, all, released, &error))
        fail(stream, &error);
    else if (stream->over)
        rill_stream_end(stream);
}

/* Decodes on behalf of a reader. */
static void fill(rill_stream *stream, bool all, size_t *released)
{
    want_file(stream);
    decode(stream, all, released);
}

size_t rill_stream_relieve(rill_stream *stream, bool all)
{
    size_t released = 0;
    decode(stream, all, &released);
    return released;
}

size_t rill_stream_take(rill_stream *stream, size_t max, const char **data, size_t *released)
{
    *released = 0;
    if (!rill_inlet_ready(&stream->inlet))
        fill(stream, false, released);
    size_t length =
        rill_inlet_take(&stream->inlet, max < CHUNK_ROOM ? max : CHUNK_ROOM, data, released);
    stream->hungry = !length;
    return length;
}

bool rill_stream_keep(rill_stream *stream, size_t *released)
{
    rill_error error = {0};
    *released = 0;
    want_file(stream);
    int32_t code = rill_inlet_collect(&stream->inlet, believed(stream), released, &error);
    if (code && stream->inlet.way == INLET_PIECES)
        return false;
    if (code)
        fail(stream, &error);
    else if (stream->over)
        rill_stream_end(stream);
    return true;
}

/* The stream has closed: nothing more goes to its file. */
static int32_t finish_file(rill_stream *stream, int32_t code, rill_error *err)
{
    rill_sink *sink = stream->inlet.sink;
    stream->inlet.sink = NULL;
    code = code ? code : rill_sink_commit(sink, err);
    stream->saved = !code && stream->reason == RILL_ENDED;
    rill_sink_free(&stream->turn->slab, sink);
    return code;
}

int32_t rill_stream_divert(rill_stream *stream, rill_sink *sink, size_t *released, rill_error *err)
{
    *released = 0;
    if (stream->inlet.way != INLET_PIECES) {
        rill_sink_free(&stream->turn->slab, sink);
        return rill_error_set(err, RILL_ARGUMENT, "the body has gone elsewhere");
    }
    want_file(stream);
    int32_t code = rill_inlet_save(&stream->inlet, sink, released, err);
    if (stream->reason != RILL_OPEN)
        return finish_file(stream, code, err);
    if (code)
        fail(stream, err);
    else if (stream->over)
        rill_stream_end(stream);
    return code;
}

void rill_stream_settle(rill_stream *stream, bool wait)
{
    size_t released = 0;
    stream->settles = stream->settles || wait;
    if (stream->over && stream->reason == RILL_OPEN)
        fill(stream, stream->inlet.way == INLET_PIECES, &released);
}

bool rill_stream_detach_body(rill_stream *stream, rill_body **body)
{
    size_t released;
    *body = NULL;
    if (!rill_stream_keep(stream, &released))
        return false;
    rill_bytes *kept = &stream->inlet.kept;
    if (kept->length)
        *body = rill_body_take(&stream->turn->slab, kept);
    if (!*body && kept->length)
        return false;
    rill_stream_uncount(stream);
    return true;
}
