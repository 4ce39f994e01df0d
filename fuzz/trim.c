/* Trims pages with small bounds, and lets libxml2 read them: whatever a page says, libxml2 sees no
 * tag and no comment beyond the bounds. Where the two read a page differently, it does.
 * The first byte says what the bounds are. */
#include <assert.h>
#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

#include "doc/trim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Instructions, comments and values that libxml2 has may be longer than in the page: a byte that is
 * no UTF-8 becomes two. */
enum { LONGER = 2 };

static void check_length(void *context, const xmlChar *text)
{
    const rill_trim *trim = ((htmlParserCtxt *)context)->_private;
    assert(!text || strlen((const char *)text) <= LONGER * trim->value);
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
    const rill_trim *trim = ((htmlParserCtxt *)context)->_private;
    size_t count = 0;
    (void)name;
    for (; attributes && attributes[2 * count]; count++)
        check_length(context, attributes[2 * count + 1]);
    assert(count <= trim->attributes);
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *text)
{
    (void)target;
    check_length(context, text);
}

static void on_error(void *context, xmlError *error)
{
    (void)context;
    (void)error;
}

static void read_with_libxml2(rill_trim *trim)
{
    htmlParserCtxt *parser = htmlNewParserCtxt();
    parser->_private = trim;
    parser->sax->startElement = on_start;
    parser->sax->comment = check_length;
    parser->sax->processingInstruction = on_instruction;
    parser->sax->serror = on_error;
    parser->sax->initialized = XML_SAX2_MAGIC;
    xmlFreeDoc(htmlCtxtReadMemory(parser, trim->page, (int)trim->length, NULL, "UTF-8",
                                  HTML_PARSE_RECOVER | HTML_PARSE_IGNORE_ENC | XML_PARSE_HUGE));
    htmlFreeParserCtxt(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    rill_trim trim = {.attributes = data[0] % 4, .value = 12 + data[0] % 16};
    char *page = malloc(size);
    memcpy(page, data + 1, size - 1);
    assert(rill_trim_page(page, size - 1, &trim));
    assert(trim.length <= size + size / 2 + 8 && !trim.page[trim.length]);
    assert(trim.length == strlen(trim.page));
    read_with_libxml2(&trim);
    free(trim.page);
    free(page);
    return 0;
}
