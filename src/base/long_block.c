#include "base/long_block.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/error.h"

void *rill_long_block_new(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

/* Where a filter of system calls refuses to move one: its pages are there twice for a moment. */
static RILL_COLD void *copy(void *block, size_t before, size_t size)
{
    void *made = rill_long_block_new(size);
    if (!made)
        return NULL;
    memcpy(made, block, before < size ? before : size);
    munmap(block, before);
    return made;
}

void *rill_long_block_resize(void *block, size_t before, size_t size)
{
    void *moved = mremap(block, before, size, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED)
        return moved;
    return errno == ENOMEM ? NULL : copy(block, before, size);
}

void rill_long_block_seal(void *block, size_t size)
{
    mprotect(block, size, PROT_READ);
}

void rill_long_block_free(void *block, size_t size)
{
    munmap(block, size);
}

bool rill_long_block_write(const rill_process *process, char *to, const void *data, size_t length)
{
    if (!process || !rill_process_is_own(process))
        return false;
    struct iovec from = {.iov_base = (void *)data, .iov_len = length};
    struct iovec there = {.iov_base = to, .iov_len = length};
    return process_vm_writev(process->id, &from, 1, &there, 1, 0) == (ssize_t)length;
}
