/* TLS over any pipe, through a BIO of our own. */
#ifndef RILL_TLS_PIPE_H
#define RILL_TLS_PIPE_H

#include <openssl/ssl.h>

#include "base/turn.h"
#include "net/pipe.h"

enum {
    /* so many bytes of records that brought no plaintext end a turn: KeyUpdates cost us more than
     * they cost the peer */
    TLS_DRY_MAX = 32 << 10,
    /* about what the smallest record has: a handshake message of a few bytes, or an alert */
    TLS_DRY_RECORD = 32,
    /* what TLS itself answers (alerts, KeyUpdate) to a peer that does not read */
    TLS_UNSENT_MAX = 256 << 10
};

typedef struct rill_tls_pipe {
    rill_pipe pipe;   /* first */
    rill_turn *turn;  /* borrowed */
    rill_pipe *inner; /* owned: what it stands on */
    uint32_t number;  /* of the connection, where TLS is traced */
    SSL *ssl;         /* owned */
    bool failed;      /* the read has reported it; nothing more can be written */
    bool heard;       /* it has brought something */
    bool reading;     /* what TLS writes now are its own answers */
    size_t record;    /* bytes of the record that is read, as long as it brings nothing */
    size_t dry;       /* bytes of records without plaintext, and of TLS's own answers */
    size_t answers;   /* bytes of those answers that the other side has not taken, at most */
} rill_tls_pipe;

/* Puts TLS on a pipe, which it owns from now on; takes over `ssl`, and frees both on failure. NULL
 * with `err`: out of memory. */
rill_tls_pipe *rill_tls_pipe_new(rill_turn *turn, rill_pipe *inner, SSL *ssl, rill_error *err);

/* One step of the client's handshake. 1: done; 0: waits for the peer; -1: failed, with `*result` as
 * SSL_get_error() has it. */
int rill_tls_pipe_handshake(rill_tls_pipe *tls, int *result);

/* Alerts that come and go are traced from now on, as those of connection `number`. */
void rill_tls_pipe_trace(rill_tls_pipe *tls, uint32_t number);

/* So many records without plaintext came, or were answered by TLS itself, since it was asked last.
 */
uint32_t rill_tls_pipe_take_dry(rill_tls_pipe *tls);

/* Frees what the TLS pipes of a turn share. */
void rill_tls_pipe_dispose_shared(rill_turn *turn);

#endif
