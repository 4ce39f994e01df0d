/* Functions on a stack of their own, one at a time, which may stop in the middle and go on later:
 * for a library that reads a whole page in one call. No Lua runs there. */
#ifndef RILL_FIBER_H
#define RILL_FIBER_H

#include <stdbool.h>

typedef struct rill_fiber rill_fiber;

/* NULL: out of memory. */
rill_fiber *rill_fiber_new(void);

/* Prepares run(arg). What ran before has returned. */
void rill_fiber_start(rill_fiber *fiber, void (*run)(void *), void *arg);

/* Runs until it pauses or returns. False: it has returned. */
bool rill_fiber_resume(rill_fiber *fiber);

/* Called by what runs in it. */
void rill_fiber_pause(rill_fiber *fiber);

/* What was started and has not returned never does. NULL is fine. */
void rill_fiber_free(rill_fiber *fiber);

#endif
