#include "api/proxies.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A variable that is set and not empty: in lower case, else in upper case. */
static const char *from_environment(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if (!value || !*value)
        value = upper ? getenv(upper) : NULL;
    return value && *value ? value : NULL;
}

/* For CGI programs HTTP_PROXY is what a request's "Proxy:" says. */
static const char *http_variable(void)
{
    return from_environment("http_proxy", getenv("REQUEST_METHOD") ? NULL : "HTTP_PROXY");
}

/* `*proxy` stays NULL where the variable is not set. */
static int32_t read_variable(rill_slab *slab, const char *name, const char *value,
                             rill_proxy **proxy, rill_error *err)
{
    if (!value)
        return 0;
    *proxy = rill_proxy_new(slab, name, value, err);
    return *proxy ? 0 : err ? -err->reason : -RILL_ERROR;
}

static int32_t read_environment(rill_proxies *proxies, rill_slab *slab, rill_error *err)
{
    const char *all = from_environment("all_proxy", "ALL_PROXY");
    const char *http = http_variable(), *https = from_environment("https_proxy", "HTTPS_PROXY");
    int32_t code = read_variable(
        slab, http ? "environment variable http_proxy" : "environment variable all_proxy",
        http ? http : all, &proxies->http, err);
    return code ? code
                : read_variable(slab,
                                https ? "environment variable https_proxy"
                                      : "environment variable all_proxy",
                                https ? https : all, &proxies->https, err);
}

static int32_t read_exempt(rill_proxies *proxies, rill_slab *slab, const char *list,
                           rill_error *err)
{
    if (!list)
        return 0;
    size_t size = strlen(list) + 1;
    proxies->exempt = rill_slab_alloc(slab, size);
    if (!proxies->exempt)
        return rill_error_memory(err);
    memcpy(proxies->exempt, list, size);
    return 0;
}

int32_t rill_proxies_read(rill_proxies *proxies, rill_slab *slab, const char *proxy,
                          const char *no_proxy, rill_error *err)
{
    *proxies = (rill_proxies){0};
    bool environment = proxy && !strcmp(proxy, "env");
    int32_t code = 0;
    if (environment) {
        code = read_environment(proxies, slab, err);
        if (!no_proxy)
            no_proxy = from_environment("no_proxy", "NO_PROXY");
    } else if (proxy && *proxy) {
        proxies->http = rill_proxy_new(slab, "option proxy", proxy, err);
        proxies->https = rill_proxy_hold(proxies->http);
        code = proxies->http ? 0 : err ? -err->reason : -RILL_ERROR;
    }
    if (!code)
        code = read_exempt(proxies, slab, no_proxy, err);
    if (code)
        rill_proxies_dispose(proxies, slab);
    return code;
}

void rill_proxies_dispose(rill_proxies *proxies, rill_slab *slab)
{
    rill_proxy_release(proxies->http);
    rill_proxy_release(proxies->https);
    rill_slab_free(slab, proxies->exempt);
    *proxies = (rill_proxies){0};
}

rill_proxy *rill_proxies_pick(const rill_proxies *proxies, bool tls, const char *host,
                              size_t host_length, uint16_t port)
{
    rill_proxy *proxy = tls ? proxies->https : proxies->http;
    return proxy && !rill_no_proxy_has(proxies->exempt, host, host_length, port) ? proxy : NULL;
}
