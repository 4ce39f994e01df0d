/* The evaluation of expressions. What it costs is counted at each node that is looked at. */
#include "doc/xpath.h"

#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc/budget.h"

/* Operations for one look at the budget; results of a step until doubles are taken out, beside
 * twice those that there were. */
enum { OPERATIONS_PER_LOOK = 64, DOUBLES = 4096 };

/* Pairs of nodes, and bytes of their strings, that are compared for one operation. */
enum { PAIRS_PER_OPERATION = 4, BYTES_PER_OPERATION = 32 };

/* Where an expression is evaluated. */
typedef struct place {
    const xmlNode *node;
    int position, size; /* -1: there is none */
} place;

typedef struct evaluation {
    rill_doc *doc;
    xmlXPathParserContext *machine; /* libxml2's stack of values */
    bool failed;
} evaluation;

static xmlXPathObject *evaluate(evaluation *e, const rill_xpath *x, place p);
static bool is_true(evaluation *e, const rill_xpath *x, place p);
static bool walk_path(evaluation *e, const rill_xpath *x, place p, bool first, rill_nodes *found);

/* --- errors and work ------------------------------------------------------------------------- */

static void *fail(evaluation *e, int code)
{
    if (!e->failed && e->machine->error == XPATH_EXPRESSION_OK)
        xmlXPathErr(e->machine, code);
    e->failed = true;
    return NULL;
}

static bool spend(evaluation *e, size_t operations)
{
    unsigned long *count = &e->machine->context->opCount, before = *count;
    *count += operations;
    if (before / OPERATIONS_PER_LOOK != *count / OPERATIONS_PER_LOOK && !rill_budget_left(e->doc))
        e->failed = true;
    return !e->failed;
}

/* --- sets of nodes --------------------------------------------------------------------------- */

static void drop(rill_nodes *nodes)
{
    free(nodes->list);
    *nodes = (rill_nodes){0};
}

static bool add(evaluation *e, rill_nodes *nodes, const xmlNode *node)
{
    if (!rill_nodes_add(nodes, node))
        fail(e, XPATH_MEMORY_ERROR);
    return !e->failed;
}

static bool sort(evaluation *e, rill_nodes *nodes)
{
    if (!rill_nodes_sort(nodes))
        fail(e, XPATH_MEMORY_ERROR);
    return !e->failed;
}

/* As a value of libxml2's; `nodes` are dropped. */
static xmlXPathObject *as_object(evaluation *e, rill_nodes *nodes)
{
    xmlXPathObject *object = e->failed ? NULL : xmlXPathNewNodeSet(NULL);
    bool good = object;
    for (size_t i = 0; good && i < nodes->count; i++)
        good = spend(e, 1) && !xmlXPathNodeSetAddUnique(object->nodesetval, nodes->list[i]);
    drop(nodes);
    if (good)
        return object;
    xmlXPathFreeObject(object);
    return fail(e, XPATH_MEMORY_ERROR);
}

/* The nodes of a value, which is freed. */
static bool take_nodes(evaluation *e, xmlXPathObject *object, rill_nodes *nodes)
{
    if (!object || object->type != XPATH_NODESET)
        fail(e, XPATH_INVALID_TYPE);
    else if (object->nodesetval)
        for (int i = 0; i < object->nodesetval->nodeNr && !e->failed; i++)
            add(e, nodes, object->nodesetval->nodeTab[i]);
    xmlXPathFreeObject(object);
    return !e->failed && sort(e, nodes);
}

/* Evaluates what must be nodes. */
static bool find(evaluation *e, const rill_xpath *x, place p, rill_nodes *nodes)
{
    if (x->kind == RILL_XPATH_PATH)
        return walk_path(e, x, p, false, nodes);
    xmlXPathObject *object = evaluate(e, x, p);
    return object && take_nodes(e, object, nodes);
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
static bool holds(evaluation *e, const rill_xpath *predicate, place p)
{
    if (!predicate->positional)
        return is_true(e, predicate, p);
    xmlXPathObject *value = evaluate(e, predicate, p);
    if (!value)
        return false;
    bool result =
        value->type == XPATH_NUMBER ? value->floatval == p.position : xmlXPathCastToBoolean(value);
    xmlXPathFreeObject(value);
    return result;
}

/* Keeps those from `from` on for which all predicates hold. */
static bool filter(evaluation *e, const rill_xpath *predicate, rill_nodes *nodes, size_t from)
{
    for (; predicate && !e->failed; predicate = predicate->next) {
        size_t kept = from, count = nodes->count;
        for (size_t i = from; i < count && spend(e, 1); i++) {
            place p = {nodes->list[i], (int)(i - from + 1), (int)(count - from)};
            if (holds(e, predicate, p) && !e->failed)
                nodes->list[kept++] = nodes->list[i];
        }
        nodes->count = kept;
    }
    return !e->failed;
}

static bool all_hold(evaluation *e, const rill_xpath *predicate, const xmlNode *node)
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
static bool step_from(evaluation *e, const rill_xpath_step *step, const xmlNode *from, bool first,
                      rill_nodes *found)
{
    rill_axis_walk walk = {.axis = step->axis, .from = from};
    size_t before = found->count, passed = 0;
    double place_wanted = wanted(step);
    for (const xmlNode *node; spend(e, 1) && (node = rill_axis_next(&walk));) {
        if (!passes(step, node))
            continue;
        if (step->positional) {
            passed++;
            if ((!place_wanted || passed == place_wanted) && !add(e, found, node))
                return false;
            if (place_wanted && passed >= place_wanted)
                break;
        } else if (all_hold(e, step->predicates, node)) {
            if (!add(e, found, node) || first)
                break;
        }
    }
    if (!step->positional || e->failed)
        return !e->failed;
    return filter(e, place_wanted ? step->predicates->next : step->predicates, found, before);
}

static bool check_prefix(evaluation *e, const rill_xpath_step *step)
{
    if (step->prefix && !xmlXPathNsLookup(e->machine->context, BAD_CAST step->prefix))
        fail(e, XPATH_UNDEF_PREFIX_ERROR);
    return !e->failed;
}

/* A step from each node of a set, which becomes what it gives. */
static bool take_step(evaluation *e, const rill_xpath_step *step, bool first, rill_nodes *nodes)
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
        if (found.count > 2 * found.unique + DOUBLES && i && spend(e, found.count))
            sort(e, &found);
    }
    drop(nodes);
    *nodes = found;
    return !e->failed && spend(e, found.count) && sort(e, nodes);
}

/* Follows a path; `first`: one node is enough. */
static bool walk_path(evaluation *e, const rill_xpath *x, place p, bool first, rill_nodes *found)
{
    if (x->left) {
        if (!find(e, x->left, p, found))
            return false;
    } else {
        add(e, found, x->absolute ? (const xmlNode *)e->doc->tree : p.node);
    }
    for (const rill_xpath_step *step = x->steps; step && !e->failed; step = step->next)
        take_step(e, step, first && !step->next, found);
    return !e->failed;
}

/* --- values ---------------------------------------------------------------------------------- */

static size_t count_of(const xmlXPathObject *value)
{
    return value->type == XPATH_NODESET && value->nodesetval ? (size_t)value->nodesetval->nodeNr
                                                             : 0;
}

/* Counts what making the strings of a set of nodes costs. Returns how many bytes they have. */
static size_t spend_strings(evaluation *e, const xmlXPathObject *value)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count_of(value) && !e->failed; i++)
        e->failed = !rill_budget_spend_string(e->doc, value->nodesetval->nodeTab[i], &bytes);
    return bytes;
}

/* What comparing two values costs: of two sets, each with each. */
static bool spend_comparison(evaluation *e, const xmlXPathObject *left, const xmlXPathObject *right)
{
    if (left->type == XPATH_BOOLEAN || right->type == XPATH_BOOLEAN)
        return spend(e, 1);
    size_t lefts = count_of(left), rights = count_of(right);
    size_t left_bytes = lefts ? spend_strings(e, left) : 0;
    size_t right_bytes = rights ? spend_strings(e, right) : 0;
    size_t bytes =
        lefts * right_bytes < rights * left_bytes ? lefts * right_bytes : rights * left_bytes;
    return !e->failed &&
           spend(e, 1 + lefts * rights / PAIRS_PER_OPERATION + bytes / BYTES_PER_OPERATION);
}

static xmlXPathObject *pop(evaluation *e)
{
    xmlXPathObject *value =
        e->machine->error == XPATH_EXPRESSION_OK && !e->failed ? valuePop(e->machine) : NULL;
    return value ? value : fail(e, XPATH_STACK_ERROR);
}

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

/* Evaluates two operands onto libxml2's stack. */
static bool push_operands(evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathObject *left = evaluate(e, x->left, p);
    xmlXPathObject *right = left ? evaluate(e, x->right, p) : NULL;
    if (!right || !spend_comparison(e, left, right)) {
        xmlXPathFreeObject(left);
        xmlXPathFreeObject(right);
        return false;
    }
    valuePush(e->machine, left);
    valuePush(e->machine, right);
    return true;
}

static xmlXPathObject *operate(evaluation *e, const rill_xpath *x, place p)
{
    if (!push_operands(e, x, p))
        return NULL;
    if (x->kind <= RILL_XPATH_MORE_OR_EQUAL)
        valuePush(e->machine, xmlXPathNewBoolean(compare(e->machine, x->kind)));
    else
        calculate(e->machine, x->kind);
    return pop(e);
}

static xmlXPathObject *negate(evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathObject *value = evaluate(e, x->left, p);
    if (!value)
        return NULL;
    spend_strings(e, value);
    valuePush(e->machine, value);
    xmlXPathValueFlipSign(e->machine);
    return pop(e);
}

static xmlXPathObject *unite(evaluation *e, const rill_xpath *x, place p)
{
    rill_nodes all = {0}, right = {0};
    find(e, x->left, p, &all);
    if (!e->failed)
        find(e, x->right, p, &right);
    for (size_t i = 0; i < right.count && spend(e, 1); i++)
        add(e, &all, right.list[i]);
    drop(&right);
    if (!e->failed)
        sort(e, &all);
    return as_object(e, &all);
}

static xmlXPathObject *filtered(evaluation *e, const rill_xpath *x, place p)
{
    rill_nodes nodes = {0};
    if (find(e, x->left, p, &nodes))
        filter(e, x->predicates, &nodes, 0);
    return as_object(e, &nodes);
}

/* --- calls ----------------------------------------------------------------------------------- */

static bool is_call(const rill_xpath *x, const char *name)
{
    return x->kind == RILL_XPATH_CALL && !x->prefix && !strcmp(x->text, name) && x->left &&
           !x->left->next;
}

static xmlXPathFunction function_of(evaluation *e, const rill_xpath *x)
{
    xmlXPathContext *context = e->machine->context;
    const xmlChar *name = BAD_CAST x->text, *uri = NULL;
    if (x->prefix && !(uri = xmlXPathNsLookup(context, BAD_CAST x->prefix))) {
        rill_doc_problem *problem = &e->doc->answer.problem;
        if (!problem->text[0])
            snprintf(problem->text, sizeof(problem->text),
                     "there is no function %.80s(): nobody knows the prefix %.80s", x->text,
                     x->prefix);
        return fail(e, XPATH_UNDEF_PREFIX_ERROR);
    }
    context->function = name;
    context->functionURI = uri;
    xmlXPathFunction found =
        uri ? xmlXPathFunctionLookupNS(context, name, uri) : xmlXPathFunctionLookup(context, name);
    if (!found)
        fail(e, XPATH_UNKNOWN_FUNC_ERROR);
    return found;
}

/* Evaluates arguments onto the stack, whatever it holds then; how many, -1. */
static int push_arguments(evaluation *e, const rill_xpath *x, place p)
{
    int count = 0;
    for (const rill_xpath *argument = x->left; argument; argument = argument->next, count++) {
        xmlXPathObject *value = evaluate(e, argument, p);
        if (!value)
            return -1;
        valuePush(e->machine, value);
    }
    return count;
}

static xmlXPathObject *call(evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathContext *context = e->machine->context;
    if (!spend(e, 1))
        return NULL;
    if (is_call(x, "count")) {
        rill_nodes nodes = {0};
        find(e, x->left, p, &nodes);
        double count = (double)nodes.count;
        drop(&nodes);
        return e->failed ? NULL : xmlXPathNewFloat(count);
    }
    int count = push_arguments(e, x, p);
    xmlXPathFunction function = count < 0 ? NULL : function_of(e, x);
    if (!function)
        return NULL;
    context->node = (xmlNode *)p.node;
    context->proximityPosition = p.position;
    context->contextSize = p.size;
    function(e->machine, count);
    xmlXPathObject *value = pop(e);
    if (!value || value->type != XPATH_NODESET)
        return value;
    rill_nodes nodes = {0}; /* of id(), in the order of its ids */
    take_nodes(e, value, &nodes);
    return as_object(e, &nodes);
}

/* --- expressions ----------------------------------------------------------------------------- */

static bool is_true(evaluation *e, const rill_xpath *x, place p)
{
    if (x->kind == RILL_XPATH_OR)
        return is_true(e, x->left, p) || (!e->failed && is_true(e, x->right, p));
    if (x->kind == RILL_XPATH_AND)
        return is_true(e, x->left, p) && !e->failed && is_true(e, x->right, p);
    if (is_call(x, "not"))
        return spend(e, 1) && !is_true(e, x->left, p) && !e->failed;
    if (is_call(x, "boolean"))
        return spend(e, 1) && is_true(e, x->left, p);
    if (x->kind == RILL_XPATH_PATH) {
        rill_nodes found = {0};
        bool some = walk_path(e, x, p, true, &found) && found.count;
        drop(&found);
        return some;
    }
    xmlXPathObject *value = evaluate(e, x, p);
    bool result = value && xmlXPathCastToBoolean(value);
    xmlXPathFreeObject(value);
    return result;
}

static xmlXPathObject *truth(evaluation *e, const rill_xpath *x, place p)
{
    bool result = is_true(e, x, p);
    return e->failed ? NULL : xmlXPathNewBoolean(result);
}

static xmlXPathObject *follow(evaluation *e, const rill_xpath *x, place p)
{
    rill_nodes found = {0};
    walk_path(e, x, p, false, &found);
    return as_object(e, &found);
}

static xmlXPathObject *made(evaluation *e, const rill_xpath *x, place p)
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
        return fail(e, XPATH_UNDEF_VARIABLE_ERROR);
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

static xmlXPathObject *evaluate(evaluation *e, const rill_xpath *x, place p)
{
    xmlXPathObject *value = e->failed ? NULL : made(e, x, p);
    if (!value)
        return fail(e, XPATH_MEMORY_ERROR);
    return value;
}

/* What an evaluation that failed has left on the stack. */
static void clear(xmlXPathParserContext *machine)
{
    while (machine->valueNr > 0)
        xmlXPathFreeObject(valuePop(machine));
}

static void begin(evaluation *e, rill_doc *doc)
{
    *e = (evaluation){.doc = doc, .machine = doc->answer.machine};
    e->machine->error = XPATH_EXPRESSION_OK;
    if (!doc->numbered)
        rill_nodes_number(doc->tree);
    doc->numbered = true;
}

xmlXPathObject *rill_xpath_evaluate(rill_doc *doc, const rill_xpath *expression,
                                    const xmlNode *node)
{
    evaluation e;
    begin(&e, doc);
    xmlXPathObject *value = evaluate(&e, expression, (place){node, -1, -1});
    clear(e.machine);
    return value;
}

int rill_xpath_is_true(rill_doc *doc, const rill_xpath *expression, const xmlNode *node)
{
    evaluation e;
    begin(&e, doc);
    bool result = is_true(&e, expression, (place){node, -1, -1});
    clear(e.machine);
    return e.failed ? -1 : result;
}
