/* What a connection needs of a version of HTTP: a small struct that others may read, embedded first
 * in each protocol's session, and a const table of functions. The connection picks the table by
 * what was negotiated; nothing above it knows which one it is. */
#ifndef RILL_PROTOCOL_H
#define RILL_PROTOCOL_H

#include "http/code.h"
#include "http/frame.h"
#include <assert.h>

#include "http/head.h"
#include "http/stream.h"
#include "http/upload.h"
#include "net/transport.h"

enum {
    /* a connection's receive window: RFC 9113 section 6.9.2's default would cap an origin at 64 KiB
     * per round trip; it is less where many connections would pass max_buffered */
    LINK_WINDOW = 16 << 20,
    LINK_WINDOW_MIN = 65535,
    LINK_HEAD_WINDOW = 64 << 10, /* of a stream whose head is looked at before its body is wanted */
    LINK_FIRST_WINDOW_MOST = 1 << 30, /* of a stream: it may be opened as far again */
    LINK_DEBUG_DATA = 96,             /* of a GOAWAY's debug data that are kept */
    /* bytes of bodies that a connection sends before others have their turn; and what it sends of
     * them though the step has done its share: so each upload goes on */
    LINK_SEND = 512 << 10,
    LINK_SEND_LEAST = 32 << 10
};

typedef struct rill_protocol rill_protocol;
typedef struct rill_link rill_link;

typedef struct rill_link_setup {
    uint32_t number;     /* of the connection: see rill_turn.dialled */
    uint32_t window;     /* receive window of a stream at first */
    uint32_t max_window; /* what it grows to */
    uint32_t max_frame_size;
    uint32_t max_header_list; /* announced to the peer; 0: not */
    uint32_t conn_window;     /* receive window of the connection */
    uint64_t max_buffered;
} rill_link_setup;

/* How far our side has ended it. */
enum link_goodbye {
    LINK_GOES_ON,
    LINK_DRAINS, /* announced to the peer: no new streams come */
    LINK_DEAF    /* nothing more is read */
};

/* What may be read of a session. Its protocol is the only writer, but for `pong` and `look`, which
 * whoever has seen them clears, and `sent`. */
struct rill_link {
    const rill_protocol *protocol;
    rill_turn *turn;              /* borrowed */
    rill_transport *transport;    /* borrowed */
    const rill_link_setup *setup; /* borrowed */
    rill_flight *flight;          /* one reference: its last frames; NULL: out of memory */
    rill_list open;               /* sent or about to be, not closed */
    rill_list closed;             /* closed: for the owner of the request to take */
    uint32_t active;              /* streams that count against the limit */
    uint32_t limit;               /* how many the peer allows */
    uint32_t blocked;             /* uploads that wait for the socket, or for the next turn */
    uint32_t sent;                /* bytes of bodies in this turn: its owner sets it back */
    bool greeted;                 /* the peer has shown that it speaks this protocol */
    bool opening;                 /* in this turn: nothing can have been asked yet */
    bool answered;                /* a stream has got a final head */
    bool full;                    /* so much was submitted that it must be sent first */
    bool spent;                   /* its stream ids are (nearly) used up */
    bool cut;                     /* a stream was ended before the peer had sent it all */
    bool look;                    /* a stream has passed its warnsize, or may ask for a pause */
    bool pong;                    /* a ping's answer is here, `rtt_ms` is its round trip */
    uint64_t ping_ms;             /* a ping is out since then; 0: none */
    uint64_t rtt_ms;              /* the last round trip, at least 1; 0: not known */
    double streams;               /* sent so far */
    uint64_t idle_ms;             /* the peer keeps it no longer without streams; 0: not said */
    enum link_goodbye goodbye;
    struct {
        bool received; /* by the peer: streams above `last` are not processed */
        int32_t last, code;
        char debug[LINK_DEBUG_DATA + 1]; /* printable */
    } goaway;
    uint32_t peer_settings[6]; /* by number from 1, RFC 9113 section 6.5.2; 0: it has none */
    int32_t broke_it;          /* the open stream that is at fault for `fatal`; 0: none is */
    rill_error fatal;          /* why the connection must end; reason RILL_OPEN: it need not */
};

struct rill_protocol {
    const char *name; /* as ALPN has it */
    size_t size;      /* of its session, which begins with a rill_link */
    /* how many streams a connection carries at a time, and how many connections an origin has where
     * nobody has said otherwise */
    uint32_t streams, connections;
    bool side_by_side; /* so many are dialled at a time as calls wait; else one after the other */
    bool shareable;    /* origins may share a connection (RFC 9113 section 9.1.1) */
    bool ordered; /* nothing but its place says whose response it is: what has come before a request
                     is sent must have been read, or it would be taken for the answer */

    /* Begins: `link` is filled in but for what only the protocol knows; nothing is sent before
     * `send`. 0 or -RILL_ERROR. NULL: there is no greeting, and nothing else to do. */
    int32_t (*open)(rill_link *link, rill_error *err);

    /* Where what arrives next may be put at once, and in `*room` at most how much: a body's own
     * memory. NULL: nowhere but in the connection's buffer, of which `*room` is as much as is to be
     * used. Good until `receive`, which gets it back. NULL as a row: always the whole buffer. */
    char *(*place)(rill_link *link, size_t *room);

    /* Takes what arrived. Look at `fatal`, `closed` and the rest afterwards. */
    void (*receive)(rill_link *link, const char *data, size_t length);

    /* Nothing more arrives. NULL: how it ended makes no difference. */
    void (*end)(rill_link *link, enum rill_transport_end how);

    /* Writes what there is to write into the transport (not flushed), uploads included that waited
     * for the socket. To be called after every receive, also while the socket is blocked: what is
     * to be sent may show that the peer is at fault, in `fatal`. */
    void (*send)(rill_link *link);

    /* Opens a stream, see rill_link_submit(); gives it its id. The head is borrowed until the next
     * `send`, the stream's body until it closes. 0, -RILL_INACTIVE: no new streams are taken, or
     * -RILL_ERROR: out of memory. */
    int32_t (*submit)(rill_link *link, rill_stream *stream, const rill_head *head);

    /* For a stream that was just closed on our side: ends it on the wire if need be, and moves it
     * to `closed`. */
    void (*retire)(rill_link *link, rill_stream *stream);

    /* Asks for an upload's body again, see rill_link_resume(). NULL: `send` does. */
    void (*resume)(rill_link *link, rill_stream *stream);

    /* Gives window back for bytes that the reader took (0: it found nothing), or what is owed to a
     * collected body, as far as the client may hold more: see rill_inlet_grants(). */
    void (*consume)(rill_link *link, rill_stream *stream, size_t length);

    /* Asks whether the peer is there, unless that was asked already. NULL: there is no way. */
    void (*ping)(rill_link *link);

    /* Announces to the peer that no new streams come. NULL: there is no way. */
    void (*goaway)(rill_link *link, uint32_t code);

    /* Has the peer pay for `records` of TLS without plaintext, as for other input of no use. */
    void (*charge)(rill_link *link, uint32_t records);

    /* Whether a new stream may be opened, as far as only the protocol knows. NULL: yes. */
    bool (*room)(const rill_link *link);

    /* Why a peer that has said something, but has not greeted, is none of this protocol. NULL
     * where there is no greeting. */
    void (*describe)(const rill_link *link, const char *host, uint16_t port, rill_error *err);

    /* Names a frame, and its flags, each behind a blank: FRAME_NAME and FRAME_FLAGS bytes. */
    void (*name_frame)(const rill_frame *frame, char *name, char *flags);

    /* Frees what the session owns; its streams must have left it. The link can still be read. */
    void (*dispose)(rill_link *link);
};

/* The only writer of link->goodbye: there is no way back, and the further one stays. */
static inline void rill_link_say_goodbye(rill_link *link, enum link_goodbye how)
{
    assert(how != LINK_GOES_ON);
    if (link->goodbye < how)
        link->goodbye = how;
}

/* No more of bodies in this turn. */
static inline bool rill_link_has_sent(const rill_link *link)
{
    return link->sent >= LINK_SEND ||
           (link->sent >= LINK_SEND_LEAST && rill_turn_is_spent(link->turn));
}

/* Ends it on our side: no new streams; with `at_once` nothing more is read. The peer is told once
 * that nothing is wrong. */
static inline void rill_link_goaway(rill_link *link, uint32_t code, bool at_once)
{
    bool again = link->goodbye != LINK_GOES_ON && code == CODE_NO_ERROR;
    rill_link_say_goodbye(link, at_once ? LINK_DEAF : LINK_DRAINS);
    if (!again && link->protocol->goaway)
        link->protocol->goaway(link, code);
}

/* Whether a new stream may be opened, the peer's limit aside. */
static inline bool rill_link_has_room(const rill_link *link)
{
    return link->goodbye == LINK_GOES_ON && !link->goaway.received && !link->spent &&
           !link->fatal.reason && (!link->protocol->room || link->protocol->room(link));
}

/* Whether an upload waits for the socket, for the next turn (`blocked`), for its source, or for
 * 100.
 */
static inline bool rill_link_puts_off(rill_link *link, rill_stream *stream)
{
    stream->blocked = rill_transport_blocked(link->transport) || rill_link_has_sent(link);
    link->blocked += stream->blocked;
    if (!stream->blocked && stream->source->held)
        rill_upload_starve(stream);
    return stream->blocked || stream->starved;
}

static inline void rill_link_unblock(rill_link *link, rill_stream *stream)
{
    link->blocked -= stream->blocked;
    stream->blocked = false;
}

/* It is not on the wire any more: to be moved to `closed`. */
static inline void rill_link_leave(rill_link *link, rill_stream *stream)
{
    rill_link_unblock(link, stream);
    stream->on_wire = false;
    link->active--;
}

/* Puts a stream among the open ones, where the session has room (rill_link_has_room()): that is
 * asked once for all that it gets. Returns as `submit` does. */
static inline int32_t rill_link_submit(rill_link *link, rill_stream *stream, const rill_head *head)
{
    int32_t code = link->spent ? -RILL_INACTIVE : link->protocol->submit(link, stream, head);
    if (code)
        return code;
    stream->on_wire = true;
    link->active++;
    rill_stream_move(stream, &link->open);
    return 0;
}

static inline void rill_link_retire(rill_link *link, rill_stream *stream)
{
    link->protocol->retire(link, stream);
}

/* Lets an upload go on whose source has something again. */
static inline void rill_link_resume(rill_link *link, rill_stream *stream)
{
    if (stream->on_wire && rill_upload_feed(stream) && link->protocol->resume)
        link->protocol->resume(link, stream);
}

static inline void rill_link_consume(rill_link *link, rill_stream *stream, size_t length)
{
    link->protocol->consume(link, stream, length);
}

#endif
