/* XPath's functions of strings that libxml2 takes too long for: it looks for a text at each place
 * of another, joins texts one after the other, and folds blanks byte by byte. */
#ifndef RILL_STRINGS_H
#define RILL_STRINGS_H

#include "doc/tree.h"

void rill_strings_concat(xmlXPathParserContext *call, int count);
void rill_strings_starts_with(xmlXPathParserContext *call, int count);
void rill_strings_contains(xmlXPathParserContext *call, int count);
void rill_strings_before(xmlXPathParserContext *call, int count);
void rill_strings_after(xmlXPathParserContext *call, int count);
void rill_strings_normalize(xmlXPathParserContext *call, int count);
void rill_strings_translate(xmlXPathParserContext *call, int count);

#endif
