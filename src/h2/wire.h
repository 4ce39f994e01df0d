/* Frames as they pass on to nghttp2, which makes connection errors of what is one stream's fault:
 * whose frame it reads, and which frames it is not shown. Private to session.c and wire.c. */
#ifndef RILL_WIRE_H
#define RILL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A frame's head with the first fields of its payload: pad length and priority (RFC 9113 section
 * 6.2), a window's increment, or what is recorded of it: six settings at most. */
enum { WIRE_LEAD = 9 + 36 };

struct rill_session;

/* Embedded in the session, zeroed at first. */
typedef struct rill_wire {
    uint8_t lead[WIRE_LEAD]; /* of the frame that arrives, `have` bytes so far */
    uint8_t have;
    int32_t block;    /* whose header block goes on in CONTINUATION; 0: none's */
    int32_t at_fault; /* should it break the connection: the block's stream, or its own */
    bool hidden;      /* nghttp2 is not shown this frame */
    uint32_t left;    /* bytes of its payload that are still to come */
    bool ended;       /* nghttp2 reads no more */
} rill_wire;

/* Shows nghttp2 what arrived, frame by frame. PRIORITY means nothing any more (RFC 9113 section
 * 5.3.2) and is dropped; a window that is opened by nothing resets its stream alone. 0, nghttp2's
 * error, or NGHTTP2_ERR_CALLBACK_FAILURE with the session's `fatal`. */
int rill_wire_receive(struct rill_session *session, const uint8_t *data, size_t length);

#endif
