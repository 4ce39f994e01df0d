/* Functions that XPath expressions call: has-class, re:test, re:match, and XPath's own, whose work
 * on texts is counted. */
#ifndef RILL_FUNCTIONS_H
#define RILL_FUNCTIONS_H

#include "doc/tree.h"

#define RILL_FUNCTIONS_RE "http://exslt.org/regular-expressions"

/* Called by libxml2 where an expression calls a function; `doc` is a rill_doc. */
xmlXPathFunction rill_functions_find(void *doc, const xmlChar *name, const xmlChar *uri);

#endif
