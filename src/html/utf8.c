#include "html/utf8.h"

#include <string.h>

/* How many bytes follow a lead byte, and what the first of them may be: the shortest form only, no
 * surrogates, nothing beyond U+10FFFF. */
typedef struct rule {
    uint8_t more, low, high;
} rule;

static rule rule_of(uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        return (rule){1, 0x80, 0xBF};
    if ((lead & 0xF0) == 0xE0)
        return (rule){2, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    if (lead >= 0xF0 && lead <= 0xF4)
        return (rule){3, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
    return (rule){0, 0, 0};
}

/* How many bytes from `at` on belong to one sequence, whole or not; *whole gets which. */
static size_t measure(const uint8_t *at, const uint8_t *end, bool *whole)
{
    rule r = rule_of(*at);
    const uint8_t *next = at + 1;
    uint8_t low = r.low, high = r.high, more = r.more;
    for (; more && next < end && *next >= low && *next <= high; more--, next++)
        low = 0x80, high = 0xBF;
    *whole = !more && (r.more || *at < 0x80);
    return (size_t)(next - at);
}

/* 32 bytes a step, then 8. */
const uint8_t *rill_utf8_ascii(const uint8_t *at, const uint8_t *end)
{
    const uint64_t high = 0x8080808080808080u;
    uint64_t word[4];
    for (; end - at >= 32; at += 32) {
        memcpy(word, at, 32);
        if ((word[0] | word[1] | word[2] | word[3]) & high)
            break;
    }
    for (; end - at >= 8; at += 8) {
        memcpy(word, at, 8);
        if (word[0] & high)
            break;
    }
    while (at < end && *at < 0x80)
        at++;
    return at;
}

/* The sequences of two and three bytes that need no second look: most text beyond ASCII. */
static const uint8_t *skip_common(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 3; at += *at < 0xE0 ? 2 : 3) {
        bool two = *at >= 0xC2 && *at < 0xE0;
        bool three = *at > 0xE0 && *at < 0xF0 && *at != 0xED && (at[2] & 0xC0) == 0x80;
        if ((!two && !three) || (at[1] & 0xC0) != 0x80)
            break;
    }
    return at;
}

size_t rill_utf8_run(const uint8_t *start, const uint8_t *end)
{
    const uint8_t *at = start;
    for (;;) {
        if (at < end && *at < 0x80)
            at = rill_utf8_ascii(at, end);
        at = skip_common(at, end);
        if (at == end)
            return (size_t)(at - start);
        if (*at < 0x80)
            continue;
        bool whole;
        size_t length = measure(at, end, &whole);
        if (!whole)
            return (size_t)(at - start);
        at += length;
    }
}

size_t rill_utf8_bad(const uint8_t *at, const uint8_t *end)
{
    bool whole;
    size_t length = measure(at, end, &whole);
    return at + length == end && length <= rule_of(*at).more ? 0 : length;
}

/* Goes on with the sequence that the slice before has cut. Returns how many bytes that took. */
static size_t finish_held(rill_utf8 *check, const char *bytes, size_t length)
{
    size_t used = 0;
    while (check->count && used < length && !check->bad) {
        check->held[check->count++] = (uint8_t)bytes[used++];
        const uint8_t *end = check->held + check->count;
        if (rill_utf8_run(check->held, end) == check->count)
            check->count = 0;
        else
            check->bad = rill_utf8_bad(check->held, end) != 0;
    }
    return used;
}

bool rill_utf8_check(rill_utf8 *check, const char *bytes, size_t length)
{
    size_t used = finish_held(check, bytes, length);
    if (check->bad || used == length)
        return !check->bad;
    const uint8_t *at = (const uint8_t *)bytes + used, *end = (const uint8_t *)bytes + length;
    at += rill_utf8_run(at, end);
    if (at == end)
        return true;
    check->bad = rill_utf8_bad(at, end) != 0;
    if (check->bad)
        return false;
    check->count = (uint8_t)(end - at);
    memcpy(check->held, at, check->count);
    return true;
}

bool rill_utf8_ended(const rill_utf8 *check)
{
    return !check->bad && !check->count;
}

size_t rill_utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

uint32_t rill_utf8_next(const uint8_t **at)
{
    uint8_t lead = *(*at)++;
    if (lead < 0x80)
        return lead;
    uint8_t more = rule_of(lead).more;
    uint32_t c = lead & (0x3F >> more);
    for (; more; more--)
        c = c << 6 | (*(*at)++ & 0x3F);
    return c;
}
