#include "doc/translate.h"

#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>

/* Characters that are compared for one operation; ASCII that is. */
enum { COMPARED = 4, FOUND = 8 };

/* Characters that begin with one byte are in a list; of ASCII these have one at most. */
typedef struct change {
    const xmlChar *from, *to;
    size_t length, to_length;
    struct change *next; /* NULL: none */
} change;

struct rill_translation {
    change *lists[256], *all;
    size_t longest; /* list */
};

/* 0 at the end. */
static size_t length_of(const xmlChar *at)
{
    size_t length = *at ? 1 : 0;
    while (length && (at[length] & 0xc0) == 0x80)
        length++;
    return length;
}

static change **find(rill_translation *translation, const xmlChar *at, size_t length, size_t *steps)
{
    change **one = &translation->lists[*at];
    for (; *one && ((*one)->length != length || memcmp((*one)->from, at, length) != 0); ++*steps)
        one = &(*one)->next;
    return one;
}

rill_translation *rill_translation_new(const xmlChar *from, const xmlChar *to)
{
    rill_translation *made = calloc(1, sizeof(*made));
    if (!made)
        return NULL;
    change *next = made->all = calloc(strlen((const char *)from) + 1, sizeof(*next));
    for (size_t length; next && (length = length_of(from)); from += length) {
        size_t to_length = length_of(to), steps = 0;
        change **place = find(made, from, length, &steps);
        if (!*place) { /* the first of equal ones counts */
            *next = (change){from, to, length, to_length, NULL};
            *place = next++;
        }
        if (steps >= made->longest)
            made->longest = steps + 1;
        to += to_length;
    }
    if (made->all)
        return made;
    free(made);
    return NULL;
}

void rill_translation_free(rill_translation *translation)
{
    if (!translation)
        return;
    free(translation->all);
    free(translation);
}

size_t rill_translation_work(const rill_translation *translation, const xmlChar *text)
{
    size_t ascii = 0, others = 0;
    for (; *text; text++)
        if (*text < 0x80)
            ascii++;
        else
            others += (*text & 0xc0) == 0xc0;
    return ascii / FOUND + (translation ? others * (1 + translation->longest) / COMPARED : 0);
}

xmlChar *rill_translation_apply(const rill_translation *translation, const xmlChar *text)
{
    enum { LONGEST = 4 }; /* of UTF-8 */
    xmlChar *result = xmlMalloc(LONGEST * strlen((const char *)text) + 1), *end = result;
    for (size_t length; result && (length = length_of(text)); text += length) {
        const change *one = translation->lists[*text];
        while (one && (one->length != length || memcmp(one->from, text, length) != 0))
            one = one->next;
        size_t bytes = one ? one->to_length : length;
        memcpy(end, one ? one->to : text, bytes);
        end += bytes;
    }
    if (result)
        *end = '\0';
    return result;
}
