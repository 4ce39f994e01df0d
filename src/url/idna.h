/* Host names beyond ASCII, as browsers read them. */
#ifndef RILL_IDNA_H
#define RILL_IDNA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RILL_IDNA_ROOM = 1024 }; /* more than any name has */

/* Writes the ASCII form of a name to `out` (RILL_IDNA_ROOM bytes, not NUL-terminated), in lower
 * case: UTS 46, non-transitional, without the check of IDNA2008, so symbols and emoji pass.
 * Labels that are "xn--" already are checked. What comes out may hold any ASCII character: full-
 * width forms turn into delimiters. False: it is no name, too long, or libidn2 is missing. */
bool rill_idna_to_ascii(const uint8_t *name, size_t length, char *out, size_t *out_length);

/* Whether libidn2 can be loaded, which only such names need. */
bool rill_idna_is_there(void);

/* Whether a name must be given to that: it is not all ASCII, or has a label in Punycode. */
bool rill_idna_is_needed(const uint8_t *name, size_t length);
bool rill_idna_has_punycode(const uint8_t *name, size_t length); /* for one that is all ASCII */

#endif
