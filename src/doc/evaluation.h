/* An evaluation under way: what goes wrong, what it costs, and its sets of nodes. */
#ifndef RILL_EVALUATION_H
#define RILL_EVALUATION_H

#include "doc/xpath.h"

typedef struct rill_evaluation {
    rill_doc *doc;
    xmlXPathParserContext *machine; /* libxml2's stack of values */
    bool failed;
} rill_evaluation;

void rill_evaluation_begin(rill_evaluation *e, rill_doc *doc);

/* The first error counts; returns NULL. `code` is one of libxml2's. */
void *rill_evaluation_fail(rill_evaluation *e, int code);

/* Counts operations. False: it has failed. */
bool rill_evaluation_spend(rill_evaluation *e, size_t operations);

/* False: it has failed. */
bool rill_evaluation_add(rill_evaluation *e, rill_nodes *nodes, const xmlNode *node);
bool rill_evaluation_sort(rill_evaluation *e, rill_nodes *nodes);

void rill_evaluation_drop(rill_nodes *nodes);

/* As a value of libxml2's; `nodes` are dropped. NULL: it has failed. */
xmlXPathObject *rill_evaluation_object(rill_evaluation *e, rill_nodes *nodes);

/* The nodes of a value, which is freed. */
bool rill_evaluation_take(rill_evaluation *e, xmlXPathObject *object, rill_nodes *nodes);

/* Takes a value off the stack. NULL: it has failed. */
xmlXPathObject *rill_evaluation_pop(rill_evaluation *e);

/* Empties the stack. */
void rill_evaluation_end(rill_evaluation *e);

#endif
