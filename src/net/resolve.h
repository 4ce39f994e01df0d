/* Names to addresses through c-ares: hosts file, search domains, both families, on the turn's
 * events and deadlines; with a bounded cache. */
#ifndef RILL_RESOLVE_H
#define RILL_RESOLVE_H

#include "net/address.h"
#include "base/turn.h"

typedef struct rill_resolver rill_resolver;
typedef struct rill_lookup rill_lookup;

enum {
    LOOKUP_ADDRESSES = 16,       /* of one name and family that are kept */
    RESOLVE_CACHE_NAMES = 10000, /* with both families; then the least recently used one goes */
    RESOLVE_TTL_MIN_S = 1,       /* the hosts file's too */
    RESOLVE_TTL_MAX_S = 300,
    RESOLVE_FAILURE_S = 5, /* a failure is remembered for so long */
    RESOLVE_EMPTY_S = 60   /* that a name has addresses of the other family alone */
};

/* The resolver's own: waits for what a name has of one family. */
typedef struct rill_lookup_half {
    rill_lookup *lookup; /* whose half it is */
    rill_member member;  /* in the name's list of those that wait for it; in none: it does not */
} rill_lookup_half;

/* Embedded in what asks; zeroed before its first use. `mark` is marked with each answer: the
 * families are asked for apart, so addresses may be there while it is pending. */
struct rill_lookup {
    rill_mark *mark; /* borrowed: the asker's */
    bool pending;
    uint16_t port;
    /* Reason RILL_OPEN: none; RILL_CONNECT_FAILED of kind dns, also when no name server answered in
     * time; RILL_ERROR. */
    rill_error error;
    uint32_t count;
    rill_address addresses[2 * LOOKUP_ADDRESSES]; /* ports filled in; later ones are added behind */
    bool apart;                                   /* each family by itself: in no order yet */
    rill_lookup_half halves[2];
    int status, family; /* of the worst answer, and what was asked for */
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
