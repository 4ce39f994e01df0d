/* What the origins of one client share: limits, the list of idle connections, the line of origins
 * that wait for one to close, counts and warnings. The client embeds it. */
#ifndef RILL_POOL_H
#define RILL_POOL_H

#include "base/list.h"
#include "base/table.h"
#include "pool/call.h"
#include "pool/conn.h"
#include "pool/pace.h"

/* Origins with nothing to do that a client remembers, for their TLS sessions; then the one that has
 * been unused longest is forgotten. */
enum { ORIGINS_UNUSED = 1024 };

/* Bytes of warnings that wait for a script to look, and of one of them; beyond they are dropped,
 * and the last one says so. */
enum { WARNINGS_MAX = 16 << 10, WARNING_LENGTH = 512 };

typedef struct rill_pool {
    rill_turn *turn;
    rill_resolver *resolver;
    rill_tls *tls;
    rill_dial_options dial;
    rill_defaults defaults;
    rill_link_setup link;
    const char *proxy_agent; /* borrowed: the user-agent sent to proxies; NULL: none */
    uint64_t connect_timeout_ms, idle_timeout_ms, ping_after_ms, ping_timeout_ms;
    uint32_t max_streams, max_connections;
    uint32_t max_connections_per_origin; /* 0: as the protocol has it */
    enum rill_alpn clear;                /* what http:// is spoken as */
    bool http11;                         /* HTTP/1.1 may be spoken */
    bool coalesce;                       /* see share.h */

    rill_account *account;      /* owned with its streams: see max_buffered */
    rill_mark relief;           /* bodies that were held back may have their window */
    uint64_t granted;           /* receive windows of all connections */
    uint64_t calls;             /* made so far: gives each its number */
    uint32_t connections;       /* open or being dialled, of all origins */
    rill_table origins;         /* all */
    rill_paces paces;           /* politeness: see per_origin */
    rill_list idle;             /* connections: the one that became idle first stands first */
    rill_list shareable;        /* connections that may have guests */
    rill_list waiting;          /* origins that wait for a connection to close, in order */
    rill_list waiting_for_more; /* the same, of those that have a connection: they come after */
    rill_origin *latest; /* borrowed: of the last request, whose URL the client has; NULL: gone */
    rill_list unused;    /* origins with nothing to do; the oldest stands first */
    uint32_t unused_count;
    rill_stats stats; /* what adds up since the start */
    char *warning;    /* owned: sentences not handed over yet, each NUL-terminated */
    size_t warning_length;
    bool warnings_dropped;
    rill_entry *entry; /* borrowed: whose events the warnings are */
    rill_mark *owner;  /* borrowed: the client's, once it is closed: marked when an origin has
                          nothing left */
} rill_pool;

/* Whether its client is closed or dropped: nothing new is sent. */
static inline bool rill_pool_closed(const rill_pool *pool)
{
    return pool->owner != NULL;
}

/* With an account for its bodies. False: out of memory. rill_pool_dispose() ends both. */
bool rill_pool_init(rill_pool *pool, rill_turn *turn);
void rill_pool_dispose(rill_pool *pool);

/* Closes what the peers have ended and what waits to be decoded: see max_buffered. */
void rill_pool_close_ended(rill_pool *pool, const rill_error *error);

/* Queues a sentence for the client's on_warning, escaped and cut as errors are. */
void rill_pool_warn(rill_pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Queues the warnings of the TLS context (rill_tls_warning()): after it was made, and after
 * handshakes. */
void rill_pool_warn_tls(rill_pool *pool);

/* Takes the first sentence, lent until the next poll; NULL: out of memory. `*more`: others wait. */
const char *rill_pool_take_warning(rill_pool *pool, bool *more);

/* Puts a connection into the list of idle ones, or takes it out, as it is now. */
void rill_pool_note_idle(rill_pool *pool, rill_conn *conn);
void rill_pool_leave_idle(rill_conn *conn);

/* Makes room for one more connection by closing the one that has been idle longest. False: there is
 * no room, and none is idle. */
bool rill_pool_make_room(rill_pool *pool);

/* Opens a connection that counts, or NULL with `err`. `setup` holds what is the origin's; the rest
 * is filled in. When it has closed rill_pool_retire() makes that it counts no more. */
rill_conn *rill_pool_dial(rill_pool *pool, rill_conn_setup *setup, rill_error *err);
void rill_pool_retire(rill_pool *pool, rill_conn *conn);

#endif
