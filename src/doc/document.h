/* The end of a document. */
#ifndef RILL_DOCUMENT_H
#define RILL_DOCUMENT_H

#include "doc/tree.h"

/* Frees all that it holds, at one go, and it; not what it is one of. */
void rill_document_free(rill_doc *doc);

#endif
