/* The encodings of East Asia whose characters are of one to four bytes: iconv knows them, and where
 * it stops the Encoding Standard says how many bytes are one mistake. */
#include <iconv.h>

#include "html/decode_step.h"
#include "html/mend.h"

static bool within(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* Whether a byte begins a character of more bytes. */
static bool is_lead(enum rill_code code, uint8_t byte)
{
    if (code == RILL_CODE_SHIFT_JIS)
        return within(byte, 0x81, 0x9F) || within(byte, 0xE0, 0xFC);
    if (code == RILL_CODE_EUC_JP)
        return byte == 0x8E || byte == 0x8F || within(byte, 0xA1, 0xFE);
    return within(byte, 0x81, 0xFE);
}

/* How many bytes are bad at a place where no character can be read; 0: `end` cuts it. An ASCII byte
 * behind a lead byte is never part of the mistake. */
static size_t bad_length(enum rill_code code, const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    if (!is_lead(code, at[0]))
        return 1;
    if (left < 2)
        return 0;
    if ((code == RILL_CODE_GBK || code == RILL_CODE_GB18030) && within(at[1], '0', '9')) {
        if (left < 3)
            return 0;
        if (!within(at[2], 0x81, 0xFE))
            return 1;
        if (left < 4)
            return 0;
        return within(at[3], '0', '9') ? 4 : 1;
    }
    if (code == RILL_CODE_EUC_JP && at[0] == 0x8F && within(at[1], 0xA1, 0xFE)) {
        if (left < 3)
            return 0;
        return at[2] < 0x80 ? 2 : 3;
    }
    return at[1] < 0x80 ? 1 : 2;
}

/* Lets iconv read up to `end` and append. Returns where it stopped. */
static const uint8_t *convert(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                              rill_bytes *out)
{
    char *in = (char *)(uintptr_t)at, *to = out->data + out->length;
    size_t in_left = (size_t)(end - at), room = out->room - out->length, before = room;
    iconv((iconv_t)d->iconv, &in, &in_left, &to, &room);
    if (d->charset->code == RILL_CODE_BIG5) /* it may hold the second half of a letter and accent */
        iconv((iconv_t)d->iconv, NULL, NULL, &to, &room);
    out->length += before - room;
    return end - in_left;
}

/* Whether a byte may be the second of two. */
static bool is_trail(enum rill_code code, uint8_t lead, uint8_t byte)
{
    if (code == RILL_CODE_EUC_JP)
        return within(byte, 0xA1, lead == 0x8E ? 0xDF : 0xFE);
    if (code == RILL_CODE_EUC_KR)
        return within(byte, 0x41, 0xFE);
    if (code == RILL_CODE_BIG5)
        return within(byte, 0x40, 0x7E) || within(byte, 0xA1, 0xFE);
    return within(byte, 0x40, 0x7E) ||
           within(byte, 0x80, code == RILL_CODE_SHIFT_JIS ? 0xFC : 0xFE);
}

/* Length of the character at `at` by its form alone, where iconv is to be trusted with it: 0 where
 * the form is bad, or cut, or iconv would misread it. */
static size_t good_length(enum rill_code code, const uint8_t *at, const uint8_t *end)
{
    uint32_t ignored;
    size_t left = (size_t)(end - at);
    if (!is_lead(code, at[0]))
        return code == RILL_CODE_SHIFT_JIS && within(at[0], 0xA1, 0xDF) ? 1 : 0;
    if (left < 2 || rill_mend_misread(code, at, left, &ignored))
        return 0;
    bool gb = code == RILL_CODE_GBK || code == RILL_CODE_GB18030;
    if (gb && within(at[1], '0', '9'))
        return left >= 4 && within(at[2], 0x81, 0xFE) && within(at[3], '0', '9') ? 4 : 0;
    if (!is_trail(code, at[0], at[1]))
        return 0;
    if (code == RILL_CODE_EUC_JP && at[0] == 0x8F)
        return left >= 3 && is_trail(code, at[0], at[2]) ? 3 : 0;
    return 2;
}

/* Where the characters end that iconv can be given: not much beyond `limit`, before what is odd,
 * and before much ASCII. */
static const uint8_t *find_odd(enum rill_code code, const uint8_t *at, const uint8_t *limit,
                               const uint8_t *end)
{
    enum { MUCH = 16 };
    int ascii = 0;
    while (at < limit && ascii < MUCH) {
        size_t length = *at < 0x80 ? 1 : good_length(code, at, end);
        if (!length)
            break;
        ascii = *at < 0x80 ? ascii + 1 : 0;
        at += length;
    }
    return at;
}

/* Writes what stands at `at`, where iconv does not go on. Returns its length; 0: `end` cuts it. */
static size_t decode_odd(enum rill_code code, const uint8_t *at, const uint8_t *end,
                         rill_bytes *out)
{
    uint32_t code_point = RILL_MEND_BAD;
    size_t left = (size_t)(end - at), length = rill_mend_refused(code, at, left, &code_point);
    if (!length && rill_mend_misread(code, at, left, &code_point))
        length = code == RILL_CODE_EUC_JP && at[0] == 0x8F ? 3 : 2;
    if (!length)
        length = bad_length(code, at, end);
    if (length && code_point != RILL_MEND_BAD)
        rill_decode_put_char(out, code_point);
    else if (length)
        rill_decode_put_bad(out);
    return length;
}

/* Where something is refused the next is likely to be: from there iconv gets more by and by, so
 * that no byte is looked at often. */
enum { FIRST_RUN = 64 };

const uint8_t *rill_decode_by_iconv(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                    bool final, rill_bytes *out)
{
    enum rill_code code = d->charset->code;
    size_t run = FIRST_RUN;
    while ((at = rill_decode_ascii(at, end, out)) < end) {
        const uint8_t *limit = (size_t)(end - at) > run ? at + run : end;
        const uint8_t *stop = d->iconv ? find_odd(code, at, limit, end) : at;
        if (at < stop) {
            at = convert(d, at, stop, out);
            run = at == stop ? run * 2 : FIRST_RUN;
            if (at == stop)
                continue;
        }
        size_t length = decode_odd(code, at, end, out);
        if (!length && !final)
            return at;
        if (!length)
            rill_decode_put_bad(out);
        at = length ? at + length : end;
    }
    return at;
}
