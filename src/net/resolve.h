/* Names to addresses through c-ares: hosts file, search domains, both families, on the turn's
 * events and deadlines; with a bounded cache. */
#ifndef RILL_RESOLVE_H
#define RILL_RESOLVE_H

#include "net/address.h"
#include "base/turn.h"

typedef struct rill_resolver rill_resolver;
typedef struct rill_lookup rill_lookup;

enum {
    LOOKUP_ADDRESSES = 16,       /* of one name that are kept; more are not tried */
    RESOLVE_CACHE_NAMES = 10000, /* then the least recently used name goes */
    RESOLVE_TTL_MIN_S = 1,       /* the hosts file's too */
    RESOLVE_TTL_MAX_S = 300,
    RESOLVE_FAILURE_S = 5 /* a failure is remembered for so long */
};

/* Embedded in what asks; zeroed before its first use. `mark` is marked when the answer is there. */
struct rill_lookup {
    rill_mark *mark; /* borrowed: the asker's */
    bool pending;
    uint16_t port;
    /* Reason RILL_OPEN: none; RILL_CONNECT_FAILED of kind dns, also when no name server answered in
     * time; RILL_ERROR. */
    rill_error error;
    uint32_t count;
    /* As RFC 6724 sorts them, ports filled in; of too many, some of either family. */
    rill_address addresses[LOOKUP_ADDRESSES];
    rill_lookup *next, **link; /* the resolver's own: others that wait for the same name */
};

/* `servers`: "ip" or "ip:port" (IPv6 in brackets), comma-separated; NULL: the system's, read again
 * when /etc/resolv.conf changes. NULL with `err`: RILL_ARGUMENT on bad ones, RILL_ERROR. */
rill_resolver *rill_resolver_new(rill_turn *turn, const char *servers, rill_error *err);

/* Pending lookups must have been cancelled before. NULL is fine. Not from a library's callback. */
void rill_resolver_free(rill_resolver *resolver);

/* Starts a lookup, or answers at once (literals, cache, hosts file, localhost, `.invalid`): look at
 * lookup->pending; what is answered at once is not marked. `host` is ASCII, without brackets;
 * `family` is AF_UNSPEC, AF_INET or AF_INET6. A lookup that is pending is cancelled first. */
void rill_resolver_lookup(rill_resolver *resolver, rill_lookup *lookup, const char *host,
                          uint16_t port, int family, rill_mark *mark);

/* Nothing will be marked any more (a mark made before stays). Cancelling one that is not pending is
 * fine. */
void rill_lookup_cancel(rill_lookup *lookup);

#endif
