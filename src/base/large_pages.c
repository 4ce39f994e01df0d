/* Memory in pages of 2 MiB, for what malloc() hands out. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rill.h"

#ifdef MADV_HUGEPAGE

enum { LARGE_PAGE = 2 << 20, EXPECTED = 28 << 20 };

/* A block that the compiler does not leave out. */
static char *take(size_t size)
{
    char *block = malloc(size);
    if (block)
        *(volatile char *)block = 0;
    return block;
}

/* glibc gives so large a block a mapping of its own, until one of that size was freed: from then on
 * it is cut from the heap, and when it is freed, the heap keeps its place. */
void rill_expect_bodies(void)
{
    free(take(EXPECTED + LARGE_PAGE));
    char *block = take(EXPECTED);
    if (!block)
        return;
    size_t skipped = -(uintptr_t)block & (LARGE_PAGE - 1);
    madvise(block + skipped, (EXPECTED - skipped) & ~(size_t)(LARGE_PAGE - 1), MADV_HUGEPAGE);
    free(block);
}

#else

void rill_expect_bodies(void)
{
}

#endif
