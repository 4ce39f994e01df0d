/* Texts of a node: as a reader sees it, as they stand; which of them is made. */
#include <stdlib.h>
#include <string.h>

#include "doc/ask.h"
#include "doc/markup.h"
#include "doc/output.h"

/* Nodes, and bytes of texts, that are not worth a job. */
enum { FEW_NODES = 256, FEW_BYTES = 64 << 10 };

/* Bytes of a text that are looked at, at a time; for one operation. */
enum { AT_ONCE = 64 << 10, BYTES_PER_OPERATION = 32 };

/* --- as a reader sees it --------------------------------------------------------------------- */

enum show { SHOW_INLINE, SHOW_BLOCK, SHOW_BREAK, SHOW_CELL, SHOW_PRE, SHOW_NOTHING };

/* Sorted. */
static const struct shown {
    const char *name;
    enum show show;
} shown[] = {{"address", SHOW_BLOCK},    {"article", SHOW_BLOCK},    {"aside", SHOW_BLOCK},
             {"blockquote", SHOW_BLOCK}, {"body", SHOW_BLOCK},       {"br", SHOW_BREAK},
             {"caption", SHOW_BLOCK},    {"center", SHOW_BLOCK},     {"dd", SHOW_BLOCK},
             {"details", SHOW_BLOCK},    {"dialog", SHOW_BLOCK},     {"dir", SHOW_BLOCK},
             {"div", SHOW_BLOCK},        {"dl", SHOW_BLOCK},         {"dt", SHOW_BLOCK},
             {"fieldset", SHOW_BLOCK},   {"figcaption", SHOW_BLOCK}, {"figure", SHOW_BLOCK},
             {"footer", SHOW_BLOCK},     {"form", SHOW_BLOCK},       {"h1", SHOW_BLOCK},
             {"h2", SHOW_BLOCK},         {"h3", SHOW_BLOCK},         {"h4", SHOW_BLOCK},
             {"h5", SHOW_BLOCK},         {"h6", SHOW_BLOCK},         {"head", SHOW_NOTHING},
             {"header", SHOW_BLOCK},     {"hr", SHOW_BLOCK},         {"html", SHOW_BLOCK},
             {"legend", SHOW_BLOCK},     {"li", SHOW_BLOCK},         {"main", SHOW_BLOCK},
             {"menu", SHOW_BLOCK},       {"nav", SHOW_BLOCK},        {"noscript", SHOW_NOTHING},
             {"ol", SHOW_BLOCK},         {"optgroup", SHOW_BLOCK},   {"option", SHOW_BLOCK},
             {"p", SHOW_BLOCK},          {"pre", SHOW_PRE},          {"script", SHOW_NOTHING},
             {"section", SHOW_BLOCK},    {"style", SHOW_NOTHING},    {"summary", SHOW_BLOCK},
             {"table", SHOW_BLOCK},      {"tbody", SHOW_BLOCK},      {"td", SHOW_CELL},
             {"template", SHOW_NOTHING}, {"textarea", SHOW_PRE},     {"tfoot", SHOW_BLOCK},
             {"th", SHOW_CELL},          {"thead", SHOW_BLOCK},      {"tr", SHOW_BLOCK},
             {"ul", SHOW_BLOCK}};

static int compare(const void *name, const void *entry)
{
    return strcmp(name, ((const struct shown *)entry)->name);
}

static enum show show_of(const xmlNode *node)
{
    const struct shown *found = NULL;
    if (node->type == XML_ELEMENT_NODE)
        found =
            bsearch(node->name, shown, sizeof(shown) / sizeof(shown[0]), sizeof(shown[0]), compare);
    return found ? found->show : SHOW_INLINE;
}

/* What stands between what was written and what comes next. */
enum gap { GAP_NONE, GAP_BLANK, GAP_CELL, GAP_LINE };

typedef struct reader {
    rill_doc *doc;
    enum gap gap;
    int pre; /* open elements whose blanks are kept */
} reader;

static void widen(reader *r, enum gap gap)
{
    if (gap > r->gap)
        r->gap = gap;
}

static void close_gap(reader *r)
{
    static const char *const gaps[] = {"", " ", "\t", "\n"};
    if (r->doc->text.length && r->gap)
        rill_output_add(r->doc, gaps[r->gap], 1);
    r->gap = GAP_NONE;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v');
}

/* How many bytes from here on are blanks, or none; long runs are found in pieces. */
static size_t run_of(const char *text, bool blanks)
{
    size_t length = 0;
    while (length < AT_ONCE && text[length] && is_blank(text[length]) == blanks)
        length++;
    return length;
}

static void show_text(reader *r, const char *text)
{
    while (*text && !r->doc->text.ended) {
        size_t blanks = run_of(text, true);
        if (blanks)
            widen(r, GAP_BLANK);
        text += blanks;
        size_t length = run_of(text, false);
        if (length)
            close_gap(r);
        rill_output_add(r->doc, text, length);
        rill_output_work(r->doc, (blanks + length) / BYTES_PER_OPERATION);
        text += length;
    }
}

static void show_kept(reader *r, const char *text)
{
    if (!*text)
        return;
    close_gap(r);
    rill_output_add_string(r->doc, text);
}

static void enter(reader *r, enum show show)
{
    switch (show) {
    case SHOW_PRE:
    case SHOW_BLOCK:
        widen(r, GAP_LINE);
        break;
    case SHOW_BREAK:
        if (r->gap == GAP_LINE)
            break;
        r->gap = GAP_LINE;
        break;
    case SHOW_CELL:
    case SHOW_INLINE:
    case SHOW_NOTHING:
        break;
    }
    r->pre += show == SHOW_PRE;
}

static void leave(reader *r, enum show show)
{
    if (show == SHOW_PRE || show == SHOW_BLOCK)
        widen(r, GAP_LINE);
    if (show == SHOW_CELL)
        widen(r, GAP_CELL);
    r->pre -= show == SHOW_PRE;
}

/* Goes on behind `node`, leaving what ends there. */
static const xmlNode *show_next(reader *r, const xmlNode *node, const xmlNode *top, bool into)
{
    if (into && node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    for (; node; node = node->parent) {
        if (into || node->type != XML_ELEMENT_NODE)
            leave(r, show_of(node));
        into = true;
        if (node == top)
            return NULL;
        if (node->next)
            return node->next;
    }
    return NULL;
}

static bool is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

static void show(rill_doc *doc, const xmlNode *top)
{
    reader r = {.doc = doc};
    enum show kind = show_of(top);
    bool wanted = kind == SHOW_NOTHING; /* it is shown where it was asked for itself */
    for (const xmlNode *node = top; node && rill_output_work(doc, 1);) {
        kind = show_of(node);
        bool into = kind != SHOW_NOTHING || (node == top && wanted);
        if (into && node->type == XML_ELEMENT_NODE)
            enter(&r, kind);
        if (is_text(node))
            (r.pre ? show_kept : show_text)(&r, node->content ? (const char *)node->content : "");
        node = show_next(&r, node, top, into);
    }
}

/* --- as it stands ---------------------------------------------------------------------------- */

static void show_raw(rill_doc *doc, const xmlNode *top)
{
    const xmlNode *node = top;
    if (top->type != XML_ELEMENT_NODE && top->content)
        rill_output_add_string(doc, (const char *)top->content);
    for (; node && top->type == XML_ELEMENT_NODE && rill_output_work(doc, 1);
         node = rill_tree_next(node, top, true))
        if (is_text(node) && node->content)
            rill_output_add_string(doc, (const char *)node->content);
}

/* --- which one ------------------------------------------------------------------------------- */

static void make_text(void *arg)
{
    rill_doc *doc = arg;
    const xmlNode *node = doc->text.node;
    switch (doc->text.form) {
    case RILL_DOC_SHOWN:
        if (node->type == XML_ELEMENT_NODE) {
            show(doc, node);
            break;
        }
        show_raw(doc, node);
        break;
    case RILL_DOC_RAW:
        show_raw(doc, node);
        break;
    case RILL_DOC_MARKUP:
        rill_markup_write(doc, node);
        break;
    case RILL_DOC_INNER:
        rill_markup_write_inner(doc, node);
        break;
    }
    rill_doc_item item = {.kind = RILL_DOC_STRING,
                          .text = doc->text.data ? doc->text.data : "",
                          .length = doc->text.length};
    if (doc->text.failed || !rill_items_add(&doc->answer.items, item))
        strcpy(doc->answer.problem.text, "out of memory");
}

/* Bytes that stand in a node itself, up to FEW_BYTES and one. */
static size_t bytes_of(const xmlNode *node)
{
    size_t bytes = 0;
    if (node->type != XML_ELEMENT_NODE)
        return node->content ? strnlen((const char *)node->content, FEW_BYTES + 1) : 0;
    for (const xmlAttr *at = node->properties; at && bytes <= FEW_BYTES; at = at->next)
        if (at->children && at->children->content)
            bytes += strnlen((const char *)at->children->content, FEW_BYTES + 1);
    return bytes;
}

static bool is_small(const xmlNode *top)
{
    size_t nodes = 0, bytes = 0;
    for (const xmlNode *node = top; node; node = rill_tree_next(node, top, true)) {
        bytes += bytes_of(node);
        if (++nodes > FEW_NODES || bytes > FEW_BYTES)
            return false;
    }
    return true;
}

int32_t rill_doc_text(rill_doc *doc, const rill_doc_node *node, uint32_t form)
{
    const xmlNode *top = rill_tree_node(node);
    bool markup = form == RILL_DOC_MARKUP || form == RILL_DOC_INNER;
    rill_doc_forget(doc);
    if (top->type == XML_HTML_DOCUMENT_NODE && !markup)
        top = xmlDocGetRootElement(doc->tree);
    doc->text.node = top;
    doc->text.form = (enum rill_doc_form)form;
    rill_output_begin(doc);
    if (top->type == XML_HTML_DOCUMENT_NODE || !is_small(top))
        return rill_job_begin(&doc->job, make_text, doc) ? 0 : -1;
    make_text(doc);
    return 0;
}
