#include "doc/budget.h"

#include <stdio.h>
#include <time.h>

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
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
    answer->deadline_ms = now_ms() + RILL_DOC_MS;
}

bool rill_budget_left(const rill_answer *answer)
{
    if (answer->context->opCount > answer->context->opLimit)
        return stop(answer->problem, "too many operations");
    if (now_ms() > answer->deadline_ms)
        return stop(answer->problem, "it takes too long");
    return true;
}
