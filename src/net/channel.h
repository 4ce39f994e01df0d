/* c-ares on a turn: its descriptors are events, its timeouts a timer. */
#ifndef RILL_CHANNEL_H
#define RILL_CHANNEL_H

#include <sys/stat.h>

#include <ares.h>

#include "base/turn.h"

enum {
    CHANNEL_TRY_MS = 2000, /* for the first try; each further one gets twice as long */
    CHANNEL_TRIES = 2,     /* per server */
    /* where there are several servers the next one is asked soon, and first from then on */
    CHANNEL_NEXT_MS = 300,
    CHANNEL_NEXT_TRIES = 3
};

/* Embedded in the resolver; does not move. */
typedef struct rill_channel {
    rill_turn *turn;                     /* borrowed */
    ares_channel ares;                   /* NULL: not open */
    struct ares_addr_port_node *servers; /* NULL: the system's */
    struct stat system;                  /* of resolv.conf, as `ares` has read it */
    struct channel_watch *watches;
    bool skip;        /* the first server was silent: it goes to the end of the line */
    rill_timer timer; /* c-ares's next timeout; runs while anything is asked for */
} rill_channel;

/* `servers`: "ip" or "ip:port" (IPv6 in brackets), comma-separated; NULL: the system's. 0, or
 * -RILL_ARGUMENT for bad ones, -RILL_ERROR; to be disposed of either way. */
int32_t rill_channel_init(rill_channel *channel, rill_turn *turn, const char *servers,
                          rill_error *err);

/* Sees to it that c-ares is there and has read the system's files: many a client never has a name
 * to look up. To be called before what is asked below. 0, or an error: the next call tries again.
 */
int32_t rill_channel_open(rill_channel *channel, rill_error *err);

/* Questions without an answer yet are answered with ARES_EDESTRUCTION. */
void rill_channel_dispose(rill_channel *channel);

/* An answer came after so many timeouts. */
void rill_channel_note(rill_channel *channel, int timeouts);

/* Whether the hosts file has the name. */
bool rill_channel_has_host(rill_channel *channel, const char *host);

/* Asks hosts file and name servers for the addresses of `host`. `on_answer` gets `arg` once: before
 * this returns, or from a callback of libevent or the wheel; it owns the result. Reads the system's
 * files again if they have changed and nothing is being asked. */
void rill_channel_ask(rill_channel *channel, const char *host, int family,
                      ares_addrinfo_callback on_answer, void *arg);

/* Frees what `on_answer` got; NULL is fine. */
void rill_channel_free_answer(struct ares_addrinfo *found);

/* c-ares' text for a status (ARES_...), as in an answer; static. */
const char *rill_channel_text(int status);

#endif
