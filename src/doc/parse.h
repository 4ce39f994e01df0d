/* A page becomes a tree, in pieces. */
#ifndef RILL_PARSE_H
#define RILL_PARSE_H

#include "doc/tree.h"

/* The tree's last piece is made by the call that returns 0. */
int32_t rill_parse_on(rill_doc *doc);

/* False: out of memory. */
bool rill_parse_begin(rill_doc *doc, const char *page, size_t length);

/* Frees what reading needs, wherever it stands: the page is not looked at, the tree that there is
 * is the document's. */
void rill_parse_end(rill_doc *doc);

#endif
