/* The way through a proxy: CONNECT (RFC 9110 section 9.3.6) or SOCKS5 (RFC 1928, 1929), spoken over
 * a pipe to the proxy until it is a pipe to somebody else. */
#ifndef RILL_TUNNEL_H
#define RILL_TUNNEL_H

#include "http/lines.h"
#include "net/address.h"
#include "net/proxy.h"
#include "net/transport.h"

enum {
    TUNNEL_HEAD_MAX = 64 << 10, /* of a proxy's answers to CONNECT, in sum */
    TUNNEL_LINE = 160,          /* of a status line that is shown, or of a SOCKS answer */
    TUNNEL_TEXT = 255           /* a name, a user, a password (RFC 1928 section 5, RFC 1929) */
};

enum tunnel_state {
    TUNNEL_HEAD,   /* the answer to CONNECT */
    TUNNEL_METHOD, /* SOCKS: which authentication */
    TUNNEL_RIGHTS, /* whether user and password will do */
    TUNNEL_REPLY,
    TUNNEL_OPEN
};

typedef struct rill_tunnel {
    enum tunnel_state state;
    const rill_proxy *proxy; /* borrowed */
    const char *host;        /* borrowed: where to */
    uint16_t port;
    const rill_address *address; /* borrowed: goes instead of the host; NULL: that goes */
    uint32_t taken;              /* bytes of the head, or of a SOCKS answer */
    rill_lines lines;            /* of a head; owned */
    uint32_t wanted;             /* of a SOCKS answer, which stands in `text` */
    char text[TUNNEL_LINE];
} rill_tunnel;

/* Asks for it; the struct is overwritten. 0, or RILL_CONNECT_FAILED of kind proxy: what SOCKS
 * cannot carry. */
int32_t rill_tunnel_begin(rill_tunnel *tunnel, rill_transport *transport, const rill_proxy *proxy,
                          const char *host, uint16_t port, const rill_address *address,
                          const char *user_agent, rill_error *err);

/* Frees what it has read of an answer. Zeroed is fine. */
void rill_tunnel_dispose(rill_tunnel *tunnel, rill_slab *slab);

/* Reads the answer as far as it has come. 1: it is open; 0: waits; negative: RILL_CONNECT_FAILED of
 * kind proxy, with what the proxy has said. */
int32_t rill_tunnel_act(rill_tunnel *tunnel, rill_transport *transport, rill_error *err);

#endif
