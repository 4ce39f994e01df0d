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
    const char *method, *scheme, *authority, *target;
    size_t method_length, scheme_length, authority_length, target_length;
    bool forward; /* a proxy is asked: with the whole URL (RFC 9112 section 3.2.2) */
    const char *proxy_authorization; /* and this field; NULL: none */
    bool connect;      /* CONNECT has neither scheme nor target (RFC 9113 section 8.5) */
    const char *block; /* clean; NULL: the client's defaults are sent */
    size_t block_length;
    rill_defaults *defaults; /* borrowed by the session while it lives */
    const char *length;      /* digits of content-length; NULL: not sent */
    size_t length_digits;
    bool expect; /* "expect: 100-continue" */
} rill_head;

#endif
