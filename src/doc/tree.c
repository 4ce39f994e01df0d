#include "doc/tree.h"

#include <stdlib.h>
#include <string.h>

const xmlNode *rill_tree_next(const xmlNode *node, const xmlNode *top, bool into)
{
    if (into && node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top) {
        if (node->next)
            return node->next;
        node = node->parent;
    }
    return NULL;
}

const char *rill_tree_value(const xmlNode *node, xmlChar **copy)
{
    const xmlNode *text = node;
    *copy = NULL;
    if (node->type == XML_NAMESPACE_DECL)
        return (const char *)((const xmlNs *)(const void *)node)->href;
    if (node->type == XML_ATTRIBUTE_NODE) {
        text = node->children;
        if (!text)
            return "";
        if (text->next || text->type != XML_TEXT_NODE)
            return (const char *)(*copy = xmlNodeGetContent(node));
    }
    return text->content ? (const char *)text->content : "";
}

const xmlAttr *rill_tree_attribute(const xmlNode *node, const char *name)
{
    if (node->type != XML_ELEMENT_NODE)
        return NULL;
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!strcmp((const char *)attribute->name, name))
            return attribute;
    return NULL;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v');
}

/* Compares at the beginning of each word. */
static bool has_word(const char *at, const char *word, size_t length)
{
    for (;;) {
        while (is_blank(*at))
            at++;
        if (!*at)
            return false;
        if (!strncmp(at, word, length) && (!at[length] || is_blank(at[length])))
            return true;
        while (*at && !is_blank(*at))
            at++;
    }
}

bool rill_tree_has_class(const xmlNode *node, const char *name, size_t length)
{
    const xmlAttr *attribute = rill_tree_attribute(node, "class");
    if (!attribute || !length)
        return false;
    xmlChar *copy;
    const char *value = rill_tree_value((const xmlNode *)attribute, &copy);
    bool found = value && has_word(value, name, length);
    xmlFree(copy);
    return found;
}

bool rill_items_add(rill_items *items, rill_doc_item item)
{
    if (items->count == items->room) {
        size_t room = items->room ? 2 * items->room : 64;
        rill_doc_item *list = realloc(items->list, room * sizeof(*list));
        if (!list)
            return false;
        items->list = list;
        items->room = room;
    }
    items->list[items->count++] = item;
    return true;
}
