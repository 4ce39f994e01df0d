#include "doc/functions.h"

#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <string.h>

#include "doc/call.h"
#include "doc/matches.h"
#include "doc/places.h"
#include "doc/strings.h"
#include "doc/value.h"

static void sum(xmlXPathParserContext *call, int count)
{
    if (count != 1 || !call->value || call->value->type != XPATH_NODESET) {
        rill_call_fail(call, "sum() takes nodes");
        return;
    }
    xmlXPathObject *value = valuePop(call);
    rill_content content = {0};
    double result = 0, number;
    for (size_t i = 0; i < rill_value_count(value) && call->error == XPATH_EXPRESSION_OK; i++)
        if (rill_call_check(call,
                            rill_content_number(rill_call_doc(call), value->nodesetval->nodeTab[i],
                                                &content, &number)))
            result += number;
    rill_content_dispose(&content);
    rill_value_free(value);
    valuePush(call, xmlXPathNewFloat(result));
}

static void unknown(xmlXPathParserContext *call, int count)
{
    char text[120];
    (void)count;
    snprintf(text, sizeof(text), "there is no function %.80s()",
             call->context->function ? (const char *)call->context->function : "");
    rill_call_fail(call, text);
}

/* Those of libxml2 that read texts, of which it counts nothing. */
static const struct own {
    const char *name;
    xmlXPathFunction call;
    bool of_context; /* without arguments it reads the context node */
} own[] = {
    {"string", xmlXPathStringFunction, true},
    {"substring", xmlXPathSubstringFunction, false},
    {"string-length", xmlXPathStringLengthFunction, true},
    {"number", xmlXPathNumberFunction, true},
    {"lang", xmlXPathLangFunction, false},
};
enum { OWN = sizeof(own) / sizeof(own[0]) };

static const struct own *find_own(const xmlChar *name)
{
    for (int i = 0; i < OWN; i++)
        if (!strcmp(own[i].name, (const char *)name))
            return &own[i];
    return NULL;
}

static void counted(xmlXPathParserContext *call, int count)
{
    const struct own *function = find_own(call->context->function);
    if (!count && function->of_context) {
        valuePush(call, xmlXPathNewNodeSet(call->context->node));
        count = 1;
    }
    size_t bytes = rill_call_make_strings(call, count);
    if (call->error == XPATH_EXPRESSION_OK && rill_call_spend_bytes(call, bytes))
        function->call(call, count);
}

/* The others, which libxml2 finds by itself. */
static const char *const others[] = {"boolean",  "ceiling",    "count", "false",         "floor",
                                     "last",     "local-name", "name",  "namespace-uri", "not",
                                     "position", "round",      "true"};
enum { OTHERS = sizeof(others) / sizeof(others[0]) };

/* What begins with "rill-" is for expressions made of CSS. */
static const struct {
    const char *name;
    xmlXPathFunction call;
} ours[] = {{"concat", rill_strings_concat},
            {"contains", rill_strings_contains},
            {"has-class", rill_matches_class},
            {"id", rill_places_by_id},
            {"normalize-space", rill_strings_normalize},
            {"starts-with", rill_strings_starts_with},
            {"substring-after", rill_strings_after},
            {"substring-before", rill_strings_before},
            {"sum", sum},
            {"translate", rill_strings_translate},
            {"rill-nth", rill_places_nth},
            {"rill-scope", rill_places_is_scope},
            {"rill-within", rill_places_is_within}};
enum { OURS = sizeof(ours) / sizeof(ours[0]) };

xmlXPathFunction rill_functions_find(void *doc, const xmlChar *name, const xmlChar *uri)
{
    (void)doc;
    const char *text = (const char *)name;
    if (uri && !strcmp((const char *)uri, RILL_FUNCTIONS_RE)) {
        if (!strcmp(text, "test"))
            return rill_matches_test;
        return strcmp(text, "match") ? unknown : rill_matches_match;
    }
    if (uri)
        return unknown;
    if (find_own(name))
        return counted;
    for (int i = 0; i < OURS; i++)
        if (!strcmp(ours[i].name, text))
            return ours[i].call;
    for (int i = 0; i < OTHERS; i++)
        if (!strcmp(others[i], text))
            return NULL;
    return unknown;
}
