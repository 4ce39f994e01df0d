#include "html/encoder.h"

#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "html/decoder.h"
#include "html/utf8.h"
#include "url/cleaner.h"

enum { BYTES_MAX = 8 }; /* of one character: four, or escape sequences beside two */

typedef struct encoder {
    const rill_charset *charset;
    rill_slab *slab; /* borrowed */
    iconv_t iconv;
    rill_decoder back; /* reads what iconv wrote: only what comes back the same is right */
    rill_bytes read_back;
    rill_bytes *out;
    char set; /* of ISO-2022-JP: what is behind the last escape, 'B' is ASCII */
} encoder;

/* --- what iconv is asked, and what it is not -------------------------------------------------- */

static bool is_japanese(enum rill_code code)
{
    return code == RILL_CODE_EUC_JP || code == RILL_CODE_SHIFT_JIS || code == RILL_CODE_ISO_2022_JP;
}

/* The characters that the Standard writes although it reads them otherwise. 0: no such. */
static size_t encode_special(enum rill_code code, uint32_t c, uint8_t *bytes)
{
    if (c == 0x20AC && code == RILL_CODE_GBK)
        bytes[0] = 0x80;
    else if (c == 0x80 && code == RILL_CODE_SHIFT_JIS)
        bytes[0] = 0x80;
    else if (c == 0xA5 && is_japanese(code))
        bytes[0] = '\\';
    else if (c == 0x203E && is_japanese(code))
        bytes[0] = '~';
    else
        return 0;
    return 1;
}

/* Whether the Standard reads these bytes but does not write them. */
static bool is_read_only(enum rill_code code, uint32_t c, const uint8_t *bytes, size_t length)
{
    switch (code) {
    case RILL_CODE_BIG5:
        return bytes[0] < 0xA1; /* Hong Kong's additions */
    case RILL_CODE_GBK:
        return length == 4 || c == 0xE5E5;
    case RILL_CODE_GB18030:
        return c == 0xE5E5;
    case RILL_CODE_EUC_JP:
    case RILL_CODE_ISO_2022_JP:
        return bytes[0] == 0x8F || (bytes[0] == 0x8E && code == RILL_CODE_ISO_2022_JP);
    case RILL_CODE_SHIFT_JIS:
        return c >= 0xE000 && c <= 0xF8FF;
    case RILL_CODE_UTF8:
    case RILL_CODE_UTF16BE:
    case RILL_CODE_UTF16LE:
    case RILL_CODE_SINGLE_BYTE:
    case RILL_CODE_USER_DEFINED:
    case RILL_CODE_REPLACEMENT:
    case RILL_CODE_EUC_KR:
        break;
    }
    return false;
}

/* Whether `bytes` read as the one character `text`. */
static bool comes_back(encoder *e, const uint8_t *bytes, size_t count, const char *text,
                       size_t length)
{
    e->read_back.length = 0;
    return rill_decoder_write(&e->back, (const char *)bytes, count, true, &e->read_back) &&
           e->read_back.length == length && !memcmp(e->read_back.data, text, length);
}

static size_t ask_iconv(encoder *e, uint32_t c, uint8_t *bytes)
{
    char text[4], *in = text, *to = (char *)bytes;
    size_t length = rill_utf8_put(text, c), left = length, room = BYTES_MAX;
    if (e->iconv == (iconv_t)-1)
        return 0;
    size_t failed = iconv(e->iconv, &in, &left, &to, &room);
    iconv(e->iconv, NULL, NULL, &to, &room);
    size_t count = BYTES_MAX - room;
    if (failed || !count || is_read_only(e->charset->code, c, bytes, count))
        return 0;
    return comes_back(e, bytes, count, text, length) ? count : 0;
}

static size_t encode_single_byte(const rill_charset *charset, uint32_t c, uint8_t *bytes)
{
    if (!charset->high) { /* x-user-defined */
        bytes[0] = (uint8_t)(c - 0xF780 + 0x80);
        return c >= 0xF780 && c <= 0xF7FF;
    }
    for (int i = 0; i < 128; i++) {
        if (charset->high[i] == c) {
            bytes[0] = (uint8_t)(0x80 + i);
            return 1;
        }
    }
    return 0;
}

/* Bytes of a character beyond ASCII; 0: it has none. */
static size_t encode_char(encoder *e, uint32_t c, uint8_t *bytes)
{
    enum rill_code code = e->charset->code;
    if (code == RILL_CODE_SINGLE_BYTE || code == RILL_CODE_USER_DEFINED)
        return encode_single_byte(e->charset, c, bytes);
    size_t count = encode_special(code, c, bytes);
    return count ? count : ask_iconv(e, c == 0x2212 && is_japanese(code) ? 0xFF0D : c, bytes);
}

/* --- what is written -------------------------------------------------------------------------- */

static bool put(encoder *e, const void *bytes, size_t count)
{
    return rill_bytes_append(e->slab, e->out, bytes, count);
}

static bool put_bytes(encoder *e, const uint8_t *bytes, size_t count)
{
    char text[3 * BYTES_MAX];
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (rill_cleaner_allows(RILL_PART_QUERY, bytes[i]))
            text[length++] = (char)bytes[i];
        else
            length += rill_cleaner_escape(text + length, bytes[i]);
    }
    return put(e, text, length);
}

/* ISO-2022-JP: what follows is of this set. */
static bool choose(encoder *e, char set)
{
    uint8_t escape[] = {0x1B, set == '$' ? '$' : '(', set == '$' ? 'B' : (uint8_t)set};
    if (e->charset->code != RILL_CODE_ISO_2022_JP || e->set == set)
        return true;
    e->set = set;
    return put_bytes(e, escape, sizeof(escape));
}

static bool put_reference(encoder *e, uint32_t c)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%%26%%23%u%%3B", (unsigned)c);
    return choose(e, 'B') && put(e, text, (size_t)length);
}

static bool put_char(encoder *e, uint32_t c)
{
    uint8_t bytes[BYTES_MAX];
    size_t count = encode_char(e, c, bytes);
    if (!count)
        return put_reference(e, c);
    if (e->charset->code == RILL_CODE_ISO_2022_JP) {
        if (!choose(e, count == 1 ? 'J' : '$'))
            return false;
        for (size_t i = 0; i < count; i++)
            bytes[i] &= 0x7F;
    }
    return put_bytes(e, bytes, count);
}

/* ASCII up to `end`, which JIS X 0201's Roman set is but for two characters. */
static bool put_ascii(encoder *e, const uint8_t *at, const uint8_t *end)
{
    for (const uint8_t *start = at; at < end; start = at) {
        bool roman = e->set == 'J' && *at != '\\' && *at != '~';
        if (!choose(e, roman ? 'J' : 'B'))
            return false;
        while (at < end && !(e->set == 'J' && (*at == '\\' || *at == '~')))
            at++;
        if (!put(e, start, (size_t)(at - start)))
            return false;
    }
    return true;
}

/* Text that is UTF-8. */
static bool put_good(encoder *e, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        const uint8_t *ascii = rill_utf8_ascii(at, end);
        if (!put_ascii(e, at, ascii))
            return false;
        at = ascii;
        if (at < end && !put_char(e, rill_utf8_next(&at)))
            return false;
    }
    return true;
}

static bool put_text(encoder *e, const uint8_t *at, const uint8_t *end)
{
    for (;;) {
        size_t good = rill_utf8_run(at, end);
        if (!put_good(e, at, at + good))
            return false;
        at += good;
        if (at == end)
            return choose(e, 'B');
        size_t bad = rill_utf8_bad(at, end);
        if (!put_char(e, 0xFFFD))
            return false;
        at = bad ? at + bad : end;
    }
}

bool rill_charset_encode(rill_slab *slab, const rill_charset *charset, const char *utf8,
                         size_t length, rill_bytes *out)
{
    enum rill_code code = charset->code;
    const uint8_t *at = (const uint8_t *)utf8, *end = at + length;
    if (code == RILL_CODE_UTF8 || code == RILL_CODE_UTF16BE || code == RILL_CODE_UTF16LE ||
        code == RILL_CODE_REPLACEMENT || rill_utf8_ascii(at, end) == end)
        return rill_bytes_append(slab, out, utf8, length);
    encoder e = {.charset = charset, .slab = slab, .iconv = (iconv_t)-1, .out = out, .set = 'B'};
    const char *name = rill_decoder_iconv(charset);
    const rill_charset *back =
        code == RILL_CODE_ISO_2022_JP ? rill_charset_find("euc-jp", 6) : charset;
    if (name)
        e.iconv = iconv_open(name, "UTF-8");
    bool good = rill_decoder_init(&e.back, slab, back) && put_text(&e, at, end);
    rill_decoder_dispose(&e.back);
    rill_bytes_dispose(slab, &e.read_back);
    if (e.iconv != (iconv_t)-1)
        iconv_close(e.iconv);
    return good;
}
