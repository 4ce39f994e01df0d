/* TLS contexts: options to SSL_CTX, verification, cached sessions, and what failures mean. */
#ifndef RILL_TLS_H
#define RILL_TLS_H

#include <openssl/ssl.h>

#include "net/address.h"
#include "rill.h"

typedef struct rill_tls rill_tls;

/* What ALPN has chosen (RFC 7301). */
enum rill_alpn { ALPN_NONE, ALPN_H2, ALPN_HTTP11 };

/* One context for one set of options (copied), made at once, or with the first handshake where they
 * name nothing (no file, version, cipher, group, pin or name), so that nothing can be refused. TLS
 * 1.2 and 1.3, ALPN as `offer` lists it (`offer_length` bytes of RFC 7301's form), no
 * renegotiation, no compression, no early data; for TLS 1.2 only ECDHE with AEAD unless `ciphers`
 * says otherwise (RFC 9113 section 9.2.2); an unexpected EOF is an error. `*system` is where a loop
 * keeps the system's certificates (see trust.h), looked up when the first handshake that wants them
 * is opened; borrowed. NULL with `err`: RILL_ARGUMENT for what no option may be, RILL_FILE_ERROR
 * for what a file holds or that it cannot be read, RILL_ERROR for memory. */
rill_tls *rill_tls_new(const rill_tls_options *options, const uint8_t *offer, uint32_t offer_length,
                       X509_STORE **system, rill_error *err);
void rill_tls_free(rill_tls *tls); /* NULL is fine; after the SSL objects made from it */

/* What the user should know, each once: that nothing is verified, that the key log cannot be
 * written. NULL: nothing new. Ask after rill_tls_new(), and now and then. */
const char *rill_tls_warning(rill_tls *tls);

/* What one origin keeps from handshake to handshake; embedded in the origin, zeroed at first. */
typedef struct rill_tls_memory {
    SSL_SESSION *session; /* owned: the newest ticket; NULL: none */
    rill_address from;    /* where it came from */
    int group;            /* the group the server took last, as OpenSSL's NID; 0: not known */
} rill_tls_memory;
void rill_tls_memory_dispose(rill_tls_memory *memory);

/* A client handshake to be made: SNI and the name to verify are `host` (or options' server_name),
 * IP literals (without brackets) are verified as addresses and not sent as SNI; offers `memory`'s
 * session if there is one (and session_cache) that came from `to`, or from the open net as `to` is:
 * in a private one whoever has another's address would learn who we are. Its group goes first (but
 * for option groups). New sessions go to `memory` (borrowed until rill_tls_detach(); NULL: nothing
 * is remembered). No BIO is set. NULL with `err`: out of memory, or (kind tls) a name that TLS
 * cannot carry. Free the result with SSL_free(). */
SSL *rill_tls_open(rill_tls *tls, const char *host, const rill_address *to, rill_tls_memory *memory,
                   rill_error *err);

/* The same for a proxy: its certificate is verified by the same certificates, for its own name;
 * server_name, pins, the client's certificate and sessions are the origins'. HTTP/1.1 is offered.
 */
SSL *rill_tls_open_proxy(rill_tls *tls, const char *host, rill_error *err);

/* Has HTTP/1.1 alone offered, whatever the context says; before the handshake. False: out of
 * memory. */
bool rill_tls_offer_http11(SSL *ssl);

/* Whether a certificate is one for `host`, by the rules of a handshake. */
bool rill_tls_covers(X509 *leaf, const char *host);

/* Lets go of the memory, at the latest when that goes; tickets that come later are not kept. */
void rill_tls_detach(SSL *ssl);

/* Why a handshake failed, as RILL_CONNECT_FAILED kind tls (or alpn, when the server says that this
 * was it), naming which certificate, which name, why; `result` is SSL_get_error's of the call just
 * made. Forgets the session in the memory. Empties OpenSSL's error queue. Returns
 * -RILL_CONNECT_FAILED. */
int32_t rill_tls_failure(SSL *ssl, int result, const char *host, rill_error *err);

/* After the handshake: remembers the group. 0 when the server's key has a pin (if there are pins;
 * resumed and unverified connections too) and ALPN chose what was offered, `*chosen`, with
 * `http11` HTTP/1.1 (which it is too where nothing was chosen and that was offered); else
 * -RILL_CONNECT_FAILED, kind tls or alpn, saying what the pin is or what was chosen. */
int32_t rill_tls_check(SSL *ssl, const char *host, bool http11, enum rill_alpn *chosen,
                       rill_error *err);

#endif
