/* Texts that were seen before, of which only a hash is kept: 64 bits, from a secret seed. The
 * interface is in rill.h. */
#ifndef RILL_KNOWN_H
#define RILL_KNOWN_H

#include <stdint.h>

#include "rill.h"

struct rill_known {
    uint64_t seed;
    uint64_t *slots; /* 0: free; allocated when the first is added */
    uint32_t mask, count, most;
};

#endif
