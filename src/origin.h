/* One scheme, host and port: the requests that wait for a connection, its connections, when to dial
 * and what is repeated. */
#ifndef RILL_ORIGIN_H
#define RILL_ORIGIN_H

#include "call.h"
#include "conn.h"

/* Origins with nothing to do that a client remembers, for their TLS sessions; then the one that has
 * been unused longest is forgotten. */
enum { ORIGINS_UNUSED = 1024 };

/* Bytes of warnings that wait for a script to look, and of one of them; beyond they are dropped, and
 * the last one says so. */
enum { WARNINGS_MAX = 16 << 10, WARNING_LENGTH = 512 };

/* What an origin needs of its client, and tells it. The client embeds it. */
typedef struct rill_pool {
    rill_turn *turn;
    rill_resolver *resolver;
    rill_tls *tls;
    const rill_resolve *resolve;
    uint32_t resolve_count;
    rill_defaults defaults;
    rill_session_setup session;
    uint64_t connect_timeout_ms, idle_timeout_ms;
    uint32_t max_streams, max_connections;

    uint64_t buffered;            /* bytes held for readers of streams, see max_buffered */
    uint64_t granted;             /* receive windows of all connections */
    uint32_t connections;         /* open or being dialled, of all origins */
    rill_conn *idle;              /* borrowed: the one that became idle last stands first */
    rill_origin *waiting;         /* borrowed: origins that wait for a connection to close */
    rill_origin *unused;          /* borrowed: origins with nothing to do; the newest stands first */
    uint32_t unused_count;
    rill_stats stats;             /* what adds up since the start */
    char *warning;                /* owned: sentences not handed over yet, each NUL-terminated */
    size_t warning_length;
    bool warnings_dropped;
    rill_entry *entry;            /* borrowed: whose events the warnings are */
    rill_mark *owner;             /* borrowed: the client's, once it is closed: marked when an origin
                                     has nothing left */
} rill_pool;

struct rill_origin {
    rill_pool *pool;   /* borrowed */
    rill_origin *next, **link;                 /* in the client's table */
    rill_origin *wait_next, **wait_link;       /* in pool->waiting; link NULL: not in it */
    rill_origin *unused_next, **unused_link;   /* in pool->unused; link NULL: not in it */
    rill_mark mark;
    uint64_t hash;
    char *host;        /* owned: ASCII, lower case, no brackets */
    uint16_t port;
    bool tls;
    bool single;           /* one connection for all its life: rill_connect() */
    bool told_connected, told_closed;
    rill_tls_memory memory;
    rill_conn *conns;  /* owned */
    rill_call *first, *last; /* waiting, first in first out; owned until sent */
    uint32_t queued;
    uint32_t assigned; /* how many of the first ones count as assigned to a connection */
};

/* NULL when out of memory. */
rill_origin *rill_origin_new(rill_pool *pool, bool tls, const char *host, size_t host_length,
                             uint16_t port);

/* Ends what is left, and leaves the client's table. Calls must have ended before. */
void rill_origin_free(rill_origin *origin);

/* Takes a new call to the end of the queue. */
void rill_origin_add(rill_origin *origin, rill_call *call);

/* Makes it the origin of one connection, dialled now; CONNECTED, PONG and CLOSED are reported for
 * the pool's entry. It keeps the connection when it has closed, for those who ask why. */
void rill_origin_connect(rill_origin *origin);

/* Closes a call's stream as `error` says (on the wire too, if it was sent); its owner is told. */
void rill_origin_close_call(rill_call *call, const rill_error *error);

/* Forgets a call: cancelled, and nobody is told. */
void rill_origin_drop_call(rill_call *call);

/* Ends everything: sent calls as cancelled, unsent ones as inactive; idle connections say goodbye. */
void rill_origin_close(rill_origin *origin);

/* Queues a sentence for the client's on_warning. */
void rill_pool_warn(rill_pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
