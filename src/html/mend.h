/* Where glibc's iconv differs from the Encoding Standard. */
#ifndef RILL_MEND_H
#define RILL_MEND_H

#include "html/charset.h"

enum { RILL_MEND_BAD = 0 }; /* as code point: the Standard knows none */

/* Whether iconv reads the character at `at` as another one than the Standard, which has
 * *code_point. `left` bytes are there, at least one. */
bool rill_mend_misread(enum rill_code code, const uint8_t *at, size_t left, uint32_t *code_point);

/* Length of the character at `at` that iconv refuses and the Standard knows; 0: it knows none. */
size_t rill_mend_refused(enum rill_code code, const uint8_t *at, size_t left, uint32_t *code_point);

#endif
