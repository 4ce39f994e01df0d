/* Questions to a document: XPath 1.0, evaluated by libxml2. */
#ifndef RILL_ASK_H
#define RILL_ASK_H

#include "doc/tree.h"

struct rill_doc_expression {
    xmlXPathCompExpr *compiled;
};

/* Makes ready for evaluations at a node and below; false: out of memory. */
bool rill_ask_begin(rill_doc *doc, const xmlNode *node, unsigned long operations,
                    rill_doc_problem *problem);

/* What took libxml2's complaints before; they are the thread's. */
typedef struct rill_listener {
    xmlGenericErrorFunc call;
    void *context;
} rill_listener;

/* Between these two, `problem` takes what goes wrong in an evaluation. */
void rill_ask_listen(rill_doc *doc, rill_doc_problem *problem, rill_listener *before);
void rill_ask_listen_no_more(rill_doc *doc, const rill_listener *before);

/* Whether the expression is true at a node; 1, 0, -1: see `problem`. */
int rill_ask_is_true(rill_doc *doc, const xmlNode *node, const rill_doc_expression *expression);

/* Adds what a node is as an item. False: out of memory. */
bool rill_ask_add(rill_doc *doc, const xmlNode *node);

/* Frees what answers hold. */
void rill_ask_forget(rill_doc *doc);
void rill_ask_dispose(rill_doc *doc);

#endif
