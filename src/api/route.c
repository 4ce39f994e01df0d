#include "api/route.h"

#include <string.h>

#include "base/error.h"

/* --- read ------------------------------------------------------------------------------------ */

static int32_t read_from(const rill_endpoint *endpoint, const rill_request *request,
                         rill_address *from, rill_error *err)
{
    if (request && request->bind_address)
        return rill_settings_bind(request->bind_address, from, err);
    *from = endpoint->pool.dial.bind_address;
    return 0;
}

static rill_proxy *proxy_of(const rill_endpoint *endpoint, const rill_proxies *proxies)
{
    const rill_url *url = &endpoint->url;
    return rill_proxy_hold(rill_proxies_pick(proxies, url->scheme_length == 5,
                                             endpoint->url_text + url->host,
                                             (size_t)url->host_length, (uint16_t)url->port));
}

/* The proxy of one request, where it names one (or none). */
static int32_t read_proxy(const rill_endpoint *endpoint, const rill_request *request,
                          rill_proxy **proxy, rill_error *err)
{
    rill_slab *slab = &endpoint->pool.turn->slab;
    rill_proxies own;
    int32_t code =
        rill_proxies_read(&own, slab, request->proxy, endpoint->settings.proxies.exempt, err);
    if (code)
        return code;
    *proxy = proxy_of(endpoint, &own);
    rill_proxies_dispose(&own, slab);
    return 0;
}

int32_t rill_route_read(rill_route *route, const rill_endpoint *endpoint,
                        const rill_request *request, rill_error *err)
{
    route->proxy = NULL;
    int32_t code = read_from(endpoint, request, &route->from, err);
    if (code)
        return code;
    if (request && request->proxy)
        return read_proxy(endpoint, request, &route->proxy, err);
    route->proxy = proxy_of(endpoint, &endpoint->settings.proxies);
    return 0;
}

void rill_route_release(rill_route *route)
{
    rill_proxy_release(route->proxy);
    route->proxy = NULL;
}

/* --- origins --------------------------------------------------------------------------------- */

/* Whether a proxy is asked for endpoint->url itself. HTTP/2, and what may not go everywhere, go
 * through a tunnel. */
static bool is_forward(const rill_endpoint *endpoint, const rill_proxy *proxy)
{
    const rill_pool *pool = &endpoint->pool;
    return proxy && !rill_proxy_is_socks(proxy) && endpoint->url.scheme_length == 4 &&
           pool->clear == ALPN_HTTP11 && !pool->dial.deny_private;
}

rill_origin *rill_route_origin(const rill_route *route, rill_endpoint *endpoint, bool tunnel)
{
    const rill_url *url = &endpoint->url;
    bool tls = url->scheme_length == 5;
    bool forward = !tunnel && is_forward(endpoint, route->proxy);
    const char *host = forward ? route->proxy->host : endpoint->url_text + url->host;
    size_t length = forward ? strlen(host) : (size_t)url->host_length;
    uint16_t port = forward ? route->proxy->port : (uint16_t)url->port;
    rill_table *table = &endpoint->pool.origins;
    /* what comes from several addresses, or through several proxies, is rare: they share a bucket
     */
    uint32_t hash = rill_table_hash(table, host, length, port ^ (uint32_t)tls << 16);
    for (rill_item *item = rill_table_bucket(table, hash); item; item = item->next) {
        rill_origin *origin = RILL_OWNER(item, rill_origin, item);
        if (item->hash == hash && origin->port == port && origin->tls == tls &&
            !strncmp(origin->host, host, length) && !origin->host[length] &&
            origin->forward == forward && rill_address_equal(&origin->from, &route->from) &&
            rill_proxy_same(origin->proxy, route->proxy))
            return origin;
    }
    rill_origin *origin = rill_origin_new(&endpoint->pool, tls, host, length, port);
    if (!origin)
        return NULL;
    origin->from = route->from;
    origin->proxy = rill_proxy_hold(route->proxy);
    origin->forward = forward;
    origin->listed = rill_table_add(table, &origin->item, hash);
    if (origin->listed)
        return origin;
    rill_origin_free(origin);
    return NULL;
}
