/* A map from numbers of 64 bits to numbers of 32; the interface is in rill.h. Open addressing in
 * parts that grow each on its own, so that no insert takes long: 12 bytes a place, of which 0.6 to
 * 0.75 are in use. */
#include <stdlib.h>
#include <string.h>

#include "rill.h"

/* Places of a part at first; it grows by a quarter of what is in use, however large that is. */
enum { PARTS = 256, FIRST = 16, MOST = 1 << 30 };

typedef struct entry {
    uint32_t high, low, value; /* no key: free */
} entry;

typedef struct part {
    entry *entries;
    uint32_t places, count;
} part;

struct rill_map {
    part parts[PARTS];
};

rill_map *rill_map_new(void)
{
    return calloc(1, sizeof(rill_map));
}

void rill_map_free(rill_map *map)
{
    if (!map)
        return;
    for (int i = 0; i < PARTS; i++)
        free(map->parts[i].entries);
    free(map);
}

/* Where the key stands, or would. */
static entry *place(const part *of, uint32_t high, uint32_t low)
{
    entry *at = of->entries + ((uint64_t)low * of->places >> 32), *end = of->entries + of->places;
    while ((at->high || at->low) && (at->high != high || at->low != low))
        if (++at == end)
            at = of->entries;
    return at;
}

static bool grow(part *of)
{
    part larger = {.places = of->places ? of->places + of->places / 4 : FIRST, .count = of->count};
    if (larger.places > MOST || !(larger.entries = calloc(larger.places, sizeof(entry))))
        return false;
    for (uint32_t i = 0; i < of->places; i++) {
        const entry *old = &of->entries[i];
        if (old->high || old->low)
            *place(&larger, old->high, old->low) = *old;
    }
    free(of->entries);
    *of = larger;
    return true;
}

/* 0 marks a free place. */
static uint32_t key_of(uint32_t high, uint32_t low)
{
    return high || low ? low : 1;
}

double rill_map_get(const rill_map *map, uint32_t high, uint32_t low)
{
    if (!map)
        return -1;
    const part *of = &map->parts[high >> 24];
    if (!of->count)
        return -1;
    const entry *at = place(of, high, key_of(high, low));
    return at->high || at->low ? (double)at->value : -1;
}

int32_t rill_map_set(rill_map *map, uint32_t high, uint32_t low, uint32_t value)
{
    if (!map)
        return -RILL_ERROR;
    part *of = &map->parts[high >> 24];
    if (4ull * (of->count + 1ull) > 3ull * of->places && !grow(of))
        return -RILL_ERROR;
    low = key_of(high, low);
    entry *at = place(of, high, low);
    bool is_new = !at->high && !at->low;
    *at = (entry){high, low, value};
    of->count += is_new;
    return is_new;
}
