/* HTTP/1.1 on one connection: one exchange at a time, reported to its stream as HTTP/2's are. It
 * has no windows: a reader that does not keep up stops the socket from being read. */
#ifndef RILL_H1_SESSION_H
#define RILL_H1_SESSION_H

#include "h1/chunks.h"
#include "h1/head.h"
#include "http/protocol.h"

enum {
    H1_DRY_MAX = 20000,      /* of TLS's records without plaintext, between two responses */
    H1_FIRST_BYTES = 48,     /* shown of what a server sends before it was asked */
    H1_HEAD_ROOM = 16 << 10, /* read with a head: the rest of a large body needs no copy */
    H1_LAST_ID = INT32_MAX   /* then the connection takes no more */
};

enum h1_state {
    H1_IDLE, /* nothing is asked, or not sent */
    H1_HEAD,
    H1_COUNTED, /* a body of `left` bytes */
    H1_CHUNKS,  /* between the data of chunks */
    H1_CHUNK,   /* its data, of `left` bytes */
    H1_TRAILERS,
    H1_UNTIL_END /* of the connection */
};

typedef struct rill_h1_session {
    rill_link link; /* first */
    enum h1_state state;
    bool is_connect; /* the request's method */
    bool chunked;    /* our body */
    bool received;   /* something has arrived since the request */
    bool keep;       /* the connection outlives this response */
    int32_t last_id;
    int64_t owed;       /* bytes of its window that the reader has not given back */
    uint32_t dry;       /* records without plaintext since a response */
    uint64_t left;      /* of the body, or of its chunk */
    double sent_before; /* bytes that the socket had taken before this request */
    rill_bytes out;     /* owned: a request's head that was not sent */
    rill_h1_head head;
    rill_h1_chunks chunks;
} rill_h1_session;

static inline rill_h1_session *rill_h1_of(rill_link *link)
{
    return (rill_h1_session *)link;
}

/* The row of this protocol. */
extern const rill_protocol rill_h1;

/* As in rill_protocol. */
void rill_h1_send(rill_link *link);

#endif
