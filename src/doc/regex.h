/* Regular expressions of re:test and re:match: PCRE2's, with bounds. */
#ifndef RILL_REGEX_H
#define RILL_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/doc.h"

/* Those of an evaluation. Zeroed: none. */
typedef struct rill_regexes {
    struct rill_regex *list[RILL_DOC_PATTERNS];
    int count, next; /* `next`: whose place is taken when all are */
} rill_regexes;

/* Finds a pattern in a text; both in UTF-8. `flags`: "i" ignores case; others change nothing.
 * Returns 1 and where it was found, 0, or -1: *problem says why. */
int rill_regex_find(rill_regexes *regexes, const char *pattern, const char *flags, const char *text,
                    size_t length, size_t *from, size_t *to, rill_doc_problem *problem);

void rill_regexes_dispose(rill_regexes *regexes);

#endif
