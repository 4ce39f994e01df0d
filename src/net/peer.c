#include "net/peer.h"

#include <string.h>

#include "base/error.h"

rill_peer *rill_peer_new(rill_turn *turn, const rill_address *address, SSL *ssl,
                         const char *protocol, rill_error *err)
{
    rill_peer *peer = rill_slab_zalloc(&turn->slab, sizeof(*peer));
    if (!peer) {
        rill_error_memory(err);
        return NULL;
    }
    peer->turn = turn;
    peer->references = 1;
    peer->address = *address;
    peer->tls = ssl != NULL;
    peer->protocol = protocol;
    if (ssl) {
        peer->leaf = SSL_get1_peer_certificate(ssl);
        peer->resumed = SSL_session_reused(ssl) == 1;
        peer->version = SSL_get_version(ssl);
        peer->cipher = SSL_get_cipher_name(ssl);
    }
    if (rill_turn_name(turn, &peer->entry, ENTRY_PEER, err)) {
        rill_peer_release(peer);
        return NULL;
    }
    return peer;
}

rill_peer *rill_peer_hold(rill_peer *peer)
{
    if (peer)
        peer->references++;
    return peer;
}

void rill_peer_release(rill_peer *peer)
{
    if (!peer || --peer->references)
        return;
    rill_turn_forget(peer->turn, &peer->entry);
    X509_free(peer->leaf);
    rill_slab_free(&peer->turn->slab, peer);
}

/* Not kept: a script that has seen it keeps its own. 0 or -RILL_ERROR: out of memory. */
static int32_t lend_certificate(const rill_peer *peer, rill_peer_info *info)
{
    int length = i2d_X509(peer->leaf, NULL);
    unsigned char *der = length > 0 ? rill_turn_lend(peer->turn, (size_t)length) : NULL;
    if (!der)
        return -RILL_ERROR;
    info->certificate = (const char *)der;
    info->certificate_length = (uint32_t)length;
    i2d_X509(peer->leaf, &der); /* moves it */
    return 0;
}

int32_t rill_peer_describe(rill_peer *peer, rill_peer_info *info)
{
    const char *protocol = peer->protocol;
    if (!peer->tls && !strcmp(protocol, "h2"))
        protocol = "h2c";
    *info = (rill_peer_info){.port = rill_address_port(&peer->address)};
    rill_address_print(&peer->address, info->ip_address);
    memcpy(info->protocol, protocol, strlen(protocol) + 1);
    if (!peer->tls)
        return 0;
    if (peer->leaf && lend_certificate(peer, info))
        return -RILL_ERROR;
    info->resumed = peer->resumed;
    info->tls_version = peer->version;
    info->cipher = peer->cipher;
    return 0;
}
