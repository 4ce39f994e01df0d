/* Large blocks of which mostly little is ever written: each begins on a page of its own, and what
 * is not written takes no memory. They share mappings, since taking one from the system and giving
 * it back costs 50 us. */
#ifndef RILL_SPARSE_H
#define RILL_SPARSE_H

/* A mapping goes when none of its blocks is in use, unless it is the last one with a block to give:
 * where connections come and go, each would map it anew, and have its pages faulted in. */
enum {
    SPARSE_BLOCK = (20 << 10) - 64, /* usable bytes of one */
    SPARSE_BLOCKS = 16              /* of a mapping */
};

/* Zeroed: empty. */
typedef struct rill_sparse {
    struct sparse_mapping *open; /* those with a block to give */
} rill_sparse;

/* NULL when memory ran out. Blocks are aligned for any type. */
void *rill_sparse_alloc(rill_sparse *sparse);
void rill_sparse_free(rill_sparse *sparse, void *block);

/* Gives back what no block is in use of. Those in use stay valid, but must not be freed after. */
void rill_sparse_dispose(rill_sparse *sparse);

#endif
