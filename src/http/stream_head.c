#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/stream.h"
#include "base/error.h"
#include "http/code.h"
#include "http/fields.h"

/* What RFC 9113 section 6.5.2 adds per field when it measures a header list. */
enum { FIELD_OVERHEAD = 32 };

void rill_stream_begin_head(rill_stream *stream)
{
    stream->in_trailers = stream->status != 0;
    stream->active_ms = stream->turn->now_ms;
}

/* NULL: out of memory. */
static struct stream_extras *extras(rill_stream *stream)
{
    if (!stream->extras)
        stream->extras = rill_slab_zalloc(&stream->turn->slab, sizeof(*stream->extras));
    return stream->extras;
}

static rill_bytes *current_head(rill_stream *stream)
{
    if (!stream->in_trailers)
        return &stream->head;
    return extras(stream) ? &stream->extras->trailers : NULL;
}

RILL_COLD static void no_memory(rill_stream *stream)
{
    rill_stream_close(stream, RILL_ERROR, CODE_INTERNAL_ERROR, "out of memory");
}

RILL_COLD void rill_stream_refuse_head(rill_stream *stream, uint32_t most)
{
    rill_stream_close(stream, RILL_PROTOCOL_ERROR, CODE_ENHANCE_YOUR_CALM,
                      "the response's header fields exceed max_header_list (%u bytes)", most);
    if (stream->errors)
        stream->errors->limit = most;
}

/* The fields that decide something. False: out of memory. */
static RILL_APART bool note_field(rill_stream *stream, const char *name, size_t name_length,
                                  const char *value, size_t value_length)
{
    rill_chars field = {name, name_length};
    if (rill_chars_are(field, "content-length"))
        stream->content_length = rill_fields_number(value, value_length);
    bool coding = stream->decodes && rill_chars_are(field, "content-encoding");
    return !coding || rill_inlet_encoding(&stream->inlet, value, value_length);
}

RILL_COLD static bool grow(rill_stream *stream, rill_bytes *head, size_t wanted)
{
    size_t room = head->room * 2 > wanted ? head->room * 2 : wanted + 256;
    return rill_bytes_reserve(&stream->turn->slab, head, room);
}

/* Whether it goes on, with a field more. */
static inline bool make_room(rill_stream *stream, size_t name_length, size_t value_length)
{
    uint64_t size = (uint64_t)name_length + value_length + FIELD_OVERHEAD;
    if (stream->reason != RILL_OPEN)
        return false;
    bool fits = size <= stream->header_room;
    if (fits)
        stream->header_room -= size;
    else
        rill_stream_refuse_head(stream, stream->limits->max_header_list);
    return fits;
}

void rill_stream_receive_status(rill_stream *stream, int status)
{
    if (make_room(stream, 7, 3)) /* ":status", and its digits */
        stream->status = status;
}

inline void rill_stream_field(rill_stream *stream, const char *name, size_t name_length,
                              const char *value, size_t value_length)
{
    if (!make_room(stream, name_length, value_length))
        return;
    if (name[0] == ':') {
        if (name_length == 7) /* ":status": no other pseudo-header field passes the session */
            stream->status = value_length == 3 ? (int)rill_fields_number(value, 3) : 0;
        return;
    }
    rill_bytes *head = current_head(stream);
    bool decides = !stream->in_trailers && (name_length == 14 || name_length == 16);
    size_t wanted = head ? head->length + name_length + value_length + 4 : 0;
    if (!head || (decides && !note_field(stream, name, name_length, value, value_length)) ||
        (wanted > head->room && !grow(stream, head, wanted))) {
        no_memory(stream);
        return;
    }
    char *out = head->data + head->length;
    head->length = wanted;
    memcpy(out, "\r\n", 2);
    memcpy(out + 2, name, name_length);
    memcpy(out + 2 + name_length, ": ", 2);
    memcpy(out + 4 + name_length, value, value_length);
}

/* A 1xx head is put aside behind its three digits; the final one is still to come. */
static void keep_informational(rill_stream *stream)
{
    if (stream->status == 100 && stream->source)
        stream->source->held = false;
    char digits[14]; /* CR LF, three, and room for what no status is */
    rill_slab *slab = &stream->turn->slab;
    snprintf(digits, sizeof(digits), "\r\n%03d", stream->status); /* 100 to 199 */
    bool kept = extras(stream) &&
                rill_bytes_append(slab, &stream->extras->informational, digits, 5) &&
                rill_bytes_append(slab, &stream->extras->informational, stream->head.data,
                                  stream->head.length);
    stream->head.length = 0;
    stream->status = 0;
    stream->content_length = -1;
    rill_inlet_forget_encoding(&stream->inlet);
    if (!kept)
        no_memory(stream);
}

static void open_sink(rill_stream *stream)
{
    rill_turn *turn = stream->turn;
    rill_error error = {0};
    rill_sink *sink =
        rill_sink_open(&turn->slab, stream->save_path, 0, rill_turn_random(turn), &error);
    if (sink)
        rill_inlet_begin_file(&stream->inlet, sink);
    else
        rill_stream_close_because(stream, &error);
}

enum { TYPES_SHORT = 16 * 1024 };

/* Whether the body comes, whatever it is: a reset, or over HTTP/1.1 another connection, would cost
 * more. Not one that is coded: it may become long, or turn out to be broken. */
static bool is_short(const rill_stream *stream)
{
    static const char name[] = "content-encoding";
    size_t length;
    return stream->content_length >= 0 && stream->content_length <= TYPES_SHORT &&
           (!stream->limits->maxsize ||
            (uint64_t)stream->content_length <= stream->limits->maxsize) &&
           !rill_headers_find(stream->head.data, stream->head.length, name, &length);
}

/* Whether its body is of a type that is wanted. One that names none may be. */
static bool is_wanted(const rill_stream *stream)
{
    static const char name[] = "content-type";
    const char *end = stream->limits->types;
    rill_chars kind = {0}, types = {end, end ? strlen(end) : 0}, each;
    const char *value =
        end ? rill_headers_find(stream->head.data, stream->head.length, name, &kind.length) : NULL;
    if (!value || is_short(stream))
        return true;
    kind = rill_fields_trim((rill_chars){value, kind.length});
    size_t length = 0;
    while (length < kind.length && !strchr("; \t", kind.data[length]))
        length++;
    bool wanted = !length;
    while (!wanted && rill_fields_element(&types, &each))
        wanted = each.length == length && !strncasecmp(each.data, kind.data, length);
    return wanted;
}

inline void rill_stream_end_head(rill_stream *stream, bool ends)
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
    if (stream->elsewhere && stream->status == 421) {
        stream->misdirected = stream->refused = true; /* RFC 9110 section 15.5.20 */
        stream->status = 0;
        rill_stream_close(stream, RILL_RESET, CODE_CANCEL, "421: the server does not speak for it");
        return;
    }
    rill_stream_received_head(stream);
    stream->busy = stream->status == 429 || stream->status == 503;
    uint64_t announced = stream->content_length > 0 ? (uint64_t)stream->content_length : 0;
    if (stream->save_path && stream->status < 300)
        open_sink(stream);
    if (stream->reason != RILL_OPEN)
        return;
    if (stream->pieces)
        rill_turn_report(stream->turn, stream->entry, RILL_EVENT_HEAD);
    if (!rill_stream_has_body(stream))
        return;
    if (!ends && !is_wanted(stream)) {
        rill_stream_close(stream, RILL_STOPPED, -1, "a body of another type is wanted");
        return;
    }
    rill_inlet_limit(&stream->inlet, stream->limits->maxsize);
    if (stream->limits->maxsize && announced > stream->limits->maxsize) {
        rill_stream_close(stream, RILL_MAXSIZE_EXCEEDED, CODE_CANCEL,
                          "content-length announces %llu bytes, more than maxsize (%llu)",
                          (unsigned long long)announced,
                          (unsigned long long)stream->limits->maxsize);
        return;
    }
    if (stream->limits->warnsize && announced > stream->limits->warnsize)
        stream->reached_warnsize = stream->warn = true;
}
