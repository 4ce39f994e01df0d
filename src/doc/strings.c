#include "doc/strings.h"

#include <libxml/xpathInternals.h>
#include <limits.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/call.h"
#include "doc/translate.h"

static bool take(xmlXPathParserContext *call, int count, xmlChar **strings, int wanted)
{
    return rill_call_has(call, count, wanted, wanted) && rill_call_take(call, strings, wanted);
}

/* What stands in the upper `count` values, one behind the other; they are all strings. */
static xmlChar *join(xmlXPathParserContext *call, int count, size_t bytes)
{
    xmlChar *all = xmlMalloc(bytes + 1), *end = all;
    for (int i = call->valueNr - count; all && i < call->valueNr; i++) {
        size_t length = strlen((char *)call->valueTab[i]->stringval);
        memcpy(end, call->valueTab[i]->stringval, length);
        end += length;
    }
    if (all)
        *end = '\0';
    return all;
}

void rill_strings_concat(xmlXPathParserContext *call, int count)
{
    size_t bytes = 0;
    if (!rill_call_has(call, count, 2, INT_MAX) || count > call->valueNr)
        return;
    for (int i = call->valueNr - count; i < call->valueNr; i++) {
        xmlXPathObject *value = call->valueTab[i];
        if (value->type != XPATH_NODESET && value->type != XPATH_STRING)
            call->valueTab[i] = xmlXPathConvertString(value);
    }
    bytes = rill_call_make_strings(call, count);
    if (call->error != XPATH_EXPRESSION_OK || !rill_call_spend_bytes(call, bytes))
        return;
    xmlChar *all = join(call, count, bytes);
    while (count--)
        xmlXPathFreeObject(valuePop(call));
    rill_call_give(call, all);
}

void rill_strings_starts_with(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[2];
    if (!take(call, count, strings, 2))
        return;
    const char *text = (char *)strings[0], *beginning = (char *)strings[1];
    valuePush(call, xmlXPathNewBoolean(!strncmp(text, beginning, strlen(beginning))));
    rill_call_free_strings(strings, 2);
}

/* Where the second string begins in the first; NULL: nowhere. It takes a time in proportion to both
 * lengths. */
static const char *find(xmlChar *const *strings)
{
    return strstr((char *)strings[0], (char *)strings[1]);
}

void rill_strings_contains(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[2];
    if (!take(call, count, strings, 2))
        return;
    valuePush(call, xmlXPathNewBoolean(find(strings) != NULL));
    rill_call_free_strings(strings, 2);
}

void rill_strings_before(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[2];
    if (!take(call, count, strings, 2))
        return;
    const char *at = find(strings);
    rill_call_give(call, xmlStrndup(strings[0], at ? (int)(at - (char *)strings[0]) : 0));
    rill_call_free_strings(strings, 2);
}

void rill_strings_after(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[2];
    if (!take(call, count, strings, 2))
        return;
    const char *at = find(strings);
    rill_call_give(call, xmlStrdup(at ? BAD_CAST at + strlen((char *)strings[1]) : BAD_CAST ""));
    rill_call_free_strings(strings, 2);
}

/* Of a context node where there is no argument. */
void rill_strings_normalize(xmlXPathParserContext *call, int count)
{
    xmlChar *text;
    if (!count) {
        valuePush(call, xmlXPathNewNodeSet(call->context->node));
        count = 1;
    }
    if (!take(call, count, &text, 1))
        return;
    xmlChar *to = text;
    for (const xmlChar *at = text; *at; at++) {
        bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r';
        if (!blank)
            *to++ = *at;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    to -= to > text && to[-1] == ' ';
    *to = '\0';
    rill_call_give(call, text);
}

/* Takes the three strings of translate(). */
static xmlChar *translated(xmlXPathParserContext *call, xmlChar *const *strings)
{
    rill_tick tick = rill_budget_tick(rill_call_doc(call));
    rill_translation *translation = rill_translation_new(strings[1], strings[2], &tick);
    xmlChar *result = translation ? rill_translation_apply(translation, strings[0], &tick) : NULL;
    rill_translation_free(translation);
    return result;
}

void rill_strings_translate(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[3];
    if (count != 3) {
        rill_call_fail(call, "translate() takes three strings");
        return;
    }
    if (!rill_call_take(call, strings, count))
        return;
    if (rill_call_check(call, strlen((char *)strings[1]) <= RILL_DOC_CHARACTERS))
        rill_call_give(call, translated(call, strings));
    rill_call_free_strings(strings, count);
}
