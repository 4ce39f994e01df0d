/* Regular expressions of re:test and re:match: PCRE2's, with bounds. */
#ifndef RILL_REGEX_H
#define RILL_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/doc.h"
#include "doc/job.h"

/* Those of an evaluation. Zeroed: none. */
typedef struct rill_regexes {
    struct rill_regex *list[RILL_DOC_PATTERNS];
    int count, next; /* `next`: whose place is taken when all are */
} rill_regexes;

/* Where a pattern is looked for; both are UTF-8. */
typedef struct rill_regex_search {
    const char *pattern, *flags, *text; /* `flags`: "i" ignores case; others change nothing */
    size_t length;                      /* of the text */
    const rill_tick *tick;              /* called in the middle of a match */
    size_t from, to;                    /* result */
} rill_regex_search;

/* Returns 1, 0, or -1: *problem says why, or no more was wanted. */
int rill_regex_find(rill_regexes *regexes, rill_regex_search *search, rill_doc_problem *problem);

void rill_regexes_dispose(rill_regexes *regexes);

#endif
