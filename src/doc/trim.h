/* Takes out of a page what libxml2 would need too long for, and NULs. */
#ifndef RILL_TRIM_H
#define RILL_TRIM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rill_trim {
    char *page; /* a copy without that; NULL: nothing is to be taken out */
    size_t length;
    bool attributes; /* of a tag, beyond RILL_DOC_ATTRIBUTES */
    bool values;     /* longer than RILL_DOC_VALUE; so were comments */
} rill_trim;

/* Reads a page as libxml2 would, as far as tags and their attributes go. `page` of the result is
 * for free(). False: out of memory. */
bool rill_trim_page(const char *page, size_t length, rill_trim *trim);

#endif
