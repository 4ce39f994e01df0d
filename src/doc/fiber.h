/* Functions on a stack of their own, one at a time, which may stop in the middle and go on later:
 * for a library that reads a whole page in one call. No Lua runs there. */
#ifndef RILL_FIBER_H
#define RILL_FIBER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rill_fiber rill_fiber;

/* Those of one thread that nothing runs on, up to so many. A stack costs five system calls and two
 * page faults, each of which stops the process' other threads too. Zeroed: there are none. */
enum { RILL_FIBERS = 2 };
typedef struct rill_fibers {
    rill_fiber *list[RILL_FIBERS];
    size_t count;
} rill_fibers;

/* Takes one of them, or makes one. NULL: out of memory. */
rill_fiber *rill_fibers_take(rill_fibers *fibers);

/* Keeps one, on which all has returned, or frees it. */
void rill_fibers_give(rill_fibers *fibers, rill_fiber *fiber);
void rill_fibers_dispose(rill_fibers *fibers);

/* Prepares run(arg). What ran before has returned. */
void rill_fiber_start(rill_fiber *fiber, void (*run)(void *), void *arg);

/* Runs until it pauses or returns. False: it has returned. */
bool rill_fiber_resume(rill_fiber *fiber);

/* Called by what runs in it. */
void rill_fiber_pause(rill_fiber *fiber);

/* What was started and has not returned never does. NULL is fine. */
void rill_fiber_free(rill_fiber *fiber);

#endif
