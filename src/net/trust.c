#include "net/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/certificate.h"
#include "base/error.h"

/* How much of a message (256 bytes) names may take, so that the cause still fits. */
enum { HOST_SHOWN = 96, NAMES_SHOWN = 80 };

enum { DIGEST_SIZE = 32, PIN_LENGTH = 44 /* its base64 */ };

/* --- pins ------------------------------------------------------------------------------------ */

static bool is_pin(const char *text, size_t length)
{
    unsigned char digest[DIGEST_SIZE + 1]; /* decoding makes a byte of the padding too */
    unsigned char again[PIN_LENGTH + 1];
    if (length != PIN_LENGTH ||
        EVP_DecodeBlock(digest, (const unsigned char *)text, PIN_LENGTH) != sizeof(digest))
        return false;
    EVP_EncodeBlock(again, digest, DIGEST_SIZE);
    return !memcmp(again, text, PIN_LENGTH);
}

static int32_t set_pins(rill_trust *trust, const char *pins, rill_error *err)
{
    for (const char *pin = pins;; pin++) {
        size_t length = strcspn(pin, ",");
        if (!is_pin(pin, length))
            return rill_error_set(
                err, RILL_ARGUMENT,
                "option tls.pin_sha256: \"%.*s\" is no base64 of a SHA-256 digest",
                length < HOST_SHOWN ? (int)length : HOST_SHOWN, pin);
        pin += length;
        if (!*pin)
            break;
    }
    trust->pins = strdup(pins);
    return trust->pins ? 0 : rill_error_memory(err);
}

/* The pin of a certificate's key (RFC 7469 section 2.4); "" when out of memory. */
static void print_pin(const X509 *certificate, char *text)
{
    unsigned char digest[DIGEST_SIZE];
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    text[0] = 0;
    if (length > 0 && EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL))
        EVP_EncodeBlock((unsigned char *)text, digest, DIGEST_SIZE);
    OPENSSL_free(der);
}

static bool wants_pin(const rill_trust *trust, const SSL *ssl)
{
    return trust->pins && SSL_get_app_data(ssl) != trust->unpinned;
}

static bool has_pin(const rill_trust *trust, const char *pin)
{
    return *pin && strstr(trust->pins, pin); /* only at a pin's start: it ends in '=' */
}

/* --- verification ---------------------------------------------------------------------------- */

static void print_mismatch(BIO *out, X509_STORE_CTX *verification)
{
    X509 *leaf = X509_STORE_CTX_get0_cert(verification);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(verification);
    const char *name = X509_VERIFY_PARAM_get0_host(param, 0);
    char *address = name ? NULL : X509_VERIFY_PARAM_get1_ip_asc(param);
    if (!name)
        name = address ? address : "this host";
    BIO_puts(out, "certificate is for ");
    if (!rill_certificate_print_names(out, leaf, ", ", NAMES_SHOWN))
        BIO_puts(out, "no host (it has no alternative names)");
    BIO_printf(out, ", not for %.*s", HOST_SHOWN, name);
    OPENSSL_free(address);
}

static void print_distrust(BIO *out, X509_STORE_CTX *verification, int why)
{
    X509 *which = X509_STORE_CTX_get_current_cert(verification); /* NULL: none in particular */
    if (which && why == X509_V_ERR_CERT_HAS_EXPIRED) {
        BIO_puts(out, "certificate expired on ");
        rill_certificate_print_date(out, X509_get0_notAfter(which));
    } else if (which && why == X509_V_ERR_CERT_NOT_YET_VALID) {
        BIO_puts(out, "certificate is not valid before ");
        rill_certificate_print_date(out, X509_get0_notBefore(which));
    } else {
        BIO_printf(out, "certificate not trusted: %s", X509_verify_cert_error_string(why));
    }
    if (which) {
        BIO_printf(out, " (depth %d, ", X509_STORE_CTX_get_error_depth(verification));
        rill_certificate_print_name(out, X509_get_subject_name(which));
        BIO_puts(out, ")");
    }
}

static void print_cause(BIO *out, X509_STORE_CTX *verification)
{
    int why = X509_STORE_CTX_get_error(verification);
    if (why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH)
        print_mismatch(out, verification);
    else
        print_distrust(out, verification, why);
}

/* Leaves the sentence as the first entry of the error queue, where rill_tls_failure() finds it: the
 * SSL keeps neither the certificate nor the depth. */
static void explain(X509_STORE_CTX *verification)
{
    BIO *out = BIO_new(BIO_s_mem());
    if (!out)
        return;
    print_cause(out, verification);
    char *text;
    long length = BIO_get_mem_data(out, &text);
    ERR_clear_error();
    ERR_raise_data(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED, "%.*s", (int)length, text);
    BIO_free(out);
}

/* OpenSSL lets "*" stand for letters, digits and hyphens alone; browsers, Go and curl accept
 * "my_shop" under it as well. Where the certificate has that wildcard, a label without an
 * underscore is asked for in place of one with it. False: out of memory. */
static bool allow_underscore(X509_STORE_CTX *verification)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(verification);
    const char *name = X509_VERIFY_PARAM_get0_host(param, 0);
    size_t label = name ? strcspn(name, "._") : 0;
    const char *rest = name && name[label] == '_' ? strchr(name, '.') : NULL;
    if (!rest || !strchr(rest + 1, '.') ||
        !rill_certificate_has_wildcard(X509_STORE_CTX_get0_cert(verification), rest))
        return true;
    char covered[1 + TLSEXT_MAXLEN_host_name + 1];
    int length = snprintf(covered, sizeof(covered), "x%s", rest);
    return length > 0 && (size_t)length < sizeof(covered) &&
           X509_VERIFY_PARAM_set1_host(param, covered, (size_t)length);
}

/* OpenSSL 3.0 overlooks that it could not copy the name to verify for want of memory, and would
 * verify none: it is copied again here, and must be there. */
static bool verify(X509_STORE_CTX *verification)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(verification), SSL_get0_param(ssl)) &&
        allow_underscore(verification))
        return X509_verify_cert(verification) > 0;
    X509_STORE_CTX_set_error(verification, X509_V_ERR_OUT_OF_MEM);
    return false;
}

/* Pins are looked at here already, so that a server without the right key learns nothing of ours;
 * rill_trust_check() looks again, because a resumed handshake shows no certificate. */
static int on_verify(X509_STORE_CTX *verification, void *arg)
{
    const rill_trust *trust = arg;
    if (trust->verify && !verify(verification)) {
        explain(verification);
        return 0;
    }
    SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    bool pinned = wants_pin(trust, ssl);
    char pin[PIN_LENGTH + 1];
    if (pinned)
        print_pin(X509_STORE_CTX_get0_cert(verification), pin);
    if (pinned && !has_pin(trust, pin)) {
        X509_STORE_CTX_set_error(verification, X509_V_ERR_CERT_REJECTED);
        ERR_clear_error();
        ERR_raise_data(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED,
                       "the certificate's key has none of the pins: its pin is %s", pin);
        return 0;
    }
    X509_STORE_CTX_set_error(verification, X509_V_OK);
    return 1;
}

int32_t rill_trust_check(const rill_trust *trust, const SSL *ssl, const char *host, rill_error *err)
{
    const X509 *leaf = SSL_get0_peer_certificate(ssl);
    if (!leaf) /* a cipher without authentication */
        return trust->verify || trust->pins
                   ? rill_error_connect(err, RILL_KIND_TLS, "%.*s: the server shows no certificate",
                                        HOST_SHOWN, host)
                   : 0;
    char pin[PIN_LENGTH + 1];
    if (!trust->pins)
        return 0;
    print_pin(leaf, pin);
    if (has_pin(trust, pin))
        return 0;
    return rill_error_connect(err, RILL_KIND_TLS,
                              "%.*s: the certificate's key has none of the pins: its pin is %s",
                              HOST_SHOWN, host, pin);
}

/* --- whose certificates ---------------------------------------------------------------------- */

static int32_t trust_file(SSL_CTX *context, const char *path, rill_error *err)
{
    return SSL_CTX_load_verify_file(context, path)
               ? 0
               : rill_certificate_file_failure(path, "no certificates in it", err);
}

static int32_t trust_directory(SSL_CTX *context, const char *path, rill_error *err)
{
    DIR *directory = opendir(path); /* OpenSSL would only miss it in a handshake */
    if (!directory)
        return rill_error_set(err, RILL_FILE_ERROR, "%s: %s", path, strerror(errno));
    closedir(directory);
    return SSL_CTX_load_verify_dir(context, path)
               ? 0
               : rill_certificate_file_failure(path, "cannot be used", err);
}

static int32_t trust_text(SSL_CTX *context, const char *pem, rill_error *err)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    bool stored = text != NULL;
    int count = 0;
    X509 *certificate = NULL;
    while (stored && (certificate = PEM_read_bio_X509_AUX(text, NULL, NULL, (void *)""))) {
        stored = X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
        count++;
    }
    BIO_free(text);
    unsigned long code = ERR_peek_last_error();
    bool ended = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!stored)
        return rill_error_memory(err);
    if (!count || !ended)
        return rill_error_set(err, RILL_ARGUMENT,
                              "option tls.ca_pem: certificate %d cannot be read", count + 1);
    return 0;
}

static int32_t trust_given(SSL_CTX *context, const rill_tls_options *options, rill_error *err)
{
    int32_t code = 0;
    if (options->ca_file)
        code = trust_file(context, options->ca_file, err);
    if (!code && options->ca_path)
        code = trust_directory(context, options->ca_path, err);
    if (!code && options->ca_pem)
        code = trust_text(context, options->ca_pem, err);
    return code;
}

int32_t rill_trust_set_up(rill_trust *trust, SSL_CTX *context, const rill_tls_options *options,
                          rill_error *err)
{
    bool given = options->ca_file || options->ca_path || options->ca_pem;
    trust->verify = options->verify;
    trust->system_wanted = options->verify && !given;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL); /* else on_verify() has no say */
    SSL_CTX_set_cert_verify_callback(context, on_verify, trust);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(param, RILL_TRUST_HOST_FLAGS);
    if (given)
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    int32_t code = options->pin_sha256 ? set_pins(trust, options->pin_sha256, err) : 0;
    return code ? code : trust_given(context, options, err);
}

void rill_trust_dispose(rill_trust *trust)
{
    free(trust->pins);
    *trust = (rill_trust){0};
}

void rill_trust_use_system(rill_trust *trust, SSL_CTX *context, X509_STORE **system)
{
    if (!trust->system_wanted)
        return;
    if (!*system && (*system = X509_STORE_new()))
        X509_STORE_set_default_paths(*system); /* without: nothing is trusted */
    ERR_clear_error();
    if (!*system)
        return; /* out of memory: the next handshake tries again */
    SSL_CTX_set1_cert_store(context, *system);
    trust->system_wanted = false;
}
