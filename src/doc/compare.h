/* Comparisons of which one side, or both, are sets of nodes. libxml2 makes them at one go. */
#ifndef RILL_COMPARE_H
#define RILL_COMPARE_H

#include "doc/xpath.h"

/* Whether there are a node, or one on each side, of which it is true. `kind`: RILL_XPATH_EQUAL to
 * RILL_XPATH_MORE_OR_EQUAL; neither value is a boolean. 1, 0; -1: the answer's problem says why. */
int rill_compare_sets(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *left,
                      const xmlXPathObject *right);

#endif
