/* Punycode (RFC 3492): what follows "xn--". */
#ifndef RILL_PUNYCODE_H
#define RILL_PUNYCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both count room and length in *count: of `out` before, of what was written after. False: no
 * Punycode, or not enough room. Lengths are those of labels: time grows with their square. */
bool rill_punycode_decode(const char *text, size_t length, uint32_t *out, size_t *count);
bool rill_punycode_encode(const uint32_t *text, size_t length, char *out, size_t *count);

#endif
