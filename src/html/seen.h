/* A hash table of numbers: which entry of a list has this hash. What the entries are is the
 * caller's; it compares. */
#ifndef RILL_SEEN_H
#define RILL_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RILL_SEEN_NONE = UINT32_MAX };

typedef struct rill_seen_slot {
    uint32_t hash, number; /* RILL_SEEN_NONE: free */
} rill_seen_slot;

/* Zeroed: empty. */
typedef struct rill_seen {
    rill_seen_slot *slots;
    uint32_t room, mask, used; /* room: slots that there are; mask: those in use less one */
} rill_seen;

/* Empties it. The memory is kept, and only what the last use needed is touched again. */
void rill_seen_clear(rill_seen *seen);
void rill_seen_dispose(rill_seen *seen);

/* The next number with this hash; RILL_SEEN_NONE: no other. `*cursor` is the hash at first. */
uint32_t rill_seen_next(const rill_seen *seen, uint32_t hash, uint32_t *cursor);

/* False: out of memory. */
bool rill_seen_add(rill_seen *seen, uint32_t hash, uint32_t number);

/* Of any bytes; who does not know the seed cannot choose bytes that collide. */
uint32_t rill_seen_hash(uint64_t seed, const void *bytes, size_t length);
uint64_t rill_seen_hash_long(uint64_t seed, const void *bytes, size_t length);
uint64_t rill_seen_seed(void);

#endif
