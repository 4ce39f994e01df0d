/* Where a page is in svg or math: there raw text is markup and CDATA sections exist. Only open
 * elements of svg and math are known, no element of HTML: what a tree builder would do with HTML
 * left open inside of them is not seen (doc/html.md). */
#ifndef RILL_FOREIGN_H
#define RILL_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More open elements than that are not counted: a search through them costs each end tag. */
enum { RILL_FOREIGN_DEPTH = 64 };

/* A tag's name counts up to here. */
enum { RILL_FOREIGN_NAME = 32 };

/* Zeroed: in HTML. */
typedef struct rill_foreign {
    uint32_t depth;
    uint32_t names[RILL_FOREIGN_DEPTH]; /* hashes, of the outermost first */
    uint8_t kinds[RILL_FOREIGN_DEPTH];
} rill_foreign;

typedef struct rill_foreign_tag {
    char name[RILL_FOREIGN_NAME + 1]; /* in lower case */
    bool closing, self_closing;
    bool styled; /* a <font> with color, face or size */
    bool html;   /* an <annotation-xml> whose encoding is HTML's */
} rill_foreign_tag;

/* Whether a CDATA section may stand here. */
bool rill_foreign_inside(const rill_foreign *foreign);

/* Takes a tag of HTML's that is not in here: svg or math, to be opened. */
void rill_foreign_enter(rill_foreign *foreign, const char *name);

/* Takes any tag while depth > 0. Returns whether it is HTML's. */
bool rill_foreign_tag_is_html(rill_foreign *foreign, const rill_foreign_tag *tag);

#endif
