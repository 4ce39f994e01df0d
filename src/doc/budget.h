/* What an answer may cost: operations and time. */
#ifndef RILL_BUDGET_H
#define RILL_BUDGET_H

#include "doc/tree.h"

/* Bytes of text that are read for one operation. */
enum { RILL_BUDGET_BYTES = 32 };

void rill_budget_begin(rill_doc *doc, unsigned long operations);

/* Around each piece of work. */
void rill_budget_resume(rill_doc *doc);
void rill_budget_pause(rill_doc *doc);

/* Whether there is time and work left; else the answer's problem says so. Others may have their
 * turn meanwhile. */
bool rill_budget_left(rill_doc *doc);

/* Counts operations, then the same. */
bool rill_budget_spend(rill_doc *doc, size_t operations);

/* Counts bytes that are read; false, too, where they are more than RILL_DOC_READ. */
bool rill_budget_spend_bytes(rill_doc *doc, size_t bytes);

/* rill_budget_spend() for what knows no documents. */
rill_tick rill_budget_tick(rill_doc *doc);

#endif
