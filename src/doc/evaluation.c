#include "doc/evaluation.h"

#include <libxml/xpathInternals.h>
#include <stdlib.h>

#include "doc/budget.h"
#include "doc/value.h"

/* Operations for one look at the budget. */
enum { OPERATIONS_PER_LOOK = 64 };

/* Nodes whose sorting is counted here: of more it counts itself. */
enum { FEW = 1024 };

void rill_evaluation_begin(rill_evaluation *e, rill_doc *doc)
{
    *e = (rill_evaluation){.doc = doc, .machine = doc->answer.machine};
    e->machine->error = XPATH_EXPRESSION_OK;
    if (!doc->numbered)
        doc->numbered = rill_nodes_number(doc->tree, &doc->job);
    e->failed = !doc->numbered; /* nobody waits for it */
}

void *rill_evaluation_fail(rill_evaluation *e, int code)
{
    if (!e->failed && e->machine->error == XPATH_EXPRESSION_OK)
        xmlXPathErr(e->machine, code);
    e->failed = true;
    return NULL;
}

bool rill_evaluation_spend(rill_evaluation *e, size_t operations)
{
    unsigned long *count = &e->machine->context->opCount, before = *count;
    *count += operations;
    if (before / OPERATIONS_PER_LOOK != *count / OPERATIONS_PER_LOOK && !rill_budget_left(e->doc))
        e->failed = true;
    return !e->failed;
}

bool rill_evaluation_add(rill_evaluation *e, rill_nodes *nodes, const xmlNode *node)
{
    if (!rill_nodes_add(nodes, node))
        rill_evaluation_fail(e, XPATH_MEMORY_ERROR);
    return !e->failed;
}

bool rill_evaluation_sort(rill_evaluation *e, rill_nodes *nodes)
{
    rill_tick tick = rill_budget_tick(e->doc);
    if (nodes->count < FEW && !rill_evaluation_spend(e, nodes->count))
        return false;
    if (!rill_nodes_sort(nodes, &tick))
        rill_evaluation_fail(e, XPATH_MEMORY_ERROR); /* or there is nothing left to spend */
    return !e->failed;
}

void rill_evaluation_drop(rill_nodes *nodes)
{
    free(nodes->list);
    *nodes = (rill_nodes){0};
}

xmlXPathObject *rill_evaluation_object(rill_evaluation *e, rill_nodes *nodes)
{
    xmlXPathObject *object = e->failed ? NULL : xmlXPathNewNodeSet(NULL);
    bool good = object;
    for (size_t i = 0; good && i < nodes->count; i++)
        good = rill_evaluation_spend(e, 1) &&
               !xmlXPathNodeSetAddUnique(object->nodesetval, nodes->list[i]);
    rill_evaluation_drop(nodes);
    if (good)
        return object;
    rill_value_free(object);
    return rill_evaluation_fail(e, XPATH_MEMORY_ERROR);
}

bool rill_evaluation_take(rill_evaluation *e, xmlXPathObject *object, rill_nodes *nodes)
{
    if (!object || object->type != XPATH_NODESET)
        rill_evaluation_fail(e, XPATH_INVALID_TYPE);
    else
        for (size_t i = 0; i < rill_value_count(object) && rill_evaluation_spend(e, 1); i++)
            rill_evaluation_add(e, nodes, object->nodesetval->nodeTab[i]);
    rill_value_free(object);
    return !e->failed && rill_evaluation_sort(e, nodes);
}

xmlXPathObject *rill_evaluation_pop(rill_evaluation *e)
{
    bool good = e->machine->error == XPATH_EXPRESSION_OK && !e->failed;
    xmlXPathObject *value = good ? valuePop(e->machine) : NULL;
    return value ? value : rill_evaluation_fail(e, XPATH_STACK_ERROR);
}

void rill_evaluation_end(rill_evaluation *e)
{
    while (e->machine->valueNr > 0)
        rill_value_free(valuePop(e->machine));
}
