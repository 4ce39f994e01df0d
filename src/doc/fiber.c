#include "doc/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Pages are taken as they are touched: libxml2's parser touches few. */
enum { STACK_BYTES = 512 << 10 };

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
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    return fiber->stack != MAP_FAILED && !mprotect(fiber->stack, page, PROT_NONE);
}

static bool make_context(rill_fiber *fiber, size_t page)
{
    if (getcontext(&fiber->own))
        return false;
    uintptr_t address = (uintptr_t)fiber;
    fiber->own.uc_stack.ss_sp = fiber->stack + page;
    fiber->own.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber->own, (void (*)(void))start, 2, (unsigned)(address >> 16 >> 16),
                (unsigned)address);
    return true;
}

rill_fiber *rill_fiber_new(void (*run)(void *), void *arg)
{
    rill_fiber *fiber = calloc(1, sizeof(*fiber));
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!fiber)
        return NULL;
    fiber->run = run;
    fiber->arg = arg;
    if (make_stack(fiber, page) && make_context(fiber, page))
        return fiber;
    rill_fiber_free(fiber);
    return NULL;
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

void rill_fiber_free(rill_fiber *fiber)
{
    if (!fiber)
        return;
    if (fiber->stack != MAP_FAILED)
        munmap(fiber->stack, fiber->size);
    free(fiber);
}
