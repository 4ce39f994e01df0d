#include "http/fields.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"

static const char token_marks[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 section 5.6.2 */

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = (unsigned)(c | 0x20) - 'a' < 26;
        if (!letter && !(c >= '0' && c <= '9') && (!c || !strchr(token_marks, c)))
            return false;
    }
    return length > 0;
}

static bool named(const char *name, size_t length, const char *other)
{
    return length == strlen(other) && !strncasecmp(name, other, length);
}

static const char *const connection_fields[] = {"connection", "keep-alive", "proxy-connection",
                                                "transfer-encoding", "upgrade"};

static const char *fault_of_name(const char *name, size_t length)
{
    if (length && name[0] == ':')
        return "pseudo-header fields are rill's to send";
    if (!is_token(name, length))
        return "not a token (RFC 9110 section 5.6.2)";
    for (size_t i = 0; i < sizeof(connection_fields) / sizeof(*connection_fields); i++)
        if (named(name, length, connection_fields[i]))
            return "belongs to a connection, HTTP/2 has no such field (RFC 9113 section 8.2.2)";
    return NULL;
}

/* Without a jump for each byte. */
static bool has_control(const char *value, size_t length)
{
    unsigned found = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value[i];
        found |= (unsigned)((c < ' ') & (c != '\t')) | (unsigned)(c == 0x7f);
    }
    return found;
}

static const char *fault_of_value(const char *value, size_t length)
{
    if (has_control(value, length))
        return "holds a control character (RFC 9110 section 5.5)";
    if (length && (strchr(" \t", value[0]) || strchr(" \t", value[length - 1])))
        return "begins or ends with a blank (RFC 9113 section 8.2.1)";
    return NULL;
}

static int show(size_t length)
{
    return length < 80 ? (int)length : 80;
}

int32_t rill_fields_check_value(const char *name, const char *value, size_t length, rill_error *err)
{
    const char *fault = fault_of_value(value, length);
    return !fault ? 0
                  : rill_error_set(err, RILL_ARGUMENT, "header field \"%s\": value \"%.*s\" %s",
                                   name, show(length), value, fault);
}

/* What a Host field may be, roughly: no more than the authority of a URL without userinfo. */
static const char *fault_of_host(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] <= ' ' || strchr("/@?#\\\x7f", value[i]))
            length = 0;
    return length ? NULL : "is no host, nor host:port (RFC 9110 section 7.2)";
}

/* An empty block may be NULL. */
static const char *end_of(const char *block, size_t length)
{
    return length ? block + length : block;
}

bool rill_fields_next(const char **rest, const char *end, rill_field *field)
{
    const char *start = *rest;
    if (end - start < 2 || memcmp(start, "\r\n", 2) != 0)
        return false;
    start += 2;
    const char *colon = memmem(start, (size_t)(end - start), ": ", 2);
    const char *stop = memmem(start, (size_t)(end - start), "\r\n", 2);
    if (!stop)
        stop = end;
    if (!colon || colon + 2 > stop)
        return false;
    field->name = (rill_chars){start, (size_t)(colon - start)};
    field->value = (rill_chars){colon + 2, (size_t)(stop - colon) - 2};
    *rest = stop;
    return true;
}

/* Whether a line has that name: looked at where it would end, and where it begins, since most have
 * another one. No name holds a colon. */
static bool is_named(const char *line, const char *name, size_t length)
{
    return line[length] == ':' && line[length + 1] == ' ' && !((*line ^ *name) & ~0x20) &&
           !strncasecmp(line, name, length) && !memchr(name, ':', length);
}

/* No value holds a CR. */
const char *rill_headers_find(const char *headers, size_t length, const char *name,
                              size_t *value_length)
{
    enum { AROUND = 4 }; /* CR LF before a name, a colon and a blank behind it */
    if (value_length)
        *value_length = 0;
    if (!headers || !name || !value_length)
        return NULL;
    size_t name_length = strlen(name);
    const char *end = headers + length;
    for (const char *at = headers; at && (size_t)(end - at) >= name_length + AROUND && *at == '\r';
         at = memchr(at + 2, '\r', (size_t)(end - at - 2))) {
        if (!is_named(at + 2, name, name_length))
            continue;
        const char *value = at + name_length + AROUND;
        const char *stop = memchr(value, '\r', (size_t)(end - value));
        *value_length = (size_t)((stop ? stop : end) - value);
        return value;
    }
    return NULL;
}

bool rill_fields_add(rill_slab *slab, rill_bytes *out, const char *name, const char *value,
                     size_t value_length)
{
    return rill_bytes_append(slab, out, "\r\n", 2) &&
           rill_bytes_append(slab, out, name, strlen(name)) &&
           rill_bytes_append(slab, out, ": ", 2) &&
           rill_bytes_append(slab, out, value, value_length);
}

/* Notes a field that is not sent as given. True: it was such a one. */
static bool note_field(rill_fields_found *found, const char *name, size_t name_length,
                       const char *value, size_t value_length)
{
    if (named(name, name_length, "host")) {
        found->host = value;
        found->host_length = value_length;
        return true;
    }
    if (named(name, name_length, "content-length")) {
        found->content_length = value;
        found->content_length_length = value_length;
        return true;
    }
    found->user_agent = found->user_agent || named(name, name_length, "user-agent");
    found->authorization = found->authorization || named(name, name_length, "authorization");
    return false;
}

static int32_t clean(rill_slab *slab, const char *block, size_t length, rill_bytes *out,
                     rill_fields_found *found, rill_error *err)
{
    const char *rest = block, *end = end_of(block, length);
    memset(found, 0, sizeof(*found));
    while (rest < end) {
        rill_field field;
        if (!rill_fields_next(&rest, end, &field))
            return rill_error_set(err, RILL_ARGUMENT, "header fields: \"%.*s\" is no field",
                                  show((size_t)(end - rest)), rest);
        const char *name = field.name.data, *value = field.value.data;
        size_t name_length = field.name.length, value_length = field.value.length;
        const char *fault = fault_of_name(name, name_length);
        if (fault)
            return rill_error_set(err, RILL_ARGUMENT, "header field \"%.*s\": %s",
                                  show(name_length), name, fault);
        fault = fault_of_value(value, value_length);
        if (!fault && named(name, name_length, "te") && !named(value, value_length, "trailers"))
            fault = "may only be \"trailers\" (RFC 9113 section 8.2.2)";
        if (!fault && named(name, name_length, "host"))
            fault = found->host ? "is a second one" : fault_of_host(value, value_length);
        if (fault)
            return rill_error_set(err, RILL_ARGUMENT, "header field \"%.*s\": value \"%.*s\" %s",
                                  show(name_length), name, show(value_length), value, fault);
        if (note_field(found, name, name_length, value, value_length))
            continue;
        size_t start = out->length;
        if (!rill_bytes_append(slab, out, name - 2, name_length + value_length + 4))
            return rill_error_memory(err);
        for (size_t i = start; i < start + 2 + name_length; i++)
            if (out->data[i] >= 'A' && out->data[i] <= 'Z')
                out->data[i] |= 0x20;
    }
    return 0;
}

int32_t rill_fields_clean(rill_slab *slab, const char *block, size_t length, rill_bytes *out,
                          rill_fields_found *found, rill_error *err)
{
    size_t had = out->length;
    int32_t code = clean(slab, block, length, out, found, err);
    if (code)
        out->length = had; /* the good ones before the bad one too */
    return code;
}

size_t rill_fields_count(const char *block, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += block[i] == '\r'; /* no value holds one */
    return count;
}

bool rill_fields_is_secret(const rill_field *field)
{
    return rill_fields_is(field->name, "authorization") || rill_fields_is(field->name, "cookie") ||
           rill_fields_is(field->name, "proxy-authorization");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

rill_chars rill_fields_trim(rill_chars text)
{
    while (text.length && is_blank(*text.data))
        text.data++, text.length--;
    while (text.length && is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

bool rill_fields_is(rill_chars text, const char *word)
{
    return named(text.data, text.length, word);
}

bool rill_fields_element(rill_chars *list, rill_chars *element)
{
    if (!list->length)
        return false;
    const char *comma = memchr(list->data, ',', list->length);
    size_t length = comma ? (size_t)(comma - list->data) : list->length;
    size_t taken = length + (comma != NULL);
    *element = rill_fields_trim((rill_chars){list->data, length});
    list->data += taken;
    list->length -= taken;
    return true;
}

int64_t rill_fields_number(const char *text, size_t length)
{
    enum { NEVER_TOO_LARGE = 18 }; /* digits */
    int64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9 || (i >= NEVER_TOO_LARGE && number > (INT64_MAX - (int64_t)digit) / 10))
            return -1;
        number = number * 10 + digit;
    }
    return length ? number : -1;
}

bool rill_fields_parameter(rill_chars element, const char *name, int64_t *number)
{
    const char *equals = memchr(element.data, '=', element.length);
    size_t length = equals ? (size_t)(equals - element.data) : 0;
    if (!equals || !named(element.data, length, name))
        return false;
    *number = rill_fields_number(equals + 1, element.length - length - 1);
    return *number >= 0;
}

int64_t rill_fields_length(rill_chars value)
{
    int64_t all = -1;
    if (value.length && value.data[value.length - 1] == ',')
        return -1;
    for (rill_chars element; rill_fields_element(&value, &element);) {
        int64_t number = rill_fields_number(element.data, element.length);
        if (number < 0 || (all >= 0 && all != number))
            return -1;
        all = number;
    }
    return all;
}

/* Eight bytes from that one on; sixteen. */
#define EIGHT(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROW(n)   EIGHT(n), EIGHT(n + 8)

/* What a byte of a name becomes: a letter lower case, others what they are. 0: it ends the name, as
 * ':' and control bytes do. */
/* clang-format off */
static const uint8_t lowered[256] = {
    ['\t'] = '\t',
    [' '] = ROW(' '), EIGHT('0'), '8', '9',
    [';'] = ';', '<', '=', '>', '?', '@',
    ['A'] = ROW('a'), EIGHT('q'), 'y', 'z',
    ['['] = '[', '\\', ']', '^', '_', ROW('`'), EIGHT('p'), 'x', 'y', 'z', '{', '|', '}', '~',
    [0x80] = ROW(0x80), ROW(0x90), ROW(0xa0), ROW(0xb0), ROW(0xc0), ROW(0xd0), ROW(0xe0), ROW(0xf0),
};
/* clang-format on */

/* The name becomes lower case. Returns what ends it: ':', a control byte, or the line's end. */
static char *lower(char *name, const char *end)
{
    uint8_t c;
    while (name < end && (c = lowered[(uint8_t)*name]))
        *name++ = (char)c;
    return name;
}

static void replace(char *text, size_t length, char c)
{
    for (char *at = text, *end = text + length; (at = memchr(at, c, (size_t)(end - at)));)
        *at++ = ' ';
}

/* What folds it, with the blanks around, to one blank. Returns what is left of its length. */
static size_t unfold(char *value, size_t length)
{
    size_t out = 0;
    for (size_t i = 0; i < length; i++) {
        if (value[i] != '\n') {
            value[out++] = value[i];
            continue;
        }
        while (out && (is_blank(value[out - 1]) || value[out - 1] == '\r'))
            out--;
        while (i + 1 < length && is_blank(value[i + 1]))
            i++;
        value[out++] = ' ';
    }
    return out;
}

const char *rill_fields_receive(char *line, size_t length, bool folded, rill_field *field)
{
    char *fold = folded ? memchr(line, '\n', length) : NULL;
    const char *end = fold ? fold : line + length;
    if (length && is_blank(*line))
        return "a folded line before any field (RFC 9112 section 5.2)";
    char *colon = lower(line, end); /* or what stands before it */
    if (colon == end || !memchr(colon, ':', (size_t)(end - colon)))
        return "a header line without a colon (RFC 9112 section 5)";
    rill_chars name = rill_fields_trim((rill_chars){line, (size_t)(colon - line)});
    if (*colon != ':')
        return "a control byte in a field's name (RFC 9110 section 5.1)";
    if (!name.length)
        return "a header field without a name (RFC 9112 section 5)";
    char *value = colon + 1;
    length -= (size_t)(value - line);
    if (fold)
        length = unfold(value, length);
    replace(value, length, '\r');
    replace(value, length, 0);
    *field = (rill_field){name, rill_fields_trim((rill_chars){value, length})};
    return NULL;
}

bool rill_fields_is_kept(rill_chars name, rill_chars value)
{
    static const char never[] = {'\0', '\r', '\n'};
    for (size_t i = 0; i < sizeof(never); i++)
        if (value.length && memchr(value.data, never[i], value.length))
            return false;
    if (value.length && (is_blank(value.data[0]) || is_blank(value.data[value.length - 1])))
        return false;
    return !fault_of_name(name.data, name.length) && has_control(value.data, value.length) &&
           !rill_chars_are(name, "content-length") && !rill_chars_are(name, "te");
}

int rill_fields_status(rill_chars line, int *minor)
{
    if (line.length < 12 || memcmp(line.data, "HTTP/1.", 7) != 0 || line.data[8] != ' ' ||
        (line.length > 12 && line.data[12] != ' '))
        return -1;
    *minor = (int)rill_fields_number(line.data + 7, 1);
    int status = (int)rill_fields_number(line.data + 9, 3);
    return *minor < 0 || status < 100 ? -1 : status;
}

int32_t rill_fields_check_method(const char *method, size_t length, rill_error *err)
{
    if (is_token(method, length))
        return 0;
    return rill_error_set(err, RILL_ARGUMENT, "method \"%.*s\": not a token (RFC 9110 section 9.1)",
                          show(length), method);
}
