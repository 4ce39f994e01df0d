/* Character references (HTML Standard, 13.2.5.72 and what follows it), and what else becomes of
 * text before it is read: CR and CR LF are a line end, NUL is U+FFFD. */
#ifndef RILL_ENTITIES_H
#define RILL_ENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that `length` bytes can become: a NUL is three. */
enum { RILL_ENTITIES_GROWTH = 3 };

/* Decodes `length` bytes to `out`, which has RILL_ENTITIES_GROWTH times the room and does not
 * overlap them. In an attribute a name without its semicolon is text where a letter, a digit or "="
 * follows. Returns the length written. */
size_t rill_entities_decode(const uint8_t *text, size_t length, bool attribute, uint8_t *out);

/* Whether decoding would change anything. */
bool rill_entities_any(const uint8_t *text, size_t length);

#endif
