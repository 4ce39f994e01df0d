/* Memory of one loop: free lists by size class, counted. Also nghttp2's allocator. */
#ifndef RILL_SLAB_H
#define RILL_SLAB_H

#include <stddef.h>

/* Size classes go from 32 B to 16 KiB in steps of a quarter of the power of two below, so that a
 * block wastes a fifth at most; larger blocks go to malloc. */
enum { SLAB_SMALLEST = 32, SLAB_LARGEST = 16 << 10, SLAB_CLASSES = 1 + 4 * 9 };

/* The free lists keep at most this many bytes together; what is freed beyond goes back to malloc,
 * so that a burst does not pin memory for ever. */
enum { SLAB_KEEP_BYTES = 4 << 20 };

typedef struct rill_slab {
    void *free[SLAB_CLASSES]; /* lists, linked through the blocks */
    size_t kept;              /* bytes in them */
    size_t bytes;             /* in use, headers included */
} rill_slab;

/* Frees what the free lists keep. Blocks still in use stay valid, but must not be freed after. */
void rill_slab_dispose(rill_slab *slab);

/* NULL when memory ran out. Blocks are aligned for any type. */
void *rill_slab_alloc(rill_slab *slab, size_t size);
/* The same, on pages of its own where it is larger than SLAB_LARGEST: a large buffer of which
 * little is ever written takes no more than that. Must not be detached. */
void *rill_slab_alloc_sparse(rill_slab *slab, size_t size);
void *rill_slab_zalloc(rill_slab *slab, size_t size);
/* Keeps the contents up to the smaller size; on NULL the old block is untouched. */
void *rill_slab_realloc(rill_slab *slab, void *block, size_t size);
void rill_slab_free(rill_slab *slab, void *block); /* NULL is fine */

/* Takes a block out of the slab's books for ever; returns what free() is to be called with. */
void *rill_slab_detach(rill_slab *slab, void *block);

#endif
