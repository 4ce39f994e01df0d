/* Functions of XPath about where an element stands, and which one has an id. */
#ifndef RILL_PLACES_H
#define RILL_PLACES_H

#include "doc/tree.h"

/* Of expressions that are made of CSS: whether it is the node that the question is asked of; is in
 * it, or is it; rill-nth(a, b, kind). */
void rill_places_is_scope(xmlXPathParserContext *call, int count);
void rill_places_is_within(xmlXPathParserContext *call, int count);
void rill_places_nth(xmlXPathParserContext *call, int count);

/* id() */
void rill_places_by_id(xmlXPathParserContext *call, int count);

#endif
