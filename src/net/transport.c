#include "net/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/error.h"

void rill_transport_wake(rill_transport *transport)
{
    transport->readable = true;
    transport->turn->reader = transport;
    rill_turn_mark(transport->turn, transport->mark);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    rill_transport_wake(arg);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    rill_transport *transport = arg;
    rill_turn_mark(transport->turn, transport->mark);
}

/* --- out ------------------------------------------------------------------------------------- */

/* Sends until the socket takes no more. Returns how many bytes went; an error is in `send_error`.
 */
static size_t send_all(rill_transport *transport, const void *data, size_t length)
{
    size_t sent = 0;
    while (sent < length && !transport->send_error) {
        ssize_t n = send(transport->fd, (const char *)data + sent, length - sent, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            transport->send_error = errno;
    }
    transport->bytes_sent += (double)sent;
    return sent;
}

/* Empties the shared buffer: into the socket, the rest into the transport's own. */
static bool empty_shared(rill_transport *transport)
{
    rill_turn *turn = transport->turn;
    size_t length = turn->cipher_out_length;
    turn->cipher_out_length = 0;
    size_t sent =
        rill_transport_blocked(transport) ? 0 : send_all(transport, turn->cipher_out, length);
    if (sent == length || transport->send_error)
        return true;
    if (!rill_bytes_append(&turn->slab, &transport->unsent, turn->cipher_out + sent, length - sent))
        return false;
    event_add(transport->write_event, NULL);
    return true;
}

/* The shared buffer holds one transport's bytes at a time: another's leave first. */
static void own_shared(rill_transport *transport)
{
    rill_turn *turn = transport->turn;
    rill_transport *owner = turn->cipher_owner;
    if (owner == transport)
        return;
    if (owner && turn->cipher_out_length && !empty_shared(owner))
        owner->send_error = ENOMEM; /* its own flush tells */
    turn->cipher_owner = transport;
}

static bool put(rill_transport *transport, const char *data, size_t length)
{
    rill_turn *turn = transport->turn;
    own_shared(transport);
    while (length) {
        size_t room = sizeof(turn->cipher_out) - turn->cipher_out_length;
        size_t part = length < room ? length : room;
        memcpy(turn->cipher_out + turn->cipher_out_length, data, part);
        turn->cipher_out_length += part;
        data += part;
        length -= part;
        if (turn->cipher_out_length == sizeof(turn->cipher_out) && !empty_shared(transport))
            return false;
    }
    return true;
}

int32_t rill_transport_write(rill_transport *transport, const void *data, size_t length)
{
    if (transport->send_error || transport->tls_failed)
        return 0; /* flush tells, or the read has told */
    if (!transport->ssl)
        return put(transport, data, length) ? 0 : -RILL_ERROR;
    ERR_clear_error();
    return SSL_write(transport->ssl, data, (int)length) == (int)length ? 0 : -RILL_ERROR;
}

int32_t rill_transport_flush(rill_transport *transport, rill_error *err)
{
    rill_turn *turn = transport->turn;
    if (rill_transport_blocked(transport)) {
        rill_bytes *unsent = &transport->unsent;
        rill_bytes_consume(unsent, send_all(transport, unsent->data, unsent->length));
        if (!unsent->length)
            rill_bytes_dispose(&turn->slab, unsent);
        else
            event_add(transport->write_event, NULL);
    }
    if (turn->cipher_owner == transport && turn->cipher_out_length && !empty_shared(transport))
        return rill_error_set(err, RILL_ERROR, "out of memory");
    if (transport->send_error)
        return rill_error_set(err, RILL_CONNECTION_LOST, "%s", strerror(transport->send_error));
    return 0;
}

/* --- in -------------------------------------------------------------------------------------- */

/* -1: nothing now; 0: end, or `receive_error`. */
static ssize_t receive(rill_transport *transport, void *data, size_t room)
{
    if (transport->ended || transport->receive_error)
        return 0;
    if (!transport->readable || !transport->receives || transport->dry >= TRANSPORT_DRY_MAX)
        return -1;
    ssize_t n;
    do
        n = recv(transport->fd, data, room, 0);
    while (n < 0 && errno == EINTR);
    transport->receives--;
    if (n > 0) {
        transport->bytes_received += (double)n;
        if ((size_t)n < room)
            transport->readable = false; /* drained: spare the call that says EAGAIN */
        return n;
    }
    transport->readable = false;
    if (n == 0) {
        transport->ended = true;
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return -1;
    transport->receive_error = errno;
    return 0;
}

void rill_transport_begin(rill_transport *transport)
{
    transport->receives = TRANSPORT_RECEIVES;
}

static int32_t lost(const rill_transport *transport, rill_error *err)
{
    if (transport->receive_error)
        return rill_error_set(err, RILL_CONNECTION_LOST, "%s", strerror(transport->receive_error));
    if (!transport->ssl)
        return rill_error_set(err, RILL_CONNECTION_LOST, "the peer closed the connection");
    if (SSL_get_shutdown(transport->ssl) & SSL_RECEIVED_SHUTDOWN)
        return rill_error_set(err, RILL_CONNECTION_LOST,
                              "the peer closed the connection (close_notify)");
    return rill_error_set(err, RILL_CONNECTION_LOST,
                          "the peer closed the connection without close_notify");
}

/* Nothing is left of what was received, and the socket has no more: spares the call that finds out.
 */
static bool is_drained(const rill_transport *transport)
{
    const rill_turn *turn = transport->turn;
    return !transport->readable && !transport->ended && !transport->receive_error &&
           turn->cipher_in_start == turn->cipher_in_end && !SSL_has_pending(transport->ssl);
}

/* One SSL_read(), and what it has cost without bringing anything. */
static int read_plain(rill_transport *transport, char *data, size_t room)
{
    if (transport->answers > transport->unsent.length)
        transport->answers = transport->unsent.length;
    ERR_clear_error();
    transport->reading = true;
    int n = SSL_read(transport->ssl, data, (int)room);
    transport->reading = false;
    if (n > 0)
        transport->record = 0;
    return n;
}

uint32_t rill_transport_take_dry(rill_transport *transport)
{
    uint32_t records = (uint32_t)(transport->dry / TRANSPORT_DRY_RECORD);
    transport->dry %= TRANSPORT_DRY_RECORD;
    return records;
}

static int32_t refuse_deaf(rill_error *err)
{
    int32_t code = rill_error_set(err, RILL_PROTOCOL_ERROR,
                                  "the peer does not read what TLS must answer it (%d bytes)",
                                  TRANSPORT_UNSENT_MAX);
    if (err)
        err->code = rill_code_number("ENHANCE_YOUR_CALM");
    return code;
}

int64_t rill_transport_read(rill_transport *transport, char *data, size_t room, rill_error *err)
{
    if (!transport->ssl) {
        ssize_t n = receive(transport, data, room);
        return n > 0 ? n : n < 0 ? 0 : lost(transport, err);
    }
    if (is_drained(transport))
        return 0;
    int n = read_plain(transport, data, room);
    if (n > 0)
        return n;
    if (transport->answers > TRANSPORT_UNSENT_MAX) {
        transport->turn->cipher_in_start = transport->turn->cipher_in_end = 0;
        return refuse_deaf(err);
    }
    switch (SSL_get_error(transport->ssl, n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_SSL: {
        transport->tls_failed = true;
        transport->turn->cipher_in_start = transport->turn->cipher_in_end = 0;
        if (transport->ended || transport->receive_error)
            break;
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        int32_t code =
            rill_error_set(err, RILL_CONNECTION_LOST, "TLS failed: %s", why ? why : "unknown");
        if (err)
            err->kind = RILL_KIND_TLS;
        return code;
    }
    default:
        break;
    }
    transport->turn->cipher_in_start = transport->turn->cipher_in_end = 0;
    return lost(transport, err);
}

/* --- TLS over the shared buffers ------------------------------------------------------------- */

static int on_bio_write(BIO *bio, const char *data, int length)
{
    rill_transport *transport = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (transport->reading) {
        transport->dry += (size_t)length;
        transport->answers += (size_t)length;
    }
    return put(transport, data, (size_t)length) ? length : -1;
}

/* Says "again" only when the shared buffer is empty: so another connection may use it then. */
static int on_bio_read(BIO *bio, char *data, int length)
{
    rill_transport *transport = BIO_get_data(bio);
    rill_turn *turn = transport->turn;
    BIO_clear_retry_flags(bio);
    if (length == SSL3_RT_HEADER_LENGTH) { /* the next record begins */
        transport->dry += transport->record;
        transport->record = 0;
    }
    if (turn->cipher_in_start == turn->cipher_in_end) {
        ssize_t n = receive(transport, turn->cipher_in, sizeof(turn->cipher_in));
        if (n < 0)
            BIO_set_retry_read(bio);
        if (n <= 0)
            return (int)n;
        turn->cipher_in_start = 0;
        turn->cipher_in_end = (size_t)n;
    }
    size_t part = turn->cipher_in_end - turn->cipher_in_start;
    if (part > (size_t)length)
        part = (size_t)length;
    memcpy(data, turn->cipher_in + turn->cipher_in_start, part);
    turn->cipher_in_start += part;
    transport->record += part;
    return (int)part;
}

static long on_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    rill_transport *transport = BIO_get_data(bio);
    if (command == BIO_C_GET_FD && pointer)
        return *(int *)pointer = transport->fd;
    if (command == BIO_CTRL_EOF)
        return transport->ended || transport->receive_error;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static BIO_METHOD *shared_method(rill_turn *turn)
{
    if (!turn->bio_method) {
        BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rill");
        if (!method)
            return NULL;
        BIO_meth_set_write(method, on_bio_write);
        BIO_meth_set_read(method, on_bio_read);
        BIO_meth_set_ctrl(method, on_bio_ctrl);
        turn->bio_method = method;
    }
    return turn->bio_method;
}

void rill_transport_dispose_shared(rill_turn *turn)
{
    BIO_meth_free(turn->bio_method);
    turn->bio_method = NULL;
}

int32_t rill_transport_open(rill_transport *transport, rill_turn *turn, rill_mark *mark, int fd,
                            SSL *ssl, rill_error *err)
{
    *transport = (rill_transport){.turn = turn, .mark = mark, .fd = fd, .ssl = ssl};
    transport->read_event = event_new(turn->base, fd, EV_READ | EV_PERSIST, on_readable, transport);
    transport->write_event = event_new(turn->base, fd, EV_WRITE, on_writable, transport);
    if (!transport->read_event || !transport->write_event || event_add(transport->read_event, NULL))
        goto fail;
    if (ssl) {
        BIO_METHOD *method = shared_method(turn);
        BIO *bio = method ? BIO_new(method) : NULL;
        if (!bio)
            goto fail;
        BIO_set_data(bio, transport);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl, bio, bio);
        SSL_set_connect_state(ssl);
    }
    int on = 1; /* small control frames must not wait; a local socket has no such option */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
fail:
    rill_transport_close(transport, false);
    return rill_error_set(err, RILL_ERROR, "out of memory");
}

int rill_transport_handshake(rill_transport *transport, int *result)
{
    rill_transport_begin(transport);
    ERR_clear_error();
    int n = SSL_do_handshake(transport->ssl);
    transport->dry = transport->record = 0; /* of the handshake nothing was to be expected */
    if (n == 1)
        return 1;
    *result = SSL_get_error(transport->ssl, n);
    if (*result == SSL_ERROR_WANT_READ || *result == SSL_ERROR_WANT_WRITE)
        return 0;
    transport->turn->cipher_in_start = transport->turn->cipher_in_end = 0;
    return -1;
}

void rill_transport_close(rill_transport *transport, bool polite)
{
    rill_turn *turn = transport->turn;
    if (transport->fd < 0)
        return;
    if (polite && transport->ssl && SSL_is_init_finished(transport->ssl) &&
        !transport->send_error && !transport->tls_failed) {
        ERR_clear_error();
        SSL_shutdown(transport->ssl); /* without it servers drop the session: no resumption */
    }
    if (!transport->send_error)
        rill_transport_flush(transport, NULL);
    if (turn->cipher_owner == transport) {
        turn->cipher_owner = NULL;
        turn->cipher_out_length = 0;
    }
    turn->cipher_in_start = turn->cipher_in_end = 0;
    if (transport->read_event)
        event_free(transport->read_event);
    if (transport->write_event)
        event_free(transport->write_event);
    SSL_free(transport->ssl);
    transport->ssl = NULL;
    ERR_clear_error();
    close(transport->fd);
    transport->fd = -1;
    if (turn->reader == transport)
        turn->reader = NULL;
    rill_bytes_dispose(&turn->slab, &transport->unsent);
}
