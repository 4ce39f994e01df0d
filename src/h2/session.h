/* One nghttp2 session: its callbacks record what arrived on which stream; frames go out through the
 * transport. Knows streams, not requests, and acts on nothing but frames. */
#ifndef RILL_SESSION_H
#define RILL_SESSION_H

#include <nghttp2/nghttp2.h>

#include "h2/wire.h"
#include "http/protocol.h"

enum {
    /* a DATA frame with its 9 bytes of header fills one TLS record */
    SESSION_DATA_PAYLOAD = TURN_PLAIN - 9,
    /* answers (acknowledgements, window updates) kept for a peer that does not read: more than
     * 15,000 PINGs make, and no peer in good faith has so many answered before it reads one */
    SESSION_UNSENT_MAX = 256 << 10,
    /* header fields of requests that are written in one go: more wait until the socket has taken
     * these, so that a slow peer is not buffered for */
    SESSION_HEADS_MAX = TURN_CIPHER_OUT,
    /* header fields of requests that nghttp2 keeps before they become frames: so what it takes for
     * a request goes to one of the next ones, and is not taken for all of a crowd. 100 requests of
     * a usual size fit */
    SESSION_HEADS_AT_ONCE = 16 << 10,
    /* stream ids end at 2^31-1: a connection takes no new streams shortly before */
    SESSION_LAST_STREAM = INT32_MAX - 16,
    /* header block of a request; the request itself is held to less */
    SESSION_FIELDS_MAX = 1 << 20,
    SESSION_FIRST_BYTES = 48, /* of what the peer said first, shown when it is not HTTP/2 */
    /* Frames of no use (empty DATA, PRIORITY, PING, SETTINGS, WINDOW_UPDATE, unknown ones, 1xx)
     * that are put up with: so many points at first and at most. At the end stands GOAWAY
     * ENHANCE_YOUR_CALM.
     *
     *   any frame                           costs 1, and 1 more per SESSION_POINT_BYTES
     *   a useful one                        gives that back
     *   DATA for a closed stream            costs by its bytes, beyond what its window let come
     *   a response; a stream without one    gives SESSION_POINTS_HEAD
     *   a second                            gives SESSION_POINTS_PER_S
     *   WINDOW_UPDATE for DATA of ours      costs nothing, see SESSION_UPDATES
     *   RST_STREAM for DATA of ours         costs nothing: Go sends one for each frame
     *   RST_STREAM of that stream again     costs SESSION_POINTS_RESET_AGAIN
     *   a frame of max_frame_size           may be owed */
    SESSION_POINTS = 20000,
    SESSION_POINT_BYTES = 256,
    SESSION_POINTS_PER_S = 100,
    /* what may go along with each response: early hints, a PING, SETTINGS, window updates */
    SESSION_POINTS_HEAD = 16,
    /* bytes of DATA that the peer may still open its windows for, at no price, the stream's and the
     * connection's: what is on its way and read slowly. Each update counts for SESSION_POINT_BYTES
     * at least: Go gives each read of its handler back, whatever its size */
    SESSION_UPDATES = 64 << 20,
    /* entries of a SETTINGS frame, most of them unknown to us: nghttp2 takes 32 */
    SESSION_SETTINGS = 4096,
    /* what a RST_STREAM costs for the very stream that the peer reset last: it may send nothing
     * more there (RFC 9113 section 5.1), one or two by mistake do no harm */
    SESSION_POINTS_RESET_AGAIN = 250,
    /* streams that are found without asking nghttp2, powers of two: at first, and at most, which is
     * above the 100 that servers mostly allow */
    SESSION_FOUND_FIRST = 16,
    SESSION_FOUND_MOST = 128,
    /* RST_STREAM that nghttp2 puts up with; so far it counts them in servers only */
    SESSION_RESETS = 1000,
    SESSION_RESETS_PER_S = 33
};

typedef struct rill_session {
    rill_link link;      /* first */
    nghttp2_session *ng; /* owned */
    size_t answers;      /* bytes of them that the socket has not taken, at most */
    size_t heads;        /* bytes of heads submitted since the last send, about */
    size_t framed;       /* so many of them have become frames */
    size_t consumed;     /* bytes of DATA since the connection's window was returned last */
    uint64_t opened_ms;
    uint8_t first[SESSION_FIRST_BYTES];
    uint32_t first_length;
    struct session_found {
        rill_stream *first[SESSION_FOUND_FIRST];
        rill_stream **places; /* `first`, or owned; borrowed streams: see rill_streams_place() */
        uint32_t room;
    } found;
    rill_wire wire;    /* what arrives; whose fault `fatal` is */
    char problem[160]; /* what nghttp2 complained of last */

    int32_t points;      /* left for frames of no use */
    int32_t frame_cost;  /* what the frame that arrives has paid */
    uint64_t points_ms;  /* when time gave some last */
    int32_t reset_last;  /* the stream that the peer reset last; 0: none */
    uint32_t resets_due; /* DATA frames sent on streams that have left: each may be reset once */
    int64_t updates_due; /* bytes sent that the peer has not opened its windows for, see above */
    int64_t ignored;     /* bytes that belong to no frame that was reported, or to its head */
    bool narrow;         /* streams begin with LINK_HEAD_WINDOW, and are widened one by one */
    uint32_t acks_due;   /* SETTINGS of ours that nghttp2 holds for unseen */
    int64_t in_flight;   /* so many more may come for streams that we have reset */
} rill_session;

static inline rill_session *rill_session_of(rill_link *link)
{
    return (rill_session *)link;
}

/* The row of this protocol: see there for what the functions do. */
extern const rill_protocol rill_h2;

#endif
