/* The end of a document. */
#ifndef RILL_DOCUMENT_H
#define RILL_DOCUMENT_H

#include "doc/tree.h"

/* Begins to read a page, see rill_docs_open(). `fibers`: borrowed as long as it lives, where its
 * jobs take theirs from; NULL: it has its own. NULL: out of memory. */
rill_doc *rill_document_new(const char *page, size_t length, rill_fibers *fibers);

/* Frees all that it holds, at one go, and it; not what it is one of. */
void rill_document_free(rill_doc *doc);

#endif
