/* A connected socket as a pipe. What is written is collected in the turn's shared buffer and leaves
 * in one send(); what arrives is received into another one where it is read in small parts. An idle
 * socket owns no buffer. */
#ifndef RILL_SOCKET_H
#define RILL_SOCKET_H

#include "base/bytes.h"
#include "base/turn.h"
#include "net/pipe.h"

/* Received per turn before others get theirs: 16 buffers. */
enum { SOCKET_RECEIVES = 16 };

typedef struct rill_socket {
    rill_pipe pipe;                         /* first */
    rill_turn *turn;                        /* borrowed */
    rill_mark *mark;                        /* borrowed: marked when the socket is ready */
    int fd;                                 /* owned; -1: closed */
    struct event *read_event, *write_event; /* owned */
    bool readable;                          /* it may have more */
    bool held;                              /* nothing is received for now */
    bool batched;      /* it is read in small parts: through the shared buffer, which must be empty
                          before another socket is read */
    int send_error;    /* errno; 0: none. After a failed send there may be input yet */
    int receives;      /* left in this turn */
    size_t most;       /* no more is received at a time; 0: whatever there is room for */
    rill_bytes unsent; /* what it did not take */
    double bytes_sent, bytes_received;
} rill_socket;

/* Takes over a connected descriptor (closed on failure too). The struct is overwritten. 0, or
 * -RILL_ERROR. */
int32_t rill_socket_open(rill_socket *socket, rill_turn *turn, rill_mark *mark, int fd,
                         rill_error *err);

/* It is ready to be read: what its event does. */
void rill_socket_wake(rill_socket *socket);

/* Receives nothing more, what has been received aside, until it is let go on. */
void rill_socket_hold(rill_socket *socket, bool held);

/* Nothing is left of what was received, and there is no more: spares the call that finds out. */
static inline bool rill_socket_drained(const rill_socket *socket)
{
    return !socket->readable && !socket->pipe.ended &&
           socket->turn->cipher_in_start == socket->turn->cipher_in_end;
}

/* Drops what was received and not read. */
static inline void rill_socket_discard(rill_socket *socket)
{
    socket->turn->cipher_in_start = socket->turn->cipher_in_end = 0;
}

#endif
