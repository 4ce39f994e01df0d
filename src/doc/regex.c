#define PCRE2_CODE_UNIT_WIDTH 8
#include "doc/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory that a match may take, in KiB. */
enum { HEAP_KIB = 8 << 10 };

/* Steps of a match that are counted together; bytes that a repeated item reads in one. */
enum { STEPS_AT_ONCE = 256, BYTES_PER_STEP = 32 };

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
    regex->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT |
                                    (caseless ? PCRE2_CASELESS : 0),
                                &code, &at, NULL);
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

/* A match under way: its limit is one of each place that it begins at, and a step of it may read
 * the whole text. */
typedef struct counter {
    const rill_tick *tick;
    size_t steps, at; /* not counted yet; where the last one was */
} counter;

/* Called by PCRE2 in front of each item of a pattern. */
static int on_step(pcre2_callout_block *block, void *arg)
{
    counter *c = arg;
    size_t at = block->current_position;
    c->steps += 1 + (at > c->at ? at - c->at : c->at - at) / BYTES_PER_STEP;
    c->at = at;
    if (c->steps < STEPS_AT_ONCE)
        return 0;
    size_t steps = c->steps;
    c->steps = 0;
    return c->tick->call(c->tick->arg, steps) ? 0 : PCRE2_ERROR_CALLOUT;
}

int rill_regex_find(rill_regexes *regexes, rill_regex_search *search, rill_doc_problem *problem)
{
    bool caseless = strchr(search->flags, 'i') != NULL;
    rill_regex *regex = find(regexes, search->pattern, caseless, problem);
    if (!regex)
        return -1;
    counter c = {.tick = search->tick};
    pcre2_set_callout(regex->limits, on_step, &c);
    int code = pcre2_match(regex->code, (PCRE2_SPTR)search->text, search->length, 0, 0,
                           regex->match, regex->limits);
    bool left = code != PCRE2_ERROR_CALLOUT && c.tick->call(c.tick->arg, c.steps);
    if (left && code == PCRE2_ERROR_NOMATCH)
        return 0;
    if (code < 0 || !left) {
        char why[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
        problem->limit = true;
        snprintf(problem->text, sizeof(problem->text), "regular expression: %s",
                 left ? why : "too many operations");
        return -1;
    }
    PCRE2_SIZE *where = pcre2_get_ovector_pointer(regex->match);
    search->from = where[0];
    search->to = where[1];
    return 1;
}

void rill_regexes_dispose(rill_regexes *regexes)
{
    for (int i = 0; i < regexes->count; i++)
        free_regex(regexes->list[i]);
    *regexes = (rill_regexes){0};
}
