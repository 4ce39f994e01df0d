/* Memory of one loop: free lists by size class, counted. Also nghttp2's allocator. */
#ifndef RILL_SLAB_H
#define RILL_SLAB_H

#include <stddef.h>

#include "base/process.h"
#include "base/shelf.h"
#include "base/sparse.h"

/* Size classes go from 32 B to 128 KiB in steps of a quarter of the power of two below, so that a
 * block wastes a fifth at most; larger blocks come from the shelf or from malloc, long ones from
 * the system. Bodies up to 64 KiB and chunks are in them: malloc gives such memory back to the
 * system when it is freed, and every page of it is faulted in again (measured: a fifth of the CPU
 * of such a body). */
enum { SLAB_SMALLEST = 32, SLAB_LARGEST = 128 << 10, SLAB_CLASSES = 1 + 4 * 12 };

/* From here on, up to SPARSE_BLOCK, rill_slab_alloc_sparse() takes pages of their own. */
enum { SLAB_SPARSE = 16 << 10 };

/* The free lists keep at most this many bytes together; what is freed beyond goes back to malloc,
 * so that a burst does not pin memory for ever. */
enum { SLAB_KEEP_BYTES = 4 << 20 };

typedef struct rill_slab {
    void *free[SLAB_CLASSES]; /* lists, linked through the blocks */
    size_t kept;              /* bytes in them, headers included */
    size_t taken;             /* bytes taken from malloc, what is kept included, and sparse ones */
    rill_sparse sparse;
    rill_shelf *shelf;           /* one reference; NULL: larger blocks are malloc's */
    const rill_process *process; /* whose memory it is, borrowed; NULL: not known */
} rill_slab;

/* Bytes in use, headers included. */
static inline size_t rill_slab_bytes(const rill_slab *slab)
{
    return slab->taken - slab->kept;
}

/* Frees what the free lists keep. Blocks still in use stay valid, but must not be freed after. */
void rill_slab_dispose(rill_slab *slab);

/* NULL when memory ran out. Blocks are aligned for any type. */
void *rill_slab_alloc(rill_slab *slab, size_t size);
/* The same, on pages of their own from SLAB_SPARSE on: a large buffer of which little is ever
 * written takes no more than that. Must not be detached. */
void *rill_slab_alloc_sparse(rill_slab *slab, size_t size);
void *rill_slab_zalloc(rill_slab *slab, size_t size);
/* Keeps the contents up to the smaller size; on NULL the old block is untouched. */
void *rill_slab_realloc(rill_slab *slab, void *block, size_t size);
void rill_slab_free(rill_slab *slab, void *block); /* NULL is fine */

/* Takes a block, which is only read from now on, out of the slab's books for ever. Returns what
 * rill_slab_free_detached() is to be called with, and the slab's shelf, which is held meanwhile. */
void *rill_slab_detach(rill_slab *slab, void *block);
void rill_slab_free_detached(rill_shelf *shelf, void *detached); /* NULL is fine */

#endif
