/* Long blocks, each a mapping of its own: none of their pages was written before, and all go back
 * to the system at once. For bodies that become large, of which a process has few. */
#ifndef RILL_LONG_BLOCK_H
#define RILL_LONG_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/process.h"

/* From here on: glibc's malloc() maps what is larger, too, whatever was freed before. What is
 * shorter it may have at hand, written before, at a tenth of what new pages cost. */
enum { LONG_BLOCK = 32 << 20 };

/* A body that is announced as long has a long block once so much of it has arrived. */
enum { LONG_BLOCK_EARNED = LONG_BLOCK / 8 };

static inline bool rill_long_block_is_earned(uint64_t arrived, uint64_t announced)
{
    return arrived > LONG_BLOCK_EARNED && announced >= LONG_BLOCK;
}

/* NULL when memory ran out. */
void *rill_long_block_new(size_t size);
/* Keeps the contents up to the smaller size; on NULL the old block is untouched. */
void *rill_long_block_resize(void *block, size_t before, size_t size);
/* From now on it can only be read: whoever writes there gets a SIGSEGV. Under a hypervisor as
 * described below the first look at all of it then takes a fifth of the time. */
void rill_long_block_seal(void *block, size_t size);
void rill_long_block_free(void *block, size_t size);

/* Has the system write `length` bytes to `to`, which may be anywhere. It finds each page and fills
 * it by itself, so the program has no fault on one that is new. Under a hypervisor that keeps page
 * tables of its own that is most of what such a page costs, elsewhere it costs what a copy does.
 * `process`: in a child of it nothing is written. False: not done, or in part; it is to be copied.
 * A filter of system calls may refuse it. */
bool rill_long_block_write(const rill_process *process, char *to, const void *data, size_t length);

#endif
