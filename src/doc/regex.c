#define PCRE2_CODE_UNIT_WIDTH 8
#include "doc/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory that a match may take, in KiB. */
enum { HEAP_KIB = 8 << 10 };

typedef struct rill_regex {
    char *pattern;
    bool caseless;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
} rill_regex;

static void free_regex(rill_regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    free(regex->pattern);
    free(regex);
}

static rill_regex *refuse(rill_regex *regex, rill_doc_problem *problem, int code, size_t at)
{
    char why[160];
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why)) == PCRE2_ERROR_BADDATA)
        snprintf(why, sizeof(why), "error %d", code);
    snprintf(problem->text, sizeof(problem->text), "regular expression: %s at %zu", why, at);
    free_regex(regex);
    return NULL;
}

static rill_regex *make(const char *pattern, bool caseless, rill_doc_problem *problem)
{
    rill_regex *regex = calloc(1, sizeof(*regex));
    int code = PCRE2_ERROR_NOMEMORY;
    PCRE2_SIZE at = 0;
    if (!regex || !(regex->pattern = strdup(pattern)))
        return refuse(regex, problem, code, at);
    regex->caseless = caseless;
    regex->code = pcre2_compile(
        (PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
        PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (caseless ? PCRE2_CASELESS : 0), &code, &at, NULL);
    if (!regex->code)
        return refuse(regex, problem, code, at);
    regex->match = pcre2_match_data_create(1, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    if (!regex->match || !regex->limits)
        return refuse(regex, problem, PCRE2_ERROR_NOMEMORY, 0);
    pcre2_set_match_limit(regex->limits, RILL_DOC_MATCH);
    pcre2_set_heap_limit(regex->limits, HEAP_KIB);
    return regex;
}

static rill_regex *find(rill_regexes *all, const char *pattern, bool caseless,
                        rill_doc_problem *problem)
{
    for (int i = 0; i < all->count; i++)
        if (all->list[i]->caseless == caseless && !strcmp(all->list[i]->pattern, pattern))
            return all->list[i];
    rill_regex *regex = make(pattern, caseless, problem);
    if (!regex)
        return NULL;
    int place = all->count < RILL_DOC_PATTERNS ? all->count++ : all->next++ % RILL_DOC_PATTERNS;
    free_regex(all->list[place]);
    all->list[place] = regex;
    return regex;
}

int rill_regex_find(rill_regexes *regexes, const char *pattern, const char *flags, const char *text,
                    size_t length, size_t *from, size_t *to, rill_doc_problem *problem)
{
    rill_regex *regex = find(regexes, pattern, strchr(flags, 'i') != NULL, problem);
    if (!regex)
        return -1;
    int code =
        pcre2_match(regex->code, (PCRE2_SPTR)text, length, 0, 0, regex->match, regex->limits);
    if (code == PCRE2_ERROR_NOMATCH)
        return 0;
    if (code < 0) {
        char why[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
        problem->limit = true;
        snprintf(problem->text, sizeof(problem->text), "regular expression: %s", why);
        return -1;
    }
    PCRE2_SIZE *where = pcre2_get_ovector_pointer(regex->match);
    *from = where[0];
    *to = where[1];
    return 1;
}

void rill_regexes_dispose(rill_regexes *regexes)
{
    for (int i = 0; i < regexes->count; i++)
        free_regex(regexes->list[i]);
    *regexes = (rill_regexes){0};
}
