/* Descriptors of other libraries that a script waits for. */
#ifndef RILL_WATCH_H
#define RILL_WATCH_H

#include "api/loop.h"

/* The first of a list; NULL: it is empty. */
rill_watch *rill_watch_first(const rill_list *list);

/* Ends it, with its id; the descriptor is the caller's as before. */
void rill_watch_free(rill_watch *watch);

#endif
