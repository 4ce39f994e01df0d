/* Sets of nodes in document order, and the axes. */
#include <stdlib.h>
#include <string.h>

#include "doc/xpath.h"

/* --- document order -------------------------------------------------------------------------- */

static void number(void *node, size_t *next)
{
    ((xmlNode *)node)->_private = (void *)(uintptr_t)(*next)++;
}

void rill_nodes_number(xmlDoc *tree)
{
    size_t next = 0;
    number(tree, &next);
    for (xmlNode *top = tree->children; top; top = top->next)
        for (const xmlNode *node = top; node; node = rill_tree_next(node, top, true)) {
            number((xmlNode *)node, &next);
            if (node->type == XML_ELEMENT_NODE)
                for (xmlAttr *at = node->properties; at; at = at->next)
                    number(at, &next);
        }
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

/* The end of what is in order from `from` on. */
static size_t run_end(xmlNode *const *list, size_t from, size_t count)
{
    size_t at = from + 1;
    while (at < count && place_of(list[at - 1]) < place_of(list[at]))
        at++;
    return at < count ? at : count;
}

/* Of two runs that follow each other one; doubles go. Returns where it ends in `into`. */
static size_t merge(xmlNode *const *list, size_t from, size_t middle, size_t end, xmlNode **into,
                    size_t at)
{
    size_t right = middle;
    while (from < middle || right < end) {
        xmlNode *next;
        if (right == end || (from < middle && place_of(list[from]) <= place_of(list[right])))
            next = list[from++];
        else
            next = list[right++];
        if (right < end && next == list[right])
            right++;
        into[at++] = next;
    }
    return at;
}

/* Merges each two runs; true: there was one only. */
static bool merge_runs(rill_nodes *nodes, xmlNode **into)
{
    size_t at = 0, from = 0, end = run_end(nodes->list, 0, nodes->count);
    if (end == nodes->count)
        return true;
    while (from < nodes->count) {
        size_t middle = run_end(nodes->list, from, nodes->count);
        end = middle < nodes->count ? run_end(nodes->list, middle, nodes->count) : middle;
        at = merge(nodes->list, from, middle, end, into, at);
        from = end;
    }
    memcpy(nodes->list, into, at * sizeof(*into));
    nodes->count = at;
    return false;
}

bool rill_nodes_sort(rill_nodes *nodes)
{
    nodes->unique = nodes->count;
    if (nodes->count < 2 || run_end(nodes->list, 0, nodes->count) == nodes->count)
        return true;
    if (place_of(nodes->list[0]) > place_of(nodes->list[1]))
        reverse(nodes->list, nodes->count); /* of an axis that goes backwards */
    xmlNode **into = malloc(nodes->count * sizeof(*into));
    while (into && !merge_runs(nodes, into))
        ;
    free(into);
    nodes->unique = nodes->count;
    return into;
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
