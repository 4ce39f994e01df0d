/* The evaluation of expressions. What it costs is counted at each node that is looked at. */
#include "doc/xpath.h"

#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/compare.h"
#include "doc/evaluation.h"
#include "doc/value.h"

/* Results of a step until doubles are taken out, beside twice those that there were. */
enum { DOUBLES = 4096 };

/* Where an expression is evaluated. */
typedef struct place {
    const xmlNode *node;
    int position, size; /* -1: there is none */
} place;

static xmlXPathObject *evaluate(rill_evaluation *e, const rill_xpath *x, place p);
static bool is_true(rill_evaluation *e, const rill_xpath *x, place p);
static bool walk_path(rill_evaluation *e, const rill_xpath *x, place p, bool first,
                      rill_nodes *found);

/* Evaluates what must be nodes. */
static bool find(rill_evaluation *e, const rill_xpath *x, place p, rill_nodes *nodes)
{
    if (x->kind == RILL_XPATH_PATH)
        return walk_path(e, x, p, false, nodes);
    xmlXPathObject *object = evaluate(e, x, p);
    return object && rill_evaluation_take(e, object, nodes);
}

/* --- steps ----------------------------------------------------------------------------------- */

static bool has_name(const rill_xpath_step *step, const xmlNode *node)
{
    return !step->prefix && !node->ns && !strcmp((const char *)node->name, step->name);
}

static bool passes(const rill_xpath_step *step, const xmlNode *node)
{
    xmlElementType kind = step->axis == RILL_AXIS_ATTRIBUTE ? XML_ATTRIBUTE_NODE : XML_ELEMENT_NODE;
    switch (step->test) {
    case RILL_TEST_NAME:
        return node->type == kind && has_name(step, node);
    case RILL_TEST_ALL:
        return node->type == kind && !step->prefix;
    case RILL_TEST_NODE:
        return node->type != XML_DTD_NODE;
    case RILL_TEST_TEXT:
        return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
    case RILL_TEST_COMMENT:
        return node->type == XML_COMMENT_NODE;
    case RILL_TEST_INSTRUCTION:
        return node->type == XML_PI_NODE &&
               (!step->name || !strcmp((const char *)node->name, step->name));
    }
    return false;
}

/* Whether a predicate holds at a place. */
static bool holds(rill_evaluation *e, const rill_xpath *predicate, place p)
{
    if (!predicate->positional)
        return is_true(e, predicate, p);
    xmlXPathObject *value = evaluate(e, predicate, p);
    if (!value)
        return false;
    bool result =
        value->type == XPATH_NUMBER ? value->floatval == p.position : xmlXPathCastToBoolean(value);
    rill_value_free(value);
    return result;
}

/* Keeps those from `from` on for which all predicates hold. */
static bool filter(rill_evaluation *e, const rill_xpath *predicate, rill_nodes *nodes, size_t from)
{
    for (; predicate && !e->failed; predicate = predicate->next) {
        size_t kept = from, count = nodes->count;
        for (size_t i = from; i < count && rill_evaluation_spend(e, 1); i++) {
            place p = {nodes->list[i], (int)(i - from + 1), (int)(count - from)};
            if (holds(e, predicate, p) && !e->failed)
                nodes->list[kept++] = nodes->list[i];
        }
        nodes->count = kept;
    }
    return !e->failed;
}

static bool all_hold(rill_evaluation *e, const rill_xpath *predicate, const xmlNode *node)
{
    for (; predicate; predicate = predicate->next)
        if (!is_true(e, predicate, (place){node, -1, -1}) || e->failed)
            return false;
    return true;
}

/* Which of those that pass is wanted, where the first predicate is a number; 0: all. */
static double wanted(const rill_xpath_step *step)
{
    const rill_xpath *predicate = step->predicates;
    return predicate && predicate->kind == RILL_XPATH_NUMBER ? predicate->number : 0;
}

/* What a step gives from one node; `first`: one is enough. */
static bool step_from(rill_evaluation *e, const rill_xpath_step *step, const xmlNode *from,
                      bool first, rill_nodes *found)
{
    rill_axis_walk walk = {.axis = step->axis, .from = from};
    size_t before = found->count, passed = 0;
    double place_wanted = wanted(step);
    for (const xmlNode *node; rill_evaluation_spend(e, 1) && (node = rill_axis_next(&walk));) {
        if (!passes(step, node))
            continue;
        if (step->positional) {
            passed++;
            if ((!place_wanted || passed == place_wanted) && !rill_evaluation_add(e, found, node))
                return false;
            if (place_wanted && passed >= place_wanted)
                break;
        } else if (all_hold(e, step->predicates, node)) {
            if (!rill_evaluation_add(e, found, node) || first)
                break;
        }
    }
    if (!step->positional || e->failed)
        return !e->failed;
    return filter(e, place_wanted ? step->predicates->next : step->predicates, found, before);
}

static bool check_prefix(rill_evaluation *e, const rill_xpath_step *step)
{
    if (step->prefix && !xmlXPathNsLookup(e->machine->context, BAD_CAST step->prefix))
        rill_evaluation_fail(e, XPATH_UNDEF_PREFIX_ERROR);
    return !e->failed;
}

/* A step from each node of a set, which becomes what it gives. */
static bool take_step(rill_evaluation *e, const rill_xpath_step *step, bool first,
                      rill_nodes *nodes)
{
    rill_nodes found = {0};
    bool down = step->axis == RILL_AXIS_DESCENDANT || step->axis == RILL_AXIS_DESCENDANT_OR_SELF;
    size_t covered = 0; /* what is in an earlier node was looked at */
    check_prefix(e, step);
    for (size_t i = 0; i < nodes->count && !e->failed; i++) {
        const xmlNode *node = nodes->list[i];
        if (down && !step->positional && node->type != XML_ATTRIBUTE_NODE) {
            if ((uintptr_t)node->_private < covered)
                continue;
            covered = rill_nodes_behind(node);
        }
        step_from(e, step, node, first, &found);
        if (first && found.count)
            break;
        if (found.count > 2 * found.unique + DOUBLES && i)
            rill_evaluation_sort(e, &found);
    }
    rill_evaluation_drop(nodes);
    *nodes = found;
    return !e->failed && rill_evaluation_sort(e, nodes);
}

/* Follows a path; `first`: one node is enough. */
static bool walk_path(rill_evaluation *e, const rill_xpath *x, place p, bool first,
                      rill_nodes *found)
{
    if (x->left) {
        if (!find(e, x->left, p, found))
            return false;
    } else {
        rill_evaluation_add(e, found, x->absolute ? (const xmlNode *)e->doc->tree : p.node);
    }
    for (const rill_xpath_step *step = x->steps; step && !e->failed; step = step->next)
        take_step(e, step, first && !step->next, found);
    return !e->failed;
}

/* --- values ---------------------------------------------------------------------------------- */

static int compare(xmlXPathParserContext *machine, rill_xpath_kind kind)
{
    switch ((int)kind) {
    case RILL_XPATH_EQUAL:
        return xmlXPathEqualValues(machine);
    case RILL_XPATH_UNEQUAL:
        return xmlXPathNotEqualValues(machine);
    case RILL_XPATH_LESS:
        return xmlXPathCompareValues(machine, 1, 1);
    case RILL_XPATH_LESS_OR_EQUAL:
        return xmlXPathCompareValues(machine, 1, 0);
    case RILL_XPATH_MORE:
        return xmlXPathCompareValues(machine, 0, 1);
    default:
        return xmlXPathCompareValues(machine, 0, 0);
    }
}

static void calculate(xmlXPathParserContext *machine, rill_xpath_kind kind)
{
    switch ((int)kind) {
    case RILL_XPATH_SUM:
        xmlXPathAddValues(machine);
        break;
    case RILL_XPATH_DIFFERENCE:
        xmlXPathSubValues(machine);
        break;
    case RILL_XPATH_PRODUCT:
        xmlXPathMultValues(machine);
        break;
    case RILL_XPATH_QUOTIENT:
        xmlXPathDivValues(machine);
        break;
    default:
        xmlXPathModValues(machine);
    }
}

static bool is_set(const xmlXPathObject *value)
{
    return value->type == XPATH_NODESET;
}

/* What a comparison is made with: where the other side is a boolean, a set is one as well. */
static xmlXPathObject *as_operand(xmlXPathObject *value, const xmlXPathObject *other)
{
    if (!is_set(value) || other->type != XPATH_BOOLEAN)
        return value;
    bool some = rill_value_count(value) > 0;
    rill_value_free(value);
    return xmlXPathNewBoolean(some);
}

/* Frees both. */
static xmlXPathObject *compare_sets(rill_evaluation *e, rill_xpath_kind kind, xmlXPathObject *left,
                                    xmlXPathObject *right)
{
    int result = rill_compare_sets(e->doc, kind, left, right);
    rill_value_free(left);
    rill_value_free(right);
    return result < 0 ? rill_evaluation_fail(e, XPATH_OP_LIMIT_EXCEEDED)
                      : xmlXPathNewBoolean(result);
}

/* libxml2's operators take what they need off the stack. */
static xmlXPathObject *on_stack(rill_evaluation *e, rill_xpath_kind kind, xmlXPathObject *left,
                                xmlXPathObject *right)
{
    valuePush(e->machine, left);
    valuePush(e->machine, right);
    if (kind <= RILL_XPATH_MORE_OR_EQUAL)
        valuePush(e->machine, xmlXPathNewBoolean(compare(e->machine, kind)));
    else
        calculate(e->machine, kind);
    return rill_evaluation_pop(e);
}

/* A number, or what becomes one. NULL: it has failed. */
static xmlXPathObject *as_scalar(rill_evaluation *e, xmlXPathObject *value)
{
    value = value ? rill_value_first(e->doc, value) : NULL;
    return value ? value : rill_evaluation_fail(e, XPATH_OP_LIMIT_EXCEEDED);
}

static xmlXPathObject *operate(rill_evaluation *e, const rill_xpath *x, place p)
{
    bool comparison = x->kind <= RILL_XPATH_MORE_OR_EQUAL;
    xmlXPathObject *left = evaluate(e, x->left, p), *right = left ? evaluate(e, x->right, p) : NULL;
    if (right && comparison) {
        left = as_operand(left, right);
        right = left ? as_operand(right, left) : right;
        if (left && right && (is_set(left) || is_set(right)))
            return compare_sets(e, x->kind, left, right);
    } else if (right) {
        left = as_scalar(e, left);
        right = as_scalar(e, right);
    }
    if (left && right)
        return on_stack(e, x->kind, left, right);
    rill_value_free(left);
    rill_value_free(right);
    return rill_evaluation_fail(e, XPATH_MEMORY_ERROR);
}

static xmlXPathObject *negate(rill_evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathObject *value = as_scalar(e, evaluate(e, x->left, p));
    if (!value)
        return NULL;
    valuePush(e->machine, value);
    xmlXPathValueFlipSign(e->machine);
    return rill_evaluation_pop(e);
}

static xmlXPathObject *unite(rill_evaluation *e, const rill_xpath *x, place p)
{
    rill_nodes all = {0}, right = {0};
    find(e, x->left, p, &all);
    if (!e->failed)
        find(e, x->right, p, &right);
    for (size_t i = 0; i < right.count && rill_evaluation_spend(e, 1); i++)
        rill_evaluation_add(e, &all, right.list[i]);
    rill_evaluation_drop(&right);
    if (!e->failed)
        rill_evaluation_sort(e, &all);
    return rill_evaluation_object(e, &all);
}

static xmlXPathObject *filtered(rill_evaluation *e, const rill_xpath *x, place p)
{
    rill_nodes nodes = {0};
    if (find(e, x->left, p, &nodes))
        filter(e, x->predicates, &nodes, 0);
    return rill_evaluation_object(e, &nodes);
}

/* --- calls ----------------------------------------------------------------------------------- */

static bool is_call(const rill_xpath *x, const char *name)
{
    return x->kind == RILL_XPATH_CALL && !x->prefix && !strcmp(x->text, name) && x->left &&
           !x->left->next;
}

static xmlXPathFunction function_of(rill_evaluation *e, const rill_xpath *x)
{
    xmlXPathContext *context = e->machine->context;
    const xmlChar *name = BAD_CAST x->text, *uri = NULL;
    if (x->prefix && !(uri = xmlXPathNsLookup(context, BAD_CAST x->prefix))) {
        rill_doc_problem *problem = &e->doc->answer.problem;
        if (!problem->text[0])
            snprintf(problem->text, sizeof(problem->text),
                     "there is no function %.80s(): nobody knows the prefix %.80s", x->text,
                     x->prefix);
        return rill_evaluation_fail(e, XPATH_UNDEF_PREFIX_ERROR);
    }
    context->function = name;
    context->functionURI = uri;
    xmlXPathFunction found =
        uri ? xmlXPathFunctionLookupNS(context, name, uri) : xmlXPathFunctionLookup(context, name);
    if (!found)
        rill_evaluation_fail(e, XPATH_UNKNOWN_FUNC_ERROR);
    return found;
}

/* Evaluates arguments onto the stack, whatever it holds then; how many, -1. */
static int push_arguments(rill_evaluation *e, const rill_xpath *x, place p)
{
    int count = 0;
    for (const rill_xpath *argument = x->left; argument; argument = argument->next, count++) {
        xmlXPathObject *value = evaluate(e, argument, p);
        if (!value)
            return -1;
        valuePush(e->machine, value);
        if (e->machine->error != XPATH_EXPRESSION_OK) {
            rill_evaluation_fail(e, XPATH_MEMORY_ERROR);
            return -1;
        }
    }
    return count;
}

/* libxml2's functions look at the first node of a set, and then free it, one node after the other.
 */
static bool takes_sets(const rill_xpath *x)
{
    return !x->prefix && (!strcmp(x->text, "sum") || !strcmp(x->text, "id"));
}

static void shorten_sets(const xmlXPathParserContext *machine, int count)
{
    for (int i = machine->valueNr - count; i < machine->valueNr; i++)
        if (rill_value_count(machine->valueTab[i]) > 1)
            machine->valueTab[i]->nodesetval->nodeNr = 1;
}

static xmlXPathObject *call(rill_evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathContext *context = e->machine->context;
    if (is_call(x, "count")) {
        rill_nodes nodes = {0};
        find(e, x->left, p, &nodes);
        double count = (double)nodes.count;
        rill_evaluation_drop(&nodes);
        return e->failed ? NULL : xmlXPathNewFloat(count);
    }
    int count = push_arguments(e, x, p);
    xmlXPathFunction function = count < 0 ? NULL : function_of(e, x);
    if (!function)
        return NULL;
    if (!takes_sets(x))
        shorten_sets(e->machine, count);
    context->node = (xmlNode *)p.node;
    context->proximityPosition = p.position;
    context->contextSize = p.size;
    function(e->machine, count);
    xmlXPathObject *value = rill_evaluation_pop(e);
    if (!value || value->type != XPATH_NODESET)
        return value;
    rill_nodes nodes = {0}; /* of id(), in the order of its ids */
    rill_evaluation_take(e, value, &nodes);
    return rill_evaluation_object(e, &nodes);
}

/* --- expressions ----------------------------------------------------------------------------- */

static bool is_true(rill_evaluation *e, const rill_xpath *x, place p)
{
    if (x->kind == RILL_XPATH_OR)
        return is_true(e, x->left, p) || (!e->failed && is_true(e, x->right, p));
    if (x->kind == RILL_XPATH_AND)
        return is_true(e, x->left, p) && !e->failed && is_true(e, x->right, p);
    if (is_call(x, "not"))
        return rill_evaluation_spend(e, 1) && !is_true(e, x->left, p) && !e->failed;
    if (is_call(x, "boolean"))
        return rill_evaluation_spend(e, 1) && is_true(e, x->left, p);
    if (x->kind == RILL_XPATH_PATH) {
        rill_nodes found = {0};
        bool some = walk_path(e, x, p, true, &found) && found.count;
        rill_evaluation_drop(&found);
        return some;
    }
    xmlXPathObject *value = evaluate(e, x, p);
    bool result = value && xmlXPathCastToBoolean(value);
    rill_value_free(value);
    return result;
}

static xmlXPathObject *truth(rill_evaluation *e, const rill_xpath *x, place p)
{
    bool result = is_true(e, x, p);
    return e->failed ? NULL : xmlXPathNewBoolean(result);
}

static xmlXPathObject *follow(rill_evaluation *e, const rill_xpath *x, place p)
{
    rill_nodes found = {0};
    walk_path(e, x, p, false, &found);
    return rill_evaluation_object(e, &found);
}

static xmlXPathObject *made(rill_evaluation *e, const rill_xpath *x, place p)
{
    switch (x->kind) {
    case RILL_XPATH_OR:
    case RILL_XPATH_AND:
        return truth(e, x, p);
    case RILL_XPATH_NEGATIVE:
        return negate(e, x, p);
    case RILL_XPATH_UNION:
        return unite(e, x, p);
    case RILL_XPATH_NUMBER:
        return xmlXPathNewFloat(x->number);
    case RILL_XPATH_STRING:
        return xmlXPathNewString(BAD_CAST x->text);
    case RILL_XPATH_VARIABLE:
        return rill_evaluation_fail(e, XPATH_UNDEF_VARIABLE_ERROR);
    case RILL_XPATH_CALL:
        return is_call(x, "not") || is_call(x, "boolean") ? truth(e, x, p) : call(e, x, p);
    case RILL_XPATH_FILTER:
        return filtered(e, x, p);
    case RILL_XPATH_PATH:
        return follow(e, x, p);
    default:
        return operate(e, x, p);
    }
}

static xmlXPathObject *evaluate(rill_evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathObject *value = rill_evaluation_spend(e, 1) ? made(e, x, p) : NULL;
    if (!value)
        return rill_evaluation_fail(e, XPATH_MEMORY_ERROR);
    return value;
}

xmlXPathObject *rill_xpath_evaluate(rill_doc *doc, const rill_xpath *expression,
                                    const xmlNode *node)
{
    rill_evaluation e;
    rill_evaluation_begin(&e, doc);
    xmlXPathObject *value = evaluate(&e, expression, (place){node, -1, -1});
    rill_evaluation_end(&e);
    return value;
}

int rill_xpath_is_true(rill_doc *doc, const rill_xpath *expression, const xmlNode *node)
{
    rill_evaluation e;
    rill_evaluation_begin(&e, doc);
    bool result = is_true(&e, expression, (place){node, -1, -1});
    rill_evaluation_end(&e);
    return e.failed ? -1 : result;
}
