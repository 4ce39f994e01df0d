#include "doc/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Pages are taken as they are touched, and few are. An expression of 4 KiB that is nothing but
 * operators needs 0.6 MiB, and three times that under sanitizers. */
enum { STACK_BYTES = 4 << 20 };

struct rill_fiber {
    ucontext_t caller, own;
    char *stack;
    size_t size;
    void (*run)(void *);
    void *arg;
    bool returned;
};

/* makecontext() passes ints only. */
static void start(unsigned high, unsigned low)
{
    rill_fiber *fiber = (rill_fiber *)((uintptr_t)high << 16 << 16 | low);
    fiber->run(fiber->arg);
    fiber->returned = true;
    swapcontext(&fiber->own, &fiber->caller);
}

/* Below the stack lies a page that faults. */
static bool make_stack(rill_fiber *fiber, size_t page)
{
    fiber->size = STACK_BYTES + page;
    fiber->stack = mmap(NULL, fiber->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return fiber->stack != MAP_FAILED && !mprotect(fiber->stack, page, PROT_NONE);
}

void rill_fiber_free(rill_fiber *fiber)
{
    if (!fiber)
        return;
    if (fiber->stack != MAP_FAILED)
        munmap(fiber->stack, fiber->size);
    free(fiber);
}

static rill_fiber *make_fiber(void)
{
    rill_fiber *fiber = calloc(1, sizeof(*fiber));
    if (!fiber)
        return NULL;
    if (make_stack(fiber, (size_t)sysconf(_SC_PAGESIZE)))
        return fiber;
    rill_fiber_free(fiber);
    return NULL;
}

/* The context is taken each time: it holds the signal mask, which may be another one by now. */
bool rill_fiber_start(rill_fiber *fiber, void (*run)(void *), void *arg)
{
    uintptr_t address = (uintptr_t)fiber;
    if (getcontext(&fiber->own))
        return false;
    fiber->run = run;
    fiber->arg = arg;
    fiber->returned = false;
    fiber->own.uc_stack.ss_sp = fiber->stack + fiber->size - STACK_BYTES;
    fiber->own.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber->own, (void (*)(void))start, 2, (unsigned)(address >> 16 >> 16),
                (unsigned)address);
    return true;
}

bool rill_fiber_resume(rill_fiber *fiber)
{
    swapcontext(&fiber->caller, &fiber->own);
    return !fiber->returned;
}

void rill_fiber_pause(rill_fiber *fiber)
{
    swapcontext(&fiber->own, &fiber->caller);
}

rill_fiber *rill_fibers_take(rill_fibers *fibers)
{
    return fibers->count ? fibers->list[--fibers->count] : make_fiber();
}

void rill_fibers_give(rill_fibers *fibers, rill_fiber *fiber)
{
    if (fiber && fibers->count < RILL_FIBERS)
        fibers->list[fibers->count++] = fiber;
    else
        rill_fiber_free(fiber);
}

void rill_fibers_dispose(rill_fibers *fibers)
{
    while (fibers->count)
        rill_fiber_free(fibers->list[--fibers->count]);
}
