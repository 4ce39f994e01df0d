#include "http/stream.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/body.h"
#include "base/error.h"
#include "http/code.h"
#include "http/fields.h"

/* What RFC 9113 section 6.5.2 adds per field when it measures a header list. */
enum { FIELD_OVERHEAD = 32 };

void rill_stream_init(rill_stream *stream, const rill_stream_setup *setup)
{
    memset(stream, 0, sizeof(*stream));
    stream->turn = setup->turn;
    stream->entry = setup->entry;
    stream->pieces = setup->pieces;
    stream->keeping = !setup->pieces || setup->save_path;
    stream->save_path = setup->save_path;
    stream->no_limits = setup->no_limits;
    stream->maxsize = setup->maxsize;
    stream->warnsize = setup->warnsize;
    stream->max_header_list = setup->max_header_list;
    stream->source = setup->source;
    stream->account = rill_account_hold(setup->account);
    stream->window = setup->window;
    stream->content_length = -1;
    stream->code = -1;
}

static void count(rill_stream *stream, size_t length)
{
    stream->held += length;
    stream->account->bytes += length;
}

static void uncount(rill_stream *stream, size_t length)
{
    if (length > stream->held)
        length = stream->held; /* after rill_stream_uncount() */
    stream->held -= length;
    stream->account->bytes -= length;
}

void rill_stream_uncount(rill_stream *stream)
{
    uncount(stream, stream->held);
}

static void drop_body(rill_stream *stream)
{
    rill_stream_uncount(stream);
    rill_bytes_dispose(&stream->turn->slab, &stream->kept);
    rill_chunks_dispose(&stream->turn->slab, &stream->chunks);
}

void rill_stream_dispose(rill_stream *stream)
{
    if (!stream->turn)
        return;
    rill_slab *slab = &stream->turn->slab;
    rill_stream_move(stream, NULL);
    rill_bytes_dispose(slab, &stream->head);
    if (stream->rare) {
        rill_bytes_dispose(slab, &stream->rare->trailers);
        rill_bytes_dispose(slab, &stream->rare->informational);
        rill_slab_free(slab, stream->rare);
        stream->rare = NULL;
    }
    rill_sink_free(slab, stream->sink);
    stream->sink = NULL;
    drop_body(stream);
    rill_account_release(slab, stream->account);
    stream->account = NULL;
    rill_slab_free(slab, stream->errors);
    stream->errors = NULL;
    stream->error_count = 0;
}

void rill_stream_move(rill_stream *stream, rill_stream **list)
{
    if (stream->link) {
        *stream->link = stream->next;
        if (stream->next)
            stream->next->link = stream->link;
    }
    stream->link = list;
    stream->next = NULL;
    if (!list)
        return;
    stream->next = *list;
    if (stream->next)
        stream->next->link = &stream->next;
    *list = stream;
}

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
    rill_sink *sink = stream->sink;
    rill_error error = {0};
    stream->sink = NULL;
    if (!sink)
        return;
    if (reason == RILL_ENDED || reason == RILL_STOPPED) {
        stream->saved = !rill_sink_commit(sink, &error);
        if (!stream->saved)
            rill_stream_close_because(stream, &error);
    }
    rill_sink_free(&stream->turn->slab, sink);
}

static bool close_once(rill_stream *stream, enum rill_reason reason, int32_t code)
{
    if (stream->reason != RILL_OPEN)
        return false;
    end_sink(stream, reason);
    if (stream->reason != RILL_OPEN)
        return false; /* the file has decided otherwise */
    stream->reason = reason;
    stream->code = code;
    stream->refused = stream->refused || reason == RILL_GOAWAY ||
                      (reason == RILL_RESET && stream->peer_reset && code == CODE_REFUSED_STREAM);
    if (reason == RILL_MAXSIZE_EXCEEDED || reason == RILL_MAXSIZE_EXCEEDED_ACTUAL)
        drop_body(stream);
    return true;
}

void rill_stream_close(rill_stream *stream, enum rill_reason reason, int32_t code,
                       const char *format, ...)
{
    if (!close_once(stream, reason, code) || reason == RILL_ENDED || reason == RILL_STOPPED)
        return;
    rill_error error = {.reason = (int32_t)reason};
    va_list args;
    va_start(args, format);
    rill_error_write(&error, format, args);
    va_end(args);
    if (reason == RILL_MAXSIZE_EXCEEDED || reason == RILL_MAXSIZE_EXCEEDED_ACTUAL) {
        error.limit = (double)stream->maxsize;
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

void rill_stream_add_cause(rill_stream *stream, const rill_error *cause)
{
    if (stream->error_count == 1)
        stream->errors[stream->error_count++] = *cause;
}

/* --- heads ----------------------------------------------------------------------------------- */

void rill_stream_begin_head(rill_stream *stream)
{
    stream->in_trailers = stream->status != 0;
    stream->active_ms = stream->turn->now_ms;
}

/* NULL: out of memory. */
static struct stream_rare *rare(rill_stream *stream)
{
    if (!stream->rare)
        stream->rare = rill_slab_zalloc(&stream->turn->slab, sizeof(*stream->rare));
    return stream->rare;
}

static rill_bytes *current_head(rill_stream *stream)
{
    if (!stream->in_trailers)
        return &stream->head;
    return rare(stream) ? &stream->rare->trailers : NULL;
}

static void no_memory(rill_stream *stream)
{
    rill_stream_close(stream, RILL_ERROR, CODE_INTERNAL_ERROR, "out of memory");
}

static bool is_limited(const rill_stream *stream)
{
    return !stream->no_limits && stream->status != 204 && stream->status != 304;
}

static int parse_status(const char *value, size_t length)
{
    return length == 3 ? (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0') : 0;
}

void rill_stream_field(rill_stream *stream, const char *name, size_t name_length, const char *value,
                       size_t value_length)
{
    uint64_t size = (uint64_t)name_length + value_length + FIELD_OVERHEAD;
    if (stream->reason != RILL_OPEN)
        return;
    if (stream->max_header_list && size + stream->header_list > stream->max_header_list) {
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, CODE_ENHANCE_YOUR_CALM,
                          "the response's header fields exceed max_header_list (%u bytes)",
                          stream->max_header_list);
        if (stream->errors)
            stream->errors->limit = stream->max_header_list;
        return;
    }
    stream->header_list += (uint32_t)size;
    rill_bytes *head = current_head(stream);
    if (name[0] == ':') {
        if (name_length == 7) /* ":status": no other pseudo-header field passes the session */
            stream->status = parse_status(value, value_length);
        return;
    }
    if (!stream->in_trailers && name_length == 14 && !memcmp(name, "content-length", 14))
        stream->content_length = rill_fields_number(value, value_length);
    size_t room = name_length + value_length + 4;
    size_t wanted = head ? head->length + room : 0;
    if (!head || (wanted > head->room &&
                  !rill_bytes_reserve(&stream->turn->slab, head,
                                      head->room * 2 > wanted ? head->room * 2 : wanted + 256))) {
        no_memory(stream);
        return;
    }
    char *out = head->data + head->length;
    memcpy(out, "\r\n", 2);
    memcpy(out + 2, name, name_length);
    memcpy(out + 2 + name_length, ": ", 2);
    memcpy(out + 4 + name_length, value, value_length);
    head->length += room;
}

/* A 1xx head is put aside behind its three digits; the final one is still to come. */
static void keep_informational(rill_stream *stream)
{
    if (stream->status == 100 && stream->source)
        stream->source->held = false;
    char digits[14]; /* CR LF, three, and room for what no status is */
    rill_slab *slab = &stream->turn->slab;
    snprintf(digits, sizeof(digits), "\r\n%03d", stream->status); /* 100 to 199 */
    bool kept = rare(stream) && rill_bytes_append(slab, &stream->rare->informational, digits, 5) &&
                rill_bytes_append(slab, &stream->rare->informational, stream->head.data,
                                  stream->head.length);
    stream->head.length = 0;
    stream->status = 0;
    stream->content_length = -1;
    if (!kept)
        no_memory(stream);
}

static void open_sink(rill_stream *stream)
{
    rill_turn *turn = stream->turn;
    rill_error error = {0};
    stream->sink = rill_sink_open(&turn->slab, stream->save_path, 0, rill_turn_random(turn), &error);
    if (!stream->sink)
        rill_stream_close_because(stream, &error);
}

void rill_stream_end_head(rill_stream *stream)
{
    if (stream->reason != RILL_OPEN || stream->in_trailers)
        return;
    if (stream->status < 100) { /* only that it has three digits was checked */
        int status = stream->status;
        stream->status = 0;
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, CODE_PROTOCOL_ERROR,
                          "the response's status is %03d (RFC 9110 section 15)", status);
        return;
    }
    if (stream->status < 200) {
        keep_informational(stream);
        return;
    }
    stream->head_us = stream->turn->now_us;
    if (stream->remote == HALF_IDLE)
        stream->remote = HALF_OPEN;
    uint64_t announced = stream->content_length > 0 ? (uint64_t)stream->content_length : 0;
    if (stream->save_path && stream->status < 300)
        open_sink(stream);
    if (stream->reason != RILL_OPEN)
        return;
    if (stream->pieces)
        rill_turn_report(stream->turn, stream->entry, RILL_EVENT_HEAD);
    if (!is_limited(stream))
        return;
    if (stream->maxsize && announced > stream->maxsize) {
        rill_stream_close(stream, RILL_MAXSIZE_EXCEEDED, CODE_CANCEL,
                          "content-length announces %llu bytes, more than maxsize (%llu)",
                          (unsigned long long)announced, (unsigned long long)stream->maxsize);
        return;
    }
    if (stream->warnsize && announced > stream->warnsize)
        stream->reached_warnsize = stream->warn = true;
}

/* --- body ------------------------------------------------------------------------------------ */

/* What a peer announces is believed up to here when room is made for it. */
enum { BODY_BELIEVED = 1 << 20 };

/* Room for the first `length` bytes of a body, and what is announced beside. */
static size_t first_room(const rill_stream *stream, size_t length)
{
    int64_t announced = stream->content_length;
    if (announced > BODY_BELIEVED)
        announced = BODY_BELIEVED;
    return announced > (int64_t)length ? (size_t)announced : length;
}

static bool keep(rill_stream *stream, const void *data, size_t length)
{
    if (stream->sink) {
        rill_error error = {0};
        if (rill_sink_write(stream->sink, data, length, &error))
            rill_stream_close_because(stream, &error);
        return true;
    }
    rill_slab *slab = &stream->turn->slab;
    rill_bytes *kept = &stream->kept;
    if (!(kept->room || rill_bytes_reserve(slab, kept, first_room(stream, length))) ||
        !rill_bytes_append(slab, kept, data, length))
        return false;
    count(stream, length);
    return true;
}

void rill_stream_data(rill_stream *stream, const void *data, size_t length)
{
    if (stream->reason != RILL_OPEN)
        return;
    stream->received += length;
    stream->active_ms = stream->turn->now_ms;
    if (stream->maxsize && is_limited(stream) && stream->received > stream->maxsize) {
        rill_stream_close(stream, RILL_MAXSIZE_EXCEEDED_ACTUAL, CODE_CANCEL,
                          "%llu bytes arrived, more than maxsize (%llu)",
                          (unsigned long long)stream->received,
                          (unsigned long long)stream->maxsize);
        return;
    }
    if (stream->warnsize && !stream->reached_warnsize && stream->received > stream->warnsize)
        stream->reached_warnsize = stream->warn = true;
    if (stream->keeping) {
        if (!keep(stream, data, length))
            no_memory(stream);
        return;
    }
    if (!rill_chunks_append(&stream->turn->slab, &stream->chunks, data, length)) {
        no_memory(stream);
        return;
    }
    count(stream, length);
    if (stream->hungry) {
        stream->hungry = false;
        rill_turn_report(stream->turn, stream->entry, RILL_EVENT_READABLE);
    }
}

bool rill_stream_waits_for_us(const rill_stream *stream)
{
    const rill_source *source = stream->source;
    return stream->local_since_ms || stream->starved ||
           (source && stream->local == HALF_OPEN && rill_source_paused(source));
}

size_t rill_stream_take(rill_stream *stream, size_t max, const char **data)
{
    size_t length = rill_chunks_take(&stream->turn->slab, &stream->chunks,
                                     max < CHUNK_ROOM ? max : CHUNK_ROOM, data);
    uncount(stream, length);
    stream->hungry = !length;
    return length;
}

bool rill_stream_keep(rill_stream *stream, size_t *released)
{
    const char *data;
    size_t length, unread = stream->chunks.length;
    rill_slab *slab = &stream->turn->slab;
    rill_bytes *kept = &stream->kept;
    size_t room = kept->room ? kept->length + unread : first_room(stream, unread);
    *released = 0;
    if (unread && !rill_bytes_reserve(slab, kept, room))
        return false;
    stream->keeping = true;
    while ((length = rill_stream_take(stream, CHUNK_ROOM, &data))) {
        rill_bytes_append(slab, kept, data, length); /* there is room */
        count(stream, length);
        *released += length;
    }
    return true;
}

bool rill_stream_detach_body(rill_stream *stream, rill_body **body)
{
    size_t released;
    *body = NULL;
    if (!rill_stream_keep(stream, &released))
        return false;
    if (stream->kept.length)
        *body = rill_body_take(&stream->turn->slab, &stream->kept);
    if (!*body && stream->kept.length)
        return false;
    rill_stream_uncount(stream);
    return true;
}
