#include "url/cleaner.h"

#include <string.h>

enum {
    TEXT = RILL_PART_USERINFO | RILL_PART_PATH | RILL_PART_QUERY | RILL_PART_FRAGMENT |
           RILL_PART_PASSWORD,
    SUB_DELIM = RILL_PART_HOST | TEXT,
    WORD = RILL_PART_UNRESERVED | SUB_DELIM,
    NAME = RILL_PART_SCHEME | WORD,
    TAIL = RILL_PART_QUERY | RILL_PART_FRAGMENT
};

const uint8_t rill_cleaner_parts[256] = {
    ['a' ... 'z'] = NAME,
    ['A' ... 'Z'] = NAME,
    ['0' ... '9'] = NAME,
    ['-'] = NAME,
    ['.'] = NAME,
    ['_'] = WORD,
    ['~'] = WORD,
    ['+'] = RILL_PART_SCHEME | SUB_DELIM,
    ['!'] = SUB_DELIM,
    ['$'] = SUB_DELIM,
    ['&'] = SUB_DELIM,
    ['\''] = SUB_DELIM,
    ['('] = SUB_DELIM,
    [')'] = SUB_DELIM,
    ['*'] = SUB_DELIM,
    [','] = SUB_DELIM,
    [';'] = SUB_DELIM,
    ['='] = SUB_DELIM,
    [':'] = TEXT & ~RILL_PART_PASSWORD,
    ['@'] = RILL_PART_PATH | TAIL,
    ['/'] = RILL_PART_PATH | TAIL,
    ['?'] = TAIL,
    ['"'] = RILL_PART_HOST, /* in no name of the DNS, but browsers ask it */
    ['`'] = RILL_PART_HOST,
    ['{'] = RILL_PART_HOST,
    ['}'] = RILL_PART_HOST,
};

bool rill_cleaner_fail(rill_cleaner *c, const char *why)
{
    c->why = why;
    return false;
}

int rill_cleaner_hex_digit(uint8_t byte)
{
    if (rill_cleaner_is_digit(byte))
        return byte - '0';
    byte = rill_cleaner_lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

int rill_cleaner_escaped_byte(rill_span in)
{
    if (in.end - in.at < 3 || *in.at != '%')
        return -1;
    int high = rill_cleaner_hex_digit(in.at[1]), low = rill_cleaner_hex_digit(in.at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

uint32_t rill_cleaner_escape(char *out, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = digits[byte >> 4];
    out[2] = digits[byte & 15];
    return 3;
}

void rill_cleaner_put(rill_cleaner *c, const void *bytes, size_t count)
{
    if (c->limit - c->length < count) {
        c->full = true;
        return;
    }
    memcpy(c->out + c->length, bytes, count);
    c->length += (uint32_t)count;
}

void rill_cleaner_put_lower(rill_cleaner *c, const uint8_t *bytes, size_t count)
{
    if (c->limit - c->length < count) {
        c->full = true;
        return;
    }
    char *out = c->out + c->length;
    for (size_t i = 0; i < count; i++)
        out[i] = (char)rill_cleaner_lower(bytes[i]);
    c->length += (uint32_t)count;
}

static void put_escaped(rill_cleaner *c, uint8_t byte)
{
    char escape[3];
    rill_cleaner_put(c, escape, rill_cleaner_escape(escape, byte));
}

/* Copies the longest run that is allowed as it stands: all there is to do for a clean URL. */
static void copy_run(rill_cleaner *c, uint8_t part)
{
    const uint8_t *at = c->in.at, *end = c->in.end;
    char *out = c->out + c->length;
    if ((size_t)(end - at) > c->limit - c->length)
        end = at + (c->limit - c->length);
    while (at < end && rill_cleaner_parts[*at] & part)
        *out++ = (char)*at++;
    c->length += (uint32_t)(at - c->in.at);
    c->in.at = at;
}

static void copy_percent(rill_cleaner *c)
{
    int byte = rill_cleaner_escaped_byte(c->in);
    if (byte < 0)
        put_escaped(c, '%');
    else if (!c->normalize)
        rill_cleaner_put(c, c->in.at, 3);
    else if (rill_cleaner_allows(RILL_PART_UNRESERVED, (uint8_t)byte))
        rill_cleaner_put(c, &(uint8_t){(uint8_t)byte}, 1);
    else
        put_escaped(c, (uint8_t)byte);
    c->in.at += byte < 0 ? 1 : 3;
}

bool rill_cleaner_copy(rill_cleaner *c, enum rill_part part)
{
    for (;;) {
        copy_run(c, (uint8_t)part);
        if (c->in.at == c->in.end)
            return true;
        uint8_t byte = *c->in.at;
        if ((byte == '#' && part != RILL_PART_FRAGMENT) || (byte == '?' && part == RILL_PART_PATH))
            return true;
        if (rill_cleaner_is_control(byte))
            return rill_cleaner_fail(c, "it holds a control character");
        if (c->length == c->limit || c->full) {
            c->full = true;
            return false;
        }
        if (byte == '%') {
            copy_percent(c);
            continue;
        }
        if (byte == '\\' && part == RILL_PART_PATH && c->http)
            rill_cleaner_put(c, "/", 1);
        else
            put_escaped(c, byte);
        c->in.at++;
    }
}

/* Length of the dot at `at`, which may be escaped; 0: there is none. */
static uint32_t dot_length(const char *at, const char *end)
{
    if (at < end && *at == '.')
        return 1;
    return end - at >= 3 && at[0] == '%' && at[1] == '2' && (at[2] | 0x20) == 'e' ? 3 : 0;
}

/* 1 for ".", 2 for "..", 0 for any other segment. */
static int count_dots(const char *at, const char *end)
{
    int dots = 0;
    while (at < end) {
        uint32_t length = dot_length(at, end);
        if (!length || ++dots > 2)
            return 0;
        at += length;
    }
    return dots;
}

void rill_cleaner_remove_dots(rill_cleaner *c)
{
    char *const path = c->out + c->url->path, *const end = c->out + c->length;
    char *to = path, *next;
    if (path == end || *path != '/')
        return;
    for (char *segment = path; segment < end; segment = next) {
        next = memchr(segment + 1, '/', (size_t)(end - segment - 1));
        if (!next)
            next = end;
        int dots = count_dots(segment + 1, next);
        if (!dots) {
            memmove(to, segment, (size_t)(next - segment));
            to += next - segment;
            continue;
        }
        if (dots == 2)
            while (to > path && *--to != '/')
                ;
        if (next == end)
            *to++ = '/';
    }
    c->length = (uint32_t)(to - c->out);
    if (c->url->host_length >= 0 || to - path < 2 || path[1] != '/')
        return;
    rill_cleaner_put(c, "/.", 2); /* makes room: without it "//" would begin an authority */
    if (c->full)
        return;
    memmove(path + 2, path, (size_t)(to - path));
    memcpy(path, "/.", 2);
}
