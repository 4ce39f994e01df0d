/* Sets of nodes in document order, and the axes. */
#include <stdlib.h>
#include <string.h>

#include "doc/xpath.h"

/* Nodes that are counted together; of a set that is put in order, for one operation. */
enum { NODES_AT_ONCE = 1024, SORTED_PER_OPERATION = 4 };

/* --- document order -------------------------------------------------------------------------- */

static void number(void *node, size_t *next)
{
    ((xmlNode *)node)->_private = (void *)(uintptr_t)(*next)++;
}

bool rill_nodes_number(xmlDoc *tree, rill_job *job)
{
    size_t next = 0, before = 0;
    number(tree, &next);
    for (xmlNode *top = tree->children; top; top = top->next)
        for (const xmlNode *node = top; node; node = rill_tree_next(node, top, true)) {
            number((xmlNode *)node, &next);
            if (node->type == XML_ELEMENT_NODE)
                for (xmlAttr *at = node->properties; at; at = at->next)
                    number(at, &next);
            if (next - before < NODES_AT_ONCE)
                continue;
            if (!rill_job_work(job, next - before))
                return false;
            before = next;
        }
    return true;
}

static size_t place_of(const xmlNode *node)
{
    return (uintptr_t)node->_private;
}

bool rill_nodes_add(rill_nodes *nodes, const xmlNode *node)
{
    if (nodes->count == nodes->room) {
        size_t room = nodes->room ? 2 * nodes->room : 16;
        xmlNode **list = realloc(nodes->list, room * sizeof(*list));
        if (!list)
            return false;
        nodes->list = list;
        nodes->room = room;
    }
    nodes->list[nodes->count++] = (xmlNode *)node;
    return true;
}

static void reverse(xmlNode **list, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        xmlNode *one = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = one;
    }
}

/* A set while it is put in order. */
typedef struct sorter {
    xmlNode **list, **into;
    size_t count;
    const rill_tick *tick;
    bool stopped;
} sorter;

/* Counts a node; of some together. */
static bool pass(sorter *s, size_t at)
{
    if (at % NODES_AT_ONCE == 0 &&
        !s->tick->call(s->tick->arg, NODES_AT_ONCE / SORTED_PER_OPERATION))
        s->stopped = true;
    return !s->stopped;
}

/* The end of what is in order from `from` on. */
static size_t run_end(sorter *s, size_t from)
{
    size_t at = from + 1;
    while (at < s->count && place_of(s->list[at - 1]) < place_of(s->list[at]) && pass(s, at))
        at++;
    return at < s->count ? at : s->count;
}

/* Of two runs that follow each other one; doubles go. Returns where it ends in `into`. */
static size_t merge(sorter *s, size_t from, size_t middle, size_t end, size_t at)
{
    size_t right = middle;
    while ((from < middle || right < end) && pass(s, at + 1)) {
        xmlNode *next;
        if (right == end || (from < middle && place_of(s->list[from]) <= place_of(s->list[right])))
            next = s->list[from++];
        else
            next = s->list[right++];
        if (right < end && next == s->list[right])
            right++;
        s->into[at++] = next;
    }
    return at;
}

/* Merges each two runs; true: there was one only, or no more is wanted. */
static bool merge_runs(sorter *s)
{
    size_t at = 0, from = 0;
    if (run_end(s, 0) == s->count || s->stopped)
        return true;
    while (from < s->count && !s->stopped) {
        size_t middle = run_end(s, from);
        size_t end = middle < s->count ? run_end(s, middle) : middle;
        at = merge(s, from, middle, end, at);
        from = end;
    }
    if (s->stopped)
        return true;
    memcpy(s->list, s->into, at * sizeof(*s->into));
    s->count = at;
    return false;
}

bool rill_nodes_sort(rill_nodes *nodes, const rill_tick *tick)
{
    sorter s = {.list = nodes->list, .count = nodes->count, .tick = tick};
    nodes->unique = nodes->count;
    if (nodes->count < 2 || run_end(&s, 0) == nodes->count)
        return !s.stopped;
    if (place_of(nodes->list[0]) > place_of(nodes->list[1]))
        reverse(nodes->list, nodes->count); /* of an axis that goes backwards */
    s.into = malloc(nodes->count * sizeof(*s.into));
    while (s.into && !merge_runs(&s))
        ;
    free(s.into);
    nodes->count = nodes->unique = s.count;
    return s.into && !s.stopped;
}

/* --- axes ------------------------------------------------------------------------------------ */

static const xmlNode *first_child(const xmlNode *node)
{
    bool has = node->type == XML_ELEMENT_NODE || node->type == XML_HTML_DOCUMENT_NODE ||
               node->type == XML_DOCUMENT_NODE;
    return has ? node->children : NULL;
}

static bool is_attribute(const xmlNode *node)
{
    return node->type == XML_ATTRIBUTE_NODE;
}

/* The next node behind all that is in this one, within `top`; NULL as `top`: anywhere. */
static const xmlNode *behind(const xmlNode *node, const xmlNode *top)
{
    for (; node && node != top; node = node->parent)
        if (node->next)
            return node->next;
    return NULL;
}

static const xmlNode *next_in_order(const xmlNode *node, const xmlNode *top)
{
    const xmlNode *child = first_child(node);
    return child ? child : behind(node, top);
}

static const xmlNode *next_descendant(const rill_axis_walk *walk)
{
    if (walk->at)
        return next_in_order(walk->at, walk->from);
    return walk->axis == RILL_AXIS_DESCENDANT ? first_child(walk->from) : walk->from;
}

static const xmlNode *next_following(const rill_axis_walk *walk)
{
    if (walk->at)
        return next_in_order(walk->at, NULL);
    return behind(is_attribute(walk->from) ? walk->from->parent : walk->from, NULL);
}

/* Backwards, without ancestors. */
static const xmlNode *next_preceding(rill_axis_walk *walk)
{
    const xmlNode *at = walk->at;
    if (!at) {
        at = is_attribute(walk->from) ? walk->from->parent : walk->from;
        walk->ancestor = at->parent;
    }
    while (at && !at->prev) {
        at = at->parent;
        if (at != walk->ancestor)
            return at;
        walk->ancestor = at ? at->parent : NULL;
    }
    if (!at)
        return NULL;
    for (at = at->prev; at->type == XML_ELEMENT_NODE && at->last; at = at->last)
        ;
    return at;
}

const xmlNode *rill_axis_next(rill_axis_walk *walk)
{
    const xmlNode *from = walk->from, *at = walk->at, *next = NULL;
    switch (walk->axis) {
    case RILL_AXIS_ANCESTOR:
    case RILL_AXIS_PARENT:
        next = at ? (walk->axis == RILL_AXIS_PARENT ? NULL : at->parent) : from->parent;
        break;
    case RILL_AXIS_ANCESTOR_OR_SELF:
        next = at ? at->parent : from;
        break;
    case RILL_AXIS_ATTRIBUTE:
        if (from->type == XML_ELEMENT_NODE)
            next = at ? at->next : (const xmlNode *)from->properties;
        break;
    case RILL_AXIS_CHILD:
        next = at ? at->next : first_child(from);
        break;
    case RILL_AXIS_DESCENDANT:
    case RILL_AXIS_DESCENDANT_OR_SELF:
        next = next_descendant(walk);
        break;
    case RILL_AXIS_FOLLOWING:
        next = next_following(walk);
        break;
    case RILL_AXIS_FOLLOWING_SIBLING:
        next = is_attribute(from) ? NULL : (at ? at : from)->next;
        break;
    case RILL_AXIS_PRECEDING:
        next = next_preceding(walk);
        break;
    case RILL_AXIS_PRECEDING_SIBLING:
        next = is_attribute(from) ? NULL : (at ? at : from)->prev;
        break;
    case RILL_AXIS_SELF:
        next = at ? NULL : from;
        break;
    case RILL_AXIS_NAMESPACE: /* HTML has none */
    case RILL_AXES:
        break;
    }
    walk->at = next;
    return next;
}

size_t rill_nodes_behind(const xmlNode *node)
{
    const xmlNode *next = behind(node, NULL);
    return next ? place_of(next) : SIZE_MAX;
}
