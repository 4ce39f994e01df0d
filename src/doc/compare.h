/* Comparisons of which one side, or both, are sets of nodes. libxml2 makes them at one go. */
#ifndef RILL_COMPARE_H
#define RILL_COMPARE_H

#include "doc/xpath.h"

/* Compares two values of which one at least is a set of nodes, and none a boolean: true where the
 * comparison holds for some node of the set, or for some pair of nodes of two sets (XPath 1.0,
 * 3.4). `kind` is RILL_XPATH_EQUAL to RILL_XPATH_MORE_OR_EQUAL. 1: true; 0: false; -1: the answer
 * ends with an error, which is in its problem. */
int rill_compare_sets(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *left,
                      const xmlXPathObject *right);

#endif
