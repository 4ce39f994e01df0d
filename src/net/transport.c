#include "net/transport.h"

/* None of them stands any more. */
static void strip(rill_transport *transport)
{
    transport->hop = transport->tls = NULL;
    transport->top = &transport->socket.pipe;
}

int32_t rill_transport_open(rill_transport *transport, rill_turn *turn, rill_mark *mark, int fd,
                            rill_error *err)
{
    strip(transport);
    return rill_socket_open(&transport->socket, turn, mark, fd, err);
}

int32_t rill_transport_secure(rill_transport *transport, SSL *ssl, rill_tls_pipe **layer,
                              rill_error *err)
{
    rill_tls_pipe *tls = rill_tls_pipe_new(transport->socket.turn, transport->top, ssl, err);
    if (!tls) {
        strip(transport);
        return -RILL_ERROR;
    }
    *layer = tls;
    transport->socket.batched = true;
    transport->top = &tls->pipe;
    return 0;
}

int rill_transport_handshake(rill_transport *transport, int *result)
{
    rill_tls_pipe *tls = transport->tls ? transport->tls : transport->hop;
    rill_transport_begin(transport);
    int done = rill_tls_pipe_handshake(tls, result);
    if (transport->hop)
        rill_tls_pipe_take_dry(transport->hop);
    if (done < 0)
        rill_socket_discard(&transport->socket);
    return done;
}

void rill_transport_begin(rill_transport *transport)
{
    transport->socket.receives = SOCKET_RECEIVES;
}

static bool has_pending(const rill_tls_pipe *tls)
{
    return tls && SSL_has_pending(tls->ssl);
}

int64_t rill_transport_read(rill_transport *transport, char *data, size_t room, rill_error *err)
{
    if ((transport->tls || transport->hop) && rill_socket_drained(&transport->socket) &&
        !has_pending(transport->tls) && !has_pending(transport->hop))
        return 0;
    int64_t length = transport->top->calls->read(transport->top, data, room, err);
    if (length < 0)
        rill_socket_discard(&transport->socket);
    return length;
}

bool rill_transport_allow(rill_transport *transport, int64_t room, uint32_t window)
{
    rill_socket *socket = &transport->socket;
    int64_t half = window / 2, least = half < 2 * TURN_PLAIN ? half : 2 * TURN_PLAIN;
    bool held = room < (socket->held ? half : least) || room <= 0;
    socket->most = room > 2 * TURN_PLAIN ? (size_t)room - TURN_PLAIN : TURN_PLAIN;
    rill_socket_hold(socket, held);
    return held;
}

uint32_t rill_transport_take_dry(rill_transport *transport)
{
    uint32_t hop = transport->hop ? rill_tls_pipe_take_dry(transport->hop) : 0;
    return hop + (transport->tls ? rill_tls_pipe_take_dry(transport->tls) : 0);
}

void rill_transport_close(rill_transport *transport, bool polite)
{
    if (transport->socket.fd < 0)
        return;
    transport->top->calls->close(transport->top, polite && !transport->socket.send_error);
    strip(transport);
}
