#include "doc/markup.h"

#include <libxml/HTMLtree.h>
#include <string.h>
#include <strings.h>

#include "doc/output.h"

/* Bytes that are looked at, at a time; for one operation, where a byte may become several. */
enum { AT_ONCE = 16 << 10, BYTES_PER_OPERATION = 8 };

static void add(rill_doc *doc, const xmlChar *text)
{
    rill_output_add_string(doc, (const char *)text);
}

static void add_literal(rill_doc *doc, const char *text)
{
    rill_output_add_string(doc, text);
}

/* --- texts and values ------------------------------------------------------------------------ */

/* What is in a value and stands there as it is: templates' "&{...}" and servers' "<!--...-->". Of
 * each of them only the first one that does not end is looked for. */
typedef struct value {
    const char *at, *end;
    bool no_brace, no_comment;
} value;

/* Where a construct that is kept ends; NULL: none begins here. */
static const char *kept_end(value *v)
{
    size_t left = (size_t)(v->end - v->at);
    const char *found = NULL;
    if (left > 1 && !v->no_brace && !memcmp(v->at, "&{", 2)) {
        found = memchr(v->at, '}', left);
        v->no_brace = !found;
        return found ? found + 1 : NULL;
    }
    if (left > 3 && !v->no_comment && !memcmp(v->at, "<!--", 4)) {
        found = memmem(v->at, left, "-->", 3);
        v->no_comment = !found;
    }
    return found ? found + 3 : NULL;
}

/* What is written in place of a byte; NULL: itself. Control characters go. */
static const char *written_for(char byte)
{
    switch (byte) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '\t':
    case '\n':
    case '\r':
        return NULL;
    default:
        return (unsigned char)byte < 0x20 ? "" : NULL;
    }
}

/* Where a piece that begins at `at` ends: behind a whole character. */
static const char *piece_end(const char *at, const char *end)
{
    enum { LONGEST = 4 }; /* of UTF-8 */
    if (end - at <= AT_ONCE)
        return end;
    const char *stop = at + AT_ONCE;
    for (int i = 1; i < LONGEST && (*stop & 0xc0) == 0x80; i++)
        stop--;
    return stop;
}

/* Bytes that stand for themselves. */
static size_t plain_length(const char *at, const char *end)
{
    const char *from = at;
    while (at < end && !written_for(*at))
        at++;
    return (size_t)(at - from);
}

static void escape_text(rill_doc *doc, const char *text)
{
    const char *at = text, *end = text + strlen(text);
    while (at < end && rill_output_work(doc, 1)) {
        const char *stop = piece_end(at, end);
        size_t length = plain_length(at, stop);
        rill_output_work(doc, length / BYTES_PER_OPERATION);
        rill_output_add(doc, at, length);
        at += length;
        if (at < stop && written_for(*at))
            add_literal(doc, written_for(*at++));
    }
}

/* --- attributes ------------------------------------------------------------------------------ */

/* Bytes in a value that is an address, which is written with "%" and two digits else. */
static bool is_in_address(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-_.!~*'()#%&+,/:;<=>?@", byte));
}

/* How the bytes of a value are written. */
typedef struct writer {
    rill_doc *doc;
    bool address; /* bytes that no address has are written by their numbers */
    char quote;   /* around the value; one in it is written as a reference */
} writer;

static void write_byte(const writer *w, char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char number = (unsigned char)byte;
    if (w->address && !is_in_address(byte)) {
        char code[3] = {'%', digits[number >> 4], digits[number & 15]};
        rill_output_add(w->doc, code, sizeof(code));
    } else if (byte == '"' && w->quote == '"') {
        add_literal(w->doc, "&quot;");
    } else {
        rill_output_add(w->doc, &byte, 1);
    }
}

/* Bytes that a value's writer writes as they are. */
static size_t same_length(const writer *w, const char *at, const char *end)
{
    const char *from = at;
    while (at < end && !written_for(*at) && *at != '"' && (!w->address || is_in_address(*at)))
        at++;
    return (size_t)(at - from);
}

static void write_value(const writer *w, const char *text)
{
    value v = {.at = text, .end = text + strlen(text)};
    while (v.at < v.end && rill_output_work(w->doc, 1)) {
        const char *stop = piece_end(v.at, v.end), *kept;
        size_t length = same_length(w, v.at, stop);
        rill_output_work(w->doc, length / BYTES_PER_OPERATION);
        rill_output_add(w->doc, v.at, length);
        v.at += length;
        if (v.at == stop)
            continue;
        if ((kept = kept_end(&v))) {
            while (v.at < kept)
                write_byte(w, *v.at++);
        } else if (written_for(*v.at)) {
            add_literal(w->doc, written_for(*v.at++));
        } else {
            write_byte(w, *v.at++);
        }
    }
}

static bool is_address(const xmlAttr *attribute)
{
    const char *name = (const char *)attribute->name;
    return !strcasecmp(name, "href") || !strcasecmp(name, "action") || !strcasecmp(name, "src") ||
           (!strcasecmp(name, "name") && !strcasecmp((const char *)attribute->parent->name, "a"));
}

static char quote_for(const char *text)
{
    return strchr(text, '"') && !strchr(text, '\'') ? '\'' : '"';
}

static void write_quoted(const writer *w, const char *text)
{
    rill_output_add(w->doc, &w->quote, 1);
    write_value(w, text);
    rill_output_add(w->doc, &w->quote, 1);
}

static void write_attribute(rill_doc *doc, const xmlAttr *attribute)
{
    xmlChar *copy;
    add_literal(doc, " ");
    add(doc, attribute->name);
    if (!attribute->children || htmlIsBooleanAttr(attribute->name))
        return;
    const char *text = rill_tree_value((const xmlNode *)attribute, &copy);
    if (!text) {
        doc->text.failed = true;
        return;
    }
    bool address = is_address(attribute);
    while (address && *text && (unsigned char)*text <= ' ')
        text++;
    writer w = {.doc = doc, .address = address, .quote = address ? '"' : quote_for(text)};
    add_literal(doc, "=");
    write_quoted(&w, text);
    xmlFree(copy);
}

/* --- nodes ----------------------------------------------------------------------------------- */

/* Whether an element is written as a start tag alone: HTML gives it no content (<br>), or its end
 * tag may be left out and it is empty (<p>). */
static bool is_tag_alone(const xmlNode *node)
{
    const htmlElemDesc *known = htmlTagLookup(node->name);
    const char *name = (const char *)node->name;
    if (known && known->empty)
        return true;
    return !node->children && known && known->saveEndTag && strcmp(name, "html") != 0 &&
           strcmp(name, "body") != 0;
}

static void begin_element(rill_doc *doc, const xmlNode *node)
{
    add_literal(doc, "<");
    add(doc, node->name);
    for (const xmlAttr *at = node->properties; at && !doc->text.ended; at = at->next)
        write_attribute(doc, at);
    add_literal(doc, ">");
}

static void end_element(rill_doc *doc, const xmlNode *node)
{
    add_literal(doc, "</");
    add(doc, node->name);
    add_literal(doc, ">");
}

static bool is_raw(const xmlNode *element)
{
    const char *name = element ? (const char *)element->name : NULL;
    return name && (!strcasecmp(name, "script") || !strcasecmp(name, "style"));
}

static void add_quoted(rill_doc *doc, const xmlChar *text)
{
    writer w = {.doc = doc, .quote = quote_for((const char *)text)};
    rill_output_add(doc, &w.quote, 1);
    for (const char *at = (const char *)text; *at && rill_output_work(doc, 1); at++)
        write_byte(&w, *at);
    rill_output_add(doc, &w.quote, 1);
}

static void write_doctype(rill_doc *doc, const xmlDtd *type)
{
    add_literal(doc, "<!DOCTYPE ");
    add(doc, type->name);
    if (type->ExternalID) {
        add_literal(doc, " PUBLIC ");
        add_quoted(doc, type->ExternalID);
        if (type->SystemID)
            add_literal(doc, " ");
    } else if (type->SystemID && strcmp((const char *)type->SystemID, "about:legacy-compat") != 0) {
        add_literal(doc, " SYSTEM ");
    } else {
        add_literal(doc, ">\n");
        return;
    }
    if (type->SystemID)
        add_quoted(doc, type->SystemID);
    add_literal(doc, ">\n");
}

static void write_comment(rill_doc *doc, const xmlNode *node)
{
    add_literal(doc, "<!--");
    add(doc, node->content);
    add_literal(doc, "-->");
}

static void write_instruction(rill_doc *doc, const xmlNode *node)
{
    add_literal(doc, "<?");
    add(doc, node->name);
    if (node->content) {
        add_literal(doc, " ");
        add(doc, node->content);
    }
    add_literal(doc, ">");
}

/* A node without children, or the beginning of one. */
static void write_node(rill_doc *doc, const xmlNode *node)
{
    switch ((int)node->type) {
    case XML_ELEMENT_NODE:
        begin_element(doc, node);
        break;
    case XML_TEXT_NODE:
        if (node->content && is_raw(node->parent))
            add(doc, node->content);
        else if (node->content)
            escape_text(doc, (const char *)node->content);
        break;
    case XML_CDATA_SECTION_NODE:
        if (node->content)
            add(doc, node->content);
        break;
    case XML_COMMENT_NODE:
        if (node->content)
            write_comment(doc, node);
        break;
    case XML_PI_NODE:
        write_instruction(doc, node);
        break;
    default: /* the document type is written at the document's beginning */
        break;
    }
}

/* Goes on behind a node whose children are written, or that has none; NULL: at the end. */
static const xmlNode *write_ends(rill_doc *doc, const xmlNode *node, const xmlNode *top)
{
    while (node != top && !node->next) {
        node = node->parent;
        end_element(doc, node);
    }
    return node == top ? NULL : node->next;
}

static void write_tree(rill_doc *doc, const xmlNode *top)
{
    const xmlNode *node = top;
    while (node && rill_output_work(doc, 1)) {
        write_node(doc, node);
        bool element = node->type == XML_ELEMENT_NODE, alone = element && is_tag_alone(node);
        if (element && !alone && node->children) {
            node = node->children;
            continue;
        }
        if (element && !alone)
            end_element(doc, node);
        node = write_ends(doc, node, top);
    }
}

void rill_markup_write_inner(rill_doc *doc, const xmlNode *node)
{
    for (const xmlNode *at = node->children; at; at = at->next)
        write_tree(doc, at);
}

void rill_markup_write(rill_doc *doc, const xmlNode *node)
{
    if (node->type != XML_HTML_DOCUMENT_NODE) {
        write_tree(doc, node);
        return;
    }
    if (doc->tree->intSubset)
        write_doctype(doc, doc->tree->intSubset);
    rill_markup_write_inner(doc, node);
    add_literal(doc, "\n");
}
