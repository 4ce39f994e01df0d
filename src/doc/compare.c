#include "doc/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/value.h"

/* Hashes that are compared for one operation. */
enum { PAIRS_PER_OPERATION = 4 };

static const xmlNode *node_at(const xmlXPathObject *set, size_t i)
{
    return set->nodesetval->nodeTab[i];
}

static bool is_order(rill_xpath_kind kind)
{
    return kind != RILL_XPATH_EQUAL && kind != RILL_XPATH_UNEQUAL;
}

/* --- numbers --------------------------------------------------------------------------------- */

static bool holds(rill_xpath_kind kind, double left, double right)
{
    switch ((int)kind) {
    case RILL_XPATH_EQUAL:
        return left == right;
    case RILL_XPATH_UNEQUAL:
        return left != right;
    case RILL_XPATH_LESS:
        return left < right;
    case RILL_XPATH_LESS_OR_EQUAL:
        return left <= right;
    case RILL_XPATH_MORE:
        return left > right;
    default:
        return left >= right;
    }
}

/* The same with its sides exchanged. */
static rill_xpath_kind turned(rill_xpath_kind kind)
{
    switch ((int)kind) {
    case RILL_XPATH_LESS:
        return RILL_XPATH_MORE;
    case RILL_XPATH_LESS_OR_EQUAL:
        return RILL_XPATH_MORE_OR_EQUAL;
    case RILL_XPATH_MORE:
        return RILL_XPATH_LESS;
    case RILL_XPATH_MORE_OR_EQUAL:
        return RILL_XPATH_LESS_OR_EQUAL;
    default:
        return kind;
    }
}

static int any_number(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *set, double other)
{
    rill_content content = {0};
    int result = 0;
    for (size_t i = 0; i < rill_value_count(set) && !result; i++) {
        double number;
        bool good = rill_content_number(doc, node_at(set, i), &content, &number);
        result = good ? holds(kind, number, other) : -1;
    }
    rill_content_dispose(&content);
    return result;
}

/* The least number of a set, or the greatest; NaN: none is a number. False: see the problem. */
static bool extreme(rill_doc *doc, const xmlXPathObject *set, bool least, double *found)
{
    rill_content content = {0};
    bool good = true;
    *found = NAN;
    for (size_t i = 0; i < rill_value_count(set) && good; i++) {
        double number;
        good = rill_content_number(doc, node_at(set, i), &content, &number);
        if (good && !isnan(number))
            *found = isnan(*found) || (least ? number < *found : number > *found) ? number : *found;
    }
    rill_content_dispose(&content);
    return good;
}

/* Of two sets only the outermost numbers matter. */
static int any_order(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *left,
                     const xmlXPathObject *right)
{
    bool less = kind == RILL_XPATH_LESS || kind == RILL_XPATH_LESS_OR_EQUAL;
    double one, other;
    if (!extreme(doc, left, less, &one) || !extreme(doc, right, !less, &other))
        return -1;
    return holds(kind, one, other);
}

/* --- strings --------------------------------------------------------------------------------- */

static bool is_same(const rill_content *content, const char *text, size_t length)
{
    return content->length == length && !memcmp(content->text, text, length);
}

/* Whether the string of some node from `from` on is that text, or is another one. */
static int any_string(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *set, size_t from,
                      const char *text, size_t length)
{
    rill_content content = {0};
    bool equal = kind == RILL_XPATH_EQUAL;
    int result = 0;
    for (size_t i = from; i < rill_value_count(set) && !result; i++) {
        bool good = rill_content_read(doc, node_at(set, i), &content);
        result = good ? is_same(&content, text, length) == equal : -1;
    }
    rill_content_dispose(&content);
    return result;
}

/* Some two are different, unless all strings of both sets are one. */
static int any_unequal(rill_doc *doc, const xmlXPathObject *left, const xmlXPathObject *right)
{
    rill_content first = {0};
    if (!rill_value_count(left) || !rill_value_count(right))
        return 0;
    int result = rill_content_read(doc, node_at(left, 0), &first) ? 0 : -1;
    if (!result)
        result = any_string(doc, RILL_XPATH_UNEQUAL, right, 0, first.text, first.length);
    if (!result) /* all of the right are the first one of the left */
        result = any_string(doc, RILL_XPATH_UNEQUAL, left, 1, first.text, first.length);
    rill_content_dispose(&first);
    return result;
}

/* FNV-1a. */
static uint64_t hash(const rill_content *content)
{
    uint64_t value = 14695981039346656037u;
    for (size_t i = 0; i < content->length; i++)
        value = (value ^ (unsigned char)content->text[i]) * 1099511628211u;
    return value;
}

/* The hashes of a set's strings. NULL: see the problem. */
static uint64_t *hashes_of(rill_doc *doc, const xmlXPathObject *set)
{
    rill_content content = {0};
    size_t count = rill_value_count(set);
    uint64_t *hashes = malloc(count * sizeof(*hashes));
    bool good = hashes;
    if (!hashes)
        strcpy(doc->answer.problem.text, "out of memory");
    for (size_t i = 0; i < count && good; i++) {
        good = rill_content_read(doc, node_at(set, i), &content);
        hashes[i] = good ? hash(&content) : 0;
    }
    rill_content_dispose(&content);
    if (good)
        return hashes;
    free(hashes);
    return NULL;
}

/* Whether a string is one of a set's. */
static int is_among(rill_doc *doc, const rill_content *one, const xmlXPathObject *set,
                    const uint64_t *hashes)
{
    size_t count = rill_value_count(set);
    uint64_t wanted = hash(one);
    rill_content content = {0};
    int result = rill_budget_spend(doc, 1 + count / PAIRS_PER_OPERATION) ? 0 : -1;
    for (size_t i = 0; i < count && !result; i++)
        if (hashes[i] == wanted) {
            bool good = rill_content_read(doc, node_at(set, i), &content);
            result = good ? is_same(&content, one->text, one->length) : -1;
        }
    rill_content_dispose(&content);
    return result;
}

static int any_equal(rill_doc *doc, const xmlXPathObject *left, const xmlXPathObject *right)
{
    if (!rill_value_count(left) || !rill_value_count(right))
        return 0;
    uint64_t *hashes = hashes_of(doc, left);
    rill_content content = {0};
    int result = hashes ? 0 : -1;
    for (size_t i = 0; i < rill_value_count(right) && !result; i++)
        result = rill_content_read(doc, node_at(right, i), &content)
                     ? is_among(doc, &content, left, hashes)
                     : -1;
    rill_content_dispose(&content);
    free(hashes);
    return result;
}

/* --- which ----------------------------------------------------------------------------------- */

static int compare_two(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *left,
                       const xmlXPathObject *right)
{
    if (is_order(kind))
        return any_order(doc, kind, left, right);
    bool one = kind == RILL_XPATH_EQUAL && rill_value_count(left) == 1;
    if (!one)
        return kind == RILL_XPATH_EQUAL ? any_equal(doc, left, right)
                                        : any_unequal(doc, left, right);
    rill_content content = {0};
    int result = rill_content_read(doc, node_at(left, 0), &content) ? 0 : -1;
    if (!result)
        result = any_string(doc, kind, right, 0, content.text, content.length);
    rill_content_dispose(&content);
    return result;
}

int rill_compare_sets(rill_doc *doc, rill_xpath_kind kind, const xmlXPathObject *left,
                      const xmlXPathObject *right)
{
    if (left->type == XPATH_NODESET && right->type == XPATH_NODESET)
        return compare_two(doc, kind, left, right);
    bool set_left = left->type == XPATH_NODESET;
    const xmlXPathObject *set = set_left ? left : right, *other = set_left ? right : left;
    if (other->type == XPATH_NUMBER)
        return any_number(doc, set_left ? kind : turned(kind), set, other->floatval);
    if (is_order(kind))
        return any_number(doc, set_left ? kind : turned(kind), set,
                          xmlXPathCastStringToNumber(other->stringval));
    const char *text = (const char *)other->stringval;
    return any_string(doc, kind, set, 0, text, strlen(text));
}
