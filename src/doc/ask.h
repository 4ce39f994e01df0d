/* Questions to a document, and their answers. */
#ifndef RILL_ASK_H
#define RILL_ASK_H

#include "doc/xpath.h"

struct rill_doc_expression {
    rill_xpath *tree;
    rill_xpath_memory *memory; /* that `tree` is in */
    int owners; /* who compiled it, and documents that are in the middle of it: a collector frees
                   both in any order */
};

/* Forgets the last answer and prepares run(doc), which evaluates an expression (NULL: none) at a
 * node and below. False: out of memory. */
bool rill_ask_begin(rill_doc *doc, const xmlNode *node, const rill_doc_expression *expression,
                    unsigned long operations, void (*run)(void *doc));

/* Adds what a node is as an item. False: out of memory. */
bool rill_ask_add(rill_doc *doc, const xmlNode *node);

/* Frees all that questions took. */
void rill_ask_dispose(rill_doc *doc);

#endif
