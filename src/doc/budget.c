#include "doc/budget.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Looks at the budget for one look at the clock. */
enum { LOOKS_AT_ONCE = 64 };

/* Operations whose time is not counted: some 50 us, which most answers do not need. The clock of a
 * thread is a system call. */
enum { UNTIMED = 1024 };

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

void rill_budget_begin(rill_doc *doc, unsigned long operations)
{
    doc->answer.context->opLimit = operations;
    doc->answer.context->opCount = 0;
    doc->answer.budget = (rill_budget){0};
}

void rill_budget_resume(rill_doc *doc)
{
    rill_budget *budget = &doc->answer.budget;
    budget->since_ms = budget->counted < UNTIMED ? 0 : now_ms();
}

void rill_budget_pause(rill_doc *doc)
{
    rill_budget *budget = &doc->answer.budget;
    if (budget->since_ms)
        budget->used_ms += now_ms() - budget->since_ms;
}

bool rill_budget_left(rill_doc *doc)
{
    rill_answer *answer = &doc->answer;
    rill_budget *budget = &answer->budget;
    unsigned long count = answer->context->opCount, since = count - budget->counted;
    if (count > answer->context->opLimit)
        return stop(&answer->problem, "too many operations");
    budget->counted = count;
    if (!rill_job_work(&doc->job, since))
        return stop(&answer->problem, "nobody waits for it");
    if (!budget->since_ms && count >= UNTIMED)
        budget->since_ms = now_ms();
    if (++budget->looks % LOOKS_AT_ONCE || !budget->since_ms)
        return true;
    if (budget->used_ms + now_ms() - budget->since_ms > RILL_DOC_MS)
        return stop(&answer->problem, "it takes too long");
    return true;
}

bool rill_budget_spend(rill_doc *doc, size_t operations)
{
    doc->answer.context->opCount += operations;
    return rill_budget_left(doc);
}

bool rill_budget_spend_bytes(rill_doc *doc, size_t bytes)
{
    if (bytes > RILL_DOC_READ)
        return stop(&doc->answer.problem, "a text that is too long");
    return rill_budget_spend(doc, 1 + bytes / RILL_BUDGET_BYTES);
}

static bool spend_of(void *doc, size_t operations)
{
    return rill_budget_spend(doc, operations);
}

rill_tick rill_budget_tick(rill_doc *doc)
{
    return (rill_tick){.call = spend_of, .arg = doc};
}
