#include "html/seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { SMALLEST = 256 };

static void empty(rill_seen *seen, uint32_t slots)
{
    seen->mask = slots - 1;
    seen->used = 0;
    memset(seen->slots, 0xff, slots * sizeof(*seen->slots));
}

void rill_seen_clear(rill_seen *seen)
{
    uint32_t slots = SMALLEST;
    while (slots < 4 * seen->used && slots < seen->room)
        slots *= 2;
    if (seen->slots)
        empty(seen, slots);
}

void rill_seen_dispose(rill_seen *seen)
{
    free(seen->slots);
    *seen = (rill_seen){0};
}

uint32_t rill_seen_next(const rill_seen *seen, uint32_t hash, uint32_t *cursor)
{
    if (!seen->slots)
        return RILL_SEEN_NONE;
    for (;;) {
        const rill_seen_slot *slot = &seen->slots[*cursor & seen->mask];
        if (slot->number == RILL_SEEN_NONE)
            return RILL_SEEN_NONE;
        ++*cursor;
        if (slot->hash == hash)
            return slot->number;
    }
}

static void put(rill_seen *seen, uint32_t hash, uint32_t number)
{
    uint32_t at = hash;
    while (seen->slots[at & seen->mask].number != RILL_SEEN_NONE)
        at++;
    seen->slots[at & seen->mask] = (rill_seen_slot){hash, number};
    seen->used++;
}

static bool grow(rill_seen *seen)
{
    rill_seen old = *seen;
    seen->room = old.slots ? 2 * (old.mask + 1) : SMALLEST;
    seen->slots = malloc(seen->room * sizeof(*seen->slots));
    if (!seen->slots) {
        *seen = old;
        return false;
    }
    empty(seen, seen->room);
    for (uint32_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].number != RILL_SEEN_NONE)
            put(seen, old.slots[i].hash, old.slots[i].number);
    free(old.slots);
    return true;
}

bool rill_seen_add(rill_seen *seen, uint32_t hash, uint32_t number)
{
    if ((!seen->slots || 2 * seen->used > seen->mask) && !grow(seen))
        return false;
    put(seen, hash, number);
    return true;
}

uint64_t rill_seen_seed(void)
{
    uint64_t seed;
    struct timespec now;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
        return seed;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uintptr_t)&seed;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t rill_seen_hash_long(uint64_t seed, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t value = seed ^ length, word;
    for (size_t left = length; left; left -= left < 8 ? left : 8, at += 8) {
        word = 0;
        if (left >= 8)
            memcpy(&word, at, 8);
        else
            memcpy(&word, at, left);
        value = mix(value ^ word, seed | 0x8000000000000001u) + 0x9e3779b97f4a7c15u;
    }
    return mix(value, seed ^ 0xa0761d6478bd642fu);
}

uint32_t rill_seen_hash(uint64_t seed, const void *bytes, size_t length)
{
    uint64_t value = rill_seen_hash_long(seed, bytes, length);
    return (uint32_t)(value ^ value >> 32);
}
