/* A proxy, as an option or the environment names it; and which hosts go without one. */
#ifndef RILL_PROXY_H
#define RILL_PROXY_H

#include "base/slab.h"
#include "rill.h"

enum proxy_kind {
    PROXY_HTTP,
    PROXY_HTTPS,  /* TLS to the proxy */
    PROXY_SOCKS5, /* it is given addresses, which are looked up here */
    PROXY_SOCKS5H /* it is given names */
};

enum { PROXY_URL_MAX = 4096 };

/* Immutable; shared by what holds it. Its credentials are for the proxy alone: no error, trace or
 * warning shows them. */
typedef struct rill_proxy {
    rill_slab *slab; /* borrowed */
    uint32_t references;
    enum proxy_kind kind;
    uint16_t port;
    const char *host;          /* ASCII, without brackets */
    const char *user;          /* NULL: none */
    const char *password;      /* "" where a user stands alone */
    const char *authorization; /* value of proxy-authorization (RFC 9110 section 11.7.2); NULL */
} rill_proxy;

/* "scheme://[user[:password]@]host[:port]"; without a scheme it is http. Ports: 80, 443, SOCKS
 * 1080. The sentence names `option`, and shows no credentials. One reference is the caller's. NULL
 * with `err`: RILL_ARGUMENT, RILL_ERROR. */
rill_proxy *rill_proxy_new(rill_slab *slab, const char *option, const char *text, rill_error *err);
rill_proxy *rill_proxy_hold(rill_proxy *proxy); /* NULL is fine */
void rill_proxy_release(rill_proxy *proxy);     /* NULL is fine */

/* Whether connections through one may serve for the other: credentials count. Two NULLs are. */
bool rill_proxy_same(const rill_proxy *a, const rill_proxy *b);

static inline bool rill_proxy_is_socks(const rill_proxy *proxy)
{
    return proxy->kind >= PROXY_SOCKS5;
}

/* Whether a list of hosts (see rill_options.no_proxy) has this one. */
bool rill_no_proxy_has(const char *list, const char *host, size_t host_length, uint16_t port);

/* The first entry of a list that means nothing, from `*at` on, which is moved behind it. Its length
 * and `*entry`; 0: there is none. */
size_t rill_no_proxy_bad(const char *list, size_t *at, const char **entry);

#endif
