/* Large blocks of which mostly little is ever written: each begins on a page of its own, and what
 * is not written takes no memory. They share mappings, since taking one from the system and giving
 * it back costs 50 us. */
#ifndef RILL_SPARSE_H
#define RILL_SPARSE_H

enum {
    SPARSE_BLOCK = (20 << 10) - 64, /* usable bytes of one */
    SPARSE_BLOCKS = 16              /* of a mapping, which goes when none of them is in use */
};

/* Zeroed: empty. */
typedef struct rill_sparse {
    struct sparse_mapping *open; /* those with a block to give */
} rill_sparse;

/* NULL when memory ran out. Blocks are aligned for any type. */
void *rill_sparse_alloc(rill_sparse *sparse);
void rill_sparse_free(rill_sparse *sparse, void *block);

#endif
