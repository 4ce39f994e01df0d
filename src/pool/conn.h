/* The pump of one connection: dial, transport, session, streams; settings, idleness, GOAWAY. */
#ifndef RILL_CONN_H
#define RILL_CONN_H

#include "http/protocol.h"
#include "base/list.h"
#include "net/dial.h"
#include "net/peer.h"

enum conn_state {
    CONN_DIALING,
    CONN_GREETING, /* negotiated; the peer has not shown yet that it speaks the protocol */
    CONN_OPEN,
    CONN_DRAINING, /* no new streams: GOAWAY, either way */
    CONN_CLOSED
};

/* What a connection owes its PING. */
enum conn_ping {
    CONN_PING_NONE,
    CONN_PING_WANTED, /* it is sent when the peer has greeted us */
    CONN_PING_OVERDUE /* ping_timeout has run out */
};

/* Streams sent before the peer's SETTINGS give its limit. HTTP/2 allows any number (RFC 9113
 * section 3.4), but those beyond the limit come back refused: one saves the round trip that a lone
 * request would wait, and it must be one that may be sent again. In clear text nothing has shown
 * yet that the peer speaks HTTP/2: there requests wait. */
enum { CONN_UNGREETED = 1 };

typedef struct rill_conn rill_conn;

typedef struct rill_conn_setup {
    rill_turn *turn;
    rill_mark *mark;         /* the owner's: marked when rill_conn_act() has something to do */
    rill_dial_target target; /* what it points to outlives the connection */
    rill_link_setup link;
    uint64_t connect_timeout_ms, idle_timeout_ms; /* 0: none */
    uint64_t ping_after_ms, ping_timeout_ms;      /* 0: never asked; waits for ever */
    uint32_t max_streams;
} rill_conn_setup;

struct rill_conn {
    rill_conn_setup setup;
    rill_peer *peer; /* one reference; NULL before TLS stands */
    enum conn_state state;
    rill_member member; /* in its owner's list */
    struct {
        rill_member idle;                 /* in its list of idle ones */
        rill_member shareable;            /* in its list of those that may have guests */
        rill_list guests, guests_waiting; /* origins whose calls it carries too; those of them that
                                             wait for a stream to end */
        bool counted;                     /* as opened */
        bool end_noted;                   /* in the journal */
        bool goaway_noted;                /* in the journal, with */
        int32_t goaway_last;              /* this last stream */
        bool unneeded;                    /* its dial was given up: see share.h */
        bool given_back;                  /* evicted: its place is another's already */
    } pool;                               /* the pool's, and its origin's */
    rill_dial *dial;                      /* owned; NULL when done */
    rill_transport transport;
    rill_link *session; /* owned: the session of the protocol that was negotiated; NULL: none yet */
    rill_timer timer;   /* connect deadline, then idleness */
    uint64_t left_ms;   /* of the connect deadline, which is held; 0: it is not */
    rill_timer ping_timer;
    enum conn_ping ping;
    bool drained;   /* we have said that no new streams come, before the peer did; also known when
                       it has closed */
    bool broke_off; /* streams were open when it closed */
    uint32_t calm;  /* streams at a time since the peer has asked for calm; 0: as many as may be */
    uint32_t calm_ends;            /* responses since `calm` has changed */
    uint64_t active_ms;            /* when something moved last */
    uint64_t received_ms;          /* when the peer last sent something */
    bool received;                 /* the peer has sent something behind the handshake */
    uint64_t dialled_us;           /* when the dial ended, well or not; 0: it has not */
    float dns_s, connect_s, tls_s; /* how long its phases took, one behind the other */
    rill_error error;              /* why it closed; reason RILL_OPEN: without an error */
};

/* The first of its owner's list, and the next; NULL: there is none. */
static inline rill_conn *rill_conn_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_conn, member);
}

static inline rill_conn *rill_conn_next(const rill_conn *conn)
{
    return RILL_OWNER(conn->member.next, rill_conn, member);
}

/* Begins to dial. NULL with `err` when out of memory. */
rill_conn *rill_conn_new(const rill_conn_setup *setup, rill_error *err);

/* Streams it still owns are closed first and must have been taken. */
void rill_conn_free(rill_conn *conn);

/* Goes on with the dial, or reads what arrived. Look at `state`, and take the closed streams. */
void rill_conn_act(rill_conn *conn);

/* Sends what there is to send. Look at `state` again. */
void rill_conn_flush(rill_conn *conn);

/* Before it carries new streams: reads what the peer has said since, and asks one that was silent
 * for long whether it is there. False while its answer is out (it is acted on by itself). */
bool rill_conn_ready(rill_conn *conn);

/* Whether it can carry more streams than it does, now or as those that are open end. */
bool rill_conn_grants(const rill_conn *conn);

/* The peer has reset a stream with ENHANCE_YOUR_CALM: half as many streams at a time, at least one.
 * Where streams were cut short before, it drains as well: node counts what it then had to send
 * against the session for ever, so that fewer do not help. */
void rill_conn_calm_down(rill_conn *conn);

/* A response is complete: after as many as `calm` streams at a time are one more. */
void rill_conn_count_response(rill_conn *conn);

/* Whether it carries all it may. */
bool rill_conn_at_limit(const rill_conn *conn);

/* How many more streams may be opened now. */
uint32_t rill_conn_room(const rill_conn *conn);

/* Opens a stream; see rill_protocol. */
int32_t rill_conn_submit(rill_conn *conn, rill_stream *stream, const rill_head *head);

/* No new streams; those that are open finish, then it closes. */
void rill_conn_drain(rill_conn *conn);

/* Ends at once: GOAWAY with `error`'s code (NO_ERROR where there is none); open streams close for
 * that reason. */
void rill_conn_fail(rill_conn *conn, const rill_error *error);

/* Whether it closed because the peer cannot be reached, or hung up on the handshake or on requests
 * without having answered a single one. */
bool rill_conn_peer_fails(const rill_conn *conn);

/* Streams that were sent, or are about to be, and have not closed. */
static inline rill_stream *rill_conn_streams(const rill_conn *conn)
{
    return conn->session ? rill_stream_first(&conn->session->open) : NULL;
}

/* Whether streams have closed that were not taken. */
static inline bool rill_conn_has_closed(const rill_conn *conn)
{
    return conn->session && conn->session->closed.first;
}

/* The one that closed first: for the owner of the request to take off that list. */
static inline rill_stream *rill_conn_oldest_closed(const rill_conn *conn)
{
    return RILL_OWNER(conn->session->closed.last, rill_stream, member);
}

/* Whether the peer has greeted us, also once it has closed. */
static inline bool rill_conn_greeted(const rill_conn *conn)
{
    return conn->session && conn->session->greeted;
}

/* What a stream that is not sent yet waits for. */
static inline enum rill_phase rill_conn_phase(const rill_conn *conn)
{
    if (conn->dial)
        return conn->dial->phase;
    return rill_conn_greeted(conn) ? RILL_PHASE_QUEUE : RILL_PHASE_SETTINGS;
}

/* Whether new streams may be opened on it, now or as those that are open end. */
static inline bool rill_conn_usable(const rill_conn *conn)
{
    return (conn->state == CONN_OPEN || conn->state == CONN_GREETING) &&
           rill_link_has_room(conn->session);
}

static inline bool rill_conn_idle(const rill_conn *conn)
{
    return (conn->state == CONN_OPEN || conn->state == CONN_GREETING) &&
           !conn->session->open.first && !conn->session->closed.first;
}

#endif
