#include "doc/call.h"

#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/value.h"

rill_doc *rill_call_doc(xmlXPathParserContext *call)
{
    return call->context->funcLookupData;
}

void rill_call_fail(xmlXPathParserContext *call, const char *text)
{
    rill_doc_problem *problem = &rill_call_doc(call)->answer.problem;
    if (!problem->text[0])
        snprintf(problem->text, sizeof(problem->text), "%s", text);
    xmlXPathErr(call, XPATH_EXPR_ERROR);
}

bool rill_call_check(xmlXPathParserContext *call, bool left)
{
    if (!left)
        xmlXPathErr(call, XPATH_OP_LIMIT_EXCEEDED);
    return left;
}

bool rill_call_spend(xmlXPathParserContext *call, size_t operations)
{
    return rill_call_check(call, rill_budget_spend(rill_call_doc(call), operations));
}

bool rill_call_spend_bytes(xmlXPathParserContext *call, size_t bytes)
{
    return rill_call_check(call, rill_budget_spend_bytes(rill_call_doc(call), bytes));
}

bool rill_call_has(xmlXPathParserContext *call, int count, int least, int most)
{
    bool good = count >= least && count <= most;
    if (!good)
        xmlXPathErr(call, XPATH_INVALID_ARITY);
    return good;
}

/* Makes a value a string. NULL: the evaluation has ended, it is freed. */
static xmlXPathObject *make_string(xmlXPathParserContext *call, xmlXPathObject *value)
{
    value = rill_value_first(rill_call_doc(call), value);
    if (!rill_call_check(call, value != NULL))
        return NULL;
    value = xmlXPathConvertString(value);
    if (value && value->stringval)
        return value;
    rill_value_free(value);
    xmlXPathErr(call, XPATH_MEMORY_ERROR);
    return NULL;
}

size_t rill_call_make_strings(xmlXPathParserContext *call, int count)
{
    size_t bytes = 0;
    for (int i = call->valueNr - count; i >= 0 && i < call->valueNr; i++) {
        xmlXPathObject *value = call->valueTab[i];
        if (value && value->type == XPATH_NODESET) {
            value = call->valueTab[i] = make_string(call, value);
            if (!value)
                return 0;
        }
        if (!value || (value->type == XPATH_STRING && !value->stringval)) {
            xmlXPathErr(call, XPATH_MEMORY_ERROR);
            return 0;
        }
        if (value->type == XPATH_STRING)
            bytes += strlen((char *)value->stringval);
    }
    call->value = call->valueNr ? call->valueTab[call->valueNr - 1] : NULL;
    return bytes;
}

/* Takes a string off the stack. NULL: the evaluation has ended. */
static xmlChar *take_string(xmlXPathParserContext *call)
{
    xmlXPathObject *value = valuePop(call);
    if (!value)
        xmlXPathErr(call, XPATH_STACK_ERROR);
    value = value ? make_string(call, value) : NULL;
    xmlChar *text = value ? value->stringval : NULL;
    if (value)
        value->stringval = NULL;
    rill_value_free(value);
    return text;
}

void rill_call_free_strings(xmlChar **strings, int count)
{
    for (int i = 0; i < count; i++) {
        xmlFree(strings[i]);
        strings[i] = NULL;
    }
}

bool rill_call_take(xmlXPathParserContext *call, xmlChar **strings, int count)
{
    size_t bytes = 0;
    memset(strings, 0, (size_t)count * sizeof(*strings));
    for (int i = count; i-- > 0 && call->error == XPATH_EXPRESSION_OK;) {
        strings[i] = take_string(call);
        bytes += strings[i] ? strlen((char *)strings[i]) : 0;
    }
    if (call->error == XPATH_EXPRESSION_OK && rill_call_spend_bytes(call, bytes))
        return true;
    rill_call_free_strings(strings, count);
    return false;
}

void rill_call_give(xmlXPathParserContext *call, xmlChar *result)
{
    xmlXPathObject *value = result ? xmlXPathWrapString(result) : NULL;
    if (value)
        valuePush(call, value);
    else
        xmlXPathErr(call, XPATH_MEMORY_ERROR);
}
