#include "url/idna.h"

#include <string.h>
#include <strings.h>

#include <idn2.h>

#include "base/library.h"
#include "url/punycode.h"

static const char *const names[] = {"idn2_lookup_u8", "idn2_free"};
static struct {
    __typeof__(idn2_lookup_u8) *lookup;
    __typeof__(idn2_free) *free;
} lib;
static rill_library library = {"libidn2.so.0", "libidn2-0", names, sizeof(names) / sizeof(*names),
                               LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

enum { LABEL_MAX = 63, LABEL_ROOM = 512 }; /* bytes in the DNS; of UTF-8 that may become that */

typedef struct label {
    const uint8_t *at;
    size_t length;
} label;

/* Where libidn2 refuses what browsers take, it is asked in its transitional form, which checks less
 * but rewrites two letters, and minds hyphens and other signs of ASCII. All these get stand-ins:
 * Linear A, which no mapping touches and nobody has written for long. */
enum { STAND_IN = 0x10600, STAND_INS = 0x82, SHARP_S = 0xDF, FINAL_SIGMA = 0x3C2 };

static bool begins(label l, const char *text)
{
    size_t length = strlen(text);
    return l.length >= length && !memcmp(l.at, text, length);
}

static bool holds(label l, const char *text)
{
    return memmem(l.at, l.length, text, strlen(text));
}

static bool is_ascii(label l)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < l.length; i++)
        seen |= l.at[i];
    return seen < 0x80;
}

static bool is_punycode(label l)
{
    return l.length >= 4 && !strncasecmp((const char *)l.at, "xn--", 4);
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (uint8_t)(leads[more] | c >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        out[i] = (uint8_t)(0x80 | (c >> (6 * (more - i)) & 0x3F));
    return more + 1;
}

/* The stand-in of what `at` begins with; 0: it needs none. *length gets how much that is. */
static uint32_t stand_in_of(label l, size_t *length)
{
    uint8_t c = l.at[0];
    *length = c < 0x80 ? 1 : 2;
    if (c < 0x80)
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? 0 : c >= '0' && c <= '9' ? 0 : STAND_IN + c;
    if (begins(l, "\xC3\x9F"))
        return STAND_IN + 0x80; /* sharp s */
    if (begins(l, "\xCF\x82"))
        return STAND_IN + 0x81; /* final sigma */
    *length = 1;
    return 0;
}

/* Copies a label with its stand-ins. False: it cannot have them. */
static bool stand_in(label l, uint8_t *out)
{
    uint8_t *const end = out + LABEL_ROOM - 4;
    if (holds(l, "\xE2\x80\x8C") || holds(l, "\xE2\x80\x8D")) /* joiners need their context */
        return false;
    if (holds(l, "\xF0\x90\x98") || holds(l, "\xF0\x90\x9A")) /* Linear A itself */
        return false;
    while (l.length) {
        size_t length;
        uint32_t code_point = stand_in_of(l, &length);
        if (out >= end)
            return false;
        if (code_point)
            out += put_utf8(out, code_point);
        else
            *out++ = *l.at;
        l.at += length;
        l.length -= length;
    }
    *out = '\0';
    return true;
}

/* What a stand-in stands for; other code points stand for themselves. */
static uint32_t original(uint32_t code_point)
{
    uint32_t index = code_point - STAND_IN;
    if (code_point < STAND_IN || index >= STAND_INS)
        return code_point;
    return index < 0x80 ? index : index == 0x80 ? SHARP_S : FINAL_SIGMA;
}

static bool is_good_punycode(const char *ascii, size_t length); /* may come to one within it */

/* Takes the stand-ins of a label in Punycode back. False: "xn--" is before what is none. */
static bool put_back(char *ascii)
{
    uint32_t text[LABEL_MAX];
    size_t count = LABEL_MAX, room = LABEL_MAX - 4;
    bool plain = true;
    if (!rill_punycode_decode(ascii + 4, strlen(ascii + 4), text, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        text[i] = original(text[i]);
        plain &= text[i] < 0x80;
    }
    if (plain) {
        for (size_t i = 0; i < count; i++)
            ascii[i] = (char)text[i];
        ascii[count] = '\0';
        return strncmp(ascii, "xn--", 4) != 0 || is_good_punycode(ascii, count);
    }
    if (count >= 4 && text[0] == 'x' && text[1] == 'n' && text[2] == '-' && text[3] == '-')
        return false;
    if (!rill_punycode_encode(text, count, ascii + 4, &room))
        return false;
    ascii[4 + room] = '\0';
    return true;
}

/* Copies what libidn2 has allocated. */
static bool take(uint8_t *made, char *out)
{
    size_t length = strlen((const char *)made);
    bool fits = length <= LABEL_MAX + 1;
    if (fits)
        memcpy(out, made, length + 1);
    lib.free(made);
    return fits;
}

/* UTS 46 without what IDNA2008 adds. */
static bool map_leniently(label l, char *out)
{
    uint8_t text[LABEL_ROOM + 1], *made = NULL;
    if (!stand_in(l, text) ||
        lib.lookup(text, &made, IDN2_NFC_INPUT | IDN2_TRANSITIONAL) != IDN2_OK)
        return false;
    return take(made, out) && (strncmp(out, "xn--", 4) != 0 || put_back(out));
}

/* Whether browsers refuse it too: they check directions of writing and joiners. Whatever else is
 * wrong in UTS 46 the transitional form refuses as well. */
static bool is_final(int code)
{
    return code == IDN2_BIDI || code == IDN2_CONTEXTJ || code == IDN2_CONTEXTJ_NO_RULE;
}

/* Maps a label that is not all ASCII; `out` has room for LABEL_MAX and a few. */
static bool map_label(label l, char *out)
{
    uint8_t text[LABEL_ROOM + 1], *made = NULL;
    if (l.length > LABEL_ROOM || memchr(l.at, '\0', l.length))
        return false;
    memcpy(text, l.at, l.length);
    text[l.length] = '\0';
    int code = lib.lookup(text, &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (code == IDN2_OK)
        return take(made, out);
    return !is_final(code) && map_leniently(l, out);
}

/* Whether a label in Punycode stands for one beyond ASCII that is written so. */
static bool is_good_punycode(const char *ascii, size_t length)
{
    uint32_t text[LABEL_MAX];
    uint8_t utf8[4 * LABEL_MAX];
    char again[LABEL_MAX + 2];
    size_t count = LABEL_MAX;
    label decoded = {utf8, 0};
    if (length > LABEL_MAX || !rill_punycode_decode(ascii + 4, length - 4, text, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        decoded.length += put_utf8(utf8 + decoded.length, text[i]);
    return !is_ascii(decoded) && map_label(decoded, again) && strlen(again) == length &&
           !memcmp(again, ascii, length);
}

static bool put_label(label l, char *out, size_t *length)
{
    if (*length + l.length + LABEL_MAX + 2 > RILL_IDNA_ROOM)
        return false;
    char *to = out + *length;
    if (!is_ascii(l)) {
        if (!map_label(l, to))
            return false;
        *length += strlen(to);
        return true;
    }
    for (size_t i = 0; i < l.length; i++)
        to[i] = (char)(l.at[i] >= 'A' && l.at[i] <= 'Z' ? l.at[i] | 0x20 : l.at[i]);
    *length += l.length;
    return !is_punycode(l) || is_good_punycode(to, l.length);
}

/* Length of the dot that `at` begins with: a full stop, or what UTS 46 maps to one. 0: none. */
static size_t dot_length(label rest)
{
    if (begins(rest, "."))
        return 1;
    bool dot = begins(rest, "\xE3\x80\x82") || begins(rest, "\xEF\xBC\x8E") ||
               begins(rest, "\xEF\xBD\xA1");
    return dot ? 3 : 0;
}

bool rill_idna_is_there(void)
{
    return !rill_library_load(&library, &lib, NULL);
}

bool rill_idna_to_ascii(const uint8_t *name, size_t length, char *out, size_t *out_length)
{
    label rest = {name, length}, next = {name, 0};
    *out_length = 0;
    if (!rill_idna_is_there())
        return false;
    while (rest.length) {
        size_t dot = dot_length(rest);
        if (dot) {
            if (!put_label(next, out, out_length))
                return false;
            out[(*out_length)++] = '.';
        } else {
            next.length++;
        }
        rest.at += dot ? dot : 1;
        rest.length -= dot ? dot : 1;
        if (dot)
            next = (label){rest.at, 0};
    }
    return put_label(next, out, out_length);
}

bool rill_idna_has_punycode(const uint8_t *name, size_t length)
{
    label rest = {name, length};
    if (!length || !memchr(name, '-', length)) /* most names */
        return false;
    for (; rest.length >= 4; rest.at++, rest.length--)
        if ((rest.at == name || rest.at[-1] == '.') && is_punycode(rest))
            return true;
    return false;
}

bool rill_idna_is_needed(const uint8_t *name, size_t length)
{
    return !is_ascii((label){name, length}) || rill_idna_has_punycode(name, length);
}
