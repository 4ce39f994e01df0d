/* Certificates as people read them: what error messages share with rill_certificate_new(). */
#ifndef RILL_CERTIFICATE_H
#define RILL_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "rill.h"

/* A distinguished name in RFC 2253 form, UTF-8, escaped (rill_escape_text()) and cut. */
void rill_certificate_print_name(BIO *out, const X509_NAME *name);

/* The subject alternative names that a host can match (DNS names and IP addresses), in the
 * certificate's order with `between` between them; ends in "..." instead of passing `most` bytes
 * (0: no limit). What a DNS name may not contain shows as '?'. Returns how many were written. */
int rill_certificate_print_names(BIO *out, const X509 *certificate, const char *between,
                                 size_t most);

/* Whether the certificate is for "*" and `rest`, which begins with a dot. */
bool rill_certificate_has_wildcard(const X509 *certificate, const char *rest);

/* "2026-01-31", or "an unreadable date". */
void rill_certificate_print_date(BIO *out, const ASN1_TIME *time);

/* A file that could not be read, as the first entry of OpenSSL's error queue says, or else did not
 * hold what it should: `otherwise`. Empties the queue. Returns -RILL_FILE_ERROR. */
int32_t rill_certificate_file_failure(const char *path, const char *otherwise, rill_error *err);

#endif
