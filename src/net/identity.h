/* Who we are: the client's certificate and its key. */
#ifndef RILL_IDENTITY_H
#define RILL_IDENTITY_H

#include <openssl/ssl.h>

#include "rill.h"

/* Loads `cert_file` (PEM, the leaf first, then what leads to its issuer) and `key_file` (PEM; NULL:
 * the key stands in `cert_file` too), decrypted with `key_password`. Never asks on the terminal. 0,
 * also when there is nothing to load; -RILL_ARGUMENT: a key without a certificate;
 * -RILL_FILE_ERROR: a file that cannot be read or used, a password that does not open it, a key of
 * another certificate. */
int32_t rill_identity_load(SSL_CTX *context, const rill_tls_options *options, rill_error *err);

/* Whether the server has asked for a certificate, and `cert_file` names none. */
bool rill_identity_is_missed(SSL *ssl);

/* What that adds to the error of a connection that the server has ended; else "". */
const char *rill_identity_note(SSL *ssl);

#endif
