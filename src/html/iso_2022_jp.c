/* ISO-2022-JP (Encoding Standard, section 12.2): escape sequences choose a character set. */
#include <iconv.h>

#include "html/decode_step.h"
#include "html/mend.h"

enum set { SET_ASCII, SET_ROMAN, SET_KATAKANA, SET_PAIRS };
enum { ESCAPE = 0x1B, SHIFT_OUT = 0x0E, SHIFT_IN = 0x0F };

/* Whether `at` has an escape sequence, and what it chooses. */
static bool read_escape(const uint8_t *at, uint8_t *set)
{
    static const struct {
        uint8_t first, second, set;
    } escapes[] = {{'(', 'B', SET_ASCII},
                   {'(', 'J', SET_ROMAN},
                   {'(', 'I', SET_KATAKANA},
                   {'$', '@', SET_PAIRS},
                   {'$', 'B', SET_PAIRS}};
    for (int i = 0; i < 5; i++) {
        if (at[1] == escapes[i].first && at[2] == escapes[i].second) {
            *set = escapes[i].set;
            return true;
        }
    }
    return false;
}

static const uint8_t *decode_escape(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                    bool final, rill_bytes *out)
{
    bool may_go_on = end - at == 1 || at[1] == '(' || at[1] == '$';
    if (end - at < 3 && may_go_on && !final)
        return at;
    if (end - at >= 3 && read_escape(at, &d->set)) {
        if (d->chosen) /* two in a row, nothing between them */
            rill_decode_put_bad(out);
        d->chosen = true;
        return at + 3;
    }
    d->chosen = false;
    rill_decode_put_bad(out);
    return at + 1;
}

/* The same tables as in EUC-JP, with the high bits set there. */
static void put_pair(rill_decoder *d, const uint8_t *at, rill_bytes *out)
{
    uint8_t euc[] = {at[0] | 0x80, at[1] | 0x80};
    char *in = (char *)euc, *to = out->data + out->length;
    size_t in_left = 2, room = 4;
    uint32_t code_point = RILL_MEND_BAD;
    if (!rill_mend_misread(RILL_CODE_EUC_JP, euc, 2, &code_point) && d->iconv)
        iconv((iconv_t)d->iconv, &in, &in_left, &to, &room);
    out->length += 4 - room;
    if (code_point != RILL_MEND_BAD)
        rill_decode_put_char(out, code_point);
    else if (room == 4)
        rill_decode_put_bad(out);
}

static bool is_half(uint8_t byte)
{
    return byte >= 0x21 && byte <= 0x7E;
}

static const uint8_t *decode_pair(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                  bool final, rill_bytes *out)
{
    if (is_half(*at) && end - at < 2 && !final)
        return at;
    d->chosen = false;
    if (!is_half(*at) || end - at < 2 || at[1] == ESCAPE) {
        rill_decode_put_bad(out);
        return at + 1;
    }
    if (is_half(at[1]))
        put_pair(d, at, out);
    else
        rill_decode_put_bad(out);
    return at + 2;
}

static void decode_byte(rill_decoder *d, uint8_t byte, rill_bytes *out)
{
    d->chosen = false;
    if (d->set == SET_KATAKANA && byte >= 0x21 && byte <= 0x5F)
        rill_decode_put_char(out, 0xFF61 + (byte - 0x21));
    else if (d->set == SET_KATAKANA || byte >= 0x80 || byte == SHIFT_OUT || byte == SHIFT_IN)
        rill_decode_put_bad(out);
    else if (d->set == SET_ROMAN && byte == '\\')
        rill_decode_put_char(out, 0xA5);
    else if (d->set == SET_ROMAN && byte == '~')
        rill_decode_put_char(out, 0x203E);
    else
        rill_decode_put(out, &byte, 1);
}

const uint8_t *rill_decode_iso_2022_jp(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                       bool final, rill_bytes *out)
{
    while (at < end) {
        const uint8_t *before = at;
        if (*at == ESCAPE)
            at = decode_escape(d, at, end, final, out);
        else if (d->set == SET_PAIRS)
            at = decode_pair(d, at, end, final, out);
        else
            decode_byte(d, *at++, out);
        if (at == before)
            break;
    }
    return at;
}
