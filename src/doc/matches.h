/* Functions of XPath that are none of its own: has-class, re:test, re:match. */
#ifndef RILL_MATCHES_H
#define RILL_MATCHES_H

#include "doc/tree.h"

/* True if the element has all of these classes. */
void rill_matches_class(xmlXPathParserContext *call, int count);

/* Whether a pattern is found in a text; what it matches there, empty where that is nothing. */
void rill_matches_test(xmlXPathParserContext *call, int count);
void rill_matches_match(xmlXPathParserContext *call, int count);

#endif
