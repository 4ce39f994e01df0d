#include "base/bytes.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

enum {
    /* A long run that grows has its next pages brought in together, so many bytes of them: the
     * system asks about half for that of what it asks for a fault on each (measured). So little is
     * lost where it grows no more, and short runs are left alone: a peer may announce what it does
     * not send. */
    BYTES_AHEAD = 128 << 10,
    BYTES_LONG = 1 << 20
};

struct rill_chunk {
    rill_chunk *next;
    size_t start, end, room;
    char data[];
};

bool rill_bytes_reserve(rill_slab *slab, rill_bytes *bytes, size_t room)
{
    if (room <= bytes->room)
        return true;
    char *data = rill_slab_realloc(slab, bytes->data, room);
    if (!data)
        return false;
    bytes->data = data;
    bytes->room = room;
    return true;
}

/* For what is written from `at` on. Where the system knows no such call, each page has its fault.
 */
static void bring_in(const rill_bytes *bytes, size_t at)
{
#ifdef MADV_POPULATE_WRITE
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t length = bytes->room - at < BYTES_AHEAD ? bytes->room - at : BYTES_AHEAD;
    uintptr_t start = (uintptr_t)(bytes->data + at) & ~(page - 1);
    uintptr_t end = (uintptr_t)(bytes->data + at + length);
    madvise((void *)start, end - start, MADV_POPULATE_WRITE);
#else
    (void)bytes, (void)at;
#endif
}

/* There is room. A function of its own, which keeps the code of the short ones small. */
static RILL_APART void put_in_long(const rill_slab *slab, rill_bytes *bytes, const void *data,
                                   size_t length)
{
    char *end = bytes->data + bytes->length;
    size_t wanted = bytes->length + length;
    assert(wanted <= bytes->room); /* no sanitizer sees what the system writes */
    if (rill_bytes_is_long(bytes) && rill_long_block_write(slab->process, end, data, length))
        return;
    if (wanted / BYTES_AHEAD > bytes->length / BYTES_AHEAD)
        bring_in(bytes, wanted / BYTES_AHEAD * BYTES_AHEAD);
    if (length)
        memcpy(end, data, length);
}

bool rill_bytes_append(rill_slab *slab, rill_bytes *bytes, const void *data, size_t length)
{
    if (length > SIZE_MAX / 2 - bytes->length)
        return false;
    size_t wanted = bytes->length + length;
    if (wanted > bytes->room) {
        size_t room = bytes->room ? bytes->room * 2 : SLAB_SMALLEST * 4;
        if (!rill_bytes_reserve(slab, bytes, room > wanted ? room : wanted))
            return false;
    }
    if (wanted > BYTES_LONG)
        put_in_long(slab, bytes, data, length);
    else if (length)
        memcpy(bytes->data + bytes->length, data, length);
    bytes->length = wanted;
    return true;
}

bool rill_bytes_join(rill_slab *slab, rill_bytes *bytes, const rill_chars *parts, size_t count)
{
    size_t wanted = bytes->length;
    for (size_t i = 0; i < count; i++)
        wanted += parts[i].length;
    if (!rill_bytes_reserve(slab, bytes, wanted))
        return false;
    for (size_t i = 0; i < count; i++)
        rill_bytes_append(slab, bytes, parts[i].data, parts[i].length);
    return true;
}

void rill_bytes_consume(rill_bytes *bytes, size_t length)
{
    bytes->length -= length;
    memmove(bytes->data, bytes->data + length, bytes->length);
}

void rill_bytes_dispose(rill_slab *slab, rill_bytes *bytes)
{
    rill_slab_free(slab, bytes->data);
    *bytes = (rill_bytes){0};
}

static rill_chunk *add_chunk(rill_slab *slab, rill_chunks *chunks, size_t room)
{
    rill_chunk *chunk = rill_slab_alloc(slab, sizeof(*chunk) + room);
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->start = chunk->end = 0;
    chunk->room = room;
    *(chunks->last ? &chunks->last->next : &chunks->first) = chunk;
    chunks->last = chunk;
    return chunk;
}

static rill_chunk *new_chunk(rill_slab *slab, rill_chunks *chunks, size_t length)
{
    size_t room = chunks->last || length > CHUNK_FIRST ? CHUNK_ROOM : CHUNK_FIRST;
    return add_chunk(slab, chunks, room);
}

static void drop_first(rill_slab *slab, rill_chunks *chunks)
{
    rill_chunk *chunk = chunks->first;
    chunks->first = chunk->next;
    if (!chunks->first)
        chunks->last = NULL;
    rill_slab_free(slab, chunk);
}

bool rill_chunks_append(rill_slab *slab, rill_chunks *chunks, const void *data, size_t length)
{
    while (length) {
        rill_chunk *chunk = chunks->last;
        if (chunk && chunk->start == chunk->end)
            chunk->start = chunk->end = 0; /* all read: from the start again */
        if (!chunk || chunk->end == chunk->room)
            chunk = new_chunk(slab, chunks, length);
        if (!chunk)
            return false;
        size_t part = chunk->room - chunk->end < length ? chunk->room - chunk->end : length;
        memcpy(chunk->data + chunk->end, data, part);
        chunk->end += part;
        chunks->length += part;
        data = (const char *)data + part;
        length -= part;
    }
    return true;
}

size_t rill_chunks_peek(rill_slab *slab, rill_chunks *chunks, const char **data)
{
    while (chunks->first && chunks->first->start == chunks->first->end && chunks->first->next)
        drop_first(slab, chunks);
    rill_chunk *chunk = chunks->first;
    if (!chunk)
        return 0;
    *data = chunk->data + chunk->start;
    return chunk->end - chunk->start;
}

size_t rill_chunks_take(rill_slab *slab, rill_chunks *chunks, size_t max, const char **data)
{
    size_t length = rill_chunks_peek(slab, chunks, data);
    if (length > max)
        length = max;
    if (!length)
        return 0;
    chunks->first->start += length;
    chunks->length -= length;
    return length;
}

bool rill_chunks_join(rill_slab *slab, rill_chunks *chunks)
{
    const char *data;
    size_t length = rill_chunks_peek(slab, chunks, &data);
    if (length == chunks->length)
        return true;
    rill_chunks joined = {0};
    if (!add_chunk(slab, &joined, chunks->length))
        return false;
    for (; length; length = rill_chunks_peek(slab, chunks, &data)) {
        rill_chunks_append(slab, &joined, data, length);
        drop_first(slab, chunks);
    }
    *chunks = joined;
    return true;
}

void rill_chunks_dispose(rill_slab *slab, rill_chunks *chunks)
{
    while (chunks->first)
        drop_first(slab, chunks);
    chunks->length = 0;
}
