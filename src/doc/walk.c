/* Selections: a walk over elements in document order, in slices. */
#include <stdlib.h>
#include <string.h>

#include "doc/ask.h"
#include "doc/budget.h"

/* Steps of a walk for one look at the clock. */
enum { STEPS_PER_LOOK = 64 };

int32_t rill_doc_select(rill_doc *doc, const rill_doc_node *node, const rill_doc_selector *selector)
{
    rill_walk *walk = &doc->walk;
    rill_doc_problem problem;
    const xmlNode *top = rill_tree_node(node);
    *walk = (rill_walk){0};
    rill_ask_forget(doc);
    if (!selector)
        return 0;
    if (top->type == XML_HTML_DOCUMENT_NODE || top->type == XML_DOCUMENT_NODE)
        top = xmlDocGetRootElement(doc->tree);
    if (!rill_ask_begin(doc, top, RILL_DOC_SELECT_OPERATIONS, &problem))
        return -1;
    walk->selector = selector;
    walk->top = walk->at = top;
    return 0;
}

/* Whether a name is one of a list. */
static bool is_among(const char *name, const char *names)
{
    size_t length = strlen(name);
    for (const char *at = names; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, name, length) && (!at[length] || at[length] == ','))
            return true;
    }
    return false;
}

/* 1: it is selected, 0: not, -1: see `problem`. */
static int matches(rill_doc *doc, const xmlNode *node)
{
    const rill_doc_selector *selector = doc->walk.selector;
    if (node->type != XML_ELEMENT_NODE)
        return 0;
    if (selector->names && !is_among((const char *)node->name, selector->names))
        return 0;
    if (selector->class_name &&
        !rill_tree_has_class(node, selector->class_name, strlen(selector->class_name)))
        return 0;
    return selector->expression ? rill_ask_is_true(doc, node, selector->expression) : 1;
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

/* Adds what an element that is selected, or a text in it, gives. */
static bool add(rill_doc *doc, const xmlNode *node)
{
    const rill_doc_selector *selector = doc->walk.selector;
    const xmlAttr *attribute;
    switch ((enum rill_doc_what)selector->what) {
    case RILL_DOC_ELEMENTS:
        return rill_ask_add(doc, node);
    case RILL_DOC_TEXTS:
        return !is_text(node) || rill_ask_add(doc, node);
    case RILL_DOC_ATTRIBUTE:
        attribute = rill_tree_attribute(node, selector->attribute);
        return !attribute || rill_ask_add(doc, (const xmlNode *)attribute);
    }
    return true;
}

/* A text is selected where its element is. */
static int look(rill_doc *doc)
{
    rill_walk *walk = &doc->walk;
    const xmlNode *node = walk->at;
    if (is_text(node))
        return walk->depth && walk->selector->what == RILL_DOC_TEXTS &&
               walk->matched[walk->depth - 1];
    int match = matches(doc, node);
    if (walk->depth < sizeof(walk->matched))
        walk->matched[walk->depth] = match > 0;
    return match;
}

/* Goes on to the next node in document order. */
static void step(rill_walk *walk)
{
    const xmlNode *node = walk->at;
    if (node->type == XML_ELEMENT_NODE && node->children &&
        walk->depth + 1 < sizeof(walk->matched)) {
        walk->depth++;
        walk->at = node->children;
        return;
    }
    for (; node != walk->top; node = node->parent, walk->depth--) {
        if (node->next) {
            walk->at = node->next;
            return;
        }
    }
    walk->at = NULL;
}

/* 1: time for others, 0: it has ended, -1. */
static int32_t walk_on(rill_doc *doc)
{
    rill_walk *walk = &doc->walk;
    unsigned long *operations = &doc->answer.context->opCount, until = *operations + RILL_DOC_SLICE;
    for (int steps = 1; walk->at; steps++) {
        int match = look(doc);
        if (match < 0)
            return -1;
        if (match && !add(doc, walk->at)) {
            strcpy(doc->answer.problem->text, "out of memory");
            return -1;
        }
        step(walk);
        ++*operations;
        if (steps % STEPS_PER_LOOK == 0 && !rill_budget_left(&doc->answer))
            return -1;
        if (*operations > until)
            return walk->at != NULL;
    }
    return 0;
}

int32_t rill_doc_select_on(rill_doc *doc, const rill_doc_item **items, uint32_t *count,
                           rill_doc_problem *problem)
{
    *problem = (rill_doc_problem){.at = -1};
    *items = NULL;
    *count = 0;
    if (!doc->walk.selector)
        return 0;
    rill_listener before;
    rill_ask_listen(doc, problem, &before);
    int32_t code = walk_on(doc);
    rill_ask_listen_no_more(doc, &before);
    *items = doc->answer.items.list;
    *count = (uint32_t)doc->answer.items.count;
    if (code <= 0)
        doc->walk = (rill_walk){0};
    return code;
}
