#include "doc/ask.h"

#include <libxml/xpathInternals.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/functions.h"

/* What is wrong with an expression: libxml2 gives a number only. */
static const char *const sentences[] = {
    [XPATH_NUMBER_ERROR] = "a number that is none",
    [XPATH_UNFINISHED_LITERAL_ERROR] = "a string that does not end",
    [XPATH_START_LITERAL_ERROR] = "expected a string",
    [XPATH_VARIABLE_REF_ERROR] = "expected a variable's name",
    [XPATH_UNDEF_VARIABLE_ERROR] = "there are no variables",
    [XPATH_INVALID_PREDICATE_ERROR] = "a predicate that does not end, or says nothing",
    [XPATH_EXPR_ERROR] = "this is no expression",
    [XPATH_UNCLOSED_ERROR] = "a bracket that is not closed",
    [XPATH_UNKNOWN_FUNC_ERROR] = "there is no such function",
    [XPATH_INVALID_OPERAND] = "an operand that cannot be used here",
    [XPATH_INVALID_TYPE] = "a value of a kind that cannot be used here",
    [XPATH_INVALID_ARITY] = "a function with too many or too few arguments",
    [XPATH_INVALID_CTXT_SIZE] = "there is no size here",
    [XPATH_INVALID_CTXT_POSITION] = "there is no position here",
    [XPATH_MEMORY_ERROR] = "out of memory",
    [XPATH_UNDEF_PREFIX_ERROR] = "a prefix that names no namespace",
    [XPATH_ENCODING_ERROR] = "it is not UTF-8",
    [XPATH_INVALID_CHAR_ERROR] = "a character that cannot stand here",
    [XPATH_STACK_ERROR] = "too much at a time",
    [XPATH_OP_LIMIT_EXCEEDED] = "too many operations",
    [XPATH_RECURSION_LIMIT_EXCEEDED] = "it is nested too deep"};

/* The first error counts. */
static void keep(rill_doc_problem *problem, const xmlError *error)
{
    if (!problem || problem->text[0] || !error)
        return;
    int code = error->code - XML_XPATH_EXPRESSION_OK;
    bool known = error->domain == XML_FROM_XPATH && code > 0 &&
                 code < (int)(sizeof(sentences) / sizeof(sentences[0])) && sentences[code];
    snprintf(problem->text, sizeof(problem->text), "%s",
             known                              ? sentences[code]
             : error->code == XML_ERR_NO_MEMORY ? "out of memory"
                                                : "error");
    if (known && error->str1)
        problem->at = error->int1;
    problem->limit = known && (code == XPATH_OP_LIMIT_EXCEEDED ||
                               code == XPATH_RECURSION_LIMIT_EXCEEDED || code == XPATH_STACK_ERROR);
}

#if LIBXML_VERSION >= 21200
static void on_problem(void *problem, const xmlError *error)
#else
static void on_problem(void *problem, xmlError *error)
#endif
{
    keep(problem, error);
}

#if LIBXML_VERSION >= 21200
static void on_error(void *doc, const xmlError *error)
#else
static void on_error(void *doc, xmlError *error)
#endif
{
    keep(((rill_doc *)doc)->answer.problem, error);
}

/* What libxml2 says by its old way of complaining, which ends at stderr: a prefix that names
 * nothing, in front of a function. */
static void on_complaint(void *problem, const char *format, ...)
{
    rill_doc_problem *into = problem;
    va_list values;
    if (into->text[0])
        return;
    va_start(values, format);
    vsnprintf(into->text, sizeof(into->text), format, values);
    va_end(values);
    into->text[strcspn(into->text, "\n")] = '\0';
}

void rill_ask_listen(rill_doc *doc, rill_doc_problem *problem, rill_listener *before)
{
    before->call = xmlGenericError;
    before->context = xmlGenericErrorContext;
    doc->answer.problem = problem;
    xmlSetGenericErrorFunc(problem, on_complaint);
    rill_budget_resume(&doc->answer);
}

void rill_ask_listen_no_more(rill_doc *doc, const rill_listener *before)
{
    rill_budget_pause(&doc->answer);
    xmlSetGenericErrorFunc(before->context, before->call);
    doc->answer.problem = NULL;
}

static rill_doc_expression *refuse(rill_doc_problem *problem, const char *text)
{
    if (!problem->text[0])
        snprintf(problem->text, sizeof(problem->text), "%s", text);
    return NULL;
}

rill_doc_expression *rill_doc_compile(const char *text, uint32_t length, rill_doc_problem *problem)
{
    *problem = (rill_doc_problem){.at = -1};
    if (memchr(text, '\0', length) || !xmlCheckUTF8(BAD_CAST text))
        return refuse(problem, "the expression is not UTF-8, or holds a NUL");
    xmlXPathContext *context = xmlXPathNewContext(NULL);
    rill_doc_expression *expression = calloc(1, sizeof(*expression));
    if (context && expression) {
        context->error = on_problem;
        context->userData = problem;
        expression->compiled = xmlXPathCtxtCompile(context, BAD_CAST text);
    }
    xmlXPathFreeContext(context);
    if (expression && expression->compiled)
        return expression;
    free(expression);
    return refuse(problem, context && expression ? "invalid expression" : "out of memory");
}

void rill_doc_expression_free(rill_doc_expression *expression)
{
    if (!expression)
        return;
    xmlXPathFreeCompExpr(expression->compiled);
    free(expression);
}

static xmlXPathContext *make_context(rill_doc *doc)
{
    xmlXPathContext *context = xmlXPathNewContext(doc->tree);
    if (!context)
        return NULL;
    context->error = on_error;
    context->userData = doc;
    xmlXPathRegisterFuncLookup(context, rill_functions_find, doc);
    if (!xmlXPathRegisterNs(context, BAD_CAST "re", BAD_CAST RILL_FUNCTIONS_RE) &&
        !xmlXPathContextSetCache(context, 1, -1, 0))
        return context;
    xmlXPathFreeContext(context);
    return NULL;
}

bool rill_ask_begin(rill_doc *doc, const xmlNode *node, unsigned long operations,
                    rill_doc_problem *problem)
{
    rill_answer *answer = &doc->answer;
    *problem = (rill_doc_problem){.at = -1};
    rill_ask_forget(doc);
    if (!answer->context)
        answer->context = make_context(doc);
    if (!answer->context) {
        refuse(problem, "out of memory");
        return false;
    }
    answer->top = node;
    rill_budget_begin(answer, operations);
    return true;
}

int rill_ask_is_true(rill_doc *doc, const xmlNode *node, const rill_doc_expression *expression)
{
    rill_answer *answer = &doc->answer;
    answer->context->node = (xmlNode *)node;
    int result = xmlXPathCompiledEvalToBoolean(expression->compiled, answer->context);
    if (answer->problem->text[0])
        return -1;
    if (result < 0)
        refuse(answer->problem, "out of memory");
    return result;
}

/* A copy that lives as long as the answer; NULL: out of memory. */
static const char *keep_copy(rill_answer *answer, xmlChar *copy)
{
    if (!copy)
        return NULL;
    if (answer->copy_count == answer->copy_room) {
        size_t room = answer->copy_room ? 2 * answer->copy_room : 16;
        xmlChar **list = realloc(answer->copies, room * sizeof(*list));
        if (!list) {
            xmlFree(copy);
            return NULL;
        }
        answer->copies = list;
        answer->copy_room = room;
    }
    answer->copies[answer->copy_count++] = copy;
    return (char *)copy;
}

/* What a document, a comment and a processing instruction are called. */
static const char *name_of(const xmlNode *node)
{
    switch (node->type) {
    case XML_ELEMENT_NODE:
        return (const char *)node->name;
    case XML_COMMENT_NODE:
        return "#comment";
    case XML_PI_NODE:
        return "#instruction";
    default:
        return "#document";
    }
}

bool rill_ask_add(rill_doc *doc, const xmlNode *node)
{
    rill_doc_item item = {.kind = RILL_DOC_STRING};
    xmlChar *copy = NULL;
    switch ((int)node->type) {
    case XML_ATTRIBUTE_NODE:
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
    case XML_NAMESPACE_DECL:
        item.text = rill_tree_value(node, &copy);
        if (copy)
            item.text = keep_copy(&doc->answer, copy);
        break;
    default:
        item.kind = RILL_DOC_NODE;
        item.node = (const rill_doc_node *)node;
        item.text = name_of(node);
    }
    item.length = item.text ? strlen(item.text) : 0;
    return item.text && rill_items_add(&doc->answer.items, item);
}

static bool add_all(rill_doc *doc, const xmlXPathObject *object)
{
    rill_items *items = &doc->answer.items;
    switch (object->type) {
    case XPATH_NODESET:
        for (int i = 0; object->nodesetval && i < object->nodesetval->nodeNr; i++)
            if (!rill_ask_add(doc, object->nodesetval->nodeTab[i]))
                return false;
        return true;
    case XPATH_STRING:
        return rill_items_add(items, (rill_doc_item){.kind = RILL_DOC_STRING,
                                                     .text = (const char *)object->stringval,
                                                     .length = strlen((char *)object->stringval)});
    case XPATH_NUMBER:
        return rill_items_add(items,
                              (rill_doc_item){.kind = RILL_DOC_NUMBER, .number = object->floatval});
    case XPATH_BOOLEAN:
        return rill_items_add(items,
                              (rill_doc_item){.kind = RILL_DOC_BOOLEAN, .number = object->boolval});
    default:
        return true;
    }
}

int32_t rill_doc_ask(rill_doc *doc, const rill_doc_node *node,
                     const rill_doc_expression *expression, const rill_doc_item **items,
                     rill_doc_problem *problem)
{
    rill_answer *answer = &doc->answer;
    if (!rill_ask_begin(doc, rill_tree_node(node), RILL_DOC_OPERATIONS, problem))
        return -1;
    rill_listener before;
    rill_ask_listen(doc, problem, &before);
    answer->context->node = (xmlNode *)rill_tree_node(node);
    answer->object = xmlXPathCompiledEval(expression->compiled, answer->context);
    rill_ask_listen_no_more(doc, &before);
    if (problem->text[0])
        return -1;
    if (!answer->object || !add_all(doc, answer->object)) {
        refuse(problem, "out of memory");
        return -1;
    }
    *items = answer->items.list;
    return (int32_t)answer->items.count;
}

void rill_ask_forget(rill_doc *doc)
{
    rill_answer *answer = &doc->answer;
    xmlXPathFreeObject(answer->object);
    answer->object = NULL;
    for (size_t i = 0; i < answer->copy_count; i++)
        xmlFree(answer->copies[i]);
    free(answer->copies);
    answer->copies = NULL;
    answer->copy_count = answer->copy_room = 0;
    free(answer->items.list);
    answer->items = (rill_items){0};
    rill_regexes_dispose(&answer->regexes);
}

void rill_ask_dispose(rill_doc *doc)
{
    rill_ask_forget(doc);
    xmlXPathFreeContext(doc->answer.context);
    doc->answer.context = NULL;
}
