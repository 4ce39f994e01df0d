#include "net/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "net/identity.h"
#include "net/keylog.h"
#include "net/trust.h"

/* How much of a message (256 bytes) names may take, so that the cause still fits. */
enum { HOST_SHOWN = 96, OFFER_MOST = 16 };

struct rill_tls {
    SSL_CTX *context; /* NULL: the first handshake makes it; the options name nothing then */
    uint8_t offer[OFFER_MOST];
    uint32_t offer_length;
    X509_STORE **system; /* borrowed: where the loop keeps the system's certificates */
    rill_trust trust;
    rill_keylog keylog;
    char *server_name; /* NULL: the host */
    bool verify;
    bool remembers;  /* sessions */
    bool own_groups; /* the options say which, in their order */
    bool unverified_untold;
    bool h2, http11;         /* are offered */
    rill_tls_memory proxies; /* what handshakes with them have in common: nothing is remembered */
};

/* --- what an origin remembers ---------------------------------------------------------------- */

void rill_tls_memory_dispose(rill_tls_memory *memory)
{
    SSL_SESSION_free(memory->session);
    *memory = (rill_tls_memory){0};
}

/* The address at the other end; length 0: not known. The socket is below our own BIO. */
static rill_address peer_of(SSL *ssl)
{
    rill_address address = {0};
    int fd = -1;
    address.length = sizeof(address.local); /* the longest */
    BIO_ctrl(SSL_get_rbio(ssl), BIO_C_GET_FD, 0, &fd);
    if (fd < 0 || getpeername(fd, &address.any, &address.length))
        address.length = 0;
    return address;
}

/* Kept and offered as copies: OpenSSL spoils the session of an SSL that is freed without having
 * sent close_notify, but a lost connection says nothing against its session. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    rill_tls_memory *memory = SSL_get_app_data(ssl);
    const rill_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION *copy = memory && memory != &tls->proxies ? SSL_SESSION_dup(session) : NULL;
    if (copy) {
        SSL_SESSION_free(memory->session);
        memory->session = copy;
        memory->from = peer_of(ssl);
    }
    return 0; /* OpenSSL's reference stays its own */
}

static void offer_session(SSL *ssl, const rill_address *to, const rill_tls_memory *memory)
{
    const rill_address *from = &memory->from;
    if (!rill_address_equal(from, to) &&
        !(rill_address_is_global(from) && rill_address_is_global(to)))
        return;
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
    return rill_error_memory(err);
}

/* OpenSSL makes none: memory is short, or its configuration leaves it no algorithms. */
static int32_t refuse(rill_error *err)
{
    unsigned long code = ERR_peek_error();
    const char *why =
        ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? NULL : ERR_reason_error_string(code);
    if (!why)
        return out_of_memory(err);
    ERR_clear_error();
    return rill_error_set(err, RILL_ERROR, "OpenSSL cannot begin TLS: %s", why);
}

/* The options' name for a version; -1: not one that HTTP/2 can run over (RFC 9113 section 9.2). */
static int version_of(const char *name)
{
    return !strcmp(name, "1.2") ? TLS1_2_VERSION : !strcmp(name, "1.3") ? TLS1_3_VERSION : -1;
}

static int32_t set_versions(SSL_CTX *context, const char *min, const char *max, rill_error *err)
{
    int lowest = min ? version_of(min) : TLS1_2_VERSION;
    int highest = max ? version_of(max) : TLS1_3_VERSION;
    if (lowest < 0 || highest < 0)
        return rill_error_set(err, RILL_ARGUMENT,
                              "option tls.%s_version: \"%.40s\" is neither \"1.2\" nor \"1.3\"",
                              lowest < 0 ? "min" : "max", lowest < 0 ? min : max);
    if (lowest > highest)
        return rill_error_set(err, RILL_ARGUMENT,
                              "option tls.min_version: \"%s\" is above max_version \"%s\"", min,
                              max);
    return SSL_CTX_set_min_proto_version(context, lowest) &&
                   SSL_CTX_set_max_proto_version(context, highest)
               ? 0
               : out_of_memory(err);
}

static bool has_suite(const SSL_CTX *context)
{
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (!strcmp(SSL_CIPHER_get_version(sk_SSL_CIPHER_value(ciphers, i)), "TLSv1.3"))
            return true;
    return false;
}

static int32_t unknown(const char *option, const char *value, rill_error *err)
{
    ERR_clear_error();
    return rill_error_set(err, RILL_ARGUMENT, "option tls.%s: OpenSSL finds nothing in \"%.100s\"",
                          option, value);
}

/* As browsers have them: AES-128 before AES-256, which OpenSSL would take first. It costs less with
 * every record, and its handshake hashes with SHA-256, for which processors have instructions. */
#define CIPHERS "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20"
#define SUITES  "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static int32_t set_algorithms(SSL_CTX *context, const rill_tls_options *options, rill_error *err)
{
    const char *ciphers = options->ciphers ? options->ciphers : CIPHERS;
    if (!SSL_CTX_set_cipher_list(context, ciphers))
        return unknown("ciphers", ciphers, err);
    const char *suites = options->ciphersuites ? options->ciphersuites : SUITES;
    if (!SSL_CTX_set_ciphersuites(context, suites) || !has_suite(context))
        return unknown("ciphersuites", suites, err);
    if (options->groups && !SSL_CTX_set1_groups_list(context, options->groups))
        return unknown("groups", options->groups, err);
    return 0;
}

/* A final dot is no part of the name in certificates and SNI (RFC 6066 section 3). 0: no name. */
static size_t name_length(const char *name)
{
    size_t length = strlen(name);
    if (length && name[length - 1] == '.')
        length--;
    return length <= TLSEXT_MAXLEN_host_name ? length : 0;
}

static int32_t set_server_name(rill_tls *tls, const char *name, rill_error *err)
{
    if (!name_length(name))
        return rill_error_set(err, RILL_ARGUMENT, "option tls.server_name: \"%.100s\" is no name",
                              name);
    tls->server_name = strdup(name);
    return tls->server_name ? 0 : out_of_memory(err);
}

static void on_keylog(const SSL *ssl, const char *line)
{
    rill_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    rill_keylog_write(&tls->keylog, line);
}

static int32_t set_up(rill_tls *tls, SSL_CTX *context, const rill_tls_options *options,
                      rill_error *err)
{
    if (!SSL_CTX_set_app_data(context, tls))
        return out_of_memory(err);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (options->session_cache)
        SSL_CTX_sess_set_new_cb(context, on_new_session);
    else
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (SSL_CTX_set_alpn_protos(context, tls->offer, tls->offer_length)) /* 0 is success */
        return out_of_memory(err);
    int32_t code = set_versions(context, options->min_version, options->max_version, err);
    if (!code)
        code = set_algorithms(context, options, err);
    if (!code && options->server_name)
        code = set_server_name(tls, options->server_name, err);
    if (!code)
        code = rill_trust_set_up(&tls->trust, context, options, err);
    return code ? code : rill_identity_load(context, options, err);
}

/* An empty path names nothing: what it was to be read from is missing. */
static int32_t check_paths(const rill_tls_options *o, rill_error *err)
{
    const char *const paths[] = {o->ca_file, o->ca_path, o->cert_file, o->key_file, o->keylog_file};
    static const char *const names[] = {"ca_file", "ca_path", "cert_file", "key_file",
                                        "keylog_file"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (paths[i] && !paths[i][0])
            return rill_error_set(err, RILL_ARGUMENT, "option tls.%s: \"\" is no path", names[i]);
    return 0;
}

static int32_t make_context(rill_tls *tls, const rill_tls_options *options, rill_error *err)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int32_t code = context ? set_up(tls, context, options, err) : refuse(err);
    if (code)
        SSL_CTX_free(context);
    else
        tls->context = context;
    return code;
}

/* Whether nothing in them can be refused: a process' first context takes 5 ms, which those that
 * speak no TLS need not wait for. */
static bool are_usual(const rill_tls_options *o)
{
    return !(o->ca_file || o->ca_path || o->ca_pem || o->cert_file || o->key_file ||
             o->key_password || o->server_name || o->min_version || o->max_version || o->ciphers ||
             o->ciphersuites || o->groups || o->pin_sha256);
}

static void log_keys(rill_tls *tls)
{
    if (tls->keylog.path)
        SSL_CTX_set_keylog_callback(tls->context, on_keylog);
}

/* The context that are_usual() has put off. */
static int32_t make_usual(rill_tls *tls, rill_error *err)
{
    const rill_tls_options options = {.verify = tls->verify, .session_cache = tls->remembers};
    int32_t code = make_context(tls, &options, err);
    if (!code)
        log_keys(tls);
    return code;
}

rill_tls *rill_tls_new(const rill_tls_options *options, const uint8_t *offer, uint32_t offer_length,
                       X509_STORE **system, rill_error *err)
{
    rill_tls *tls = calloc(1, sizeof(*tls));
    if (!tls) {
        out_of_memory(err);
        return NULL;
    }
    assert(offer_length <= OFFER_MOST);
    memcpy(tls->offer, offer, tls->offer_length = offer_length);
    for (uint32_t at = 0; at < offer_length; at += 1u + offer[at]) {
        tls->h2 = tls->h2 || offer[at] == 2;
        tls->http11 = tls->http11 || offer[at] == 8;
    }
    tls->system = system;
    tls->trust.unpinned = &tls->proxies;
    tls->verify = options->verify;
    tls->unverified_untold = !options->verify;
    tls->remembers = options->session_cache;
    tls->own_groups = options->groups != NULL;
    if (check_paths(options, err) || (!are_usual(options) && make_context(tls, options, err)))
        goto fail;
    if (!rill_keylog_open(&tls->keylog, options->keylog_file)) {
        out_of_memory(err);
        goto fail;
    }
    if (tls->context)
        log_keys(tls);
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
    rill_trust_dispose(&tls->trust);
    rill_keylog_dispose(&tls->keylog);
    free(tls->server_name);
    free(tls);
}

const char *rill_tls_warning(rill_tls *tls)
{
    if (!tls->unverified_untold)
        return rill_keylog_warning(&tls->keylog);
    tls->unverified_untold = false;
    return "tls.verify is false: anybody can pose as the servers this client talks to";
}

/* --- a handshake ----------------------------------------------------------------------------- */

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool set_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(param, name);
    char text[TLSEXT_MAXLEN_host_name + 1];
    size_t length = name_length(name);
    memcpy(text, name, length);
    text[length] = 0;
    return length && SSL_set_tlsext_host_name(ssl, text) &&
           X509_VERIFY_PARAM_set1_host(param, text, length);
}

static SSL *open_for(rill_tls *tls, const char *name, rill_error *err)
{
    if (!tls->context && make_usual(tls, err))
        return NULL;
    rill_trust_use_system(&tls->trust, tls->context, tls->system);
    ERR_clear_error();
    SSL *ssl = SSL_new(tls->context);
    if (!ssl) {
        refuse(err);
        return NULL;
    }
    if (set_name(ssl, name))
        return ssl;
    ERR_clear_error();
    SSL_free(ssl);
    rill_error_connect(err, RILL_KIND_TLS, "%.*s: TLS cannot carry this name", HOST_SHOWN, name);
    return NULL;
}

SSL *rill_tls_open_proxy(rill_tls *tls, const char *host, rill_error *err)
{
    SSL *ssl = open_for(tls, host, err);
    if (!ssl)
        return NULL;
    SSL_certs_clear(ssl);
    if (rill_tls_offer_http11(ssl) && SSL_set_app_data(ssl, &tls->proxies))
        return ssl;
    SSL_free(ssl);
    out_of_memory(err);
    return NULL;
}

SSL *rill_tls_open(rill_tls *tls, const char *host, const rill_address *to, rill_tls_memory *memory,
                   rill_error *err)
{
    SSL *ssl = open_for(tls, tls->server_name ? tls->server_name : host, err);
    if (!ssl)
        return NULL;
    SSL_set_app_data(ssl, memory);
    if (memory && !tls->own_groups)
        prefer_group(ssl, memory->group);
    if (memory && tls->remembers)
        offer_session(ssl, to, memory);
    SSL_set_connect_state(ssl);
    return ssl;
}

bool rill_tls_covers(X509 *leaf, const char *host)
{
    const unsigned flags = RILL_TRUST_HOST_FLAGS;
    bool covers = is_address(host)
                      ? X509_check_ip_asc(leaf, host, flags) == 1
                      : X509_check_host(leaf, host, name_length(host), flags, NULL) == 1;
    ERR_clear_error();
    return covers;
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

static int32_t fail_closed(SSL *ssl, const char *host, rill_error *err)
{
    return fail(err, RILL_KIND_TLS, host, "peer closed the connection during the handshake",
                rill_identity_note(ssl));
}

static int32_t fail_alert(SSL *ssl, int alert, const char *host, rill_error *err)
{
    if (alert == SSL_AD_NO_APPLICATION_PROTOCOL)
        return fail(err, RILL_KIND_ALPN, host, "the server does not speak ",
                    "HTTP/2: it sent the alert no_application_protocol");
    return rill_error_connect(err, RILL_KIND_TLS,
                              "%.*s: handshake failure: the peer sent the alert %s%s", HOST_SHOWN,
                              host, SSL_alert_desc_string_long(alert), rill_identity_note(ssl));
}

/* `code` and `data` are the first entry of OpenSSL's error queue. */
static int32_t failure_of(SSL *ssl, unsigned long code, const char *data, const char *host,
                          rill_error *err)
{
    int reason = ERR_GET_REASON(code);
    const char *text = ERR_reason_error_string(code); /* NULL: it has no words for it */
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return fail(err, RILL_KIND_TLS, host, "handshake failure: ", text ? text : "unknown");
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && data && *data)
        return fail(err, RILL_KIND_TLS, host, "", data); /* see explain() */
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return fail_closed(ssl, host, err);
    if (reason == SSL_R_WRONG_VERSION_NUMBER)
        return fail(err, RILL_KIND_TLS, host, "handshake failure: what answered is not TLS", "");
    if (reason < SSL_AD_REASON_OFFSET)
        return fail(err, RILL_KIND_TLS, host, "handshake failure: ", text ? text : "unknown");
    return fail_alert(ssl, reason - SSL_AD_REASON_OFFSET, host, err);
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
        failure_of(ssl, code, data, host, err);
    else if (result == SSL_ERROR_ZERO_RETURN)
        fail_closed(ssl, host, err);
    else
        fail(err, RILL_KIND_TLS, host, "connection lost during the handshake", "");
    ERR_clear_error();
    return -RILL_CONNECT_FAILED;
}

bool rill_tls_offer_http11(SSL *ssl)
{
    return !SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9); /* 0: success */
}

static int32_t check_protocol(const SSL *ssl, const char *host, bool h2, bool http11,
                              enum rill_alpn *chosen, rill_error *err)
{
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(ssl, &protocol, &length);
    if (h2 && length == 2 && !memcmp(protocol, "h2", 2)) {
        *chosen = ALPN_H2;
        return 0;
    }
    if (http11 && (!length || (length == 8 && !memcmp(protocol, "http/1.1", 8)))) {
        *chosen = ALPN_HTTP11;
        return 0;
    }
    char name[32] = "nothing";
    unsigned shown = length < sizeof(name) ? length : sizeof(name) - 1;
    for (unsigned i = 0; i < shown; i++)
        name[i] = protocol[i] > ' ' && protocol[i] < 0x7f ? (char)protocol[i] : '?';
    if (shown)
        name[shown] = 0;
    return fail(err, RILL_KIND_ALPN, host,
                !http11 ? "the server does not speak HTTP/2: it chose "
                : h2    ? "the server speaks neither HTTP/2 nor HTTP/1.1: it chose "
                        : "the server does not speak HTTP/1.1: it chose ",
                name);
}

int32_t rill_tls_check(SSL *ssl, const char *host, bool http11, enum rill_alpn *chosen,
                       rill_error *err)
{
    const rill_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    rill_tls_memory *memory = SSL_get_app_data(ssl);
    int group = SSL_get_negotiated_group(ssl);
    if (memory && group > 0)
        memory->group = group;
    int32_t code = rill_trust_check(&tls->trust, ssl, host, err);
    return code ? code
                : check_protocol(ssl, host, tls->h2 && !http11, tls->http11 || http11, chosen, err);
}
