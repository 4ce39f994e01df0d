/* Retry-After (RFC 9110 section 10.2.3): for how long a server wants to be left alone. */
#ifndef RILL_RETRY_AFTER_H
#define RILL_RETRY_AFTER_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds that a header block (as rill.h has it) asks for, `most_ms` at most: seconds, or a
 * date in one of HTTP's three formats. 0: it asks for nothing that can be understood, or for a time
 * that is over. */
uint64_t rill_retry_after(const char *block, size_t length, uint64_t most_ms);

#endif
