/* UTF-8: is it, and where is it not. */
#ifndef RILL_UTF8_H
#define RILL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A check that goes on over several slices. Zeroed: nothing was read. */
typedef struct rill_utf8 {
    uint8_t held[4]; /* the beginning of a sequence that the slice before has cut */
    uint8_t count;
    bool bad;
} rill_utf8;

/* Reads one more slice, at memory speed where it is ASCII. False: the text is not UTF-8, whatever
 * follows. */
bool rill_utf8_check(rill_utf8 *check, const char *bytes, size_t length);

/* Whether the text may end here: it was good, and no sequence is cut. */
bool rill_utf8_ended(const rill_utf8 *check);

/* Where the ASCII at `at` ends. */
const uint8_t *rill_utf8_ascii(const uint8_t *at, const uint8_t *end);

/* Length of the text at `at` that is whole and valid; what follows it is bad, or cut, or nothing.
 */
size_t rill_utf8_run(const uint8_t *at, const uint8_t *end);

/* Length of what at `at` becomes one U+FFFD: the longest beginning of a sequence, else a byte.
 * 0: it is cut by `end`, so more bytes are to be seen first. `at` < `end`, no valid sequence. */
size_t rill_utf8_bad(const uint8_t *at, const uint8_t *end);

/* Writes a code point (no surrogate, up to 0x10FFFF) to `out`; returns its length, 1 to 4. */
size_t rill_utf8_put(char *out, uint32_t code_point);

/* Reads the code point of a whole and valid sequence and goes behind it. */
uint32_t rill_utf8_next(const uint8_t **at);

#endif
