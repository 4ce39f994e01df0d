/* What a user asked for: a request with its options, its current attempt, and what comes of it. */
#ifndef RILL_CALL_H
#define RILL_CALL_H

#include "http/fields.h"
#include "http/head.h"
#include "net/peer.h"
#include "http/stream.h"

/* Bodies up to here are handed over with the event; larger ones stay outside the script's heap. */
enum { CALL_SMALL_BODY = 64 << 10 };

/* Header fields of a request with its URL; a caller's mistake beyond (few servers take 64 KiB). */
enum { CALL_FIELDS_MAX = 256 << 10 };

/* A body waits for 100 (Continue) no longer: many servers never send it (RFC 9110 section 10.1.1).
 */
enum { CALL_EXPECT_MS = 1000 };

typedef struct rill_call rill_call;
typedef struct rill_origin rill_origin;
typedef struct rill_conn rill_conn;
typedef struct rill_pace rill_pace;
typedef struct rill_paced rill_paced;

enum call_state {
    CALL_WAITING,  /* in its origin's queue; no connection is coming for it */
    CALL_ASSIGNED, /* the same, and one is: `timeout` runs */
    CALL_SENT,     /* or about to be: its stream is a session's */
    CALL_ENDED     /* it has left its origin */
};

/* Many may wait in a queue, so a call is small, and what belongs to an attempt is the stream's. */
struct rill_call {
    rill_entry entry;    /* first: a stream finds its call by it */
    rill_turn *turn;     /* borrowed */
    rill_member queued;  /* in its origin's queue, or among those that leave it together */
    rill_origin *origin; /* borrowed; NULL when it has ended */
    rill_conn *conn;     /* borrowed; NULL unless sent and open */
    rill_paced *paced;   /* owned, until it ends; NULL: its origin has no limits */
    rill_stream *stream; /* owned: the current attempt; NULL: none was made yet, or memory ran
                            out when the call was to end */
    rill_timer timer;    /* queue_timeout or timeout, whichever clock runs */

    uint32_t method_length, target_length, authority_length, block_length; /* of `text` */
    enum call_state state : 4;
    enum rill_processed processed : 4; /* the worst of former attempts */
    uint32_t repeats : 8;
    bool own_block : 1;  /* else the client's default fields are sent */
    bool connect : 1;    /* CONNECT has neither :scheme nor :path (RFC 9113 section 8.5) */
    bool tls : 1;        /* :scheme */
    bool says_empty : 1; /* content-length: 0 is sent though there is no body */
    bool repeat : 1;
    bool was_stale : 1;        /* it was repeated because its connection had ended unseen */
    bool pieces : 1, head : 1; /* read in pieces; a HEAD request */
    bool head_first : 1;       /* its window is small until its head was looked at */
    bool decodes : 1;          /* content codings of the response are undone */
    bool lenient_eof : 1;      /* see rill_stream */
    bool idempotent : 1;       /* may be repeated though it may have been processed */

    uint32_t attempts, retries; /* retries: left */
    uint32_t round;             /* its origin's when it was repeated last; 0: never */
    char *save_path;            /* owned; NULL: the response's body is not for a file */
    rill_source *source;        /* owned: the request's body; NULL: none */
    struct rill_copy *name;     /* one reference: what its notes point into; NULL: none yet */
    rill_error *last;           /* owned: why the former attempt failed; NULL: none, or the first */
    rill_limits limits;
    uint64_t timeout_ms, queue_ms, read_ms; /* left on each clock; read_timeout; 0: none */
    uint64_t number; /* in the order of their making: the older one is sent first */
    uint64_t started_us;
    uint64_t since_us; /* when it began to wait for what carries its current attempt */
    rill_peer *peer;   /* of the last attempt's connection; one reference, or NULL */
    char text[];       /* method, target, authority, header block */
};

/* The call that a stream is an attempt of. */
static inline rill_call *rill_call_of(const rill_stream *stream)
{
    return (rill_call *)stream->entry;
}

typedef struct rill_call_setup {
    rill_turn *turn;
    const rill_request *request;
    const char *text;
    const rill_url *url;
    const rill_defaults *defaults;
    rill_limits limits;
    uint64_t timeout_ms, queue_ms, read_ms;
    uint32_t retries;
    int32_t idempotent; /* negative: by method */
    bool retry_idempotent, lenient_eof, decompress;
} rill_call_setup;

/* Makes a call of what was asked; `url` is parsed and stands in `text`. `*found` gets what the
 * caller's header block said of host and content-length. NULL with `err`: RILL_ARGUMENT or
 * RILL_ERROR. */
rill_call *rill_call_new(const rill_call_setup *setup, rill_fields_found *found, rill_error *err);

/* It must not stand in any queue, and its stream in no list of a session that still runs. */
void rill_call_free(rill_call *call);

/* The head of an attempt: it points into the call and its client. */
void rill_call_head(const rill_call *call, rill_defaults *defaults, rill_head *head);

/* The content-length that is sent, `*digits` of them; NULL: none. */
const char *rill_call_length(const rill_call *call, uint32_t *digits);

/* Makes the stream of the current attempt, unless it is there. False: out of memory. */
bool rill_call_begin(rill_call *call);

/* Closes the current attempt on our side; see rill_stream_close_because(). */
void rill_call_close(rill_call *call, const rill_error *error);

/* The only writer of call->state. */
void rill_call_move(rill_call *call, enum call_state to);

/* What its running clock has left: a limit that is there is never 0. */
static inline uint64_t rill_call_left_ms(const rill_call *call)
{
    uint64_t now_ms = call->turn->now_ms, deadline_ms = call->timer.deadline_ms;
    return deadline_ms > now_ms ? deadline_ms - now_ms : 1;
}

/* Stops the clock that runs for it: queue_timeout while it waits, else `timeout`. It keeps what it
 * has left. */
void rill_call_stop_clock(rill_call *call);

/* Whether it has not been sent. */
static inline bool rill_call_waits(const rill_call *call)
{
    return call->state <= CALL_ASSIGNED;
}

/* Whether its current attempt has closed. */
static inline bool rill_call_closed(const rill_call *call)
{
    return call->state == CALL_ENDED || (call->stream && call->stream->reason != RILL_OPEN);
}

/* Why its attempt has closed. */
static inline enum rill_reason rill_call_reason(const rill_call *call)
{
    return call->stream ? call->stream->reason : RILL_ERROR;
}

/* Prepares the next attempt. */
void rill_call_renew(rill_call *call);

/* Writes a line about it, for who has seen that the pool is traced; `connection` is its number, 0:
 * none. */
void rill_call_trace(const rill_call *call, uint32_t connection, const char *what);

/* The attempt has ended for good: reports it. */
void rill_call_finish(rill_call *call);

/* Whether the peer has ended it, but how it closes is not known before its body is decoded; and
 * what follows when a reader has found out. */
bool rill_call_undecided(const rill_call *call);
void rill_call_decided(rill_call *call);

/* "scheme://authority" and the start of the path, for sentences; returns `room` bytes at most. */
void rill_call_url(const rill_call *call, char *text, size_t room);

#endif
