/* Blocks that large bodies have left, for the next ones. malloc() gives such blocks back to the
 * system, which has every page of them faulted in again (measured: a third of the CPU of a body of
 * 256 KiB, half of that of one of 1 MiB). A loop has one shelf, and each body that has left the
 * loop holds it: such a body may be freed after the loop, and by any thread. */
#ifndef RILL_SHELF_H
#define RILL_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size classes beyond SLAB_LARGEST, in the same steps. Of larger bodies few would fit. */
enum { SHELF_LARGEST = 4 << 20, SHELF_CLASSES = 4 * 5 };

/* At most so many bytes: a script's collector gives bodies back by the 16 MiB, and some blocks are
 * those that a body has grown out of. */
enum { SHELF_KEEP_BYTES = 20 << 20 };

/* A class that no body asks for is given back after so long, twice that at most; what is freed then
 * is not kept. */
enum { SHELF_KEEP_MS = 1000 };

typedef struct rill_shelf rill_shelf;

rill_shelf *rill_shelf_new(void); /* with one reference; NULL: out of memory */
rill_shelf *rill_shelf_hold(rill_shelf *shelf);
void rill_shelf_release(rill_shelf *shelf); /* the last one frees what is there; NULL is fine */

/* A block of that class, which is free()'s to free; NULL: there is none. The class counts as asked
 * for. */
void *rill_shelf_take(rill_shelf *shelf, uint32_t class_index);

/* Takes a block over, from malloc(), of `size` bytes. False: it stays the caller's. */
bool rill_shelf_put(rill_shelf *shelf, uint32_t class_index, void *block, size_t size);

/* To be called each SHELF_KEEP_MS. False: nothing is there, and nothing will be put before somebody
 * asks. */
bool rill_shelf_age(rill_shelf *shelf);

/* Nobody will ask any more: what is there is freed, and bodies that end later are not kept, as long
 * as they last. NULL is fine. */
void rill_shelf_close(rill_shelf *shelf);

/* Whether somebody has asked since the last rill_shelf_age(). */
bool rill_shelf_is_asked(const rill_shelf *shelf);

#endif
