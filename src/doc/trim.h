/* Copies a page without what libxml2 would need too long for, and without NULs.
 *
 * It reads a page exactly as libxml2 up to 2.13 does: where the two saw different tags, a page
 * could hide from the bounds. From 2.14 on libxml2 has no tags that cost more than their length. */
#ifndef RILL_TRIM_H
#define RILL_TRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rill_trim {
    /* Given. `tick` is called every now and then, with work in ticks (src/doc/parse.c); false:
     * nothing more is wanted. NULL: nobody minds. */
    size_t attributes,
        value; /* at most: attributes of a tag; bytes of a tag, comment and the like */
    bool (*tick)(void *arg, int32_t ticks);
    void *arg;
    /* Results. */
    char *page; /* the copy, for free(); a NUL stands behind it */
    char
        *copy; /* of a page with NULs, while it is read, for free() where that ends in the middle */
    size_t length;
    bool too_many; /* attributes */
    bool too_long; /* tags, comments, end tags, declarations, references */
} rill_trim;

/* False: out of memory, or no more was wanted. */
bool rill_trim_page(const char *page, size_t length, rill_trim *trim);

#endif
