#include "doc/value.h"

#include <libxml/xpathInternals.h>
#include <string.h>

#include "doc/budget.h"

/* Nodes that are counted together. */
enum { NODES_AT_ONCE = 256 };

void rill_value_free(xmlXPathObject *value)
{
    if (value && value->type == XPATH_NODESET && value->nodesetval)
        value->nodesetval->nodeNr = 0; /* each would be looked at for a namespace of its own */
    xmlXPathFreeObject(value);
}

size_t rill_value_count(const xmlXPathObject *value)
{
    bool nodes = value->type == XPATH_NODESET && value->nodesetval;
    return nodes ? (size_t)value->nodesetval->nodeNr : 0;
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

static bool fail(rill_doc *doc)
{
    if (!doc->answer.problem.text[0])
        strcpy(doc->answer.problem.text, "out of memory");
    return false;
}

/* Adds a text to what is in `memory`. */
static bool append(rill_doc *doc, rill_content *content, const char *text)
{
    size_t length = strnlen(text, RILL_DOC_READ + 1), all = content->length + length;
    if (all > RILL_DOC_READ)
        return rill_budget_spend_bytes(doc, all); /* which is an error */
    if (all + 1 > content->room) {
        size_t room = 2 * (all + 1);
        char *memory = xmlRealloc(content->memory, room);
        if (!memory)
            return fail(doc);
        content->memory = memory;
        content->room = room;
    }
    memcpy(content->memory + content->length, text, length);
    content->length = all;
    return rill_budget_spend(doc, length / RILL_BUDGET_BYTES);
}

/* Adds all texts in a node. */
static bool append_all(rill_doc *doc, rill_content *content, const xmlNode *top)
{
    size_t nodes = 0;
    for (const xmlNode *node = top; node; node = rill_tree_next(node, top, true)) {
        if (++nodes % NODES_AT_ONCE == 0 && !rill_budget_spend(doc, NODES_AT_ONCE))
            return false;
        if (is_text(node) && node->content && !append(doc, content, (const char *)node->content))
            return false;
    }
    return rill_budget_spend(doc, 1 + nodes % NODES_AT_ONCE);
}

/* The string of a node that stands in one piece; NULL: it does not. */
static const char *in_one_piece(const xmlNode *node)
{
    const xmlNode *only = node->children;
    switch ((int)node->type) {
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
    case XML_COMMENT_NODE:
    case XML_PI_NODE:
        return node->content ? (const char *)node->content : "";
    case XML_ELEMENT_NODE:
    case XML_ATTRIBUTE_NODE:
        if (!only)
            return "";
        return !only->next && is_text(only) && only->content ? (const char *)only->content : NULL;
    default:
        return NULL;
    }
}

static bool join(rill_doc *doc, rill_content *content, const xmlNode *node)
{
    bool good = append(doc, content, "");
    if (node->type == XML_ELEMENT_NODE)
        good = good && append_all(doc, content, node);
    else if (node->type == XML_ATTRIBUTE_NODE || node->type == XML_HTML_DOCUMENT_NODE)
        for (const xmlNode *child = node->children; good && child; child = child->next)
            good = append_all(doc, content, child);
    if (!good)
        return false;
    content->memory[content->length] = '\0';
    content->text = content->memory;
    return true;
}

bool rill_content_read(rill_doc *doc, const xmlNode *node, rill_content *content)
{
    content->length = 0;
    content->text = in_one_piece(node);
    if (!content->text)
        return join(doc, content, node);
    content->length = strnlen(content->text, RILL_DOC_READ + 1);
    return rill_budget_spend_bytes(doc, content->length);
}

void rill_content_dispose(rill_content *content)
{
    xmlFree(content->memory);
    *content = (rill_content){0};
}

xmlChar *rill_content_of(rill_doc *doc, const xmlNode *node)
{
    rill_content content = {0};
    bool good = rill_content_read(doc, node, &content);
    xmlChar *text = good && content.text == content.memory ? BAD_CAST content.memory : NULL;
    if (good && !text)
        text = xmlStrndup(BAD_CAST content.text, (int)content.length);
    if (good && !text)
        fail(doc);
    if (text != BAD_CAST content.memory)
        rill_content_dispose(&content);
    return text;
}

bool rill_content_number(rill_doc *doc, const xmlNode *node, rill_content *content, double *number)
{
    if (!rill_content_read(doc, node, content))
        return false;
    *number = xmlXPathCastStringToNumber(BAD_CAST content->text);
    return true;
}

xmlXPathObject *rill_value_first(rill_doc *doc, xmlXPathObject *value)
{
    if (value->type != XPATH_NODESET)
        return value;
    bool some = rill_value_count(value) > 0;
    xmlChar *text =
        some ? rill_content_of(doc, value->nodesetval->nodeTab[0]) : xmlStrdup(BAD_CAST "");
    rill_value_free(value);
    value = text ? xmlXPathWrapString(text) : NULL;
    if (!value) {
        xmlFree(text);
        fail(doc);
    }
    return value;
}
