/* Character encodings of pages: their labels, and which one a page is in. Encoding Standard
 * (https://encoding.spec.whatwg.org) and HTML Standard, section 13.2.3. */
#ifndef RILL_CHARSET_H
#define RILL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How bytes become code points: one decoder each. From ISO-2022-JP on they are iconv's. */
enum rill_code {
    RILL_CODE_UTF8,
    RILL_CODE_UTF16BE,
    RILL_CODE_UTF16LE,
    RILL_CODE_SINGLE_BYTE,
    RILL_CODE_USER_DEFINED,
    RILL_CODE_REPLACEMENT, /* a page in it is one U+FFFD: hz-gb-2312, iso-2022-kr and -cn */
    RILL_CODE_ISO_2022_JP,
    RILL_CODE_EUC_JP,
    RILL_CODE_SHIFT_JIS,
    RILL_CODE_EUC_KR,
    RILL_CODE_BIG5,
    RILL_CODE_GBK, /* read as gb18030, written without its four bytes */
    RILL_CODE_GB18030,
};

typedef struct rill_charset {
    const char *name; /* as the Standard writes it: "UTF-8", "windows-1252" */
    enum rill_code code;
    const uint16_t *high; /* of RILL_CODE_SINGLE_BYTE: what 0x80 to 0xFF are; 0: nothing */
    const char *labels;   /* each with a space behind it */
} rill_charset;

/* The tables of single-byte encodings. */
enum rill_high {
    RILL_IBM866,
    RILL_ISO_8859_2,
    RILL_ISO_8859_3,
    RILL_ISO_8859_4,
    RILL_ISO_8859_5,
    RILL_ISO_8859_6,
    RILL_ISO_8859_7,
    RILL_ISO_8859_8,
    RILL_ISO_8859_10,
    RILL_ISO_8859_13,
    RILL_ISO_8859_14,
    RILL_ISO_8859_15,
    RILL_ISO_8859_16,
    RILL_KOI8_R,
    RILL_KOI8_U,
    RILL_MACINTOSH,
    RILL_WINDOWS_874,
    RILL_WINDOWS_1250,
    RILL_WINDOWS_1251,
    RILL_WINDOWS_1252,
    RILL_WINDOWS_1253,
    RILL_WINDOWS_1254,
    RILL_WINDOWS_1255,
    RILL_WINDOWS_1256,
    RILL_WINDOWS_1257,
    RILL_WINDOWS_1258,
    RILL_X_MAC_CYRILLIC,
};
extern const uint16_t rill_single_byte[][128];

/* The encoding that a label names: any case, blanks around it are ignored. NULL: none. All results
 * of this header are static. */
const rill_charset *rill_charset_find(const char *label, size_t length);

#endif
