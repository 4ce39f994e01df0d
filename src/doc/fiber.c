/* With it longjmp() refuses to go to another stack, as GCC and glibc see it. */
#undef _FORTIFY_SOURCE

#include "doc/fiber.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Pages are taken as they are touched, and few are. An expression of 4 KiB that is nothing but
 * operators needs 0.6 MiB, and three times that under sanitizers. */
enum { STACK_BYTES = 4 << 20 };

/* AddressSanitizer follows swapcontext() to another stack, and no longjmp(). */
#if defined(__SANITIZE_ADDRESS__)
#define BY_CONTEXT 1
#elif defined(__has_feature)
#define BY_CONTEXT __has_feature(address_sanitizer)
#else
#define BY_CONTEXT 0
#endif

/* Where a stack was left. */
#if BY_CONTEXT
typedef ucontext_t place;
#else
typedef jmp_buf place;
#endif

struct rill_fiber {
    place caller, own;
    char *stack;
    size_t size;
    void (*run)(void *);
    void *arg;
    bool returned;
};

/* Leaves a stack for another one. The signal mask stays as it is: swapcontext() sets it, by a
 * system call, and a page that is asked by four selectors changes stacks eight times. */
static void change(place *from, place *to)
{
#if BY_CONTEXT
    sigprocmask(SIG_SETMASK, NULL, &to->uc_sigmask);
    swapcontext(from, to);
#else
    if (!_setjmp(*from))
        _longjmp(*to, 1);
#endif
}

/* All that runs on the stack, one after the other. makecontext() passes ints only. */
static void run_all(unsigned high, unsigned low)
{
    rill_fiber *fiber = (rill_fiber *)((uintptr_t)high << 16 << 16 | low);
    for (;;) {
        change(&fiber->own, &fiber->caller);
        fiber->run(fiber->arg);
        fiber->returned = true;
    }
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

/* Enters the stack for the first time: run_all() comes back at once. */
static bool enter(rill_fiber *fiber)
{
    uintptr_t address = (uintptr_t)fiber;
    ucontext_t first;
    if (getcontext(&first))
        return false;
    first.uc_link = NULL;
    first.uc_stack.ss_sp = fiber->stack + fiber->size - STACK_BYTES;
    first.uc_stack.ss_size = STACK_BYTES;
    makecontext(&first, (void (*)(void))run_all, 2, (unsigned)(address >> 16 >> 16),
                (unsigned)address);
#if BY_CONTEXT
    return !swapcontext(&fiber->caller, &first);
#else
    if (_setjmp(fiber->caller))
        return true;
    setcontext(&first); /* comes back only where it fails */
    return false;
#endif
}

static rill_fiber *make_fiber(void)
{
    rill_fiber *fiber = calloc(1, sizeof(*fiber));
    if (!fiber)
        return NULL;
    if (make_stack(fiber, (size_t)sysconf(_SC_PAGESIZE)) && enter(fiber))
        return fiber;
    rill_fiber_free(fiber);
    return NULL;
}

void rill_fiber_start(rill_fiber *fiber, void (*run)(void *), void *arg)
{
    fiber->run = run;
    fiber->arg = arg;
    fiber->returned = false;
}

bool rill_fiber_resume(rill_fiber *fiber)
{
    change(&fiber->caller, &fiber->own);
    return !fiber->returned;
}

void rill_fiber_pause(rill_fiber *fiber)
{
    change(&fiber->own, &fiber->caller);
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
