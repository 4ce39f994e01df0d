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
    OPENSSL_free(peer->der);
    rill_slab_free(&peer->turn->slab, peer);
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
    if (!peer->der && peer->leaf)
        peer->der_length = i2d_X509(peer->leaf, &peer->der);
    if (peer->der_length < 0)
        return -RILL_ERROR;
    info->certificate = (const char *)peer->der;
    info->certificate_length = (uint32_t)peer->der_length;
    info->resumed = peer->resumed;
    info->tls_version = peer->version;
    info->cipher = peer->cipher;
    return 0;
}
