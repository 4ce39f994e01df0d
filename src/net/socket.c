#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/error.h"

void rill_socket_wake(rill_socket *socket)
{
    socket->readable = true;
    socket->turn->look.ready++;
    socket->turn->readers[socket->fd % TURN_READERS] = socket;
    rill_turn_mark(socket->turn, socket->mark);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    rill_socket_wake(arg);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    rill_socket *socket = arg;
    socket->turn->look.ready++;
    rill_turn_mark(socket->turn, socket->mark);
}

/* --- out ------------------------------------------------------------------------------------- */

/* Sends until the socket takes no more. Returns how many bytes went; an error is in `send_error`.
 */
static size_t send_all(rill_socket *socket, const void *data, size_t length)
{
    size_t sent = 0;
    if (!rill_turn_is_own(socket->turn))
        socket->send_error = EPERM; /* a child closes, and leaves its parent's streams alone */
    while (sent < length && !socket->send_error) {
        ssize_t n = send(socket->fd, (const char *)data + sent, length - sent, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            socket->send_error = errno;
    }
    socket->bytes_sent += (double)sent;
    return sent;
}

/* Empties the shared buffer: into the socket, the rest into the socket's own. */
static bool empty_shared(rill_socket *socket)
{
    rill_turn *turn = socket->turn;
    size_t length = turn->cipher_out_length;
    turn->cipher_out_length = 0;
    size_t sent = socket->unsent.length ? 0 : send_all(socket, turn->cipher_out, length);
    if (sent == length || socket->send_error)
        return true;
    if (!rill_bytes_append(&turn->slab, &socket->unsent, turn->cipher_out + sent, length - sent))
        return false;
    event_add(socket->write_event, NULL);
    return true;
}

/* The shared buffer holds one socket's bytes at a time: another's leave first. */
static void own_shared(rill_socket *socket)
{
    rill_turn *turn = socket->turn;
    rill_socket *owner = turn->cipher_owner;
    if (owner == socket)
        return;
    if (owner && turn->cipher_out_length && !empty_shared(owner))
        owner->send_error = ENOMEM; /* reported by its own flush */
    turn->cipher_owner = socket;
}

static int32_t write_bytes(rill_pipe *pipe, const void *data, size_t length)
{
    rill_socket *socket = (rill_socket *)pipe;
    rill_turn *turn = socket->turn;
    const char *rest = data;
    if (socket->send_error)
        return 0;
    own_shared(socket);
    while (length) {
        size_t room = sizeof(turn->cipher_out) - turn->cipher_out_length;
        size_t part = length < room ? length : room;
        memcpy(turn->cipher_out + turn->cipher_out_length, rest, part);
        turn->cipher_out_length += part;
        rest += part;
        length -= part;
        if (turn->cipher_out_length == sizeof(turn->cipher_out) && !empty_shared(socket))
            return -RILL_ERROR;
    }
    return 0;
}

static int32_t flush(rill_pipe *pipe, rill_error *err)
{
    rill_socket *socket = (rill_socket *)pipe;
    rill_turn *turn = socket->turn;
    if (socket->unsent.length) {
        rill_bytes *unsent = &socket->unsent;
        rill_bytes_consume(unsent, send_all(socket, unsent->data, unsent->length));
        if (!unsent->length)
            rill_bytes_dispose(&turn->slab, unsent);
        else
            event_add(socket->write_event, NULL);
    }
    if (turn->cipher_owner == socket && turn->cipher_out_length && !empty_shared(socket))
        return rill_error_memory(err);
    if (socket->send_error)
        return rill_error_set(err, RILL_CONNECTION_LOST, "%s", strerror(socket->send_error));
    return 0;
}

static size_t blocked(const rill_pipe *pipe)
{
    return ((const rill_socket *)pipe)->unsent.length;
}

/* --- in -------------------------------------------------------------------------------------- */

/* Once in its turn it may, whatever the step has done: so each connection goes on. */
static bool may_receive(const rill_socket *socket)
{
    return socket->receives == SOCKET_RECEIVES ||
           (socket->receives > 0 && !rill_turn_is_spent(socket->turn));
}

/* -1: nothing now; 0: nothing more, see `pipe`. */
static ssize_t receive(rill_socket *socket, void *data, size_t room)
{
    if (socket->pipe.ended)
        return 0;
    if (!socket->readable || !may_receive(socket) || socket->pipe.paused || socket->held)
        return -1;
    if (socket->most && room > socket->most)
        room = socket->most;
    ssize_t n;
    do
        n = recv(socket->fd, data, room, 0);
    while (n < 0 && errno == EINTR);
    socket->receives -= n > TURN_CIPHER_IN ? (int)(n / TURN_CIPHER_IN) : 1;
    if (n > 0) {
        rill_turn_spend(socket->turn, (size_t)n);
        socket->bytes_received += (double)n;
        if ((size_t)n < room)
            socket->readable = false; /* drained: spare the call that says EAGAIN */
        return n;
    }
    socket->readable = false;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return -1;
    socket->pipe.ended = true;
    socket->pipe.error = n < 0 ? errno : 0;
    return 0;
}

void rill_socket_hold(rill_socket *socket, bool held)
{
    if (socket->held == held || socket->fd < 0)
        return;
    socket->held = held;
    if (held) {
        event_del(socket->read_event);
        return;
    }
    if (event_add(socket->read_event, NULL))
        socket->send_error = ENOMEM; /* reported by its flush */
    rill_socket_wake(socket);
}

/* Through the shared buffer. It is empty when there is nothing now: so another socket may use it
 * then. */
static ssize_t receive_batched(rill_socket *socket, char *data, size_t room)
{
    rill_turn *turn = socket->turn;
    if (turn->cipher_in_start == turn->cipher_in_end) {
        ssize_t n = receive(socket, turn->cipher_in, sizeof(turn->cipher_in));
        if (n <= 0)
            return n;
        turn->cipher_in_start = 0;
        turn->cipher_in_end = (size_t)n;
    }
    size_t part = turn->cipher_in_end - turn->cipher_in_start;
    if (part > room)
        part = room;
    memcpy(data, turn->cipher_in + turn->cipher_in_start, part);
    turn->cipher_in_start += part;
    return (ssize_t)part;
}

static int64_t read_bytes(rill_pipe *pipe, char *data, size_t room, rill_error *err)
{
    rill_socket *socket = (rill_socket *)pipe;
    ssize_t n = socket->batched ? receive_batched(socket, data, room) : receive(socket, data, room);
    if (n)
        return n > 0 ? n : 0;
    if (pipe->error)
        return rill_error_set(err, RILL_CONNECTION_LOST, "%s", strerror(pipe->error));
    return rill_error_set(err, RILL_CONNECTION_LOST, "the peer closed the connection");
}

/* --- life ------------------------------------------------------------------------------------ */

static void close_socket(rill_pipe *pipe, bool polite)
{
    (void)polite;
    rill_socket *socket = (rill_socket *)pipe;
    rill_turn *turn = socket->turn;
    if (socket->fd < 0)
        return;
    if (!socket->send_error)
        flush(pipe, NULL);
    if (turn->cipher_owner == socket) {
        turn->cipher_owner = NULL;
        turn->cipher_out_length = 0;
    }
    rill_socket_discard(socket);
    if (socket->read_event)
        event_free(socket->read_event);
    if (socket->write_event)
        event_free(socket->write_event);
    if (turn->readers[socket->fd % TURN_READERS] == socket)
        turn->readers[socket->fd % TURN_READERS] = NULL;
    close(socket->fd);
    socket->fd = -1;
    rill_bytes_dispose(&turn->slab, &socket->unsent);
}

static const rill_pipe_calls calls = {read_bytes, write_bytes, flush, blocked, close_socket};

int32_t rill_socket_open(rill_socket *socket, rill_turn *turn, rill_mark *mark, int fd,
                         rill_error *err)
{
    *socket =
        (rill_socket){.pipe = {.calls = &calls, .fd = fd}, .turn = turn, .mark = mark, .fd = fd};
    socket->read_event = event_new(turn->base, fd, EV_READ | EV_PERSIST, on_readable, socket);
    socket->write_event = event_new(turn->base, fd, EV_WRITE, on_writable, socket);
    if (!socket->read_event || !socket->write_event || event_add(socket->read_event, NULL)) {
        close_socket(&socket->pipe, false);
        return rill_error_memory(err);
    }
    int on = 1; /* small control frames must not wait; a local socket has no such option */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
}
