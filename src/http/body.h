/* A body that outlives its stream, in memory of its own. */
#ifndef RILL_BODY_H
#define RILL_BODY_H

#include "base/bytes.h"
#include "rill.h"

/* Takes the bytes over (they are empty afterwards). NULL when out of memory: then they stay. */
rill_body *rill_body_take(rill_slab *slab, rill_bytes *bytes);

#endif
