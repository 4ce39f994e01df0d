#include "doc/parse.h"

#include <libxml/HTMLtree.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

/* A tick is the work of some 0.2 us. So many are a piece: some milliseconds. */
enum { TICKS = 8192 };

/* Bytes of text in a tick. */
enum { TEXT_TICK = 64 };

static rill_doc *doc_of(void *context)
{
    return ((htmlParserCtxt *)context)->_private;
}

/* Lets the caller go on with something else. */
static void work(rill_doc *doc, int32_t ticks)
{
    rill_parse *parse = doc->parse;
    parse->ticks -= ticks;
    if (parse->ticks > 0)
        return;
    parse->ticks = TICKS;
    if (parse->fiber && !parse->stopping)
        rill_fiber_pause(parse->fiber);
    if (parse->stopping)
        xmlStopParser(parse->parser);
}

/* Nothing of the page is read any more. */
static void stop(rill_doc *doc, bool *why)
{
    *why = true;
    doc->parse->stopping = true;
    xmlStopParser(doc->parse->parser);
}

static bool count(rill_doc *doc, uint32_t nodes)
{
    rill_parse *parse = doc->parse;
    if (parse->stopping)
        return false;
    parse->nodes += nodes;
    if (parse->nodes > RILL_DOC_NODES)
        stop(doc, &doc->facts.nodes);
    return !parse->stopping;
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
    rill_doc *doc = doc_of(context);
    rill_parse *parse = doc->parse;
    uint32_t nodes = 1;
    size_t bytes = 0;
    for (const xmlChar **at = attributes; at && *at; at += 2) {
        bytes += at[1] ? strlen((const char *)at[1]) : 0;
        nodes++;
    }
    parse->in_text = false;
    if (!count(doc, nodes))
        return;
    if (parse->parser->nameNr > RILL_DOC_OPEN) {
        stop(doc, &doc->facts.open);
        return;
    }
    if (parse->parser->nodeNr >= RILL_DOC_DEPTH) {
        doc->facts.depth = true; /* it becomes a neighbour of what it stands in */
        parse->left[parse->left_count++] = nodePop(parse->parser);
    }
    parse->own.startElement(context, name, attributes);
    work(doc, (int32_t)(2 + nodes + bytes / TEXT_TICK));
}

static void on_end(void *context, const xmlChar *name)
{
    rill_doc *doc = doc_of(context);
    rill_parse *parse = doc->parse;
    parse->in_text = false;
    parse->own.endElement(context, name);
    if (parse->left_count) {
        nodePush(parse->parser, parse->left[--parse->left_count]);
        parse->parser->nodemem = 0; /* its last text is not the one that was written last */
    }
    work(doc, 1);
}

static void on_text(void *context, const xmlChar *text, int length)
{
    rill_doc *doc = doc_of(context);
    rill_parse *parse = doc->parse;
    if (!count(doc, !parse->in_text))
        return;
    parse->in_text = true;
    parse->own.characters(context, text, length);
    work(doc, 1 + length / TEXT_TICK);
}

static void on_raw_text(void *context, const xmlChar *text, int length)
{
    rill_doc *doc = doc_of(context);
    if (!count(doc, !doc->parse->in_text))
        return;
    doc->parse->in_text = true;
    doc->parse->own.cdataBlock(context, text, length);
    work(doc, 1 + length / TEXT_TICK);
}

static void on_comment(void *context, const xmlChar *text)
{
    rill_doc *doc = doc_of(context);
    doc->parse->in_text = false;
    if (!count(doc, 1))
        return;
    doc->parse->own.comment(context, text);
    work(doc, 2 + (int32_t)(strlen((const char *)text) / TEXT_TICK));
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *text)
{
    rill_doc *doc = doc_of(context);
    doc->parse->in_text = false;
    if (!count(doc, 1))
        return;
    doc->parse->own.processingInstruction(context, target, text);
    work(doc, 2 + (int32_t)((text ? strlen((const char *)text) : 0) / TEXT_TICK));
}

/* An end tag that closes nothing has searched all that is open. */
#if LIBXML_VERSION >= 21200
static void on_error(void *context, const xmlError *error)
#else
static void on_error(void *context, xmlError *error)
#endif
{
    htmlParserCtxt *parser = context;
    (void)error;
    if (parser && parser->_private && parser == doc_of(parser)->parse->parser)
        work(parser->_private, 1 + parser->nameNr / 32);
}

static void listen(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    htmlParserCtxt *parser = parse->parser;
    parser->_private = doc;
    parse->own = *parser->sax;
    parser->sax->startElement = on_start;
    parser->sax->endElement = on_end;
    parser->sax->characters = on_text;
    parser->sax->ignorableWhitespace = on_text;
    parser->sax->cdataBlock = on_raw_text;
    parser->sax->comment = on_comment;
    parser->sax->processingInstruction = on_instruction;
    parser->sax->serror = on_error;
    parser->sax->initialized = XML_SAX2_MAGIC; /* else serror is not looked at */
}

/* Always through an element: what libxml2 makes of an empty page has none. */
static bool has_root(rill_doc *doc)
{
    if (!doc->tree)
        doc->tree = htmlNewDocNoDtD(NULL, NULL);
    if (!doc->tree || xmlDocGetRootElement(doc->tree))
        return doc->tree;
    xmlNode *root = xmlNewDocNode(doc->tree, NULL, (const xmlChar *)"html", NULL);
    if (root)
        xmlDocSetRootElement(doc->tree, root);
    return root;
}

static void parse_all(void *arg)
{
    rill_doc *doc = arg;
    rill_parse *parse = doc->parse;
    const char *page = parse->trim.page ? parse->trim.page : parse->page;
    int options = HTML_PARSE_RECOVER | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                  HTML_PARSE_COMPACT | XML_PARSE_HUGE;
    doc->tree = htmlCtxtReadMemory(parse->parser, page, (int)parse->length, NULL, "UTF-8", options);
}

bool rill_parse_begin(rill_doc *doc, const char *page, size_t length)
{
    rill_parse *parse = doc->parse = calloc(1, sizeof(*parse));
    if (!parse)
        return false;
    if (length > RILL_DOC_BYTES) {
        length = RILL_DOC_BYTES;
        doc->facts.bytes = true;
    }
    parse->page = page;
    parse->length = length;
    parse->ticks = TICKS;
    parse->parser = htmlNewParserCtxt();
    if (!parse->parser)
        return false;
    listen(doc);
    if (length > RILL_DOC_AT_ONCE)
        parse->fiber = rill_fiber_new(parse_all, doc);
    return length <= RILL_DOC_AT_ONCE || parse->fiber;
}

/* What libxml2 is not shown. False: out of memory. */
static bool trim(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    parse->trimmed = true;
    if (!rill_trim_page(parse->page, parse->length, &parse->trim))
        return false;
    if (parse->trim.page)
        parse->length = parse->trim.length;
    doc->facts.attributes = parse->trim.attributes;
    doc->facts.values = parse->trim.values;
    return true;
}

int32_t rill_parse_on(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    if (!parse)
        return doc->tree ? 0 : -1;
    if (!parse->trimmed) {
        if (!trim(doc))
            return -1;
        if (parse->fiber)
            return 1;
    }
    parse->begun = true;
    if (parse->fiber && rill_fiber_resume(parse->fiber))
        return 1;
    if (!parse->fiber)
        parse_all(doc);
    bool full = parse->parser->errNo == XML_ERR_NO_MEMORY;
    rill_fiber_free(parse->fiber);
    parse->fiber = NULL;
    rill_parse_end(doc);
    if (full || !has_root(doc)) {
        xmlFreeDoc(doc->tree);
        doc->tree = NULL;
        return -1;
    }
    return 0;
}

void rill_parse_end(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    if (!parse)
        return;
    parse->stopping = true;
    while (parse->fiber && parse->begun && rill_fiber_resume(parse->fiber))
        ; /* libxml2 cleans up */
    rill_fiber_free(parse->fiber);
    xmlFreeDoc(parse->parser ? parse->parser->myDoc : NULL);
    htmlFreeParserCtxt(parse->parser);
    free(parse->trim.page);
    free(parse);
    doc->parse = NULL;
}
