#include "url/punycode.h"

#include <string.h>

/* Section 5. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, FIRST_BIAS = 72, FIRST_CODE = 0x80 };
enum { CODE_MAX = 0x10FFFF };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
    if (k <= bias + TMIN)
        return TMIN;
    return k >= bias + TMAX ? TMAX : k - bias;
}

static uint32_t digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 26;
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a') : BASE;
}

/* Reads one number of variable length onto *value. */
static bool read_delta(const char **at, const char *end, uint32_t bias, uint32_t *value)
{
    uint32_t weight = 1;
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t digit = *at < end ? digit_of(*(*at)++) : BASE, t = threshold(k, bias);
        if (digit >= BASE || digit > (UINT32_MAX - *value) / weight)
            return false;
        *value += digit * weight;
        if (digit < t)
            return true;
        if (weight > UINT32_MAX / (BASE - t))
            return false;
        weight *= BASE - t;
    }
}

bool rill_punycode_decode(const char *text, size_t length, uint32_t *out, size_t *count)
{
    const char *dash = memrchr(text, '-', length), *at = dash ? dash + 1 : text;
    const char *end = text + length;
    size_t done = dash ? (size_t)(dash - text) : 0, room = *count;
    uint32_t code = FIRST_CODE, bias = FIRST_BIAS, i = 0;
    if (done > room)
        return false;
    for (size_t j = 0; j < done; j++)
        out[j] = (uint8_t)text[j];
    while (at < end) {
        uint32_t before = i, points = (uint32_t)done + 1;
        if (done == room || !read_delta(&at, end, bias, &i))
            return false;
        bias = adapt(i - before, points, !before);
        if (i / points > CODE_MAX - code)
            return false;
        code += i / points;
        i %= points;
        memmove(out + i + 1, out + i, (done - i) * sizeof(*out));
        out[i++] = code;
        done++;
    }
    *count = done;
    return true;
}

/* Writes one number of variable length. False: no room. */
static bool write_delta(uint32_t value, uint32_t bias, char *out, size_t room, size_t *length)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = threshold(k, bias);
        if (*length == room)
            return false;
        if (value < t)
            break;
        out[(*length)++] = digits[t + (value - t) % (BASE - t)];
        value = (value - t) / (BASE - t);
    }
    out[(*length)++] = digits[value];
    return true;
}

static uint32_t next_code(const uint32_t *text, size_t length, uint32_t code)
{
    uint32_t next = UINT32_MAX;
    for (size_t i = 0; i < length; i++)
        if (text[i] >= code && text[i] < next)
            next = text[i];
    return next;
}

bool rill_punycode_encode(const uint32_t *text, size_t length, char *out, size_t *count)
{
    size_t room = *count, done = 0;
    uint32_t code = FIRST_CODE, bias = FIRST_BIAS, delta = 0;
    for (size_t i = 0; i < length; i++) {
        if (done == room)
            return false;
        if (text[i] < FIRST_CODE)
            out[done++] = (char)text[i];
    }
    size_t basic = done, handled = done;
    if (basic && done < room)
        out[done++] = '-';
    for (; handled < length; delta++, code++) {
        uint32_t next = next_code(text, length, code), points = (uint32_t)handled + 1;
        if (next - code > (UINT32_MAX - delta) / points)
            return false;
        delta += (next - code) * points;
        code = next;
        for (size_t i = 0; i < length; i++) {
            if (text[i] < code)
                delta++;
            if (text[i] != code)
                continue;
            if (!write_delta(delta, bias, out, room, &done))
                return false;
            bias = adapt(delta, (uint32_t)handled + 1, handled == basic);
            delta = 0;
            handled++;
        }
    }
    *count = done;
    return true;
}
