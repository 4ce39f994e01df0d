/* Values of XPath, as libxml2 has them, and the strings of nodes. Making these is counted: of a
 * million nodes, or of one with a million in it, libxml2 makes them at one go. */
#ifndef RILL_VALUE_H
#define RILL_VALUE_H

#include "doc/tree.h"

/* Frees a value; of a set not its nodes, which are not even looked at. NULL is fine. */
void rill_value_free(xmlXPathObject *value);

/* How many nodes it has. */
size_t rill_value_count(const xmlXPathObject *value);

/* The string of one node after the other, in the same memory. Zeroed: none. */
typedef struct rill_content {
    const char *text; /* of the last node; in `memory` or in the tree */
    size_t length;
    char *memory; /* of xmlMalloc() */
    size_t room;
} rill_content;

/* False: the answer's problem says why. */
bool rill_content_read(rill_doc *doc, const xmlNode *node, rill_content *content);
void rill_content_dispose(rill_content *content);

/* The string of a node, for xmlFree(). NULL: the answer's problem says why. */
xmlChar *rill_content_of(rill_doc *doc, const xmlNode *node);

/* The number that a node's string is. False: the answer's problem says why. */
bool rill_content_number(rill_doc *doc, const xmlNode *node, rill_content *content, double *number);

/* A set of nodes becomes the string of its first one; other values stay as they are. NULL: it is
 * freed, the answer's problem says why. */
xmlXPathObject *rill_value_first(rill_doc *doc, xmlXPathObject *value);

#endif
