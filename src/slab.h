/* Memory of one loop: free lists by size class, counted. Also nghttp2's allocator. */
#ifndef RILL_SLAB_H
#define RILL_SLAB_H

#include <stddef.h>

/* Size classes are powers of two from 32 B to 16 KiB; larger blocks go to malloc. */
enum { SLAB_CLASSES = 10, SLAB_SMALLEST = 32, SLAB_LARGEST = SLAB_SMALLEST << (SLAB_CLASSES - 1) };

/* A free list keeps at most this many bytes per class; what is freed beyond goes back to malloc, so
 * that a burst does not pin memory for ever. */
enum { SLAB_KEEP_BYTES = 1 << 20 };

typedef struct rill_slab {
    struct slab_free {
        void *first;
        size_t count;
    } free[SLAB_CLASSES];
    size_t bytes; /* in use, headers included */
} rill_slab;

/* Frees what the free lists keep. Blocks still in use stay valid, but must not be freed after. */
void rill_slab_dispose(rill_slab *slab);

/* NULL when memory ran out. Blocks are aligned for any type. */
void *rill_slab_alloc(rill_slab *slab, size_t size);
void *rill_slab_zalloc(rill_slab *slab, size_t size);
/* Keeps the contents up to the smaller size; on NULL the old block is untouched. */
void *rill_slab_realloc(rill_slab *slab, void *block, size_t size);
void rill_slab_free(rill_slab *slab, void *block); /* NULL is fine */

/* Takes a block out of the slab's books for ever; returns what free() is to be called with. */
void *rill_slab_detach(rill_slab *slab, void *block);

#endif
