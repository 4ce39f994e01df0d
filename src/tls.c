#include "tls.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "certificate.h"
#include "error.h"

/* How much of a message (256 bytes) names may take, so that the cause still fits. */
enum { HOST_SHOWN = 96, NAMES_SHOWN = 80 };

struct rill_tls {
    SSL_CTX *context;
    char *server_name; /* NULL: the host */
    bool store_wanted; /* the system's certificates are still to be set up */
};

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

/* Leaves the sentence as the first entry of the error queue, where rill_tls_failure() finds it: the
 * SSL keeps neither the certificate nor the depth. */
static void explain(X509_STORE_CTX *verification)
{
    BIO *out = BIO_new(BIO_s_mem());
    if (!out)
        return;
    int why = X509_STORE_CTX_get_error(verification);
    if (why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH)
        print_mismatch(out, verification);
    else
        print_distrust(out, verification, why);
    char *text;
    long length = BIO_get_mem_data(out, &text);
    ERR_clear_error();
    ERR_raise_data(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED, "%.*s", (int)length, text);
    BIO_free(out);
}

static int on_verify(X509_STORE_CTX *verification, void *arg)
{
    (void)arg;
    if (X509_verify_cert(verification) > 0)
        return 1;
    explain(verification);
    return 0;
}

/* Verification is off: OpenSSL would check the chain all the same, and ignore what it finds. */
static int on_verify_nothing(X509_STORE_CTX *verification, void *arg)
{
    (void)arg;
    X509_STORE_CTX_set_error(verification, X509_V_OK);
    return 1;
}

/* --- what an origin remembers ---------------------------------------------------------------- */

void rill_tls_memory_dispose(rill_tls_memory *memory)
{
    SSL_SESSION_free(memory->session);
    *memory = (rill_tls_memory){0};
}

/* Kept and offered as copies: OpenSSL spoils the session of an SSL that is freed without having
 * sent close_notify, but a lost connection says nothing against its session. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    rill_tls_memory *memory = SSL_get_app_data(ssl);
    SSL_SESSION *copy = memory ? SSL_SESSION_dup(session) : NULL;
    if (copy) {
        SSL_SESSION_free(memory->session);
        memory->session = copy;
    }
    return 0; /* OpenSSL's reference stays its own */
}

static void offer_session(SSL *ssl, const rill_tls_memory *memory)
{
    SSL_SESSION *copy = memory->session ? SSL_SESSION_dup(memory->session) : NULL;
    if (copy)
        SSL_set_session(ssl, copy); /* failing that, a full handshake */
    SSL_SESSION_free(copy);
    ERR_clear_error();
}

/* A ClientHello carries a key for its first group only: another choice costs a round trip
 * (HelloRetryRequest). The library's own list starts with X25519. */
static void prefer_group(SSL *ssl, int group)
{
    static const int usual[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    enum { USUAL = sizeof(usual) / sizeof(usual[0]) };
    if (!group || group == usual[0])
        return;
    int groups[USUAL + 1] = {group};
    int count = 1;
    for (int i = 0; i < USUAL; i++)
        if (usual[i] != group)
            groups[count++] = usual[i];
    if (!SSL_set1_groups(ssl, groups, count))
        ERR_clear_error(); /* a group that it cannot name: the library's order will do */
}

/* --- the context ----------------------------------------------------------------------------- */

static int32_t out_of_memory(rill_error *err)
{
    ERR_clear_error();
    return rill_error_set(err, RILL_ERROR, "out of memory");
}

static int32_t load_ca_file(SSL_CTX *context, const char *path, rill_error *err)
{
    if (SSL_CTX_load_verify_file(context, path)) {
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
        return 0;
    }
    unsigned long code = ERR_get_error();
    const char *why =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    ERR_clear_error();
    return rill_error_set(err, RILL_FILE_ERROR, "%s: %s", path, why ? why : "no certificates");
}

static bool set_up(SSL_CTX *context, bool verify)
{
    static const unsigned char h2[] = {2, 'h', '2'};
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify ? on_verify : on_verify_nothing, NULL);
    X509_VERIFY_PARAM_set_hostflags(
        SSL_CTX_get0_param(context), /* RFC 9525 section 6.3, and no common names */
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
           !SSL_CTX_set_alpn_protos(context, h2, sizeof(h2)); /* 0 is success */
}

rill_tls *rill_tls_new(const rill_tls_options *options, rill_error *err)
{
    rill_tls *tls = calloc(1, sizeof(*tls));
    if (tls)
        tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls || !tls->context || !set_up(tls->context, options->verify)) {
        out_of_memory(err);
        goto fail;
    }
    if (options->server_name && !(tls->server_name = strdup(options->server_name))) {
        out_of_memory(err);
        goto fail;
    }
    if (options->ca_file && load_ca_file(tls->context, options->ca_file, err))
        goto fail;
    tls->store_wanted = options->verify && !options->ca_file;
    return tls;
fail:
    rill_tls_free(tls);
    return NULL;
}

void rill_tls_free(rill_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls->server_name);
    free(tls);
}

/* --- a handshake ----------------------------------------------------------------------------- */

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* A final dot is no part of the name in certificates and SNI (RFC 6066 section 3). */
static bool set_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(param, name);
    char text[TLSEXT_MAXLEN_host_name + 1];
    size_t length = strlen(name);
    if (length && name[length - 1] == '.')
        length--;
    if (!length || length >= sizeof(text))
        return false;
    memcpy(text, name, length);
    text[length] = 0;
    return SSL_set_tlsext_host_name(ssl, text) && X509_VERIFY_PARAM_set1_host(param, text, length);
}

SSL *rill_tls_open(rill_tls *tls, const char *host, rill_tls_memory *memory, rill_error *err)
{
    if (tls->store_wanted) {
        SSL_CTX_set_default_verify_paths(tls->context); /* without: nothing is trusted */
        ERR_clear_error();
        tls->store_wanted = false;
    }
    SSL *ssl = SSL_new(tls->context);
    if (!ssl) {
        out_of_memory(err);
        return NULL;
    }
    const char *name = tls->server_name ? tls->server_name : host;
    if (!set_name(ssl, name)) {
        ERR_clear_error();
        SSL_free(ssl);
        rill_error_connect(err, RILL_KIND_TLS, "%.*s: TLS cannot carry this name", HOST_SHOWN,
                           name);
        return NULL;
    }
    SSL_set_app_data(ssl, memory);
    if (memory) {
        prefer_group(ssl, memory->group);
        offer_session(ssl, memory);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

void rill_tls_detach(SSL *ssl)
{
    SSL_set_app_data(ssl, NULL);
}

/* --- what became of it ----------------------------------------------------------------------- */

static int32_t fail(rill_error *err, enum rill_kind kind, const char *host, const char *what,
                    const char *detail)
{
    return rill_error_connect(err, kind, "%.*s: %s%s", HOST_SHOWN, host, what, detail);
}

/* `code` and `data` are the first entry of OpenSSL's error queue. */
static int32_t failure_of(unsigned long code, const char *data, const char *host, rill_error *err)
{
    int reason = ERR_GET_REASON(code);
    const char *text = ERR_reason_error_string(code); /* NULL: it has no words for it */
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return fail(err, RILL_KIND_TLS, host, "handshake failure: ", text ? text : "unknown");
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && data && *data)
        return fail(err, RILL_KIND_TLS, host, "", data); /* see explain() */
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return fail(err, RILL_KIND_TLS, host, "peer closed the connection during the handshake",
                    "");
    if (reason == SSL_R_WRONG_VERSION_NUMBER)
        return fail(err, RILL_KIND_TLS, host, "handshake failure: what answered is not TLS", "");
    if (reason < SSL_AD_REASON_OFFSET)
        return fail(err, RILL_KIND_TLS, host, "handshake failure: ", text ? text : "unknown");
    int alert = reason - SSL_AD_REASON_OFFSET;
    if (alert == SSL_AD_NO_APPLICATION_PROTOCOL)
        return fail(err, RILL_KIND_ALPN, host,
                    "the server does not speak HTTP/2: it sent the alert no_application_protocol",
                    "");
    return fail(err, RILL_KIND_TLS, host, "handshake failure: the peer sent the alert ",
                SSL_alert_desc_string_long(alert));
}

int32_t rill_tls_failure(SSL *ssl, int result, const char *host, rill_error *err)
{
    rill_tls_memory *memory = SSL_get_app_data(ssl);
    if (memory) {
        SSL_SESSION_free(memory->session);
        memory->session = NULL;
    }
    const char *data = NULL;
    unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, NULL);
    if (result == SSL_ERROR_SSL && code)
        failure_of(code, data, host, err);
    else if (result == SSL_ERROR_ZERO_RETURN)
        fail(err, RILL_KIND_TLS, host, "peer closed the connection during the handshake", "");
    else
        fail(err, RILL_KIND_TLS, host, "connection lost during the handshake", "");
    ERR_clear_error();
    return -RILL_CONNECT_FAILED;
}

int32_t rill_tls_check_alpn(SSL *ssl, const char *host, rill_error *err)
{
    rill_tls_memory *memory = SSL_get_app_data(ssl);
    int group = SSL_get_negotiated_group(ssl);
    if (memory && group > 0)
        memory->group = group;
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(ssl, &protocol, &length);
    if (length == 2 && !memcmp(protocol, "h2", 2))
        return 0;
    char name[32] = "nothing";
    unsigned shown = length < sizeof(name) ? length : sizeof(name) - 1;
    for (unsigned i = 0; i < shown; i++)
        name[i] = protocol[i] > ' ' && protocol[i] < 0x7f ? (char)protocol[i] : '?';
    if (shown)
        name[shown] = 0;
    return fail(err, RILL_KIND_ALPN, host, "the server does not speak HTTP/2: it chose ", name);
}
