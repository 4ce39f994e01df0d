/* What an answer may cost: operations and time. */
#ifndef RILL_BUDGET_H
#define RILL_BUDGET_H

#include "doc/tree.h"

void rill_budget_begin(rill_doc *doc, unsigned long operations);

/* Around each piece of work. */
void rill_budget_resume(rill_doc *doc);
void rill_budget_pause(rill_doc *doc);

/* Whether there is time and work left; else the answer's problem says so. Others may have their
 * turn meanwhile. */
bool rill_budget_left(rill_doc *doc);

/* Counts operations, then the same. */
bool rill_budget_spend(rill_doc *doc, size_t operations);

/* Counts what making the string of a node costs, before it is made; false, too, where it is longer
 * than RILL_DOC_READ. *bytes, where it is not NULL, grows by its length. */
bool rill_budget_spend_string(rill_doc *doc, const xmlNode *node, size_t *bytes);
bool rill_budget_spend_bytes(rill_doc *doc, size_t bytes);

#endif
