#include "html/decoder.h"

#include <assert.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "html/decode_step.h"
#include "html/utf8.h"

/* Input is worked off in steps, so that the output grows by little more than it needs. */
enum { STEP = 8 << 10 };

static const uint8_t *decode_utf8(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                  bool final, rill_bytes *out)
{
    (void)d;
    for (;;) {
        size_t good = rill_utf8_run(at, end);
        rill_decode_put(out, at, good);
        at += good;
        if (at == end)
            return at;
        size_t bad = rill_utf8_bad(at, end);
        if (!bad && !final)
            return at;
        rill_decode_put_bad(out);
        at = bad ? at + bad : end;
    }
}

/* --- UTF-16 ---------------------------------------------------------------------------------- */

static uint32_t unit(const rill_decoder *d, const uint8_t *at)
{
    bool big = d->charset->code == RILL_CODE_UTF16BE;
    return big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

static const uint8_t *decode_utf16(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                   bool final, rill_bytes *out)
{
    while (end - at >= 2) {
        uint32_t first = unit(d, at), second;
        bool lead = first >= 0xD800 && first < 0xDC00;
        if (lead && end - at < 4)
            break;
        second = lead ? unit(d, at + 2) : 0;
        at += 2;
        if (second >= 0xDC00 && second < 0xE000) {
            rill_decode_put_char(out, 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            at += 2;
        } else if (first >= 0xD800 && first < 0xE000) {
            rill_decode_put_bad(out);
        } else {
            rill_decode_put_char(out, first);
        }
    }
    if (at < end && final) { /* half a unit, half a pair, or both: one mistake */
        rill_decode_put_bad(out);
        return end;
    }
    return at;
}

/* --- one byte, one character ----------------------------------------------------------------- */

static const uint8_t *decode_single_byte(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                         bool final, rill_bytes *out)
{
    (void) final;
    const uint16_t *high = d->charset->high;
    while ((at = rill_decode_ascii(at, end, out)) < end) {
        if (!high) /* x-user-defined */
            rill_decode_put_char(out, 0xF780 + (*at - 0x80));
        else if (high[*at - 0x80])
            rill_decode_put_char(out, high[*at - 0x80]);
        else
            rill_decode_put_bad(out);
        at++;
    }
    return at;
}

static const uint8_t *decode_replacement(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                         bool final, rill_bytes *out)
{
    (void) final;
    if (at < end && !d->set) {
        d->set = 1;
        rill_decode_put_bad(out);
    }
    return end;
}

/* --- the interface --------------------------------------------------------------------------- */

static const struct {
    rill_decode_step *step;
    const char *iconv;
} codes[] = {
    [RILL_CODE_UTF8] = {decode_utf8, NULL},
    [RILL_CODE_UTF16BE] = {decode_utf16, NULL},
    [RILL_CODE_UTF16LE] = {decode_utf16, NULL},
    [RILL_CODE_SINGLE_BYTE] = {decode_single_byte, NULL},
    [RILL_CODE_USER_DEFINED] = {decode_single_byte, NULL},
    [RILL_CODE_REPLACEMENT] = {decode_replacement, NULL},
    [RILL_CODE_ISO_2022_JP] = {rill_decode_iso_2022_jp, "EUC-JP-MS"},
    [RILL_CODE_EUC_JP] = {rill_decode_by_iconv, "EUC-JP-MS"},
    [RILL_CODE_SHIFT_JIS] = {rill_decode_by_iconv, "CP932"},
    [RILL_CODE_EUC_KR] = {rill_decode_by_iconv, "CP949"},
    [RILL_CODE_BIG5] = {rill_decode_by_iconv, "BIG5-HKSCS"},
    [RILL_CODE_GBK] = {rill_decode_by_iconv, "GB18030"},
    [RILL_CODE_GB18030] = {rill_decode_by_iconv, "GB18030"},
};

const char *rill_decoder_iconv(const rill_charset *charset)
{
    return codes[charset->code].iconv;
}

bool rill_decoder_init(rill_decoder *d, rill_slab *slab, const rill_charset *charset)
{
    const char *name = codes[charset->code].iconv;
    *d = (rill_decoder){.slab = slab, .charset = charset};
    if (!name)
        return true;
    iconv_t conversion = iconv_open("UTF-8", name);
    if (conversion != (iconv_t)-1)
        d->iconv = conversion;
    return d->iconv || errno != ENOMEM;
}

void rill_decoder_dispose(rill_decoder *d)
{
    if (d->iconv)
        iconv_close((iconv_t)d->iconv);
    *d = (rill_decoder){0};
}

static bool reserve(rill_decoder *d, rill_bytes *out, size_t more)
{
    size_t wanted = out->length + more;
    if (wanted <= out->room)
        return true;
    size_t room = out->room + out->room / 2;
    return rill_bytes_reserve(d->slab, out, room > wanted ? room : wanted);
}

/* The character that was cut, byte by byte until it is whole, or bad. Returns the input used: what
 * is the piece's own is left to it, so that no more is written here than the held bytes have room
 * for. */
static size_t finish_held(rill_decoder *d, rill_decode_step *step, const char *in, size_t length,
                          bool final, rill_bytes *out)
{
    size_t used = 0;
    while (d->held_count && (used < length || final)) {
        if (used < length)
            d->held[d->held_count++] = (uint8_t)in[used++];
        const uint8_t *end = d->held + d->held_count;
        const uint8_t *at = step(d, d->held, end, final && used == length, out);
        d->held_count = (uint8_t)(end - at);
        memmove(d->held, at, d->held_count);
        if (d->held_count <= used) {
            used -= d->held_count;
            d->held_count = 0;
        }
    }
    return used;
}

bool rill_decoder_write(rill_decoder *d, const char *in, size_t length, bool final, rill_bytes *out)
{
    rill_decode_step *step = codes[d->charset->code].step;
    if (!reserve(d, out, RILL_DECODE_GROWTH * 2 * sizeof(d->held)))
        return false;
    size_t used = finish_held(d, step, in, length, final, out);
    if (d->held_count) /* all of it was too little */
        return true;
    const uint8_t *at = (const uint8_t *)in + used, *end = (const uint8_t *)in + length;
    while (at < end) {
        const uint8_t *stop = end - at > STEP ? at + STEP : end;
        if (!reserve(d, out, RILL_DECODE_GROWTH * (size_t)(stop - at) + sizeof(d->held)))
            return false;
        at = step(d, at, stop, final && stop == end, out);
        if (stop == end)
            break;
    }
    assert((size_t)(end - at) < sizeof(d->held));
    d->held_count = (uint8_t)(end - at);
    if (at < end)
        memcpy(d->held, at, d->held_count);
    return true;
}
