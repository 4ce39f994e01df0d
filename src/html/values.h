/* Values of attributes that are little languages of their own: srcset, rel, a refresh. All are
 * decoded already. */
#ifndef RILL_VALUES_H
#define RILL_VALUES_H

#include <stdbool.h>

#include "html/tokenizer.h"

/* Takes the next address off the front of a srcset; one of length 0: there is no other. */
rill_slice rill_values_srcset_next(rill_slice *rest);

/* The address in a refresh ("5; url=/there"); length 0: there is none. */
rill_slice rill_values_refresh(rill_slice content);

/* Writes the words in lower case, one space between, to `out`, which has their length of room and
 * may be the same place. Returns the length. */
size_t rill_values_words(rill_slice text, uint8_t *out);

/* Whether one of the words, as rill_values_words() has written them, is `word`. */
bool rill_values_has_word(rill_slice words, const char *word);

/* Without white space at its ends, and one space for each in it: a title. Otherwise as above. */
size_t rill_values_collapse(rill_slice text, uint8_t *out);

#endif
