#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/error.h"

static const struct {
    const char *name;
    uint16_t port;
} schemes[] = {
    [PROXY_HTTP] = {"http", 80},
    [PROXY_HTTPS] = {"https", 443},
    [PROXY_SOCKS5] = {"socks5", 1080},
    [PROXY_SOCKS5H] = {"socks5h", 1080},
};

enum { HOST_MAX = 255 };

enum { SCHEMES = sizeof(schemes) / sizeof(*schemes), SCHEME_NONE = SCHEMES };

/* What is left to read of a proxy's URL, and what is written of it. */
typedef struct reading {
    rill_slab *slab;
    const char *option, *text; /* the text without its scheme */
    size_t length;             /* up to the first "/", "?" or "#" */
    rill_proxy *proxy;
    char *out; /* free room behind the proxy */
} reading;

/* Says what is wrong without the credentials. */
static int32_t refuse(const reading *from, const char *why, rill_error *err)
{
    const char *at = from->text;
    for (size_t i = 0; i < from->length; i++)
        if (from->text[i] == '@')
            at = from->text + i + 1;
    int shown = (int)(from->length - (size_t)(at - from->text));
    return rill_error_set(err, RILL_ARGUMENT, "%s: \"%.*s\": %s", from->option,
                          shown < 80 ? shown : 80, at, why);
}

static int hex_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c | 0x20) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Undoes percent-encoding, NUL-terminated. NULL: a NUL, or "%" without two digits. */
static const char *decode(reading *to, const char *text, size_t length)
{
    char *start = to->out;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_of(text[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_of(text[i + 2]);
            if (low < 0)
                return NULL;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!c)
            return NULL;
        *to->out++ = c;
    }
    *to->out++ = 0;
    return start;
}

static int32_t read_credentials(reading *from, const char *text, size_t length, rill_error *err)
{
    rill_proxy *proxy = from->proxy;
    const char *colon = memchr(text, ':', length);
    size_t user_length = colon ? (size_t)(colon - text) : length;
    proxy->user = decode(from, text, user_length);
    proxy->password =
        colon ? decode(from, colon + 1, length - user_length - 1) : decode(from, "", 0);
    if (!proxy->user || !proxy->password)
        return refuse(from, "its user or password is not percent-encoded as it should be", err);
    return 0;
}

/* RFC 7617. A user has no colon. */
static int32_t write_authorization(reading *to, rill_error *err)
{
    rill_proxy *proxy = to->proxy;
    if (!proxy->user || rill_proxy_is_socks(proxy))
        return 0;
    if (strchr(proxy->user, ':'))
        return refuse(to, "a user of an HTTP proxy has no colon", err);
    size_t user = strlen(proxy->user), password = strlen(proxy->password);
    char *plain = rill_slab_alloc(to->slab, user + password + 2);
    if (!plain)
        return rill_error_memory(err);
    memcpy(plain, proxy->user, user);
    plain[user] = ':';
    memcpy(plain + user + 1, proxy->password, password);
    proxy->authorization = to->out;
    memcpy(to->out, "Basic ", 6);
    to->out += 6;
    to->out += EVP_EncodeBlock((unsigned char *)to->out, (const unsigned char *)plain,
                               (int)(user + password + 1));
    to->out++;
    rill_slab_free(to->slab, plain);
    return 0;
}

/* The host and port as a URL has them: names beyond ASCII, brackets, numbers. */
static int32_t read_host(reading *from, const char *text, size_t length, rill_error *err)
{
    rill_url url;
    char *in = rill_slab_alloc(from->slab, length + 9 + RILL_URL_ROOM);
    if (!in)
        return rill_error_memory(err);
    char *out = in + length + 9;
    memcpy(in, "https://", 8);
    memcpy(in + 8, text, length);
    bool good = length &&
                !rill_url_parse(in, (uint32_t)length + 8, out, RILL_URL_ROOM, &url, NULL) &&
                url.host_length > 0 && url.host_length <= HOST_MAX;
    if (good) {
        const char *colon = memrchr(text, ':', length);
        size_t behind = colon ? (size_t)(text + length - colon) : 0;
        bool has_port = behind > 1 && !memchr(colon, ']', behind);
        from->proxy->port = has_port ? (uint16_t)url.port : schemes[from->proxy->kind].port;
        from->proxy->host = from->out;
        memcpy(from->out, out + url.host, (size_t)url.host_length);
        from->out += url.host_length;
        *from->out++ = 0;
    }
    rill_slab_free(from->slab, in);
    return good ? 0 : refuse(from, "its host or port is none", err);
}

/* Moves behind the scheme. */
static int32_t read_scheme(reading *from, rill_error *err)
{
    const char *end = strstr(from->text, "://");
    unsigned kind = PROXY_HTTP;
    if (end) {
        size_t length = (size_t)(end - from->text);
        for (kind = 0; kind < SCHEMES; kind++)
            if (strlen(schemes[kind].name) == length &&
                !strncasecmp(schemes[kind].name, from->text, length))
                break;
        if (kind == SCHEME_NONE)
            return rill_error_set(err, RILL_ARGUMENT,
                                  "%s: scheme \"%.*s\": http, https, socks5 and socks5h are there",
                                  from->option, length < 40 ? (int)length : 40, from->text);
        from->text = end + 3;
    }
    from->proxy->kind = (enum proxy_kind)kind;
    from->length = strcspn(from->text, "/?#");
    return 0;
}

static int32_t read_all(reading *from, rill_error *err)
{
    int32_t code = read_scheme(from, err);
    if (code)
        return code;
    const char *rest = from->text + from->length;
    if (*rest && strcmp(rest, "/") != 0)
        return refuse(from, "a proxy has no path", err);
    const char *host = from->text;
    for (size_t i = 0; i < from->length; i++)
        if (from->text[i] == '@')
            host = from->text + i + 1;
    if (host > from->text)
        code = read_credentials(from, from->text, (size_t)(host - from->text) - 1, err);
    if (!code)
        code = read_host(from, host, from->length - (size_t)(host - from->text), err);
    return code ? code : write_authorization(from, err);
}

rill_proxy *rill_proxy_new(rill_slab *slab, const char *option, const char *text, rill_error *err)
{
    size_t length = strlen(text);
    if (length > PROXY_URL_MAX) {
        rill_error_set(err, RILL_ARGUMENT, "%s: longer than %d bytes", option, PROXY_URL_MAX);
        return NULL;
    }
    /* host, user and password are no longer than the text (a name beyond ASCII at most HOST_MAX),
     * and base64 adds a third */
    size_t room = sizeof(rill_proxy) + 4 * length + 300;
    rill_proxy *proxy = rill_slab_zalloc(slab, room);
    if (!proxy) {
        rill_error_memory(err);
        return NULL;
    }
    proxy->slab = slab;
    proxy->references = 1;
    reading from = {.slab = slab,
                    .option = option,
                    .text = text,
                    .length = length,
                    .proxy = proxy,
                    .out = (char *)(proxy + 1)};
    if (!read_all(&from, err))
        return proxy;
    rill_slab_free(slab, proxy);
    return NULL;
}

rill_proxy *rill_proxy_hold(rill_proxy *proxy)
{
    if (proxy)
        proxy->references++;
    return proxy;
}

void rill_proxy_release(rill_proxy *proxy)
{
    if (proxy && !--proxy->references)
        rill_slab_free(proxy->slab, proxy);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool rill_proxy_same(const rill_proxy *a, const rill_proxy *b)
{
    if (a == b || !a || !b)
        return a == b;
    return a->kind == b->kind && a->port == b->port && same_text(a->host, b->host) &&
           same_text(a->user, b->user) && same_text(a->password, b->password);
}
