#include "doc/translate.h"

#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>

/* Characters that are looked at or compared for one operation; operations that are counted
 * together; bytes of a character. */
enum { COMPARED = 4, AT_ONCE = 1024, LONGEST = 4 };

/* Characters that begin with one byte are in a list; of ASCII these have one at most. */
typedef struct change {
    const xmlChar *from, *to;
    size_t length, to_length;
    struct change *next; /* NULL: none */
} change;

struct rill_translation {
    change *lists[256], *all;
};

/* Characters that were looked at, or compared, and are not counted yet. */
typedef struct counter {
    const rill_tick *tick;
    size_t steps;
    bool stopped;
} counter;

static bool count(counter *c, size_t steps)
{
    c->steps += steps;
    if (c->steps < COMPARED * AT_ONCE)
        return !c->stopped;
    c->stopped |= !c->tick->call(c->tick->arg, c->steps / COMPARED);
    c->steps = 0;
    return !c->stopped;
}

static bool count_rest(counter *c)
{
    return !c->stopped && c->tick->call(c->tick->arg, c->steps / COMPARED);
}

/* 0 at the end. */
static size_t length_of(const xmlChar *at)
{
    size_t length = *at ? 1 : 0;
    while (length && length < LONGEST && (at[length] & 0xc0) == 0x80)
        length++;
    return length;
}

/* Where the change of a character stands, or would; *steps counts those that are compared. */
static change *const *find(const rill_translation *translation, const xmlChar *at, size_t length,
                           size_t *steps)
{
    change *const *one = &translation->lists[*at];
    for (; *one && ((*one)->length != length || memcmp((*one)->from, at, length) != 0); ++*steps)
        one = &(*one)->next;
    return one;
}

/* Fills the lists. False: no more was wanted. */
static bool fill(rill_translation *made, const xmlChar *from, const xmlChar *to, counter *c)
{
    change *next = made->all;
    for (size_t length; (length = length_of(from)); from += length) {
        size_t to_length = length_of(to), steps = 1;
        change **place = (change **)find(made, from, length, &steps);
        if (!*place) { /* the first of equal ones counts */
            *next = (change){from, to, length, to_length, NULL};
            *place = next++;
        }
        to += to_length;
        if (!count(c, steps))
            return false;
    }
    return count_rest(c);
}

rill_translation *rill_translation_new(const xmlChar *from, const xmlChar *to,
                                       const rill_tick *tick)
{
    counter c = {.tick = tick};
    rill_translation *made = calloc(1, sizeof(*made));
    if (made)
        made->all = calloc(strlen((const char *)from) + 1, sizeof(*made->all));
    if (made && made->all && fill(made, from, to, &c))
        return made;
    rill_translation_free(made);
    return NULL;
}

void rill_translation_free(rill_translation *translation)
{
    if (!translation)
        return;
    free(translation->all);
    free(translation);
}

xmlChar *rill_translation_apply(const rill_translation *translation, const xmlChar *text,
                                const rill_tick *tick)
{
    counter c = {.tick = tick};
    xmlChar *result = xmlMalloc(LONGEST * strlen((const char *)text) + 1), *end = result;
    for (size_t length; result && (length = length_of(text)); text += length) {
        size_t steps = 1;
        const change *one = *find(translation, text, length, &steps);
        size_t bytes = one ? one->to_length : length;
        memcpy(end, one ? one->to : text, bytes);
        end += bytes;
        if (!count(&c, steps))
            break;
    }
    if (result && count_rest(&c)) {
        *end = '\0';
        return result;
    }
    xmlFree(result);
    return NULL;
}
