#include "h1/head.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "http/fields.h"

typedef struct text {
    char *data;
    size_t length;
} text;

static int32_t broken(rill_error *err, const char *rule)
{
    return rill_error_set(err, RILL_PROTOCOL_ERROR, "the peer broke HTTP/1.1: %s", rule);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static text trim(text t)
{
    while (t.length && is_blank(*t.data))
        t.data++, t.length--;
    while (t.length && is_blank(t.data[t.length - 1]))
        t.length--;
    return t;
}

static bool is_word(text t, const char *word)
{
    return t.length == strlen(word) && !strncasecmp(t.data, word, t.length);
}

/* The next element of a comma-separated list, cut off its front. False: there are no more. */
static bool next_element(text *list, text *element)
{
    if (!list->length)
        return false;
    const char *comma = memchr(list->data, ',', list->length);
    size_t length = comma ? (size_t)(comma - list->data) : list->length;
    *element = trim((text){list->data, length});
    list->data += length + (comma != NULL);
    list->length -= length + (comma != NULL);
    return true;
}

/* --- the status line ------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1." digit, one blank, three digits, then a blank and a reason, or the end. */
static int32_t read_status_line(rill_h1_head *head, text line, rill_error *err)
{
    const char *p = line.data;
    if (line.length < 12 || memcmp(p, "HTTP/1.", 7) || !is_digit(p[7]) || p[8] != ' ' ||
        !is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]) ||
        (line.length > 12 && p[12] != ' '))
        return broken(err, "the status line is none (RFC 9112 section 4)");
    head->minor = p[7] - '0';
    head->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    if (head->status < 100)
        return broken(err, "the status is below 100 (RFC 9110 section 15)");
    return 0;
}

/* Reported last: only a head that is complete says that the server has acted. */
static void tell_status(const rill_h1_head *head, rill_stream *stream)
{
    int status = head->status;
    char digits[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                     (char)('0' + status % 10)};
    if (!head->trailers)
        rill_stream_field(stream, ":status", 7, digits, sizeof(digits));
}

/* --- fields that frame the message ----------------------------------------------------------- */

static int32_t read_length(rill_h1_head *head, text value, rill_error *err)
{
    text element;
    if (!value.length || value.data[value.length - 1] == ',')
        return broken(err, "content-length is no number (RFC 9112 section 6.3)");
    while (next_element(&value, &element)) {
        int64_t number = rill_fields_number(element.data, element.length);
        if (number < 0)
            return broken(err, "content-length is no number (RFC 9112 section 6.3)");
        if (head->content_length >= 0 && head->content_length != number)
            return broken(err, "two content-lengths differ (RFC 9112 section 6.3)");
        head->content_length = number;
    }
    return 0;
}

static int32_t read_coding(rill_h1_head *head, text value, rill_error *err)
{
    if (head->minor == 0)
        return broken(err, "transfer-encoding in HTTP/1.0 (RFC 9112 section 6.1)");
    if (head->chunked || !is_word(value, "chunked"))
        return broken(err, "a transfer coding other than one chunked (RFC 9112 section 6.1)");
    head->chunked = true;
    return 0;
}

static void read_connection(rill_h1_head *head, text value)
{
    text element;
    while (next_element(&value, &element)) {
        head->close = head->close || is_word(element, "close");
        head->keep_alive = head->keep_alive || is_word(element, "keep-alive");
    }
}

static void read_keep_alive(rill_h1_head *head, text value)
{
    text element;
    while (next_element(&value, &element)) {
        if (element.length > 8 && !strncasecmp(element.data, "timeout=", 8)) {
            int64_t seconds = rill_fields_number(element.data + 8, element.length - 8);
            if (seconds >= 0)
                head->keep_alive_s = seconds < INT32_MAX ? (int32_t)seconds : INT32_MAX;
        } else if (is_word(element, "max=0")) {
            head->last = true;
        }
    }
}

static int32_t read_framing(rill_h1_head *head, text name, text value, rill_error *err)
{
    if (is_word(name, "content-length"))
        return read_length(head, value, err);
    if (is_word(name, "transfer-encoding"))
        return read_coding(head, value, err);
    if (is_word(name, "connection"))
        read_connection(head, value);
    else if (is_word(name, "keep-alive"))
        read_keep_alive(head, value);
    return 0;
}

/* --- fields ---------------------------------------------------------------------------------- */

/* Lower case, without what no name has. False: a control byte. */
static bool clean_name(text name)
{
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
        if (c >= 'A' && c <= 'Z')
            name.data[i] = (char)(c | 0x20);
    }
    return true;
}

/* One blank for each fold, NUL and bare CR (RFC 9112 sections 2.2 and 5.2). Returns the length. */
static size_t clean_value(text value)
{
    size_t n = 0;
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (c == '\n' || c == '\r' || c == 0) {
            bool fold =
                c == '\n' || (c == '\r' && i + 1 < value.length && value.data[i + 1] == '\n');
            while (fold && n && is_blank(value.data[n - 1]))
                n--;
            while (fold && i + 1 < value.length &&
                   (value.data[i + 1] == '\n' || is_blank(value.data[i + 1])))
                i++;
            c = ' ';
        }
        value.data[n++] = c;
    }
    return n;
}

static int32_t read_field(rill_h1_head *head, text line, rill_stream *stream, rill_error *err)
{
    char *colon = memchr(line.data, ':', line.length);
    char *lf = memchr(line.data, '\n', line.length);
    if (!colon || (lf && lf < colon))
        return broken(err, "a header line without a colon (RFC 9112 section 5)");
    text name = {line.data, (size_t)(colon - line.data)};
    text bare = trim(name);
    if (!bare.length)
        return broken(err, "a header field without a name (RFC 9112 section 5)");
    if (bare.length != name.length &&
        (is_word(bare, "content-length") || is_word(bare, "transfer-encoding")))
        return broken(err, "a blank before the colon (RFC 9112 section 5.1)");
    if (!clean_name(bare))
        return broken(err, "a control byte in a field's name (RFC 9110 section 5.1)");
    text value = {colon + 1, line.length - name.length - 1};
    value.length = clean_value(value);
    value = trim(value);
    int32_t code = head->trailers ? 0 : read_framing(head, bare, value, err);
    if (!code)
        rill_stream_field(stream, bare.data, bare.length, value.data, value.length);
    return code;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* Finds the end of the line that begins at `data`, folded lines included. Returns its length with
 * the line end, 0: it is not complete. */
static size_t find_line(rill_h1_head *head, const char *data, size_t length)
{
    size_t at = head->scanned;
    for (;;) {
        const char *lf = at < length ? memchr(data + at, '\n', length - at) : NULL;
        if (!lf) {
            head->scanned = length;
            return 0;
        }
        at = (size_t)(lf - data) + 1;
        bool empty = at == 1 || (at == 2 && data[0] == '\r');
        if (head->state == H1_STATUS_LINE || empty)
            break;
        if (at == length) { /* the next byte decides whether the line goes on */
            head->scanned = at - 1;
            return 0;
        }
        if (!is_blank(data[at]))
            break;
    }
    head->scanned = 0;
    return at;
}

static int32_t read_line(rill_h1_head *head, text line, rill_stream *stream, rill_error *err)
{
    line.length--;
    if (line.length && line.data[line.length - 1] == '\r')
        line.length--;
    bool first = !head->any;
    head->any = true;
    if (head->state == H1_STATUS_LINE) {
        if (!line.length && first) /* servers send one behind a former body */
            return 0;
        head->state = H1_FIELDS;
        head->any = false;
        return read_status_line(head, line, err);
    }
    if (!line.length) {
        head->state = H1_HEAD_DONE;
        tell_status(head, stream);
        return 0;
    }
    if (first && is_blank(line.data[0]))
        return broken(err, "a folded line before any field (RFC 9112 section 5.2)");
    return read_field(head, line, stream, err);
}

void rill_h1_head_init(rill_h1_head *head, bool trailers)
{
    *head = (rill_h1_head){.state = trailers ? H1_FIELDS : H1_STATUS_LINE,
                           .trailers = trailers,
                           .content_length = -1,
                           .keep_alive_s = -1};
}

int64_t rill_h1_head_read(rill_h1_head *head, char *data, size_t length, rill_stream *stream,
                          rill_error *err)
{
    size_t taken = 0, line;
    while (head->state != H1_HEAD_DONE && taken < length &&
           (line = find_line(head, data + taken, length - taken))) {
        int32_t code = read_line(head, (text){data + taken, line}, stream, err);
        if (code)
            return code;
        taken += line;
    }
    return (int64_t)taken;
}
