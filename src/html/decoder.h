/* From any encoding of the Encoding Standard to UTF-8, in pieces: however a text is split, the
 * output is the same. Bytes that mean nothing become U+FFFD and change nothing behind them. */
#ifndef RILL_DECODER_H
#define RILL_DECODER_H

#include "base/bytes.h"
#include "html/charset.h"

typedef struct rill_decoder {
    rill_slab *slab; /* borrowed: where the output grows */
    const rill_charset *charset;
    void *iconv;     /* of the encodings that are iconv's; NULL: none, or it has none */
    uint8_t held[8]; /* the beginning of a character that the piece before has cut */
    uint8_t held_count;
    uint8_t set; /* ISO-2022-JP: the character set that was chosen; replacement: 1 when written */
    bool chosen; /* ISO-2022-JP: nothing has followed that choice */
} rill_decoder;

/* A decoder of the UTF-8 family needs no iconv; where glibc's module for another is not installed,
 * all beyond ASCII becomes U+FFFD. False: out of memory. */
bool rill_decoder_init(rill_decoder *d, rill_slab *slab, const rill_charset *charset);

/* Appends what `length` bytes stand for to `out`, at most three times as many bytes and 16. Work is
 * bound by `length`. `final`: nothing follows, so a cut character is bad. The byte order mark is
 * the caller's to cut off. False: out of memory. */
bool rill_decoder_write(rill_decoder *d, const char *in, size_t length, bool final,
                        rill_bytes *out);

void rill_decoder_dispose(rill_decoder *d);

/* Glibc's name for what the Standard means. NULL: it is not asked. */
const char *rill_decoder_iconv(const rill_charset *charset);

#endif
