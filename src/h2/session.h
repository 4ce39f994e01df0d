/* One nghttp2 session: its callbacks record what arrived on which stream; frames go out through the
 * transport. Knows streams, not requests, and acts on nothing but frames. */
#ifndef RILL_SESSION_H
#define RILL_SESSION_H

#include <nghttp2/nghttp2.h>

#include "h2/wire.h"
#include "http/stream.h"
#include "net/transport.h"

enum {
    /* the connection's receive window: RFC 9113 section 6.9.2's default would cap an origin at
     * 64 KiB per round trip; it is less where many connections would pass max_buffered */
    SESSION_WINDOW = 16 << 20,
    SESSION_WINDOW_MIN = 65535,
    /* a DATA frame with its 9 bytes of header fills one TLS record */
    SESSION_DATA_PAYLOAD = TURN_PLAIN - 9,
    /* answers (acknowledgements, window updates) kept for a peer that does not read: more than
     * 15,000 PINGs make, and no peer in good faith has so many answered before it reads one */
    SESSION_UNSENT_MAX = 256 << 10,
    /* header fields of requests that are written in one go: more wait until the socket has taken
     * these, so that a slow peer is not buffered for */
    SESSION_HEADS_MAX = TURN_CIPHER_OUT,
    /* stream ids end at 2^31-1: a connection takes no new streams shortly before */
    SESSION_LAST_STREAM = INT32_MAX - 16,
    /* header block of a request; the request itself is held to less */
    SESSION_FIELDS_MAX = 1 << 20,
    SESSION_FIRST_BYTES = 48, /* of what the peer said first, shown when it is not HTTP/2 */
    SESSION_DEBUG_DATA = 96,  /* of a GOAWAY's debug data that are kept */
    /* Frames of no use (empty DATA, PRIORITY, PING, SETTINGS, WINDOW_UPDATE, unknown ones, 1xx)
     * that are put up with: so many points at first and at most. At the end stands GOAWAY
     * ENHANCE_YOUR_CALM.
     *
     *   any frame                           costs 1, and 1 more per SESSION_POINT_BYTES
     *   a useful one                        gives that back
     *   DATA for a closed stream            costs by its bytes alone, beyond what its window let
     * come a response; a stream without one    gives SESSION_POINTS_HEAD a second gives
     * SESSION_POINTS_PER_S WINDOW_UPDATE for DATA we have sent costs nothing, see SESSION_UPDATES
     *   RST_STREAM for DATA we have sent    costs nothing: Go sends one for each frame
     *   RST_STREAM of that stream again     costs SESSION_POINTS_RESET_AGAIN */
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
    /* RST_STREAM that nghttp2 puts up with; so far it counts them in servers only */
    SESSION_RESETS = 1000,
    SESSION_RESETS_PER_S = 33
};

typedef struct rill_session_setup {
    uint32_t window;     /* receive window of a stream at first */
    uint32_t max_window; /* what it grows to */
    uint32_t max_frame_size;
    uint32_t max_header_list; /* told to the peer; 0: not */
    uint32_t conn_window;     /* receive window of the connection */
    uint64_t max_buffered;    /* with more held for readers, only hungry ones get window */
} rill_session_setup;

typedef struct rill_session {
    rill_turn *turn;                 /* borrowed */
    rill_transport *transport;       /* borrowed */
    const rill_session_setup *setup; /* borrowed */
    nghttp2_session *ng;             /* owned */
    rill_stream *open;               /* sent or about to be, not closed */
    rill_stream *closed;             /* closed: for the owner of the request to take */
    uint32_t active;                 /* streams that count against the peer's limit */
    uint32_t peer_max_streams;       /* its SETTINGS_MAX_CONCURRENT_STREAMS, 100 before we know */
    bool settings_received;
    uint32_t peer_settings[6]; /* by number from 1, RFC 9113 section 6.5.2 */
    bool answered;             /* a stream has got a final head */
    bool warn;                 /* a stream has passed its warnsize */
    uint32_t blocked;          /* uploads that wait for the socket */
    size_t answers;            /* bytes of them that the socket has not taken, at most */
    size_t heads;              /* bytes of requests' fields submitted since the last send */
    uint8_t first[SESSION_FIRST_BYTES];
    uint32_t first_length;

    int32_t points;      /* left for frames of no use */
    int32_t frame_cost;  /* what the frame that arrives has paid */
    uint64_t points_ms;  /* when time gave some last */
    int32_t reset_last;  /* the stream that the peer reset last; 0: none */
    uint32_t resets_due; /* DATA frames sent on streams that have left: each may be reset once */
    int64_t updates_due; /* bytes sent that the peer has not opened its windows for, see above */
    int64_t ignored;     /* bytes that belong to no frame we were told of, or to its head */
    int64_t in_flight;   /* so many more may come for streams that we have reset */

    bool goaway_received;
    int32_t goaway_last;
    int32_t goaway_code;
    char goaway_debug[SESSION_DEBUG_DATA + 1]; /* printable */

    bool goaway_said;           /* by us: no new streams */
    bool goaway_sent;           /* by us, or by nghttp2 for us: nothing more is read */
    rill_wire wire;             /* what arrives; whose fault `fatal` is */
    rill_error fatal;           /* reason RILL_OPEN: none */
    char problem[160];          /* what nghttp2 complained of last */
    uint64_t ping_ms;           /* a PING of ours is out since then; 0: none */
    bool pong;                  /* its answer is here, `rtt_ms` is its round trip */
    uint64_t opened_ms, rtt_ms; /* rtt: of SETTINGS or the last PING, at least 1 */
    double streams;             /* sent so far */
} rill_session;

/* Submits the preface, SETTINGS and the connection's window; nothing is sent before
 * rill_session_send(). The struct is overwritten. 0 or -RILL_ERROR. */
int32_t rill_session_open(rill_session *session, rill_turn *turn, rill_transport *transport,
                          const rill_session_setup *setup, rill_error *err);
void rill_session_dispose(rill_session *session);

/* Feeds what arrived. Look at `fatal`, `closed` and the rest afterwards. */
void rill_session_receive(rill_session *session, const char *data, size_t length);

/* Has the peer pay for `records` of TLS without plaintext, as for frames of no use. */
void rill_session_charge(rill_session *session, uint32_t records);

/* Drains nghttp2 into the transport (not flushed). What nghttp2 has to say by GOAWAY shows here, in
 * `fatal`: call it after every receive, also while the socket is blocked. */
void rill_session_send(rill_session *session);

/* Opens a stream. The fields are borrowed until the next rill_session_send(), the stream's body
 * until it closes. 0, -RILL_INACTIVE: the session takes no new streams, or
 * -RILL_ERROR: out of memory. */
int32_t rill_session_submit(rill_session *session, rill_stream *stream, const nghttp2_nv *fields,
                            size_t count);

/* For a stream that was just closed on our side: resets it on the wire if need be, and moves it to
 * `closed`. */
void rill_session_retire(rill_session *session, rill_stream *stream);

/* Gives window back for bytes that the reader took (0: it found nothing), unless too much is held
 * for readers. */
void rill_session_consume(rill_session *session, rill_stream *stream, size_t length);

/* Queues GOAWAY; nothing new is accepted, and with `at_once` nothing more is read. */
void rill_session_goaway(rill_session *session, uint32_t code, bool at_once);

/* Sends PING, unless one is out. */
void rill_session_ping(rill_session *session);

/* Lets an upload go on whose source has something again. */
void rill_session_resume(rill_session *session, rill_stream *stream);

/* Lets uploads go on that waited for the socket. */
void rill_session_unblock(rill_session *session);

/* So much was submitted that it must be sent first. */
static inline bool rill_session_full(const rill_session *session)
{
    return session->heads >= SESSION_HEADS_MAX;
}

/* Whether its stream ids are (nearly) used up. */
bool rill_session_used_up(const rill_session *session);

/* Whether a new stream may be opened, the peer's limit aside. */
bool rill_session_usable(const rill_session *session);

/* Whether there are streams, and the peer may send on none of them: their windows wait for our reader. */
bool rill_session_unread(const rill_session *session);

#endif
