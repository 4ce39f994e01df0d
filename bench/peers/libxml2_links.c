/* The links of pages by libxml2's HTML parser: SAX, so no tree is built, and each page in one
 * piece. */
#include <string.h>

#include <libxml/HTMLparser.h>

#include "pages.h"

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
    bool link = pages_is_link((const char *)name);
    if (!attributes || (!link && strcmp((const char *)name, "base") != 0))
        return;
    for (; attributes[0]; attributes += 2) {
        if (strcmp((const char *)attributes[0], "href") != 0 || !attributes[1])
            continue;
        const char *value = (const char *)attributes[1];
        (link ? pages_href : pages_base)(arg, value, strlen(value));
    }
}

static void parse(pages *all, const char *bytes, size_t length)
{
    static htmlSAXHandler elements = {.startElement = on_start};
    htmlParserCtxtPtr parser = htmlNewParserCtxt();
    htmlSAXHandlerPtr own = parser->sax;
    parser->sax = &elements;
    parser->userData = all;
    htmlCtxtReadMemory(parser, bytes, (int)length, NULL, "UTF-8",
                       HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                           HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | XML_PARSE_HUGE);
    parser->sax = own;
    htmlFreeParserCtxt(parser);
}

int main(int argc, char **argv)
{
    return pages_main(argc, argv, parse);
}
