/* What a response may take: the client's limits, with what a request asked for instead. */
#ifndef RILL_LIMITS_H
#define RILL_LIMITS_H

#include <stdint.h>

typedef struct rill_account rill_account;

/* Made in the settings; a call has its own, which owns `types`, and its streams borrow that. */
typedef struct rill_limits {
    uint64_t maxsize, warnsize; /* bytes of the body; 0: no limit */
    uint32_t max_header_list;   /* bytes of all heads (RFC 9113 section 6.5.2); 0: no limit */
    uint32_t window;            /* receive window of a stream at first */
    rill_account *account;      /* borrowed, the pool's: what max_buffered counts */
    const char *types;          /* of bodies that are wanted, see rill_request; NULL: all are */
} rill_limits;

#endif
