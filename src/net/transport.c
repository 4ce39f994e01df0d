#include "net/transport.h"

int32_t rill_transport_open(rill_transport *transport, rill_turn *turn, rill_mark *mark, int fd,
                            rill_error *err)
{
    transport->tls = NULL;
    transport->top = &transport->socket.pipe;
    return rill_socket_open(&transport->socket, turn, mark, fd, err);
}

int32_t rill_transport_secure(rill_transport *transport, SSL *ssl, rill_error *err)
{
    transport->tls = rill_tls_pipe_new(transport->socket.turn, transport->top, ssl, err);
    if (!transport->tls) {
        transport->top = &transport->socket.pipe;
        return -RILL_ERROR;
    }
    transport->socket.batched = true;
    transport->top = &transport->tls->pipe;
    return 0;
}

int rill_transport_handshake(rill_transport *transport, int *result)
{
    rill_transport_begin(transport);
    int done = rill_tls_pipe_handshake(transport->tls, result);
    if (done < 0)
        rill_socket_discard(&transport->socket);
    return done;
}

void rill_transport_begin(rill_transport *transport)
{
    transport->socket.receives = SOCKET_RECEIVES;
}

int64_t rill_transport_read(rill_transport *transport, char *data, size_t room, rill_error *err)
{
    const rill_tls_pipe *tls = transport->tls;
    if (tls && rill_socket_drained(&transport->socket) && !SSL_has_pending(tls->ssl))
        return 0;
    int64_t length = transport->top->calls->read(transport->top, data, room, err);
    if (length < 0)
        rill_socket_discard(&transport->socket);
    return length;
}

uint32_t rill_transport_take_dry(rill_transport *transport)
{
    return transport->tls ? rill_tls_pipe_take_dry(transport->tls) : 0;
}

void rill_transport_close(rill_transport *transport, bool polite)
{
    if (transport->socket.fd < 0)
        return;
    transport->top->calls->close(transport->top, polite && !transport->socket.send_error);
    transport->tls = NULL;
    transport->top = &transport->socket.pipe;
}
