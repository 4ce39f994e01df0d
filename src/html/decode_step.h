/* What the decoders of all families share. */
#ifndef RILL_DECODE_STEP_H
#define RILL_DECODE_STEP_H

#include <string.h>

#include "html/decoder.h"
#include "html/utf8.h"

/* Output is at most this many times as long as what was read. */
enum { RILL_DECODE_GROWTH = 3 };

/* Reads from `at` as far as it can and appends to `out`, which has the room. Returns where it
 * stopped: before `end` only for a character that `end` cuts, and never if `final`. */
typedef const uint8_t *rill_decode_step(rill_decoder *d, const uint8_t *at, const uint8_t *end,
                                        bool final, rill_bytes *out);

rill_decode_step rill_decode_iso_2022_jp;
rill_decode_step rill_decode_by_iconv;

static inline void rill_decode_put(rill_bytes *out, const void *bytes, size_t length)
{
    memcpy(out->data + out->length, bytes, length);
    out->length += length;
}

/* Copies the ASCII at `at`; returns where it ends. */
static inline const uint8_t *rill_decode_ascii(const uint8_t *at, const uint8_t *end,
                                               rill_bytes *out)
{
    const uint8_t *stop = rill_utf8_ascii(at, end);
    rill_decode_put(out, at, (size_t)(stop - at));
    return stop;
}

static inline void rill_decode_put_char(rill_bytes *out, uint32_t code_point)
{
    out->length += rill_utf8_put(out->data + out->length, code_point);
}

static inline void rill_decode_put_bad(rill_bytes *out)
{
    rill_decode_put(out, "\xEF\xBF\xBD", 3);
}

#endif
