/* A byte pipe: a socket, or TLS over one. What is written is collected in the turn's shared buffer
 * and leaves in one send(); what arrives is received into another. An idle pipe owns no buffer. */
#ifndef RILL_TRANSPORT_H
#define RILL_TRANSPORT_H

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "base/turn.h"

enum {
    /* received per turn before others get theirs: 16 buffers */
    TRANSPORT_RECEIVES = 16,
    /* so many bytes of records that brought no plaintext end a turn, too: KeyUpdates cost us more
     * than they cost the peer */
    TRANSPORT_DRY_MAX = 32 << 10,
    /* about what the smallest record has: a handshake message of a few bytes, or an alert */
    TRANSPORT_DRY_RECORD = 32,
    /* what TLS itself answers (alerts, KeyUpdate) to a peer that does not read */
    TRANSPORT_UNSENT_MAX = 256 << 10
};

typedef struct rill_transport rill_transport;

struct rill_transport {
    rill_turn *turn;                        /* borrowed */
    rill_mark *mark;                        /* borrowed: marked when the socket is ready */
    int fd;                                 /* owned; -1: closed */
    SSL *ssl;                               /* owned; NULL: clear text */
    struct event *read_event, *write_event; /* owned */
    bool readable;                          /* the socket may have more */
    bool ended;                             /* the peer has sent FIN */
    int send_error, receive_error; /* errno; 0: none. After a failed send there may be input yet */
    bool tls_failed;               /* the read has told; nothing more can be written */
    int receives;                  /* left in this turn */
    bool reading;                  /* what TLS writes now are its own answers */
    size_t record;     /* bytes of the record that is read, as long as it brings nothing */
    size_t dry;        /* bytes of records without plaintext, and of TLS's own answers */
    size_t answers;    /* bytes of those answers that the socket has not taken, at most */
    rill_bytes unsent; /* what the socket did not take */
    double bytes_sent, bytes_received; /* on the wire */
};

/* Takes over a connected socket (closed on failure too) and `ssl` (NULL for clear text). The struct
 * is overwritten. 0, or -RILL_ERROR. */
int32_t rill_transport_open(rill_transport *transport, rill_turn *turn, rill_mark *mark, int fd,
                            SSL *ssl, rill_error *err);

/* One step of the client's handshake. 1: done; 0: waits for the peer; -1: failed, with `*result` as
 * SSL_get_error() has it. */
int rill_transport_handshake(rill_transport *transport, int *result);

/* The socket is ready to be read: what its event does. */
void rill_transport_wake(rill_transport *transport);

/* Before reading in a turn: how much may be received in it. */
void rill_transport_begin(rill_transport *transport);

/* Up to `room` bytes (at least 16 KiB) of what arrived. 0: nothing now; negative:
 * -RILL_CONNECTION_LOST with what happened: reset, end of the stream (with TLS: whether
 * close_notify came), broken TLS; or -RILL_PROTOCOL_ERROR when the peer reads none of TLS's
 * answers.
 */
int64_t rill_transport_read(rill_transport *transport, char *data, size_t room, rill_error *err);

/* So many records without plaintext came, or were answered by TLS itself, since it was asked last.
 */
uint32_t rill_transport_take_dry(rill_transport *transport);

/* Takes all of it; encrypted into the shared buffer, sent when that is full or by flush. 0 or
 * -RILL_ERROR. */
int32_t rill_transport_write(rill_transport *transport, const void *data, size_t length);

/* Sends what is collected: must be called before another pipe writes. 0, or -RILL_CONNECTION_LOST.
 */
int32_t rill_transport_flush(rill_transport *transport, rill_error *err);

/* The socket takes no more: `mark` is marked when it does again. */
static inline bool rill_transport_blocked(const rill_transport *transport)
{
    return transport->unsent.length > 0;
}

/* Says close_notify if `polite`, and closes. Closing twice is fine. */
void rill_transport_close(rill_transport *transport, bool polite);

/* Frees what transports of a turn share. */
void rill_transport_dispose_shared(rill_turn *turn);

#endif
