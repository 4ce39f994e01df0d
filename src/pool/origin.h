/* One scheme, host and port, and address to come from: the calls that wait, its connections, when
 * to dial, what is repeated.
 */
#ifndef RILL_ORIGIN_H
#define RILL_ORIGIN_H

#include "pool/pool.h"
#include "pool/queue.h"

/* How long an origin that does not speak HTTP/2 is not asked again. */
enum { ALPN_VERDICT_MS = 60000 };

/* Doubles with each failure in a row. */
typedef struct rill_origin_pause {
    rill_timer timer; /* runs while it lasts */
    uint32_t failures;
} rill_origin_pause;

struct rill_origin {
    rill_pool *pool; /* borrowed */
    rill_item item;  /* in pool->origins, when `listed` */
    bool listed;
    rill_member waiting; /* in pool->waiting */
    rill_member unused;  /* in pool->unused */
    rill_mark mark;
    char *host; /* owned: ASCII, lower case, no brackets */
    uint16_t port;
    bool tls;
    rill_address from; /* where its connections come from: part of what it is; length 0: the
                          system's choice */
    rill_proxy *proxy; /* one reference: the way to it, part of what it is as well; NULL: none */
    bool forward;      /* it is the proxy itself, for http:// URLs of any host */
    bool single;       /* one connection for all its life: rill_connect() */
    bool told_connected;
    bool put_off; /* its calls wait for those that may follow the responses of just now */
    rill_tls_memory memory;
    rill_conn *shared;         /* borrowed: see share.h; NULL: it is no guest */
    rill_member guest;         /* in its `guests` */
    rill_member guest_waiting; /* in its `guests_waiting` */
    uint32_t abroad;           /* calls that are sent on others' connections */
    bool alone;                /* a server has said 421: it is no guest again */
    rill_list conns;           /* owned */
    rill_conn *last_conn;      /* owned: the single connection, when it has closed; else NULL */
    rill_queue queue;          /* its calls are owned until sent */
    rill_list parked;          /* calls that wait for their paces before they come to the queue */
    rill_origin_pause backoff; /* nothing is sent or dialled */
    rill_origin_pause content; /* none is dialled beside those that are there */
    uint32_t calm;     /* what the next connection begins with: rill_conn.calm; 0: no limit */
    uint32_t round;    /* dials so far: see rill_retry_wait() */
    rill_error *no_h2; /* owned: ALPN said no; NULL: not lately */
    uint64_t no_h2_ms; /* when */
    const rill_protocol *protocol; /* what its last connection speaks; NULL: not known yet */
    bool http11;                   /* it has said that it wants HTTP/1.1 and nothing else */
};

/* Whether nothing is sent or dialled for now. */
static inline bool rill_origin_backs_off(const rill_origin *origin)
{
    return rill_timer_running(&origin->backoff.timer);
}

/* The connection of a single origin, also when it has closed; NULL: none was made. */
static inline rill_conn *rill_origin_conn(const rill_origin *origin)
{
    rill_conn *conn = rill_conn_first(&origin->conns);
    return conn ? conn : origin->last_conn;
}

/* NULL when out of memory. `from` is the caller's to set. */
rill_origin *rill_origin_new(rill_pool *pool, bool tls, const char *host, size_t host_length,
                             uint16_t port);

/* Ends what is left, and leaves the client's table. Calls must have ended before. */
void rill_origin_free(rill_origin *origin);

/* All origins one after the other, NULL before the first and behind the last; the next one is to be
 * asked for before one goes. */
rill_origin *rill_origin_next(const rill_pool *pool, const rill_origin *origin);

/* Takes a new call to the end of the queue. */
void rill_origin_add(rill_origin *origin, rill_call *call);

/* Makes it the origin of one connection, dialled now; CONNECTED, PONG and CLOSED are reported for
 * the pool's entry. It keeps the connection when it has closed, for those who ask why. */
void rill_origin_connect(rill_origin *origin);

/* Ends everything: sent calls as cancelled, unsent ones as inactive; idle connections say goodbye.
 */
void rill_origin_close(rill_origin *origin);

/* Takes what has closed on its connections, which their owner has just ended. */
void rill_origin_settle(rill_origin *origin);

#endif
