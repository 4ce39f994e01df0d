/* A document from its page to its end. The interface is in doc.h. */
#include "doc/document.h"

#include <stdlib.h>
#include <string.h>

#include "doc/ask.h"
#include "doc/parse.h"

int32_t rill_doc_abi(void)
{
    return RILL_DOC_ABI;
}

rill_doc *rill_document_new(const char *page, size_t length, rill_fibers *fibers)
{
    rill_doc *doc = calloc(1, sizeof(*doc));
    if (!doc)
        return NULL;
    doc->job.fibers = fibers ? fibers : &doc->fibers;
    xmlInitParser();
    if (rill_parse_begin(doc, page, length))
        return doc;
    rill_document_free(doc);
    return NULL;
}

rill_doc *rill_doc_new(const char *page, uint64_t length)
{
    return rill_document_new(page, length, NULL);
}

static uint32_t attributes_of(const xmlNode *node)
{
    uint32_t count = 0;
    if (node->type == XML_ELEMENT_NODE)
        for (const xmlAttr *at = node->properties; at; at = at->next)
            count++;
    return count;
}

/* Everything beside the tree; at first. */
static void empty_rest(rill_doc *doc)
{
    rill_parse_end(doc);
    rill_ask_dispose(doc);
    doc->going = (xmlNode *)doc->tree;
}

int32_t rill_doc_empty(rill_doc *doc)
{
    if (!doc->going)
        empty_rest(doc);
    for (uint32_t freed = 0; doc->going && freed < RILL_DOC_FREED;) {
        xmlNode *last = doc->going->last;
        if (!last) {
            doc->going = doc->going->parent; /* the tree has none */
        } else if (last->type == XML_ELEMENT_NODE && last->children) {
            doc->going = last;
        } else {
            freed += 1 + attributes_of(last);
            xmlUnlinkNode(last);
            xmlFreeNode(last);
        }
    }
    return doc->going != NULL;
}

void rill_document_free(rill_doc *doc)
{
    rill_parse_end(doc);
    rill_ask_dispose(doc);
    rill_job_dispose(&doc->job);
    rill_fibers_dispose(&doc->fibers);
    free(doc->text.data);
    xmlFree(doc->value);
    xmlFreeDoc(doc->tree);
    free(doc);
}

int32_t rill_doc_read(rill_doc *doc)
{
    return rill_parse_on(doc);
}

void rill_doc_get_facts(const rill_doc *doc, rill_doc_facts *facts)
{
    *facts = doc->facts;
}

const rill_doc_node *rill_doc_root(const rill_doc *doc)
{
    return doc->tree ? (const rill_doc_node *)xmlDocGetRootElement(doc->tree) : NULL;
}

int64_t rill_doc_attribute(rill_doc *doc, const rill_doc_node *node, const char *name,
                           const char **text)
{
    const xmlAttr *attribute = rill_tree_attribute(rill_tree_node(node), name);
    if (!attribute)
        return -1;
    xmlFree(doc->value);
    *text = rill_tree_value((const xmlNode *)attribute, &doc->value);
    return *text ? (int64_t)strlen(*text) : -1;
}
