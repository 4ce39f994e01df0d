#include "doc/matches.h"

#include <libxml/xpathInternals.h>
#include <string.h>

#include "doc/budget.h"
#include "doc/call.h"
#include "doc/value.h"

/* Bytes of an element's classes. */
static size_t classes_of(const xmlNode *node)
{
    const xmlAttr *attribute = rill_tree_attribute(node, "class");
    const xmlNode *text = attribute ? attribute->children : NULL;
    return text && text->content ? strlen((const char *)text->content) : 0;
}

void rill_matches_class(xmlXPathParserContext *call, int count)
{
    bool all = true;
    if (count < 1) {
        rill_call_fail(call, "has-class() needs a class");
        return;
    }
    for (; count > 0; count--) {
        xmlChar *name;
        if (!rill_call_take(call, &name, 1))
            return;
        all = all && rill_tree_has_class(call->context->node, (char *)name, strlen((char *)name));
        xmlFree(name);
        if (!rill_call_spend(call, classes_of(call->context->node) / RILL_BUDGET_BYTES))
            return;
    }
    valuePush(call, xmlXPathNewBoolean(all));
}

/* re:test and re:match: where the pattern is found in the text. -1: the evaluation has ended. */
static int search(xmlXPathParserContext *call, int count, xmlChar **strings, size_t *from,
                  size_t *to)
{
    rill_doc *doc = rill_call_doc(call);
    rill_doc_problem problem = {.at = -1};
    strings[2] = NULL;
    if (count < 2 || count > 3) {
        rill_call_fail(call, "a function of regular expressions takes a text, a pattern and flags");
        return -1;
    }
    if (!rill_call_take(call, strings, count))
        return -1;
    if (strlen((char *)strings[0]) > RILL_DOC_SUBJECT) {
        rill_call_free_strings(strings, count);
        doc->answer.problem.limit = true;
        rill_call_fail(call, "regular expression: a text that is too long");
        return -1;
    }
    const char *flags = strings[2] ? (char *)strings[2] : "", *text = (char *)strings[0];
    rill_tick tick = rill_budget_tick(doc);
    rill_regex_search search = {.pattern = (char *)strings[1],
                                .flags = flags,
                                .text = text,
                                .length = strlen(text),
                                .tick = &tick};
    int found = rill_regex_find(&doc->answer.regexes, &search, &problem);
    *from = search.from;
    *to = search.to;
    xmlFree(strings[1]);
    xmlFree(strings[2]);
    if (found < 0) {
        xmlFree(strings[0]);
        doc->answer.problem.limit |= problem.limit;
        rill_call_fail(call, problem.text);
    }
    return found;
}

void rill_matches_test(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[3];
    size_t from, to;
    int found = search(call, count, strings, &from, &to);
    if (found < 0)
        return;
    xmlFree(strings[0]);
    valuePush(call, xmlXPathNewBoolean(found));
}

void rill_matches_match(xmlXPathParserContext *call, int count)
{
    xmlChar *strings[3];
    size_t from = 0, to = 0;
    int found = search(call, count, strings, &from, &to);
    if (found < 0)
        return;
    xmlChar *match =
        xmlStrndup(found ? strings[0] + from : BAD_CAST "", found ? (int)(to - from) : 0);
    xmlFree(strings[0]);
    if (!match) {
        xmlXPathErr(call, XPATH_MEMORY_ERROR);
        return;
    }
    valuePush(call, xmlXPathWrapString(match));
}
