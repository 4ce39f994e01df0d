#include "html/known.h"

#include <stdlib.h>
#include <string.h>

#include "html/seen.h"

enum { MOST = 1 << 24 };

rill_known *rill_known_new(uint32_t most)
{
    rill_known *known = calloc(1, sizeof(*known));
    if (!known)
        return NULL;
    known->seed = rill_seen_seed();
    known->most = most < 1 ? 1 : most > MOST ? MOST : most;
    known->mask = 1;
    while (known->mask + 1 < 2 * known->most)
        known->mask = 2 * known->mask + 1;
    return known;
}

void rill_known_free(rill_known *known)
{
    if (!known)
        return;
    free(known->slots);
    free(known);
}

void rill_known_clear(rill_known *known)
{
    if (!known || !known->count)
        return;
    memset(known->slots, 0, (known->mask + (size_t)1) * sizeof(*known->slots));
    known->count = 0;
}

/* Where the text's hash stands, or would. */
static uint64_t *place(const rill_known *known, const char *text, uint32_t length, uint64_t *hash)
{
    *hash = rill_seen_hash_long(known->seed, text, length);
    if (!*hash)
        *hash = 1;
    uint64_t *slot = &known->slots[*hash & known->mask];
    while (*slot && *slot != *hash)
        slot = slot == &known->slots[known->mask] ? known->slots : slot + 1;
    return slot;
}

bool rill_known_has(const rill_known *known, const char *text, uint32_t length)
{
    uint64_t hash;
    return known && known->count && text && *place(known, text, length, &hash);
}

void rill_known_add(rill_known *known, const char *text, uint32_t length)
{
    uint64_t hash;
    if (!known || !text)
        return;
    if (!known->slots)
        known->slots = calloc(known->mask + (size_t)1, sizeof(*known->slots));
    if (!known->slots)
        return; /* it stays unknown */
    uint64_t *slot = place(known, text, length, &hash);
    if (*slot)
        return;
    if (known->count == known->most) {
        rill_known_clear(known);
        slot = &known->slots[hash & known->mask];
    }
    *slot = hash;
    known->count++;
}
