#include "html/entities.h"

#include <string.h>

#include "html/entities_table.h"
#include "html/utf8.h"

enum { LAST_CODE_POINT = 0x10ffff, REPLACEMENT = 0xfffd };

typedef struct input {
    const uint8_t *at, *end;
    bool attribute;
} input;

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_alphanumeric(uint8_t byte)
{
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static uint8_t *put_code_point(uint32_t code, uint8_t *out)
{
    return out + rill_utf8_put((char *)out, code);
}

/* What a number stands for: 0x80 to 0x9f are Windows-1252's, as the Standard's table has them. */
static uint32_t meant(uint32_t code)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    if (code >= 0x80 && code < 0xa0)
        return windows[code - 0x80];
    bool bad = !code || code > LAST_CODE_POINT || (code >= 0xd800 && code < 0xe000);
    return bad ? REPLACEMENT : code;
}

/* -1: no digit of that base. */
static int digit_value(uint8_t byte, uint32_t base)
{
    if (is_digit(byte))
        return byte - '0';
    byte |= 0x20;
    return base == 16 && byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* "&#" and what follows; without a digit it is text. */
static uint8_t *decode_number(input *in, uint8_t *out)
{
    const uint8_t *at = in->at + 2, *first;
    uint32_t base = 10, code = 0;
    if (at < in->end && (*at | 0x20) == 'x') {
        base = 16;
        at++;
    }
    first = at;
    for (int digit; at < in->end && (digit = digit_value(*at, base)) >= 0; at++)
        if (code <= LAST_CODE_POINT) /* larger ones stay too large */
            code = code * base + (uint32_t)digit;
    if (at == first) {
        *out++ = '&';
        in->at++;
        return out;
    }
    if (at < in->end && *at == ';')
        at++;
    in->at = at;
    return put_code_point(meant(code), out);
}

/* The first entry from `low` up to `high` whose byte `depth` is not below `byte`; a name that ends
 * before is. */
static int lower_bound(int low, int high, uint32_t depth, int byte)
{
    while (low < high) {
        int middle = (low + high) / 2;
        int here = -1;
        if (entity_lengths[middle] > depth)
            here = (uint8_t)entity_texts[entity_starts[middle] + depth];
        if (here < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entry with the longest name that the text begins with; -1: none. */
static int find_longest(const uint8_t *text, const uint8_t *end)
{
    int low = 0, high = ENTITIES, found = -1;
    for (uint32_t depth = 0;
         text + depth < end && is_alphanumeric(text[depth]) + (text[depth] == ';'); depth++) {
        low = lower_bound(low, high, depth, text[depth]);
        high = lower_bound(low, high, depth, text[depth] + 1);
        if (low == high)
            return found;
        if (entity_lengths[low] == depth + 1)
            found = low;
    }
    return found;
}

static uint8_t *decode_name(input *in, uint8_t *out)
{
    const uint8_t *name = in->at + 1;
    int found = find_longest(name, in->end);
    if (found < 0) {
        *out++ = '&';
        in->at++;
        return out;
    }
    const uint8_t *after = name + entity_lengths[found];
    size_t length = entity_lengths[found];
    const char *text = entity_texts + entity_starts[found] + length;
    if (in->attribute && after[-1] != ';' && after < in->end &&
        (*after == '=' || is_alphanumeric(*after))) {
        text = (const char *)in->at; /* as it stands */
        length++;
    } else {
        length = (size_t)(entity_texts + entity_starts[found + 1] - text);
    }
    memcpy(out, text, length);
    in->at = after;
    return out + length;
}

size_t rill_entities_decode(const uint8_t *text, size_t length, bool attribute, uint8_t *out)
{
    input in = {text, text + length, attribute};
    uint8_t *const start = out;
    while (in.at < in.end) {
        uint8_t byte = *in.at;
        if (byte == '&') {
            bool number = in.at + 1 < in.end && in.at[1] == '#';
            out = number ? decode_number(&in, out) : decode_name(&in, out);
            continue;
        }
        in.at++;
        if (byte == '\r') {
            if (in.at == in.end || *in.at != '\n')
                *out++ = '\n';
        } else if (byte) {
            *out++ = byte;
        } else {
            out = put_code_point(REPLACEMENT, out);
        }
    }
    return (size_t)(out - start);
}

/* A word whose bytes that equal `byte` have their high bit set, and none else if there is none. */
static uint64_t mark(uint64_t word, uint8_t byte)
{
    word ^= 0x0101010101010101u * byte;
    return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

bool rill_entities_any(const uint8_t *text, size_t length)
{
    uint64_t word;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&word, text, 8);
        if (mark(word, '&') | mark(word, '\r') | mark(word, 0))
            return true;
    }
    for (size_t i = 0; i < length; i++)
        if (text[i] == '&' || text[i] == '\r' || !text[i])
            return true;
    return false;
}
