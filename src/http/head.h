/* A request's head, as any version of HTTP sends it. All text is borrowed. */
#ifndef RILL_HEAD_H
#define RILL_HEAD_H

#include <stdbool.h>

#include "base/bytes.h"

/* The fields that a client sends with every request, built once. */
typedef struct rill_defaults {
    rill_bytes block;       /* clean; owned */
    const char *user_agent; /* borrowed; added to blocks that have none */
    /* What a protocol has made of the block, for its own use; owned, one rill_slab_free() frees
     * it; NULL: nothing yet. */
    void *prepared;
} rill_defaults;

typedef struct rill_head {
    rill_chars method, scheme, authority, target;
    bool forward; /* a proxy is asked: with the whole URL (RFC 9112 section 3.2.2) */
    rill_chars proxy_authorization; /* and this field; empty: none */
    bool connect;            /* CONNECT has neither scheme nor target (RFC 9113 section 8.5) */
    rill_chars block;        /* clean; NULL: the client's defaults are sent */
    rill_defaults *defaults; /* borrowed by the session while it lives */
    rill_chars length;       /* digits of content-length; empty: not sent */
    bool expect;             /* "expect: 100-continue" */
} rill_head;

/* Writes it as HTTP/1.1 has it, to `out`: with `chunked` in place of a length. False: out of
 * memory.
 */
bool rill_head_write(const rill_head *head, bool chunked, rill_slab *slab, rill_bytes *out);

#endif
