/* What an answer may cost: operations and time. */
#ifndef RILL_BUDGET_H
#define RILL_BUDGET_H

#include "doc/tree.h"

void rill_budget_begin(rill_answer *answer, unsigned long operations);

/* Whether there is time and work left; else the answer's problem says so. */
bool rill_budget_left(const rill_answer *answer);

#endif
