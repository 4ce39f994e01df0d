#include "doc/places.h"

#include <libxml/xpathInternals.h>
#include <math.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/call.h"
#include "doc/value.h"

/* Nodes that are counted together. */
enum { STEPS_AT_ONCE = 1024 };

/* The node that the question is asked of. */
void rill_places_is_scope(xmlXPathParserContext *call, int count)
{
    if (count) {
        rill_call_fail(call, "rill-scope() takes nothing");
        return;
    }
    valuePush(call, xmlXPathNewBoolean(call->context->node == rill_call_doc(call)->answer.top));
}

/* Whether a node is in the one that the question is asked of, or is that. */
void rill_places_is_within(xmlXPathParserContext *call, int count)
{
    const xmlNode *node = call->context->node, *top = rill_call_doc(call)->answer.top;
    if (count) {
        rill_call_fail(call, "rill-within() takes nothing");
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
void rill_places_nth(xmlXPathParserContext *call, int count)
{
    if (count != 3) {
        rill_call_fail(call, "rill-nth() takes three numbers");
        return;
    }
    unsigned kind = (unsigned)xmlXPathPopNumber(call) & (RILL_PLACES - 1);
    double b = xmlXPathPopNumber(call), a = xmlXPathPopNumber(call);
    const xmlNode *node = call->context->node;
    size_t steps = 0, place;
    if (call->error != XPATH_EXPRESSION_OK)
        return;
    if (!node || node->type != XML_ELEMENT_NODE) {
        rill_call_fail(call, "rill-nth() is of elements");
        return;
    }
    place = place_of(&rill_call_doc(call)->answer.places[kind], node, kind, &steps);
    if (rill_call_check(call, rill_budget_spend(rill_call_doc(call), 1 + steps / 4)))
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

/* The first element of an id; NULL, too, where there is nothing left to spend. */
static xmlNode *find_id(xmlXPathParserContext *call, const char *id, size_t length)
{
    const xmlNode *top = xmlDocGetRootElement(rill_call_doc(call)->tree), *node = top;
    size_t steps = 1;
    for (; node; node = rill_tree_next(node, top, true), steps++) {
        if (steps % STEPS_AT_ONCE == 0 && !rill_call_spend(call, STEPS_AT_ONCE))
            return NULL;
        if (node->type == XML_ELEMENT_NODE && has_id(node, id, length))
            break;
    }
    rill_call_spend(call, steps % STEPS_AT_ONCE);
    return (xmlNode *)node;
}

static void add_ids(xmlXPathParserContext *call, xmlNodeSet *found, const char *ids)
{
    for (const char *at = ids; *(at += strspn(at, " \t\r\n"));) {
        size_t length = strcspn(at, " \t\r\n");
        xmlNode *node = find_id(call, at, length);
        if (call->error != XPATH_EXPRESSION_OK)
            return;
        if (node)
            xmlXPathNodeSetAdd(found, node);
        at += length;
    }
}

/* Adds the elements of the ids in a string, or in the strings of nodes. */
static void add_ids_of(xmlXPathParserContext *call, xmlNodeSet *found, const xmlXPathObject *value)
{
    rill_content content = {0};
    if (value->type == XPATH_STRING && value->stringval)
        add_ids(call, found, (const char *)value->stringval);
    for (size_t i = 0; i < rill_value_count(value) && call->error == XPATH_EXPRESSION_OK; i++)
        if (rill_call_check(call, rill_content_read(rill_call_doc(call),
                                                    value->nodesetval->nodeTab[i], &content)))
            add_ids(call, found, content.text);
    rill_content_dispose(&content);
}

/* libxml2's own needs a table of all ids, which parsing does not make. */
void rill_places_by_id(xmlXPathParserContext *call, int count)
{
    if (count != 1) {
        rill_call_fail(call, "id() takes one argument");
        return;
    }
    xmlXPathObject *value = valuePop(call), *result = xmlXPathNewNodeSet(NULL);
    if (value && value->type != XPATH_NODESET)
        value = xmlXPathConvertString(value);
    if (value && result)
        add_ids_of(call, result->nodesetval, value);
    rill_value_free(value);
    if (result)
        valuePush(call, result);
    else
        xmlXPathErr(call, XPATH_MEMORY_ERROR);
}
