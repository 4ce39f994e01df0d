#include "doc/budget.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Looks at the budget for one look at the clock. */
enum { LOOKS_AT_ONCE = 64 };

/* Bytes of text that are read for one operation. */
enum { BYTES_PER_OPERATION = 32 };

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
    doc->answer.budget.since_ms = now_ms();
}

void rill_budget_pause(rill_doc *doc)
{
    doc->answer.budget.used_ms += now_ms() - doc->answer.budget.since_ms;
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
    if (++budget->looks % LOOKS_AT_ONCE)
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
    return rill_budget_spend(doc, 1 + bytes / BYTES_PER_OPERATION);
}

static void measure(const xmlNode *top, size_t *nodes, size_t *bytes)
{
    bool own = top->type == XML_COMMENT_NODE || top->type == XML_PI_NODE;
    for (const xmlNode *node = top; node; node = rill_tree_next(node, top, true), ++*nodes)
        if (own || node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
            *bytes += node->content ? strlen((const char *)node->content) : 0;
}

bool rill_budget_spend_string(rill_doc *doc, const xmlNode *node, size_t *bytes)
{
    size_t length = 0, nodes = 0;
    if (node->type == XML_ATTRIBUTE_NODE || node->type == XML_HTML_DOCUMENT_NODE)
        for (const xmlNode *child = node->children; child; child = child->next)
            measure(child, &nodes, &length);
    else if (node->type != XML_NAMESPACE_DECL)
        measure(node, &nodes, &length);
    if (bytes)
        *bytes += length;
    return rill_budget_spend(doc, nodes) && rill_budget_spend_bytes(doc, length);
}
