#include "doc/functions.h"

#include <libxml/xpathInternals.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/translate.h"

/* What a search of a regular expression may take beside its text, in operations: RILL_DOC_MATCH
 * steps, which are not known afterwards. */
enum { SEARCH = RILL_DOC_SLICE / 16 };

static rill_doc *doc_of(xmlXPathParserContext *call)
{
    return call->context->funcLookupData;
}

/* Ends the evaluation with a sentence; the first one counts. */
static void fail(xmlXPathParserContext *call, const char *text)
{
    rill_doc_problem *problem = &doc_of(call)->answer.problem;
    if (!problem->text[0])
        snprintf(problem->text, sizeof(problem->text), "%s", text);
    xmlXPathErr(call, XPATH_EXPR_ERROR);
}

/* Ends the evaluation where there is nothing left to spend. */
static bool check(xmlXPathParserContext *call, bool left)
{
    if (!left)
        xmlXPathErr(call, XPATH_OP_LIMIT_EXCEEDED);
    return left;
}

/* Counts the bytes that a function reads; false: the evaluation has ended. */
static bool spend(xmlXPathParserContext *call, size_t bytes)
{
    return check(call, rill_budget_spend_bytes(doc_of(call), bytes));
}

/* Makes a value a string. NULL: the evaluation has ended, it is freed. */
static xmlXPathObject *make_string(xmlXPathParserContext *call, xmlXPathObject *value)
{
    bool nodes = value->type == XPATH_NODESET && value->nodesetval && value->nodesetval->nodeNr;
    if (nodes &&
        !check(call, rill_budget_spend_string(doc_of(call), value->nodesetval->nodeTab[0], NULL))) {
        xmlXPathFreeObject(value);
        return NULL;
    }
    value = xmlXPathConvertString(value);
    if (value && value->stringval)
        return value;
    xmlXPathFreeObject(value);
    xmlXPathErr(call, XPATH_MEMORY_ERROR);
    return NULL;
}

/* Takes a string off the stack. NULL: the evaluation has ended. */
static xmlChar *take_string(xmlXPathParserContext *call)
{
    xmlXPathObject *value = valuePop(call);
    if (!value)
        xmlXPathErr(call, XPATH_STACK_ERROR);
    value = value ? make_string(call, value) : NULL;
    xmlChar *text = value ? value->stringval : NULL;
    if (value)
        value->stringval = NULL;
    xmlXPathFreeObject(value);
    return text;
}

static void free_strings(xmlChar **strings, int count)
{
    for (int i = 0; i < count; i++) {
        xmlFree(strings[i]);
        strings[i] = NULL;
    }
}

/* Takes `count` strings off the stack, the last one first. False: they are all freed. */
static bool take_strings(xmlXPathParserContext *call, xmlChar **strings, int count)
{
    size_t bytes = 0;
    memset(strings, 0, (size_t)count * sizeof(*strings));
    for (int i = count; i-- > 0 && call->error == XPATH_EXPRESSION_OK;) {
        strings[i] = take_string(call);
        bytes += strings[i] ? strlen((char *)strings[i]) : 0;
    }
    if (call->error == XPATH_EXPRESSION_OK && spend(call, bytes))
        return true;
    free_strings(strings, count);
    return false;
}

/* --- functions of ours ----------------------------------------------------------------------- */

/* True if the element has all of these classes. */
static void has_class(xmlXPathParserContext *call, int count)
{
    bool all = true;
    if (count < 1) {
        fail(call, "has-class() needs a class");
        return;
    }
    for (; count > 0; count--) {
        xmlChar *name;
        if (!take_strings(call, &name, 1))
            return;
        all = all && rill_tree_has_class(call->context->node, (char *)name, strlen((char *)name));
        xmlFree(name);
    }
    valuePush(call, xmlXPathNewBoolean(all));
}

/* re:test and re:match: where the pattern is found in the text. -1: the evaluation has ended. */
static int search(xmlXPathParserContext *call, int count, xmlChar **strings, size_t *from,
                  size_t *to)
{
    rill_doc *doc = doc_of(call);
    rill_doc_problem problem = {.at = -1};
    strings[2] = NULL;
    if (count < 2 || count > 3) {
        fail(call, "a function of regular expressions takes a text, a pattern and flags");
        return -1;
    }
    if (!take_strings(call, strings, count))
        return -1;
    if (strlen((char *)strings[0]) > RILL_DOC_SUBJECT) {
        free_strings(strings, count);
        doc->answer.problem.limit = true;
        fail(call, "regular expression: a text that is too long");
        return -1;
    }
    const char *flags = strings[2] ? (char *)strings[2] : "", *text = (char *)strings[0];
    rill_job_work(&doc->job, SEARCH + strlen(text));
    int found = rill_regex_find(&doc->answer.regexes, (char *)strings[1], flags, text, strlen(text),
                                from, to, &problem);
    xmlFree(strings[1]);
    xmlFree(strings[2]);
    if (found < 0) {
        xmlFree(strings[0]);
        doc->answer.problem.limit |= problem.limit;
        fail(call, problem.text);
    }
    return found;
}

static void re_test(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[3];
    size_t from, to;
    int found = search(call, count, strings, &from, &to);
    if (found < 0)
        return;
    xmlFree(strings[0]);
    valuePush(call, xmlXPathNewBoolean(found));
}

/* What the pattern matches, as a string; empty where it matches nothing. */
static void re_match(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[3];
    size_t from = 0, to = 0;
    int found = search(call, count, strings, &from, &to);
    if (found < 0)
        return;
    xmlChar *match =
        xmlStrndup(found ? strings[0] + from : BAD_CAST "", found ? (int)(to - from) : 0);
    xmlFree(strings[0]);
    if (!match) {
        xmlXPathErr(call, XPATH_MEMORY_ERROR);
        return;
    }
    valuePush(call, xmlXPathWrapString(match));
}

/* The node that the question is asked of. */
static void is_scope(xmlXPathParserContext *call, int count)
{
    if (count) {
        fail(call, "rill-scope() takes nothing");
        return;
    }
    valuePush(call, xmlXPathNewBoolean(call->context->node == doc_of(call)->answer.top));
}

/* Whether a node is in the one that the question is asked of, or is that. */
static void is_within(xmlXPathParserContext *call, int count)
{
    const xmlNode *node = call->context->node, *top = doc_of(call)->answer.top;
    if (count) {
        fail(call, "rill-within() takes nothing");
        return;
    }
    while (node && node != top)
        node = node->parent;
    valuePush(call, xmlXPathNewBoolean(node != NULL));
}

/* --- places ---------------------------------------------------------------------------------- */

/* The next neighbour that counts; *steps counts those that were looked at. */
static const xmlNode *neighbour(const xmlNode *node, unsigned kind, bool forward, size_t *steps)
{
    const xmlNode *at = node;
    do {
        at = forward ? at->next : at->prev;
        ++*steps;
    } while (at && (at->type != XML_ELEMENT_NODE ||
                    (kind & RILL_PLACE_TYPE && !xmlStrEqual(at->name, node->name))));
    return at;
}

/* From 1. */
static size_t place_of(rill_place *last, const xmlNode *node, unsigned kind, size_t *steps)
{
    const xmlNode *before = neighbour(node, kind, false, steps);
    bool backwards = kind & RILL_PLACE_LAST;
    size_t place = 1;
    if (last->node == node) {
        place = last->place;
    } else if (before && before == last->node) {
        place = backwards ? last->place - 1 : last->place + 1;
    } else {
        for (const xmlNode *at = node; (at = neighbour(at, kind, backwards, steps));)
            place++;
    }
    *last = (rill_place){node, place};
    return place;
}

/* Whether `place` is a * n + b for some n that is not negative. */
static bool is_nth(double place, double a, double b)
{
    double beyond = place - b;
    if (a == 0)
        return beyond == 0;
    return beyond / a >= 0 && fmod(beyond, a) == 0;
}

/* rill-nth(a, b, kind) */
static void nth(xmlXPathParserContext *call, int count)
{
    if (count != 3) {
        fail(call, "rill-nth() takes three numbers");
        return;
    }
    unsigned kind = (unsigned)xmlXPathPopNumber(call) & (RILL_PLACES - 1);
    double b = xmlXPathPopNumber(call), a = xmlXPathPopNumber(call);
    const xmlNode *node = call->context->node;
    size_t steps = 0, place;
    if (call->error != XPATH_EXPRESSION_OK)
        return;
    if (!node || node->type != XML_ELEMENT_NODE) {
        fail(call, "rill-nth() is of elements");
        return;
    }
    place = place_of(&doc_of(call)->answer.places[kind], node, kind, &steps);
    if (check(call, rill_budget_spend(doc_of(call), 1 + steps / 4)))
        valuePush(call, xmlXPathNewBoolean(is_nth((double)place, a, b)));
}

/* --- id() ------------------------------------------------------------------------------------ */

static bool has_id(const xmlNode *node, const char *id, size_t length)
{
    const xmlAttr *attribute = rill_tree_attribute(node, "id");
    if (!attribute && !strcmp((const char *)node->name, "a"))
        attribute = rill_tree_attribute(node, "name");
    const xmlNode *value = attribute ? attribute->children : NULL;
    return value && !value->next && value->content &&
           !strncmp((const char *)value->content, id, length) && !value->content[length];
}

/* The first element of an id; *steps counts those that were looked at. */
static xmlNode *find_id(const rill_doc *doc, const char *id, size_t length, size_t *steps)
{
    const xmlNode *top = xmlDocGetRootElement(doc->tree), *node = top;
    for (; node; node = rill_tree_next(node, top, true), ++*steps)
        if (node->type == XML_ELEMENT_NODE && has_id(node, id, length))
            return (xmlNode *)node;
    return NULL;
}

static void add_ids(xmlXPathParserContext *call, xmlNodeSet *found, const xmlChar *ids)
{
    for (const char *at = (const char *)ids; *(at += strspn(at, " \t\r\n"));) {
        size_t length = strcspn(at, " \t\r\n"), steps = 0;
        xmlNode *node = find_id(doc_of(call), at, length, &steps);
        if (!check(call, rill_budget_spend(doc_of(call), 1 + steps)))
            return;
        if (node)
            xmlXPathNodeSetAdd(found, node);
        at += length;
    }
}

/* Adds the elements of the ids in a string, or in the strings of nodes. */
static void add_ids_of(xmlXPathParserContext *call, xmlNodeSet *found, const xmlXPathObject *value)
{
    const xmlNodeSet *nodes = value->type == XPATH_NODESET ? value->nodesetval : NULL;
    if (value->type == XPATH_STRING)
        add_ids(call, found, value->stringval);
    for (int i = 0; nodes && i < nodes->nodeNr && call->error == XPATH_EXPRESSION_OK; i++) {
        if (!check(call, rill_budget_spend_string(doc_of(call), nodes->nodeTab[i], NULL)))
            return;
        xmlChar *ids = xmlXPathCastNodeToString(nodes->nodeTab[i]);
        if (ids)
            add_ids(call, found, ids);
        xmlFree(ids);
    }
}

/* libxml2's own needs a table of all ids, which parsing does not make. */
static void by_id(xmlXPathParserContext *call, int count)
{
    if (count != 1) {
        fail(call, "id() takes one argument");
        return;
    }
    xmlXPathObject *value = valuePop(call), *result = xmlXPathNewNodeSet(NULL);
    if (value && value->type != XPATH_NODESET)
        value = make_string(call, value);
    if (value && result)
        add_ids_of(call, result->nodesetval, value);
    xmlXPathFreeObject(value);
    if (result)
        valuePush(call, result);
    else
        xmlXPathErr(call, XPATH_MEMORY_ERROR);
}

/* --- translate() ----------------------------------------------------------------------------- */

/* libxml2's own searches a list for each character. */
static void translate(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[3], *result = NULL;
    if (count != 3) {
        fail(call, "translate() takes three strings");
        return;
    }
    if (!take_strings(call, strings, count))
        return;
    if (!check(call, strlen((char *)strings[1]) <= RILL_DOC_CHARACTERS)) {
        free_strings(strings, count);
        return;
    }
    rill_translation *translation = rill_translation_new(strings[1], strings[2]);
    size_t work = rill_translation_work(translation, strings[0]);
    if (translation && check(call, rill_budget_spend(doc_of(call), work)))
        result = rill_translation_apply(translation, strings[0]);
    rill_translation_free(translation);
    free_strings(strings, count);
    if (result)
        valuePush(call, xmlXPathWrapString(result));
    else
        xmlXPathErr(call, XPATH_MEMORY_ERROR);
}

/* --- sum() ----------------------------------------------------------------------------------- */

static void sum(xmlXPathParserContext *call, int count)
{
    if (count != 1 || !call->value || call->value->type != XPATH_NODESET) {
        fail(call, "sum() takes nodes");
        return;
    }
    xmlXPathObject *value = valuePop(call);
    const xmlNodeSet *nodes = value->nodesetval;
    double result = 0;
    for (int i = 0; nodes && i < nodes->nodeNr && call->error == XPATH_EXPRESSION_OK; i++)
        if (check(call, rill_budget_spend_string(doc_of(call), nodes->nodeTab[i], NULL)))
            result += xmlXPathCastNodeToNumber(nodes->nodeTab[i]);
    xmlXPathFreeObject(value);
    valuePush(call, xmlXPathNewFloat(result));
}

static void unknown(xmlXPathParserContext *call, int count)
{
    char text[120];
    (void)count;
    snprintf(text, sizeof(text), "there is no function %.80s()",
             call->context->function ? (const char *)call->context->function : "");
    fail(call, text);
}

/* --- XPath's own ----------------------------------------------------------------------------- */

/* Those that read texts, of which libxml2 counts nothing. */
static const struct own {
    const char *name;
    xmlXPathFunction call;
    bool of_context; /* without arguments it reads the context node */
} own[] = {
    {"string", xmlXPathStringFunction, true},
    {"concat", xmlXPathConcatFunction, false},
    {"starts-with", xmlXPathStartsWithFunction, false},
    {"contains", xmlXPathContainsFunction, false},
    {"substring", xmlXPathSubstringFunction, false},
    {"substring-before", xmlXPathSubstringBeforeFunction, false},
    {"substring-after", xmlXPathSubstringAfterFunction, false},
    {"string-length", xmlXPathStringLengthFunction, true},
    {"normalize-space", xmlXPathNormalizeFunction, true},
    {"number", xmlXPathNumberFunction, true},
    {"lang", xmlXPathLangFunction, false},
};
enum { OWN = sizeof(own) / sizeof(own[0]) };

static const struct own *find_own(const xmlChar *name)
{
    for (int i = 0; i < OWN; i++)
        if (!strcmp(own[i].name, (const char *)name))
            return &own[i];
    return NULL;
}

/* Makes the node sets among the upper `count` values strings. Returns how many bytes all strings
 * have. */
static size_t make_strings(xmlXPathParserContext *call, int count)
{
    size_t bytes = 0;
    for (int i = call->valueNr - count; i >= 0 && i < call->valueNr; i++) {
        xmlXPathObject *value = call->valueTab[i];
        if (value->type == XPATH_NODESET) {
            value = call->valueTab[i] = make_string(call, value);
            if (!value)
                return 0;
        }
        if (value->type == XPATH_STRING && value->stringval)
            bytes += strlen((char *)value->stringval);
    }
    call->value = call->valueNr ? call->valueTab[call->valueNr - 1] : NULL;
    return bytes;
}

static void counted(xmlXPathParserContext *call, int count)
{
    const struct own *function = find_own(call->context->function);
    if (!count && function->of_context) {
        valuePush(call, xmlXPathNewNodeSet(call->context->node));
        count = 1;
    }
    size_t bytes = make_strings(call, count);
    if (call->error == XPATH_EXPRESSION_OK && spend(call, bytes))
        function->call(call, count);
}

/* The others, which libxml2 finds by itself. */
static const char *const others[] = {"boolean",  "ceiling",    "count", "false",         "floor",
                                     "last",     "local-name", "name",  "namespace-uri", "not",
                                     "position", "round",      "true"};
enum { OTHERS = sizeof(others) / sizeof(others[0]) };

/* What begins with "rill-" is for expressions made of CSS. */
static const struct {
    const char *name;
    xmlXPathFunction call;
} ours[] = {{"has-class", has_class},  {"id", by_id},     {"sum", sum},
            {"translate", translate},  {"rill-nth", nth}, {"rill-scope", is_scope},
            {"rill-within", is_within}};
enum { OURS = sizeof(ours) / sizeof(ours[0]) };

xmlXPathFunction rill_functions_find(void *doc, const xmlChar *name, const xmlChar *uri)
{
    (void)doc;
    const char *text = (const char *)name;
    if (uri && !strcmp((const char *)uri, RILL_FUNCTIONS_RE)) {
        if (!strcmp(text, "test"))
            return re_test;
        return strcmp(text, "match") ? unknown : re_match;
    }
    if (uri)
        return unknown;
    if (find_own(name))
        return counted;
    for (int i = 0; i < OURS; i++)
        if (!strcmp(ours[i].name, text))
            return ours[i].call;
    for (int i = 0; i < OTHERS; i++)
        if (!strcmp(others[i], text))
            return NULL;
    return unknown;
}
