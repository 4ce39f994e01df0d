#include "h1/head.h"

#include "base/error.h"
#include "http/fields.h"

/* --- fields that frame the message: NULL, or the rule that is broken ------------------------- */

static const char *read_length(rill_h1_head *head, rill_chars value)
{
    int64_t length = rill_fields_length(value);
    if (length < 0 || (head->content_length >= 0 && head->content_length != length))
        return "content-length is no number, or two differ (RFC 9112 section 6.3)";
    head->content_length = length;
    return NULL;
}

static const char *read_coding(rill_h1_head *head, rill_chars value)
{
    if (head->lines.minor == 0)
        return "transfer-encoding in HTTP/1.0 (RFC 9112 section 6.1)";
    if (head->chunked || !rill_fields_is(value, "chunked"))
        return "a transfer coding other than one chunked (RFC 9112 section 6.1)";
    head->chunked = true;
    return NULL;
}

/* Of `connection` and of `keep-alive`, which have no element in common. */
static void read_reuse(rill_h1_head *head, rill_chars value)
{
    int64_t number;
    for (rill_chars element; rill_fields_element(&value, &element);) {
        if (rill_fields_is(element, "keep-alive")) {
            head->keep_alive = true;
        } else if (rill_fields_is(element, "close") ||
                   (rill_fields_parameter(element, "max", &number) && number == 0)) {
            head->close = true;
        } else if (rill_fields_parameter(element, "timeout", &number)) {
            number = number < INT32_MAX ? number : INT32_MAX;
            head->idle_ms = number > 1 ? (uint64_t)(number - 1) * 1000 : 500;
        }
    }
}

/* Trailers say nothing of the message. */
static const char *read_framing(rill_h1_head *head)
{
    rill_chars name = head->lines.field.name, value = head->lines.field.value;
    if (!head->lines.status)
        return NULL;
    bool length = rill_chars_are(name, "content-length");
    bool coding = rill_chars_are(name, "transfer-encoding");
    if ((length || coding) && name.data[name.length] != ':')
        return "a blank before the colon (RFC 9112 section 5.1)";
    if (length)
        return read_length(head, value);
    if (coding)
        return read_coding(head, value);
    if (rill_chars_are(name, "connection") || rill_chars_are(name, "keep-alive"))
        read_reuse(head, value);
    return NULL;
}

/* --- the head -------------------------------------------------------------------------------- */

void rill_h1_head_init(rill_h1_head *head, bool trailers)
{
    *head =
        (rill_h1_head){.lines.state = trailers ? LINES_FIELDS : LINES_FIRST, .content_length = -1};
}

enum { SHOWN = 40 }; /* bytes of what is no status line */

static int64_t refuse(const rill_lines *lines, const char *rule, rill_error *err)
{
    rill_chars first = lines->first;
    if (lines->state != LINES_FIRST)
        return rill_error_set(err, RILL_PROTOCOL_ERROR, "the peer broke HTTP/1.1: %s", rule);
    return rill_error_set(err, RILL_PROTOCOL_ERROR, "the peer broke HTTP/1.1: %s: \"%.*s\"", rule,
                          first.length < SHOWN ? (int)first.length : SHOWN, first.data);
}

int64_t rill_h1_head_read(rill_h1_head *head, const char *data, size_t length, rill_stream *stream,
                          rill_error *err)
{
    uint32_t limit = stream->limits->max_header_list, most = limit ? limit : H1_LINE_MAX;
    enum rill_lines_found found = LINES_STATUS;
    const rill_field *field = &head->lines.field;
    rill_chars in = {data, length};
    while (found != LINES_MORE && found != LINES_END && stream->reason == RILL_OPEN) {
        const char *rule = NULL;
        found = rill_lines_next(&head->lines, &stream->turn->slab, &in, most);
        if (found == LINES_STATUS && head->lines.status == 101)
            rule = "it changes to a protocol that nobody asked for (101)";
        else if (found == LINES_FIELD)
            rule = read_framing(head);
        else if (found == LINES_BROKEN)
            rule = head->lines.rule;
        else if (found == LINES_TOO_LONG)
            rill_stream_refuse_head(stream, most);
        else if (found == LINES_END && head->lines.status) /* only now it is sure that it is one */
            rill_stream_receive_status(stream, head->lines.status);
        else if (found == LINES_NO_MEMORY)
            return rill_error_memory(err);
        if (rule)
            return refuse(&head->lines, rule, err);
        if (found == LINES_FIELD)
            rill_stream_field(stream, field->name.data, field->name.length, field->value.data,
                              field->value.length);
    }
    return in.data - data;
}
