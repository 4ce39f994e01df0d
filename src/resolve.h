/* Names to addresses through c-ares: hosts file, search domains, both families, on the turn's
 * events and deadlines; with a bounded cache. */
#ifndef RILL_RESOLVE_H
#define RILL_RESOLVE_H

#include <netinet/in.h>
#include <sys/un.h>

#include "turn.h"

typedef struct rill_resolver rill_resolver;
typedef struct rill_lookup rill_lookup;

typedef struct rill_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
    socklen_t length;
} rill_address;

enum {
    LOOKUP_ADDRESSES = 16,       /* of one name that are kept; more are not tried */
    RESOLVE_TRY_MS = 2000,       /* per try and server */
    RESOLVE_TRIES = 2,
    RESOLVE_CACHE_NAMES = 10000, /* then the least recently used name goes */
    RESOLVE_TTL_MIN_S = 1,
    RESOLVE_TTL_MAX_S = 300,
    RESOLVE_FAILURE_S = 5 /* a failure is remembered for so long */
};

/* Embedded in what asks; zeroed before its first use. When the answer is there, `mark` is marked. */
struct rill_lookup {
    rill_mark *mark; /* borrowed: the asker's */
    bool pending;
    rill_error error; /* reason RILL_OPEN: none. Kind dns, or reason timeout with phase dns */
    uint32_t count;
    rill_address addresses[LOOKUP_ADDRESSES]; /* as RFC 6724 sorts them, ports filled in */
    void *query; /* the resolver's own */
};

/* `servers`: "ip" or "ip:port" (IPv6 in brackets), comma-separated; NULL: the system's. NULL with `err` on bad ones. */
rill_resolver *rill_resolver_new(rill_turn *turn, const char *servers, rill_error *err);

/* Pending lookups must have been cancelled before. NULL is fine. */
void rill_resolver_free(rill_resolver *resolver);

/* Starts a lookup, or answers at once (literals, cache, `.invalid`): look at lookup->pending. `host` is
 * ASCII, without brackets; `family` is AF_UNSPEC, AF_INET or AF_INET6. */
void rill_resolver_lookup(rill_resolver *resolver, rill_lookup *lookup, const char *host,
                          uint16_t port, int family, rill_mark *mark);

/* Nothing will be marked any more. Cancelling one that is not pending is fine. */
void rill_lookup_cancel(rill_lookup *lookup);

/* "ip" or "ip:port" or "[ip6]:port" or "unix:/path"; `port` where none is given. False if it is none of these. */
bool rill_address_parse(const char *text, uint16_t port, rill_address *address);

/* Numeric form without port into `text` (46 bytes); "" for a Unix socket. */
void rill_address_print(const rill_address *address, char *text);
int32_t rill_address_port(const rill_address *address); /* 0 for a Unix socket */

#endif
