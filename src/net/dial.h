/* From an origin's name to a connected, negotiated transport, or the reason why not: lookup, race
 * of the addresses (RFC 8305), the way through a proxy, TLS. */
#ifndef RILL_DIAL_H
#define RILL_DIAL_H

#include "net/resolve.h"
#include "net/tls.h"
#include "net/transport.h"
#include "net/tunnel.h"

enum {
    DIAL_STAGGER_MS = 250, /* RFC 8305 section 5: the next address joins the race after that */
    DIAL_FAMILY_MS = 50,   /* section 3: IPv4 waits no longer for IPv6's answer */
    DIAL_RACERS = LOOKUP_ADDRESSES
};

/* What an option set says of dialling. Borrowed, like all that it points to. */
typedef struct rill_dial_options {
    const rill_resolve *resolve; /* the caller's map of hosts to addresses, sorted by host */
    uint32_t resolve_count;
    int family;                /* AF_UNSPEC, AF_INET or AF_INET6 */
    rill_address bind_address; /* where connections come from, unless a request says otherwise;
                                  length 0: the system's choice */
    bool deny_private;         /* only globally reachable addresses, but for mapped ones */
} rill_dial_options;

/* What there is to dial. All borrowed until the dial is over. */
typedef struct rill_dial_target {
    const char *host; /* ASCII, without brackets */
    uint16_t port;
    rill_resolver *resolver;
    const rill_dial_options *options;
    rill_tls *tls;         /* NULL: clear text */
    rill_tls *tls_options; /* for TLS with a proxy */
    rill_tls_memory *memory;
    uint32_t number;          /* of the connection: see rill_turn.dialled */
    enum rill_alpn clear;     /* what is spoken in clear text */
    bool http11;              /* HTTP/1.1 alone is offered, and spoken in clear text */
    const rill_proxy *proxy;  /* NULL: none */
    bool asks;                /* once it knows where it leads it waits for rill_dial_go_on() */
    bool forward;             /* the proxy itself is spoken with: no tunnel. The host is its */
    const char *user_agent;   /* sent to the proxy; NULL: none */
    const rill_address *from; /* where the connection comes from; length 0: the system's choice */
} rill_dial_target;

struct dial_racer {
    int fd; /* owned; -1: none */
    bool ready;
    struct event *event; /* owned */
    rill_mark *mark;     /* borrowed */
    rill_turn *turn;
};

typedef struct rill_dial {
    rill_turn *turn;
    rill_mark *mark; /* borrowed: marked when rill_dial_act() has something to do */
    const rill_dial_target *target;
    bool mapped;           /* the caller's map has said where to go */
    bool waits, agreed;    /* see `asks` */
    uint32_t step;         /* of those that this target takes */
    enum rill_phase phase; /* the step's */
    rill_lookup lookup;    /* its addresses are tried in order */
    uint32_t admitted;     /* of these: those behind have come since */
    uint64_t family_ms;    /* when the other family is waited for no longer; 0: it is not */
    char denied[46];       /* an address that deny_private has turned away; "": none */
    uint32_t tried, racing;
    struct dial_racer racers[DIAL_RACERS]; /* one per address */
    rill_timer stagger;
    char failures[200]; /* "address: why" of those that failed */
    bool beyond;        /* it is what stands behind the proxy that is looked up */
    bool asked;         /* the proxy, for a tunnel */
    rill_tunnel tunnel;
    rill_visit visit;              /* to the gate of TLS handshakes */
    uint64_t phase_us;             /* when this phase began */
    float dns_s, connect_s, tls_s; /* connect: the way through a proxy as well */
    rill_address address;          /* the one that won */
    enum rill_alpn chosen;         /* what was negotiated */
} rill_dial;

/* Starts; the struct is overwritten. */
void rill_dial_start(rill_dial *dial, rill_turn *turn, rill_mark *mark,
                     const rill_dial_target *target);

/* Goes on as far as it can. 1: `transport` is open and has negotiated h2 (or is clear text); 0:
 * waits; negative: failed, with kind dns, denied, tcp, proxy, tls or alpn (or reason timeout, phase
 * dns). The transport may have been opened then: close it. */
int32_t rill_dial_act(rill_dial *dial, rill_transport *transport, rill_error *err);

/* Whether it waits for its turn at the gate: that others are slow is nothing its peer could help.
 */
static inline bool rill_dial_is_held(const rill_dial *dial)
{
    return dial->visit.state == VISIT_WAITING;
}

/* It is to connect: see `asks`. */
void rill_dial_go_on(rill_dial *dial);

/* Adds the time so far to the phase it is in: for one that is given up. */
void rill_dial_clock(rill_dial *dial);

/* Ends a dial at any point (done and failed ones too): nothing of it is left. */
void rill_dial_dispose(rill_dial *dial);

#endif
