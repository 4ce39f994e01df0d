/* Feeds any bytes to documents: the first byte says what is done with them, then an expression up
 * to a line end, then the page. The tree keeps its bounds, whatever the page says; every node has
 * texts and markup, which is libxml2's; a document may be left in the middle, and dropped. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/HTMLtree.h>

#include "doc/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    REPEATED = 1,
    LEFT = 2
}; /* of the first byte: a page that needs pieces; left in the middle */

/* Bytes that a short page is repeated to. */
enum { LONG = RILL_DOC_AT_ONCE + 4096 };

static void check_items(const rill_doc_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].kind == RILL_DOC_STRING)
            assert(!memchr(items[i].text, 0, items[i].length));
        if (items[i].kind == RILL_DOC_NODE)
            assert(items[i].node && items[i].text);
    }
}

/* Goes on to the end. 0, -1: there is a problem. */
static int32_t answer(rill_doc *doc)
{
    rill_doc_problem problem;
    const rill_doc_item *items;
    uint32_t count;
    int32_t code;
    do {
        code = rill_doc_answer(doc, &items, &count, &problem);
    } while (code > 0);
    assert(code == 0 || problem.text[0]);
    if (code == 0)
        check_items(items, count);
    return code;
}

typedef struct markup {
    char *bytes;
    size_t length;
} markup;

static int write_text(void *arg, const char *bytes, int length)
{
    markup *into = arg;
    into->bytes = realloc(into->bytes, into->length + (size_t)length + 1);
    memcpy(into->bytes + into->length, bytes, (size_t)length);
    into->length += (size_t)length;
    return length;
}

/* Later versions write some characters otherwise. */
static void check_markup(rill_doc *doc, const xmlNode *node)
{
    markup expected = {0};
    rill_doc_problem problem;
    const rill_doc_item *items;
    uint32_t count;
    if (LIBXML_VERSION >= 21000)
        return;
    xmlOutputBuffer *out = xmlOutputBufferCreateIO(write_text, NULL, &expected, NULL);
    htmlNodeDumpFormatOutput(out, node->doc, (xmlNode *)node, "UTF-8", 0);
    xmlOutputBufferClose(out);
    assert(!rill_doc_text(doc, (const rill_doc_node *)node, RILL_DOC_MARKUP));
    while (rill_doc_answer(doc, &items, &count, &problem) > 0)
        ;
    assert(items[0].length == expected.length);
    assert(!expected.length || !memcmp(items[0].text, expected.bytes, expected.length));
    free(expected.bytes);
}

static void check_node(rill_doc *doc, const xmlNode *node, int depth)
{
    int attributes = 0;
    assert(depth <= RILL_DOC_DEPTH);
    if (node->type == XML_ELEMENT_NODE)
        for (const xmlAttr *at = node->properties; at; at = at->next)
            attributes++;
    assert(attributes <= RILL_DOC_ATTRIBUTES);
    for (uint32_t form = RILL_DOC_SHOWN; form <= RILL_DOC_INNER && depth < 4; form++) {
        const rill_doc_node *one = (const rill_doc_node *)node;
        assert(!rill_doc_text(doc, one, form));
        assert(answer(doc) == 0);
    }
    if (depth < 4)
        check_markup(doc, node);
}

static void check_tree(rill_doc *doc)
{
    const xmlNode *top = (const xmlNode *)rill_doc_root(doc), *node = top;
    int depth = 1, left = 2000;
    assert(top && top->type == XML_ELEMENT_NODE);
    while (node && left--) {
        check_node(doc, node, node->type == XML_ELEMENT_NODE ? depth : 0);
        if (node->type == XML_ELEMENT_NODE && node->children) {
            node = node->children;
            depth++;
            continue;
        }
        while (node && node != top && !node->next) {
            node = node->parent;
            depth--;
        }
        node = node == top ? NULL : node->next;
    }
}

static void ask(rill_doc *doc, const char *text, size_t length)
{
    rill_doc_problem problem;
    rill_doc_expression *expression = rill_doc_compile(text, (uint32_t)length, &problem);
    if (!expression) {
        assert(problem.text[0]);
        return;
    }
    assert(!rill_doc_ask(doc, rill_doc_root(doc), expression));
    answer(doc);
    for (uint32_t what = RILL_DOC_ELEMENTS; what <= RILL_DOC_ATTRIBUTE; what++) {
        rill_doc_selector selector = {
            .attribute = "href", .expression = expression, .what = what, .names = "a,p"};
        assert(!rill_doc_select(doc, rill_doc_root(doc), &selector));
        answer(doc);
    }
    rill_doc_expression_free(expression); /* the document is in the middle of it, maybe */
}

/* A document that ends in the middle of an answer. */
static void leave(rill_doc *doc, const char *text, size_t length)
{
    rill_doc_problem problem;
    const rill_doc_item *items;
    uint32_t count;
    rill_doc_expression *expression = rill_doc_compile(text, (uint32_t)length, &problem);
    if (expression && !rill_doc_ask(doc, rill_doc_root(doc), expression))
        rill_doc_answer(doc, &items, &count, &problem);
    rill_doc_expression_free(expression);
}

/* A copy of exact size, as long as is wanted. */
static char *make_page(const uint8_t *data, size_t size, bool repeated, size_t *length)
{
    size_t times = repeated && size ? LONG / size + 1 : 1;
    char *page = malloc(size * times + !size);
    for (size_t i = 0; i < times; i++)
        memcpy(page + i * size, data, size);
    *length = size * times;
    return page;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t choice = *data++;
    const uint8_t *line = memchr(data, '\n', --size);
    size_t asked = line ? (size_t)(line - data) : 0, skip = line ? asked + 1 : 0, length;
    char *page = make_page(data + skip, size - skip, choice & REPEATED, &length);
    char *expression = calloc(1, asked + 1);
    memcpy(expression, data, asked);
    rill_docs *docs = rill_docs_new();
    rill_doc *doc = rill_docs_open(docs, page, length);
    int32_t code;
    do {
        code = rill_doc_read(doc);
    } while (code > 0 && !(choice & LEFT));
    if (code == 0) {
        check_tree(doc);
        if (choice & REPEATED) /* which takes its time */
            leave(doc, expression, asked);
        else
            ask(doc, expression, asked);
    }
    free(page); /* which a document that is left in the middle does not read any more */
    rill_doc_drop(doc);
    while (rill_docs_tidy(docs) > 0)
        ;
    rill_docs_free(docs);
    free(expression);
    return 0;
}
