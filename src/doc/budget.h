/* What an answer may cost: operations and time. */
#ifndef RILL_BUDGET_H
#define RILL_BUDGET_H

#include "doc/tree.h"

void rill_budget_begin(rill_answer *answer, unsigned long operations);

/* Around each piece of work. */
void rill_budget_resume(rill_answer *answer);
void rill_budget_pause(rill_answer *answer);

/* Whether there is time and work left; else the answer's problem says so. */
bool rill_budget_left(rill_answer *answer);

#endif
