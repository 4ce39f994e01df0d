#include "doc/budget.h"

#include <stdio.h>
#include <time.h>

/* Questions whether there is time left for one look at the clock. */
enum { QUESTIONS_PER_LOOK = 64 };

/* CPU time: a busy machine is no reason to give up. */
static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool stop(rill_doc_problem *problem, const char *text)
{
    if (!problem->text[0])
        snprintf(problem->text, sizeof(problem->text), "%s", text);
    problem->limit = true;
    return false;
}

void rill_budget_begin(rill_answer *answer, unsigned long operations)
{
    answer->context->opLimit = operations;
    answer->context->opCount = 0;
    answer->budget = (rill_budget){0};
}

void rill_budget_resume(rill_answer *answer)
{
    answer->budget.since_ms = now_ms();
}

void rill_budget_pause(rill_answer *answer)
{
    answer->budget.used_ms += now_ms() - answer->budget.since_ms;
}

bool rill_budget_left(rill_answer *answer)
{
    rill_budget *budget = &answer->budget;
    if (answer->context->opCount > answer->context->opLimit)
        return stop(answer->problem, "too many operations");
    if (++budget->questions % QUESTIONS_PER_LOOK)
        return true;
    if (budget->used_ms + now_ms() - budget->since_ms > RILL_DOC_MS)
        return stop(answer->problem, "it takes too long");
    return true;
}
