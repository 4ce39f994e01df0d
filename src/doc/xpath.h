/* XPath 1.0: expressions, and their evaluation. libxml2 says whether a text is an expression, has
 * the functions and compares values; walks over the tree and sets of nodes are ours, so that each
 * step of them is counted. */
#ifndef RILL_XPATH_H
#define RILL_XPATH_H

#include "doc/tree.h"

typedef enum rill_xpath_kind {
    RILL_XPATH_OR,
    RILL_XPATH_AND,
    RILL_XPATH_EQUAL, /* from here to MODULO: operators of two values */
    RILL_XPATH_UNEQUAL,
    RILL_XPATH_LESS,
    RILL_XPATH_LESS_OR_EQUAL,
    RILL_XPATH_MORE,
    RILL_XPATH_MORE_OR_EQUAL,
    RILL_XPATH_SUM,
    RILL_XPATH_DIFFERENCE,
    RILL_XPATH_PRODUCT,
    RILL_XPATH_QUOTIENT,
    RILL_XPATH_MODULO,
    RILL_XPATH_NEGATIVE,
    RILL_XPATH_UNION,
    RILL_XPATH_NUMBER,
    RILL_XPATH_STRING,
    RILL_XPATH_VARIABLE,
    RILL_XPATH_CALL,
    RILL_XPATH_FILTER, /* `left` with predicates */
    RILL_XPATH_PATH
} rill_xpath_kind;

typedef enum rill_axis {
    RILL_AXIS_ANCESTOR,
    RILL_AXIS_ANCESTOR_OR_SELF,
    RILL_AXIS_ATTRIBUTE,
    RILL_AXIS_CHILD,
    RILL_AXIS_DESCENDANT,
    RILL_AXIS_DESCENDANT_OR_SELF,
    RILL_AXIS_FOLLOWING,
    RILL_AXIS_FOLLOWING_SIBLING,
    RILL_AXIS_NAMESPACE,
    RILL_AXIS_PARENT,
    RILL_AXIS_PRECEDING,
    RILL_AXIS_PRECEDING_SIBLING,
    RILL_AXIS_SELF,
    RILL_AXES
} rill_axis;

typedef enum rill_test {
    RILL_TEST_NAME,
    RILL_TEST_ALL, /* all elements, or all attributes */
    RILL_TEST_NODE,
    RILL_TEST_TEXT,
    RILL_TEST_COMMENT,
    RILL_TEST_INSTRUCTION
} rill_test;

typedef struct rill_xpath_step {
    rill_axis axis;
    rill_test test;
    const char *prefix, *name;     /* NULL: none */
    struct rill_xpath *predicates; /* a list by `next` */
    bool positional;               /* one of them asks for a position, or how many there are */
    struct rill_xpath_step *next;
} rill_xpath_step;

typedef struct rill_xpath {
    rill_xpath_kind kind;
    struct rill_xpath *left, *right; /* a call: its arguments, a list; a path: where it begins */
    struct rill_xpath *predicates;   /* of a filter */
    struct rill_xpath *next;         /* argument, or predicate */
    rill_xpath_step *steps;
    bool absolute;
    bool positional; /* it asks for the position or the size, or is a number */
    double number;
    const char *prefix, *text; /* a name, a string */
} rill_xpath;

typedef struct rill_xpath_memory rill_xpath_memory;

/* Reads a text that libxml2 has found to be an expression. NULL: see `problem`. */
rill_xpath *rill_xpath_parse(const char *text, rill_xpath_memory **memory,
                             rill_doc_problem *problem);
void rill_xpath_memory_free(rill_xpath_memory *memory);

/* Nodes in document order, each once, if they are `sorted`. Zeroed: none. */
typedef struct rill_nodes {
    xmlNode **list;
    size_t count, room;
    size_t unique; /* how many there were when doubles were taken out last */
} rill_nodes;

bool rill_nodes_add(rill_nodes *nodes, const xmlNode *node);
/* Puts them into document order, takes out doubles. False: out of memory, or no more was wanted. */
bool rill_nodes_sort(rill_nodes *nodes, const rill_tick *tick);
/* Gives each node of a tree its place in document order, as a part of a job. False: no more was
 * wanted. */
bool rill_nodes_number(xmlDoc *tree, rill_job *job);

/* The place in document order of what follows all that is in a node. */
size_t rill_nodes_behind(const xmlNode *node);

/* What stands on an axis, one after the other, from the node outwards. */
typedef struct rill_axis_walk {
    rill_axis axis;
    const xmlNode *from, *at; /* `at` NULL: it begins */
    const xmlNode *ancestor;  /* of `from`, the next one that a walk backwards comes to */
} rill_axis_walk;

/* NULL: there are no more. */
const xmlNode *rill_axis_next(rill_axis_walk *walk);

/* Evaluates at a node; NULL: the answer's problem says why. For xmlXPathFreeObject(). */
xmlXPathObject *rill_xpath_evaluate(rill_doc *doc, const rill_xpath *expression,
                                    const xmlNode *node);
/* 1, 0; -1: the answer's problem says why. */
int rill_xpath_is_true(rill_doc *doc, const rill_xpath *expression, const xmlNode *node);

#endif
