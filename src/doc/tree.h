/* What a document holds. */
#ifndef RILL_TREE_H
#define RILL_TREE_H

#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>

#include "doc/doc.h"
#include "doc/job.h"
#include "doc/regex.h"
#include "doc/trim.h"

/* Items that grow; zeroed: none. */
typedef struct rill_items {
    rill_doc_item *list;
    size_t count, room;
} rill_items;

/* The last element whose place among its neighbours was asked for, from their beginning or end,
 * among all or those of its name: that of the next one follows. */
enum { RILL_PLACE_LAST = 1, RILL_PLACE_TYPE = 2, RILL_PLACES = 4 };
typedef struct rill_place {
    const xmlNode *node;
    size_t place;
} rill_place;

/* What an answer has cost, beside operations. */
typedef struct rill_budget {
    uint64_t used_ms;      /* of CPU, of the pieces before */
    uint64_t since_ms;     /* since when this piece is; 0: it is not timed yet */
    unsigned long counted; /* operations at the last look */
    uint32_t looks;
} rill_budget;

/* A question that is being answered. */
typedef struct rill_answer {
    xmlXPathContext *context;        /* made for the first question, kept */
    xmlXPathParserContext *machine;  /* the same */
    rill_doc_expression *expression; /* held while it is evaluated; NULL: there is none */
    xmlXPathObject *object;          /* what `items` may point into */
    rill_items items;
    xmlChar **copies; /* of texts that do not stand in one piece */
    size_t copy_count, copy_room;
    rill_regexes regexes;
    rill_doc_problem problem; /* no text: none */
    rill_budget budget;
    const xmlNode *top; /* the node that was asked */
    rill_place places[RILL_PLACES];
} rill_answer;

/* A walk over elements. */
typedef struct rill_walk {
    const rill_doc_selector *selector; /* borrowed; NULL: there is none */
    const xmlNode *top, *at;           /* `at` NULL: it has ended */
    bool matched[RILL_DOC_DEPTH + 8];  /* of the open elements, where texts are wanted */
    size_t depth;
} rill_walk;

/* While a page is read. */
typedef struct rill_parse {
    htmlParserCtxt *parser;
    const char *page;
    size_t length;
    rill_trim trim;
    int32_t ticks; /* until other tasks have their turn */
    uint32_t nodes, outside;
    size_t read;                      /* of the page, when `ticks` were counted last */
    xmlNode *left[RILL_DOC_OPEN + 8]; /* too deep for children: those that stand beside them */
    int left_count;
    bool in_text, stopping;
    bool trims;        /* it is in the middle of its page's trimming */
    bool full;         /* memory ran out */
    xmlSAXHandler own; /* libxml2's */
} rill_parse;

struct rill_doc {
    xmlDoc *tree;      /* NULL: not read yet */
    rill_parse *parse; /* NULL: read */
    rill_job job;
    rill_fibers fibers; /* of its jobs, where it is of no `docs` */
    bool numbered;      /* its nodes know their places */
    xmlNode *going;     /* the node whose children are freed, in pieces; NULL: none is */
    uint32_t weight;    /* nodes, RILL_DOC_WAITING */
    rill_docs *docs;    /* NULL: of none; it holds them */
    rill_doc *next;     /* of those that wait to be freed */
    rill_doc_facts facts;
    rill_answer answer;
    rill_walk walk;
    struct {
        const xmlNode *node;
        enum rill_doc_form form;
        char *data;
        size_t length, room;
        bool ended; /* what comes now has no place, or memory, or nobody waits for it */
        bool failed;
    } text;         /* the last one that was made */
    xmlChar *value; /* of an attribute that was asked for, where it is a copy */
};

static inline const xmlNode *rill_tree_node(const rill_doc_node *node)
{
    return (const xmlNode *)node;
}

/* The next node in document order, within `top`; `into`: its children are visited. */
const xmlNode *rill_tree_next(const xmlNode *node, const xmlNode *top, bool into);

/* An attribute's value or a text; *copy is for xmlFree() where it is not NULL. */
const char *rill_tree_value(const xmlNode *node, xmlChar **copy);

const xmlAttr *rill_tree_attribute(const xmlNode *node, const char *name);

/* Whether the words of attribute `class` hold this one. */
bool rill_tree_has_class(const xmlNode *node, const char *name, size_t length);

/* False: out of memory. */
bool rill_items_add(rill_items *items, rill_doc_item item);

#endif
