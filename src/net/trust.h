/* Which servers are believed: whose certificates, for which names, with which keys; and why not. */
#ifndef RILL_TRUST_H
#define RILL_TRUST_H

#include <openssl/ssl.h>

#include "rill.h"

/* How names are compared: RFC 9525 section 6.3, and no common names. */
#define RILL_TRUST_HOST_FLAGS                                                                      \
    (X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

typedef struct rill_trust {
    bool verify;
    bool system_wanted;   /* the system's certificates are still to be set up */
    char *pins;           /* owned: checked, comma-separated; NULL: any key will do */
    const void *unpinned; /* the app data of handshakes that pins are not for */
} rill_trust;

/* Makes `context` verify as the options say. All that ca_file, ca_path and ca_pem name is trusted,
 * intermediate and leaf certificates too; without any of them the system's certificates are, see
 * rill_trust_use_system(). The struct is zeroed, but for `unpinned`, and must outlive the
 * context's handshakes.
 * 0; -RILL_ARGUMENT: ca_pem, pins; -RILL_FILE_ERROR; -RILL_ERROR: memory. */
int32_t rill_trust_set_up(rill_trust *trust, SSL_CTX *context, const rill_tls_options *options,
                          rill_error *err);
void rill_trust_dispose(rill_trust *trust); /* a zeroed struct is fine */

/* Before a handshake: the system's certificates, if they are wanted. `*system` keeps them for all
 * contexts of one loop; whoever owns it frees it with X509_STORE_free(). */
void rill_trust_use_system(rill_trust *trust, SSL_CTX *context, X509_STORE **system);

/* After a handshake, resumed ones too, verified or not: the server has shown a certificate, and its
 * key has a pin if there are pins. 0 or -RILL_CONNECT_FAILED, kind tls. */
int32_t rill_trust_check(const rill_trust *trust, const SSL *ssl, const char *host,
                         rill_error *err);

#endif
