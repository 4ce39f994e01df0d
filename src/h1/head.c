#include "h1/head.h"

#include <string.h>

#include "base/error.h"
#include "http/fields.h"

static int32_t broken(rill_error *err, const char *rule)
{
    return rill_error_set(err, RILL_PROTOCOL_ERROR, "the peer broke HTTP/1.1: %s", rule);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* --- the status line ------------------------------------------------------------------------- */

/* "HTTP/1." digit, one blank, three digits, then a blank and a reason, or the end. */
static int32_t read_status_line(rill_h1_head *head, rill_text line, rill_error *err)
{
    int64_t minor = -1, status = -1;
    if (line.length >= 12 && !memcmp(line.data, "HTTP/1.", 7) && line.data[8] == ' ' &&
        (line.length == 12 || line.data[12] == ' ')) {
        minor = rill_fields_number(line.data + 7, 1);
        status = rill_fields_number(line.data + 9, 3);
    }
    if (minor < 0 || status < 0)
        return broken(err, "the status line is none (RFC 9112 section 4)");
    if (status < 100)
        return broken(err, "the status is below 100 (RFC 9110 section 15)");
    head->minor = (int)minor;
    head->status = (int)status;
    return 0;
}

/* Reported last: only a head that is complete says that the server has acted. */
static void report_status(const rill_h1_head *head, rill_stream *stream)
{
    int status = head->status;
    char digits[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                     (char)('0' + status % 10)};
    if (!head->trailers)
        rill_stream_field(stream, ":status", 7, digits, sizeof(digits));
}

/* --- fields that frame the message ----------------------------------------------------------- */

static int32_t read_length(rill_h1_head *head, rill_text value, rill_error *err)
{
    int64_t length = rill_fields_length(value);
    if (length < 0 || (head->content_length >= 0 && head->content_length != length))
        return broken(err, "content-length is no number, or two differ (RFC 9112 section 6.3)");
    head->content_length = length;
    return 0;
}

static int32_t read_coding(rill_h1_head *head, rill_text value, rill_error *err)
{
    if (head->minor == 0)
        return broken(err, "transfer-encoding in HTTP/1.0 (RFC 9112 section 6.1)");
    if (head->chunked || !rill_fields_is(value, "chunked"))
        return broken(err, "a transfer coding other than one chunked (RFC 9112 section 6.1)");
    head->chunked = true;
    return 0;
}

static int32_t read_connection(rill_h1_head *head, rill_text value, rill_error *err)
{
    (void)err;
    for (rill_text element; rill_fields_element(&value, &element);) {
        head->close = head->close || rill_fields_is(element, "close");
        head->keep_alive = head->keep_alive || rill_fields_is(element, "keep-alive");
    }
    return 0;
}

static int32_t read_keep_alive(rill_h1_head *head, rill_text value, rill_error *err)
{
    int64_t number;
    (void)err;
    for (rill_text element; rill_fields_element(&value, &element);) {
        if (rill_fields_parameter(element, "timeout", &number))
            head->keep_alive_s = number < INT32_MAX ? (int32_t)number : INT32_MAX;
        head->close =
            head->close || (rill_fields_parameter(element, "max", &number) && number == 0);
    }
    return 0;
}

#define NAMED(name, ...)                                                                           \
    {                                                                                              \
        name, sizeof(name) - 1, __VA_ARGS__                                                        \
    }
static const struct framing {
    const char *name;
    size_t length;
    bool strict; /* no blank before the colon */
    int32_t (*read)(rill_h1_head *head, rill_text value, rill_error *err);
} framing[] = {
    NAMED("content-length", true, read_length),
    NAMED("transfer-encoding", true, read_coding),
    NAMED("connection", false, read_connection),
    NAMED("keep-alive", false, read_keep_alive),
};

/* NULL: it does not. */
static const struct framing *find_framing(rill_text name)
{
    for (size_t i = 0; i < sizeof(framing) / sizeof(*framing); i++)
        if (name.length == framing[i].length && !memcmp(name.data, framing[i].name, name.length))
            return &framing[i];
    return NULL;
}

/* --- fields ---------------------------------------------------------------------------------- */

/* A whole field stands in the line. */
static int32_t read_field(rill_h1_head *head, rill_stream *stream, rill_error *err)
{
    char *line = head->line.data, *colon = memchr(line, ':', head->line.length);
    size_t length = head->line.length, before = (size_t)(colon - line);
    rill_text name = rill_fields_trim((rill_text){line, before});
    head->line.length = 0;
    if (!name.length)
        return broken(err, "a header field without a name (RFC 9112 section 5)");
    if (!rill_fields_lower(line, before))
        return broken(err, "a control byte in a field's name (RFC 9110 section 5.1)");
    const struct framing *frames = head->trailers ? NULL : find_framing(name);
    if (frames && frames->strict && name.length != before)
        return broken(err, "a blank before the colon (RFC 9112 section 5.1)");
    rill_fields_blank(colon, length - before);
    rill_text value = rill_fields_trim((rill_text){colon + 1, length - before - 1});
    int32_t code = frames ? frames->read(head, value, err) : 0;
    if (!code)
        rill_stream_field(stream, name.data, name.length, value.data, value.length);
    return code;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* A line has ended; LF stands at its end. */
static int32_t end_line(rill_h1_head *head, rill_stream *stream, rill_error *err)
{
    rill_bytes *line = &head->line;
    line->length--;
    if (line->length && line->data[line->length - 1] == '\r')
        line->length--;
    rill_text whole = {line->data, line->length};
    if (head->state == H1_STATUS_LINE) {
        line->length = 0;
        head->state = whole.length || head->skipped ? H1_FIELD : H1_STATUS_LINE;
        head->skipped = true; /* servers send an empty one behind a former body */
        return head->state == H1_FIELD ? read_status_line(head, whole, err) : 0;
    }
    head->state = line->length ? H1_FIELD_END : H1_HEAD_DONE;
    if (head->state == H1_HEAD_DONE) {
        rill_bytes_dispose(&stream->turn->slab, line);
        report_status(head, stream);
    }
    return 0;
}

/* A field's line has ended. `next` shows whether it goes on, with one blank for what folds it (RFC
 * 9112 section 5.2). */
static int32_t end_field(rill_h1_head *head, char next, rill_stream *stream, rill_error *err)
{
    rill_bytes *line = &head->line;
    if (is_blank(*line->data))
        return broken(err, "a folded line before any field (RFC 9112 section 5.2)");
    if (!memchr(line->data, ':', line->length))
        return broken(err, "a header line without a colon (RFC 9112 section 5)");
    head->state = is_blank(next) ? H1_FOLD : H1_FIELD;
    if (head->state == H1_FIELD)
        return read_field(head, stream, err);
    line->length = rill_fields_trim((rill_text){line->data, line->length}).length;
    return 0;
}

/* Appends what belongs to one line; `*part` becomes how much that is. */
static int32_t take_line(rill_h1_head *head, const char *data, size_t *part, rill_stream *stream,
                         rill_error *err)
{
    rill_slab *slab = &stream->turn->slab;
    const char *lf = memchr(data, '\n', *part);
    *part = lf ? (size_t)(lf - data) + 1 : *part;
    if ((head->state == H1_FOLD && !rill_bytes_append(slab, &head->line, " ", 1)) ||
        !rill_bytes_append(slab, &head->line, data, *part))
        return rill_error_memory(err);
    head->state = head->state == H1_FOLD ? H1_FIELD : head->state;
    return lf ? end_line(head, stream, err) : 0;
}

void rill_h1_head_init(rill_h1_head *head, bool trailers)
{
    *head = (rill_h1_head){.state = trailers ? H1_FIELD : H1_STATUS_LINE,
                           .trailers = trailers,
                           .content_length = -1,
                           .keep_alive_s = -1};
}

int64_t rill_h1_head_read(rill_h1_head *head, const char *data, size_t length, rill_stream *stream,
                          rill_error *err)
{
    uint32_t limit = stream->limits->max_header_list, most = limit ? limit : H1_LINE_MAX;
    size_t taken = 0;
    while (head->state != H1_HEAD_DONE && taken < length && stream->reason == RILL_OPEN) {
        const char *rest = data + taken;
        size_t part = length - taken;
        int32_t code = head->state == H1_FIELD_END ? end_field(head, *rest, stream, err) : 0;
        if (!code && head->state == H1_FOLD && is_blank(*rest))
            head->blanks += part = 1;
        else if (!code)
            code = take_line(head, rest, &part, stream, err);
        if (code)
            return code;
        if (head->line.length + head->blanks > most)
            rill_stream_refuse_head(stream, most);
        taken += part;
    }
    head->length += taken;
    return (int64_t)taken;
}
