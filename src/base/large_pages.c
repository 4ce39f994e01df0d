/* Memory in pages of 2 MiB, for what malloc() hands out; and blocks that come back to it. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rill.h"

/* By default glibc lets small blocks that are freed lie where they are, and goes through all of
 * them when it is next asked for 1 KiB or more. A document leaves thousands of them, and the next
 * one needs such blocks. */
static void join_at_once(void)
{
#ifdef M_MXFAST
    mallopt(M_MXFAST, 0);
#endif
}

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
static void make_large_pages(void)
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

static void make_large_pages(void)
{
}

#endif

void rill_expect_bodies(void)
{
    join_at_once();
    make_large_pages();
}
