#include "doc/ask.h"

#include <libxml/xpathInternals.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/functions.h"
#include "doc/value.h"

/* Bytes of a text that are kept for the next one. */
enum { KEPT_TEXT = 1 << 20 };

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
    if (problem->text[0] || !error)
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
    keep(&((rill_doc *)doc)->answer.problem, error);
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

/* What took libxml2's complaints before; they are the thread's. */
typedef struct listener {
    xmlGenericErrorFunc call;
    void *context;
} listener;

/* Between these two the answer's problem takes what goes wrong. */
static listener listen(rill_doc *doc)
{
    listener before = {xmlGenericError, xmlGenericErrorContext};
    xmlSetGenericErrorFunc(&doc->answer.problem, on_complaint);
    rill_budget_resume(doc);
    return before;
}

static void listen_no_more(rill_doc *doc, listener before)
{
    rill_budget_pause(doc);
    xmlSetGenericErrorFunc(before.context, before.call);
}

static rill_doc_expression *refuse(rill_doc_problem *problem, const char *text)
{
    if (!problem->text[0])
        snprintf(problem->text, sizeof(problem->text), "%s", text);
    return NULL;
}

/* libxml2 says so, and where it is none. */
static bool is_expression(const char *text, rill_doc_problem *problem)
{
    xmlXPathContext *context = xmlXPathNewContext(NULL);
    xmlXPathCompExpr *compiled = NULL;
    if (context) {
        context->error = on_problem;
        context->userData = problem;
        compiled = xmlXPathCtxtCompile(context, BAD_CAST text);
    }
    if (!compiled)
        refuse(problem, context ? "invalid expression" : "out of memory");
    xmlXPathFreeContext(context);
    xmlXPathFreeCompExpr(compiled);
    return compiled;
}

rill_doc_expression *rill_doc_compile(const char *text, uint32_t length, rill_doc_problem *problem)
{
    *problem = (rill_doc_problem){.at = -1};
    if (memchr(text, '\0', length) || !xmlCheckUTF8(BAD_CAST text))
        return refuse(problem, "the expression is not UTF-8, or holds a NUL");
    if (!is_expression(text, problem))
        return NULL;
    rill_doc_expression *expression = calloc(1, sizeof(*expression));
    if (expression)
        expression->tree = rill_xpath_parse(text, &expression->memory, problem);
    if (expression && expression->tree) {
        expression->owners = 1;
        return expression;
    }
    free(expression);
    return refuse(problem, "out of memory");
}

void rill_doc_expression_free(rill_doc_expression *expression)
{
    if (!expression || --expression->owners)
        return;
    rill_xpath_memory_free(expression->memory);
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

/* Values on libxml2's stack at first. */
enum { STACK = 16 };

/* libxml2's stack, which its functions take values from. It knows no text: none of its errors has a
 * place in one. */
static xmlXPathParserContext *make_machine(xmlXPathContext *context)
{
    xmlXPathParserContext *machine = xmlXPathNewParserContext(BAD_CAST "", context);
    if (!machine)
        return NULL;
    machine->base = machine->cur = NULL;
    if (!machine->valueTab && (machine->valueTab = xmlMalloc(STACK * sizeof(*machine->valueTab))))
        machine->valueMax = STACK; /* which valuePush() doubles */
    if (machine->valueTab)
        return machine;
    xmlXPathFreeParserContext(machine);
    return NULL;
}

/* Makes ready for evaluations. False: out of memory. */
static bool make_ready(rill_doc *doc)
{
    rill_answer *answer = &doc->answer;
    if (!answer->context)
        answer->context = make_context(doc);
    if (answer->context && !answer->machine)
        answer->machine = make_machine(answer->context);
    return answer->machine;
}

bool rill_ask_begin(rill_doc *doc, const xmlNode *node, const rill_doc_expression *expression,
                    unsigned long operations, void (*run)(void *doc))
{
    rill_doc_forget(doc);
    if (!make_ready(doc))
        return false;
    doc->answer.top = node;
    doc->answer.expression = (rill_doc_expression *)expression;
    if (expression)
        doc->answer.expression->owners++;
    rill_budget_begin(doc, operations);
    return rill_job_begin(&doc->job, run, doc);
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
            if (!rill_job_work(&doc->job, 1) || !rill_ask_add(doc, object->nodesetval->nodeTab[i]))
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

static void evaluate(void *arg)
{
    rill_doc *doc = arg;
    rill_answer *answer = &doc->answer;
    answer->object = rill_xpath_evaluate(doc, answer->expression->tree, answer->top);
    if (!answer->problem.text[0] && (!answer->object || !add_all(doc, answer->object)))
        refuse(&answer->problem, "out of memory");
}

int32_t rill_doc_ask(rill_doc *doc, const rill_doc_node *node,
                     const rill_doc_expression *expression)
{
    bool begun =
        rill_ask_begin(doc, rill_tree_node(node), expression, RILL_DOC_OPERATIONS, evaluate);
    return begun ? 0 : -1;
}

int32_t rill_doc_answer(rill_doc *doc, const rill_doc_item **items, uint32_t *count,
                        rill_doc_problem *problem)
{
    const rill_answer *answer = &doc->answer;
    listener before = listen(doc);
    bool more = rill_job_on(&doc->job);
    listen_no_more(doc, before);
    *problem = answer->problem;
    *items = answer->items.list;
    *count = more ? 0 : (uint32_t)answer->items.count;
    return more ? 1 : problem->text[0] ? -1 : 0;
}

/* Lets what is answered return, or never go on. */
static void end_job(rill_doc *doc)
{
    listener before = listen(doc);
    rill_job_end(&doc->job);
    listen_no_more(doc, before);
}

void rill_doc_forget(rill_doc *doc)
{
    rill_answer *answer = &doc->answer;
    if (doc->job.state != RILL_JOB_NONE)
        end_job(doc);
    rill_doc_expression_free(answer->expression);
    answer->expression = NULL;
    rill_value_free(answer->object);
    answer->object = NULL;
    for (size_t i = 0; i < answer->copy_count; i++)
        xmlFree(answer->copies[i]);
    free(answer->copies);
    answer->copies = NULL;
    answer->copy_count = answer->copy_room = 0;
    free(answer->items.list);
    answer->items = (rill_items){0};
    answer->problem = (rill_doc_problem){.at = -1};
    rill_regexes_dispose(&answer->regexes);
    if (doc->text.room > KEPT_TEXT) {
        free(doc->text.data);
        doc->text.data = NULL;
        doc->text.room = 0;
    }
}

void rill_ask_dispose(rill_doc *doc)
{
    rill_doc_forget(doc);
    if (doc->answer.machine)
        xmlXPathFreeParserContext(doc->answer.machine);
    doc->answer.machine = NULL;
    xmlXPathFreeContext(doc->answer.context);
    doc->answer.context = NULL;
}
