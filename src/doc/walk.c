/* Selections: a walk over elements in document order. */
#include <stdlib.h>
#include <string.h>

#include "doc/ask.h"
#include "doc/budget.h"

/* Operations for one look at the budget. */
enum { OPERATIONS_PER_LOOK = 64 };

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
    return selector->expression ? rill_xpath_is_true(doc, doc->answer.expression->tree, node) : 1;
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

/* False: the answer's problem says why. */
static bool spend(rill_doc *doc, size_t operations)
{
    unsigned long *count = &doc->answer.context->opCount, before = *count;
    *count += operations;
    return before / OPERATIONS_PER_LOOK == *count / OPERATIONS_PER_LOOK || rill_budget_left(doc);
}

/* Of the node that was looked at: its classes are read. */
static size_t cost(const rill_walk *walk)
{
    const xmlAttr *classes =
        walk->selector->class_name ? rill_tree_attribute(walk->at, "class") : NULL;
    const xmlNode *text = classes ? classes->children : NULL;
    size_t bytes = text && text->content ? strlen((const char *)text->content) : 0;
    return 1 + bytes / RILL_BUDGET_BYTES;
}

static void walk_all(void *arg)
{
    rill_doc *doc = arg;
    rill_walk *walk = &doc->walk;
    for (; walk->at && spend(doc, cost(walk)); step(walk)) {
        int match = look(doc);
        if (match < 0)
            return;
        if (match && !add(doc, walk->at)) {
            strcpy(doc->answer.problem.text, "out of memory");
            return;
        }
    }
}

int32_t rill_doc_select(rill_doc *doc, const rill_doc_node *node, const rill_doc_selector *selector)
{
    const xmlNode *top = rill_tree_node(node);
    if (top->type == XML_HTML_DOCUMENT_NODE || top->type == XML_DOCUMENT_NODE)
        top = xmlDocGetRootElement(doc->tree);
    if (!rill_ask_begin(doc, top, selector->expression, RILL_DOC_SELECT_OPERATIONS, walk_all))
        return -1;
    doc->walk = (rill_walk){.selector = selector, .top = top, .at = top};
    return 0;
}
