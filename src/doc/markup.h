/* The markup of a node: HTML as libxml2 2.9 writes it, without blanks of its own. */
#ifndef RILL_MARKUP_H
#define RILL_MARKUP_H

#include "doc/tree.h"

/* Adds the markup of a node, or of what is in it, to the document's text. */
void rill_markup_write(rill_doc *doc, const xmlNode *node);
void rill_markup_write_inner(rill_doc *doc, const xmlNode *node);

#endif
