#include "doc/parse.h"

#include <libxml/HTMLtree.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

/* A tick is the work of some 0.2 us. So many are a piece: some milliseconds. */
enum { TICKS = 8192 };

/* Bytes of a page in a tick; of attributes' names that are compared, each with all others. */
enum { TEXT_TICK = 64, COMPARED = 256 };

/* Bytes of a page whose memory is that of a node. */
enum { BYTES_PER_NODE = 160 };

static rill_doc *doc_of(void *context)
{
    return ((htmlParserCtxt *)context)->_private;
}

/* Ticks of what was read of the page since the last call. */
static int32_t reading(rill_parse *parse)
{
    const xmlParserInput *input = parse->parser->input;
    if (!input)
        return 0;
    size_t at = input->consumed + (size_t)(input->cur - input->base), from = parse->read;
    parse->read = at;
    return at > from ? (int32_t)((at - from) / TEXT_TICK) : 0;
}

/* Lets the caller go on with something else. */
static void work(rill_doc *doc, int32_t ticks)
{
    rill_parse *parse = doc->parse;
    parse->ticks -= ticks + reading(parse);
    if (parse->ticks > 0)
        return;
    parse->ticks = TICKS;
    if (!parse->stopping)
        rill_job_work(&doc->job, RILL_DOC_SLICE);
    if (parse->stopping && parse->parser->input)
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
    doc->weight += nodes;
    if (parse->nodes > RILL_DOC_NODES)
        stop(doc, &doc->facts.nodes);
    else if (xmlDictSize(parse->parser->dict) > RILL_DOC_NAMES)
        stop(doc, &doc->facts.names);
    return !parse->stopping;
}

/* Whether a comment or an instruction has its place: those beside the outermost element are walked
 * over whenever that is looked for. */
static bool has_place(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    parse->in_text = false;
    if (!parse->parser->node && ++parse->outside > RILL_DOC_OUTSIDE) {
        doc->facts.outside = true;
        work(doc, 1);
        return false;
    }
    return count(doc, 1);
}

/* What an element stood beside, because it was too deep, has its turn again. */
static void leave(rill_doc *doc, const xmlChar *name)
{
    rill_parse *parse = doc->parse;
    parse->own.endElement(parse->parser, name);
    if (!parse->left_count)
        return;
    nodePush(parse->parser, parse->left[--parse->left_count]);
    parse->parser->nodemem = 0; /* its last text is not the one that was written last */
}

/* Ends the element before the newest one, which takes its place among those that are open. */
static void close_previous(rill_doc *doc)
{
    htmlParserCtxt *parser = doc->parse->parser;
    doc->facts.open = true;
    leave(doc, parser->nameTab[parser->nameNr - 2]);
    parser->nameTab[parser->nameNr - 2] = parser->nameTab[parser->nameNr - 1];
    parser->nameNr--;
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
    rill_doc *doc = doc_of(context);
    rill_parse *parse = doc->parse;
    uint32_t nodes = 1;
    for (const xmlChar **at = attributes; at && *at; at += 2)
        nodes += 1 + (at[1] != NULL); /* its value is a text */
    parse->in_text = false;
    if (!count(doc, nodes))
        return;
    if (parse->parser->nameNr > RILL_DOC_OPEN)
        close_previous(doc);
    if (parse->parser->nodeNr >= RILL_DOC_DEPTH) {
        doc->facts.depth = true; /* it becomes a neighbour of what it stands in */
        parse->left[parse->left_count++] = nodePop(parse->parser);
    }
    parse->own.startElement(context, name, attributes);
    work(doc, (int32_t)(2 + nodes + nodes * nodes / COMPARED));
}

static void on_end(void *context, const xmlChar *name)
{
    rill_doc *doc = doc_of(context);
    doc->parse->in_text = false;
    leave(doc, name);
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
    work(doc, 1);
}

static void on_raw_text(void *context, const xmlChar *text, int length)
{
    rill_doc *doc = doc_of(context);
    if (!count(doc, !doc->parse->in_text))
        return;
    doc->parse->in_text = true;
    doc->parse->own.cdataBlock(context, text, length);
    work(doc, 1);
}

static void on_comment(void *context, const xmlChar *text)
{
    rill_doc *doc = doc_of(context);
    if (!has_place(doc))
        return;
    doc->parse->own.comment(context, text);
    work(doc, 2);
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *text)
{
    rill_doc *doc = doc_of(context);
    if (!has_place(doc))
        return;
    doc->parse->own.processingInstruction(context, target, text);
    work(doc, 2);
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
    if (!parser || !parser->_private || parser != doc_of(parser)->parse->parser)
        return;
    count(doc_of(parser), 0);
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

static bool tick(void *doc, int32_t ticks)
{
    work(doc, ticks);
    return !((rill_doc *)doc)->parse->stopping;
}

/* What libxml2 is not shown. False: out of memory, or nobody waits for the document any more. */
static bool trim(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    rill_trim *trim = &parse->trim;
    *trim = (rill_trim){
        .attributes = RILL_DOC_ATTRIBUTES, .value = RILL_DOC_VALUE, .tick = tick, .arg = doc};
    parse->trims = true;
    bool good = rill_trim_page(parse->page, parse->length, trim);
    parse->trims = false;
    if (!good)
        return false;
    doc->facts.attributes = trim->too_many;
    doc->facts.values = trim->too_long;
    return true;
}

/* Bytes that are given to libxml2 at a time, before it begins. */
enum { GIVEN = 256 << 10 };

/* What htmlCtxtReadMemory() copies, twice, at one go. NULL: out of memory, or nobody waits. */
static xmlParserInput *make_input(rill_doc *doc)
{
    rill_trim *trim = &doc->parse->trim;
    xmlParserInputBuffer *buffer = xmlAllocParserInputBuffer(XML_CHAR_ENCODING_NONE);
    bool good = buffer;
    for (size_t at = 0; good && at < trim->length; at += GIVEN) {
        size_t left = trim->length - at, piece = left < GIVEN ? left : GIVEN;
        good = xmlParserInputBufferPush(buffer, (int)piece, trim->page + at) >= 0 &&
               tick(doc, (int32_t)(piece / TEXT_TICK / 4));
    }
    free(trim->page);
    trim->page = NULL;
    xmlParserInput *input =
        good ? xmlNewIOInputStream(doc->parse->parser, buffer, XML_CHAR_ENCODING_NONE) : NULL;
    if (!input)
        xmlFreeParserInputBuffer(buffer);
    return input;
}

/* False: out of memory, or nobody waits. */
static bool read_page(rill_doc *doc)
{
    htmlParserCtxt *parser = doc->parse->parser;
    int options = HTML_PARSE_RECOVER | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                  HTML_PARSE_COMPACT | HTML_PARSE_IGNORE_ENC | XML_PARSE_HUGE;
    htmlCtxtUseOptions(parser, options);
    parser->loadsubset |= XML_SKIP_IDS; /* a table of which is slow in the making, and to free */
    xmlParserInput *input = make_input(doc);
    if (!input)
        return false;
    inputPush(parser, input);
    xmlSwitchEncoding(parser, XML_CHAR_ENCODING_UTF8);
    htmlParseDocument(parser);
    doc->tree = parser->myDoc;
    parser->myDoc = NULL;
    return true;
}

static void read_all(void *arg)
{
    rill_doc *doc = arg;
    doc->parse->full = !trim(doc) || !read_page(doc);
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
    doc->weight = (uint32_t)(length / BYTES_PER_NODE);
    parse->ticks = TICKS;
    parse->parser = htmlNewParserCtxt();
    if (!parse->parser)
        return false;
    listen(doc);
    return length <= RILL_DOC_AT_ONCE || rill_job_begin(&doc->job, read_all, doc);
}

int32_t rill_parse_on(rill_doc *doc)
{
    rill_parse *parse = doc->parse;
    if (!parse)
        return doc->tree ? 0 : -1;
    if (parse->length <= RILL_DOC_AT_ONCE)
        read_all(doc);
    else if (rill_job_on(&doc->job))
        return 1;
    bool full = parse->full || parse->parser->errNo == XML_ERR_NO_MEMORY;
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
    if (parse->trims) /* the page may be gone */
        rill_job_abandon(&doc->job);
    else
        rill_job_end(&doc->job); /* libxml2 cleans up */
    if (parse->parser && parse->parser->myDoc) {
        doc->tree = parse->parser->myDoc; /* not at one go */
        parse->parser->myDoc = NULL;
    }
    htmlFreeParserCtxt(parse->parser);
    free(parse->trim.page);
    free(parse->trim.copy);
    free(parse);
    doc->parse = NULL;
}
