/* A function that an expression calls: its arguments, and how it ends. */
#ifndef RILL_CALL_H
#define RILL_CALL_H

#include "doc/tree.h"

rill_doc *rill_call_doc(xmlXPathParserContext *call);

/* Ends the evaluation with a sentence; the first one counts. */
void rill_call_fail(xmlXPathParserContext *call, const char *text);

/* Ends the evaluation where there is nothing left to spend. */
bool rill_call_check(xmlXPathParserContext *call, bool left);

/* Counts operations, or bytes that a function reads; false: the evaluation has ended. */
bool rill_call_spend(xmlXPathParserContext *call, size_t operations);
bool rill_call_spend_bytes(xmlXPathParserContext *call, size_t bytes);

/* False, and the evaluation has ended, unless a call has from `least` to `most` arguments. */
bool rill_call_has(xmlXPathParserContext *call, int count, int least, int most);

/* Makes the sets of nodes among the upper `count` values strings. Returns how many bytes all
 * strings have. */
size_t rill_call_make_strings(xmlXPathParserContext *call, int count);

/* Takes `count` strings off the stack, the last one first. False: they are all freed. */
bool rill_call_take(xmlXPathParserContext *call, xmlChar **strings, int count);
void rill_call_free_strings(xmlChar **strings, int count);

/* Gives a string as the result, which it is the owner of then; NULL: out of memory. */
void rill_call_give(xmlXPathParserContext *call, xmlChar *result);

#endif
