/* A connection's stack of pipes: a socket, TLS with a proxy that has it, and TLS where the origin
 * has it. */
#ifndef RILL_TRANSPORT_H
#define RILL_TRANSPORT_H

#include "net/socket.h"
#include "net/tls_pipe.h"

typedef struct rill_transport {
    rill_socket socket; /* fd -1: closed, or not open yet */
    rill_tls_pipe *hop; /* owned: TLS with the proxy; NULL: none */
    rill_tls_pipe *tls; /* owned: the layer that speaks with the origin; NULL: clear text */
    rill_pipe *top;     /* borrowed: what is read and written */
} rill_transport;

/* Takes over a connected socket (closed on failure too): a clear pipe. The struct is overwritten.
 * 0, or -RILL_ERROR. */
int32_t rill_transport_open(rill_transport *transport, rill_turn *turn, rill_mark *mark, int fd,
                            rill_error *err);

/* Puts TLS on top of it, as `*layer` (`hop` or `tls`); takes over `ssl` (freed on failure, when the
 * transport is closed). 0, or -RILL_ERROR. */
int32_t rill_transport_secure(rill_transport *transport, SSL *ssl, rill_tls_pipe **layer,
                              rill_error *err);

/* One step of the handshake of the TLS on top; see rill_tls_pipe_handshake(). */
int rill_transport_handshake(rill_transport *transport, int *result);

/* Before reading in a turn: how much may be received in it. */
void rill_transport_begin(rill_transport *transport);

/* Up to `room` bytes of what arrived. 0: nothing now; negative:
 * -RILL_CONNECTION_LOST with what happened: reset, end of the stream (with TLS: whether
 * close_notify came), broken TLS; or -RILL_PROTOCOL_ERROR when the peer reads none of TLS's
 * answers. */
int64_t rill_transport_read(rill_transport *transport, char *data, size_t room, rill_error *err);

/* So many bytes more may come, of a window of that size: with little left nothing more is received,
 * until half of it is free again, so that what TLS may hold of a record fits too. Returns whether
 * it is held back. */
bool rill_transport_allow(rill_transport *transport, int64_t room, uint32_t window);

/* See rill_tls_pipe_take_dry(); 0 in clear text. */
uint32_t rill_transport_take_dry(rill_transport *transport);

/* Takes all of it; it leaves when the shared buffer is full, or by flush. 0 or -RILL_ERROR. */
static inline int32_t rill_transport_write(rill_transport *transport, const void *data,
                                           size_t length)
{
    return transport->top->calls->write(transport->top, data, length);
}

/* Sends what is collected: must be called before another transport writes. 0, or
 * -RILL_CONNECTION_LOST. */
static inline int32_t rill_transport_flush(rill_transport *transport, rill_error *err)
{
    return transport->top->calls->flush(transport->top, err);
}

/* How many bytes the socket has not taken; while there are any, `mark` is marked when it does. */
static inline size_t rill_transport_blocked(const rill_transport *transport)
{
    return transport->socket.unsent.length;
}

/* Whether there may be something to read. */
static inline bool rill_transport_readable(const rill_transport *transport)
{
    return transport->socket.readable && !transport->socket.held;
}

/* How the peer has ended it: broken off, by FIN where TLS wants close_notify before it, or as it
 * should. */
enum rill_transport_end { TRANSPORT_BROKEN, TRANSPORT_CUT, TRANSPORT_ENDED };

static inline enum rill_transport_end rill_transport_end(const rill_transport *transport)
{
    const rill_pipe *pipe = &transport->socket.pipe;
    const rill_tls_pipe *tls = transport->tls ? transport->tls : transport->hop;
    bool fin = pipe->ended && !pipe->error;
    if (!tls)
        return fin ? TRANSPORT_ENDED : TRANSPORT_BROKEN;
    if (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN)
        return TRANSPORT_ENDED;
    return fin ? TRANSPORT_CUT : TRANSPORT_BROKEN;
}

/* Whether the socket has failed or ended, either way. */
static inline bool rill_transport_hung_up(const rill_transport *transport)
{
    return transport->socket.pipe.ended || transport->socket.send_error;
}

/* Sends close_notify if `polite`, and closes. Closing twice is fine. */
void rill_transport_close(rill_transport *transport, bool polite);

#endif
