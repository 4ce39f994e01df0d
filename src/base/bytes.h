/* Bytes that grow: one contiguous run, and a queue of blocks. Memory comes from the loop's slab. */
#ifndef RILL_BYTES_H
#define RILL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/long_block.h"
#include "base/slab.h"

/* A run of bytes; borrowed. */
typedef struct rill_chars {
    const char *data;
    size_t length;
} rill_chars;

/* That of a literal. */
#define RILL_CHARS(literal) ((rill_chars){literal, sizeof(literal) - 1})

/* Whether it is `word`: for a literal that is one comparison of two lengths, mostly. */
static inline bool rill_chars_are(rill_chars text, const char *word)
{
    return text.length == strlen(word) && !memcmp(text.data, word, text.length);
}

/* One contiguous run. Zeroed: empty. */
typedef struct rill_bytes {
    char *data;
    size_t length, room;
} rill_bytes;

/* Whether it is better appended to than written: see base/long_block.h. */
static inline bool rill_bytes_is_long(const rill_bytes *bytes)
{
    return bytes->room >= LONG_BLOCK;
}

/* False when memory ran out; then nothing changed. */
bool rill_bytes_append(rill_slab *slab, rill_bytes *bytes, const void *data, size_t length);
/* Several, one behind the other; room is made once. */
bool rill_bytes_join(rill_slab *slab, rill_bytes *bytes, const rill_chars *parts, size_t count);
bool rill_bytes_reserve(rill_slab *slab, rill_bytes *bytes, size_t room);
void rill_bytes_consume(rill_bytes *bytes, size_t length); /* drops the first `length` */
void rill_bytes_dispose(rill_slab *slab, rill_bytes *bytes);

/* A queue of blocks: what arrives is read in order, and what was read goes back at once. The first
 * block is small, so that many short bodies cost little. */
enum { CHUNK_FIRST = 4 << 10, CHUNK_ROOM = 64 << 10 };

typedef struct rill_chunk rill_chunk;
typedef struct rill_chunks {
    rill_chunk *first, *last;
    size_t length; /* unread bytes in all blocks */
} rill_chunks;

bool rill_chunks_append(rill_slab *slab, rill_chunks *chunks, const void *data, size_t length);

/* All that is unread becomes one block. False: out of memory; then nothing changed. */
bool rill_chunks_join(rill_slab *slab, rill_chunks *chunks);

/* What stands at the front, `*data` as for take. Returns the number of bytes, 0 when empty. */
size_t rill_chunks_peek(rill_slab *slab, rill_chunks *chunks, const char **data);

/* Takes up to `max` bytes off the front: `*data` is good until the next call on these chunks.
 * Returns their number, 0 when empty. */
size_t rill_chunks_take(rill_slab *slab, rill_chunks *chunks, size_t max, const char **data);
void rill_chunks_dispose(rill_slab *slab, rill_chunks *chunks);

#endif
