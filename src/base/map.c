/* A map from numbers of 64 bits to numbers of 32; the interface is in rill.h. Open addressing in
 * parts that grow each on its own, so that no insert takes long: 12 bytes a place, of which 0.6 to
 * 0.75 are in use. Keys may be chosen by somebody who wants them all in one place: where they stand
 * depends on a secret. */
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

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
    uint64_t secret; /* odd, so that no two keys become one */
    part parts[PARTS];
};

static uint64_t make_secret(void)
{
    uint64_t secret;
    struct timespec now;
    if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) == sizeof(secret))
        return secret | 1;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uintptr_t)&secret) | 1;
}

rill_map *rill_map_new(void)
{
    rill_map *map = calloc(1, sizeof(*map));
    if (map)
        map->secret = make_secret();
    return map;
}

void rill_map_free(rill_map *map)
{
    if (!map)
        return;
    for (int i = 0; i < PARTS; i++)
        free(map->parts[i].entries);
    free(map);
}

/* Of the product only the upper bits depend on all bits of the key: 8 say the part, 32 the place.
 */
static uint64_t mix(uint64_t secret, uint32_t high, uint32_t low)
{
    return ((uint64_t)high << 32 | low) * secret;
}

/* Where the key stands, or would. */
static entry *place(const part *of, uint64_t secret, uint32_t high, uint32_t low)
{
    uint64_t wanted = mix(secret, high, low) >> 24 & UINT32_MAX;
    entry *at = of->entries + (wanted * of->places >> 32), *end = of->entries + of->places;
    while ((at->high || at->low) && (at->high != high || at->low != low))
        if (++at == end)
            at = of->entries;
    return at;
}

static bool grow(part *of, uint64_t secret)
{
    part larger = {.places = of->places ? of->places + of->places / 4 : FIRST, .count = of->count};
    if (larger.places > MOST || !(larger.entries = calloc(larger.places, sizeof(entry))))
        return false;
    for (uint32_t i = 0; i < of->places; i++) {
        const entry *old = &of->entries[i];
        if (old->high || old->low)
            *place(&larger, secret, old->high, old->low) = *old;
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
    low = key_of(high, low);
    const part *of = &map->parts[mix(map->secret, high, low) >> 56];
    if (!of->count)
        return -1;
    const entry *at = place(of, map->secret, high, low);
    return at->high || at->low ? (double)at->value : -1;
}

int32_t rill_map_set(rill_map *map, uint32_t high, uint32_t low, uint32_t value)
{
    if (!map)
        return -RILL_ERROR;
    low = key_of(high, low);
    part *of = &map->parts[mix(map->secret, high, low) >> 56];
    entry *at = of->count ? place(of, map->secret, high, low) : NULL;
    if (at && (at->high || at->low)) {
        at->value = value;
        return 0;
    }
    if (4ull * (of->count + 1ull) > 3ull * of->places) {
        if (!grow(of, map->secret))
            return -RILL_ERROR;
        at = NULL;
    }
    if (!at)
        at = place(of, map->secret, high, low);
    *at = (entry){high, low, value};
    of->count++;
    return 1;
}
