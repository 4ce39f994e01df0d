/* Which proxy a URL goes through, by its scheme and host: from an option or the environment. */
#ifndef RILL_PROXIES_H
#define RILL_PROXIES_H

#include "net/proxy.h"

typedef struct rill_proxies {
    rill_proxy *http, *https; /* one reference each; NULL: none */
    char *exempt;             /* owned: the hosts that go without; NULL: none */
} rill_proxies;

/* `proxy` and `no_proxy` as in rill_options (NULL: not given). 0, or RILL_ARGUMENT, RILL_ERROR: the
 * struct is empty then. */
int32_t rill_proxies_read(rill_proxies *proxies, rill_slab *slab, const char *proxy,
                          const char *no_proxy, rill_error *err);
void rill_proxies_dispose(rill_proxies *proxies, rill_slab *slab);

/* Borrowed; NULL: none. */
rill_proxy *rill_proxies_pick(const rill_proxies *proxies, bool tls, const char *host,
                              size_t host_length, uint16_t port);

#endif
