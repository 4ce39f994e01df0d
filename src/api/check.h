/* The invariants of everything on a loop, for builds that check them (-DRILL_CHECK). */
#ifndef RILL_CHECK_H
#define RILL_CHECK_H

#include "api/loop.h"

#ifdef RILL_CHECK
/* Aborts where one does not hold. To be called after each pass; with much to walk it does not walk
 * each time. */
void rill_check(rill_loop *loop);
#else
static inline void rill_check(rill_loop *loop)
{
    (void)loop;
}
#endif

#endif
