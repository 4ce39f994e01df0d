/* Who is at the other end of a connection. It outlives the connection as long as a call refers to
 * it: events name it, and scripts ask when they see them. */
#ifndef RILL_PEER_H
#define RILL_PEER_H

#include <openssl/ssl.h>

#include "net/address.h"
#include "base/turn.h"

typedef struct rill_peer {
    rill_entry entry; /* its id names the connection, see rill_peer_info_get() */
    rill_turn *turn;  /* borrowed */
    uint32_t references;
    uint32_t number; /* of the connection: see rill_turn.dialled */
    rill_address address;
    bool tls, resumed;
    const char *protocol;         /* static: as ALPN has it */
    X509 *leaf;                   /* owned; NULL without TLS */
    const char *version, *cipher; /* static */
} rill_peer;

/* One reference is the caller's. `ssl` (NULL: clear text) has finished its handshake. NULL with
 * `err`. */
rill_peer *rill_peer_new(rill_turn *turn, const rill_address *address, SSL *ssl,
                         const char *protocol, rill_error *err);
rill_peer *rill_peer_hold(rill_peer *peer);
void rill_peer_release(rill_peer *peer); /* NULL is fine */

/* See rill_peer_info_get(). The certificate is lent: see rill_turn_lend(). */
int32_t rill_peer_describe(rill_peer *peer, rill_peer_info *info);

#endif
