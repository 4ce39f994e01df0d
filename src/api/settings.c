#include "api/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "http/decode.h"

void rill_options_init(rill_options *options)
{
    if (!options)
        return;
    *options = (rill_options){
        .user_agent = "rill/" RILL_VERSION,
        .timeout = 180,
        .connect_timeout = 10,
        .idle_timeout = 240,
        .ping_after = 15,
        .ping_timeout = 3,
        .maxsize = 1 << 30,
        .warnsize = 32 << 20,
        .max_header_list = 64 << 10,
        .max_connections = 512,
        .max_connections_per_origin = -1,
        .protocols = "h2,http/1.1",
        .retries = 2,
        .retry_idempotent = true,
        .idempotent = -1,
        .decompress = true,
        .max_streams = 100,
        .window = 1 << 20,
        .max_window = 16 << 20,
        .max_frame_size = 16384,
        .max_buffered = 256 << 20,
        .tls = {.verify = true, .session_cache = true},
    };
}

const char *rill_accept_encoding(void)
{
    return rill_decode_accept();
}

void rill_request_init(rill_request *request)
{
    if (!request)
        return;
    *request = (rill_request){
        .method = "GET",
        .method_length = 3,
        .repeat = true,
        .timeout = -1,
        .queue_timeout = -1,
        .read_timeout = -1,
        .retries = -1,
        .retry_idempotent = -1,
        .idempotent = -1,
        .lenient_eof = -1,
        .decompress = -1,
        .maxsize = -1,
        .warnsize = -1,
    };
}

static char *copy_text(rill_slab *slab, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = rill_slab_alloc(slab, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

typedef struct numbered_resolve {
    rill_resolve entry;
    uint32_t number;
} numbered_resolve;

static int compare_resolve(const void *a, const void *b)
{
    const numbered_resolve *one = a, *other = b;
    int order = strcasecmp(one->entry.host, other->entry.host);
    return order ? order : (one->number > other->number) - (one->number < other->number);
}

/* By host, so that it is found in a map of thousands; the addresses of one stay in their order. */
static bool sort_resolve(rill_slab *slab, rill_resolve *entries, uint32_t count)
{
    numbered_resolve *sorted = rill_slab_alloc(slab, count * sizeof(*sorted));
    if (!sorted)
        return false;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = (numbered_resolve){entries[i], i};
    qsort(sorted, count, sizeof(*sorted), compare_resolve);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = sorted[i].entry;
    rill_slab_free(slab, sorted);
    return true;
}

static int32_t copy_resolve(rill_settings *settings, rill_pool *pool, const rill_options *options,
                            rill_error *err)
{
    rill_slab *slab = &pool->turn->slab;
    uint32_t count = options->resolve_count;
    if (!count)
        return 0;
    settings->resolve = rill_slab_zalloc(slab, count * sizeof(*settings->resolve));
    if (!settings->resolve)
        return rill_error_memory(err);
    pool->dial.resolve = settings->resolve;
    pool->dial.resolve_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const rill_resolve *from = &options->resolve[i];
        rill_address address;
        if (!rill_address_parse(from->address, 443, &address))
            return rill_error_set(err, RILL_ARGUMENT,
                                  "option resolve[\"%.100s\"]: \"%.100s\" is no address",
                                  from->host, from->address);
        settings->resolve[i].host = copy_text(slab, from->host);
        settings->resolve[i].address = copy_text(slab, from->address);
        if (!settings->resolve[i].host || !settings->resolve[i].address)
            return rill_error_memory(err);
    }
    return sort_resolve(slab, settings->resolve, count) ? 0 : rill_error_memory(err);
}

/* The fields of every request, built once. */
static int32_t build_defaults(rill_settings *settings, rill_pool *pool, const rill_options *options,
                              rill_error *err)
{
    rill_slab *slab = &pool->turn->slab;
    rill_defaults *defaults = &pool->defaults;
    rill_fields_found found = {0};
    settings->user_agent = copy_text(slab, options->user_agent ? options->user_agent : "");
    if (!settings->user_agent)
        return rill_error_memory(err);
    defaults->user_agent = settings->user_agent;
    int32_t code = rill_fields_check_value("user-agent", settings->user_agent,
                                           strlen(settings->user_agent), err);
    if (!code && options->headers)
        code = rill_fields_clean(slab, options->headers, options->headers_length, &defaults->block,
                                 &found, err);
    if (code)
        return code;
    if (!found.user_agent && settings->user_agent[0] &&
        !rill_fields_add(slab, &defaults->block, "user-agent", settings->user_agent,
                         strlen(settings->user_agent)))
        return rill_error_memory(err);
    if (found.host || found.content_length)
        return rill_error_set(err, RILL_ARGUMENT,
                              "option headers: \"%s\" belongs to one request, not to all",
                              found.host ? "host" : "content-length");
    return 0;
}

/* The user-agent among them is sent to proxies as well. */
static int32_t find_agent(rill_settings *settings, rill_pool *pool, rill_error *err)
{
    static const char before[] = "\r\nuser-agent: ";
    const rill_bytes *block = &pool->defaults.block;
    const char *at =
        block->length ? memmem(block->data, block->length, before, sizeof(before) - 1) : NULL;
    if (!at || (!settings->proxies.http && !settings->proxies.https))
        return 0;
    at += sizeof(before) - 1;
    size_t left = block->length - (size_t)(at - block->data);
    const char *end = memchr(at, '\r', left);
    size_t length = end ? (size_t)(end - at) : left;
    settings->proxy_agent = rill_slab_alloc(&pool->turn->slab, length + 1);
    if (!settings->proxy_agent)
        return rill_error_memory(err);
    memcpy(settings->proxy_agent, at, length);
    settings->proxy_agent[length] = 0;
    pool->proxy_agent = settings->proxy_agent;
    return 0;
}

static int32_t read_proxies(rill_settings *settings, rill_pool *pool, const rill_options *options,
                            rill_error *err)
{
    return rill_proxies_read(&settings->proxies, &pool->turn->slab, options->proxy,
                             options->no_proxy, err);
}

void rill_settings_warn(const rill_settings *settings, rill_pool *pool)
{
    size_t at = 0, length;
    const char *entry;
    if (!settings->proxies.exempt)
        return;
    while ((length = rill_no_proxy_bad(settings->proxies.exempt, &at, &entry)))
        rill_pool_warn(pool, "no_proxy: \"%.*s\" is no host, address or network: it is ignored",
                       length < 80 ? (int)length : 80, entry);
}

/* A limit; 0 is none. */
static uint32_t most_of(uint32_t count)
{
    return count ? count : UINT32_MAX;
}

uint64_t rill_bytes_of(double size)
{
    return size > 0 && size < 9e15 ? (uint64_t)size : 0;
}

int32_t rill_settings_bind(const char *text, rill_address *from, rill_error *err)
{
    if (rill_address_parse(text, 0, from) && from->any.sa_family != AF_UNIX)
        return 0;
    return rill_error_set(err, RILL_ARGUMENT, "option bind_address: \"%.80s\" is no address", text);
}

/* "h2" and "http/1.1" with their lengths, once each. */
enum { OFFER_MAX = 12 };

/* Puts a comma-separated list into ALPN's form (RFC 7301 section 3.1). */
static int32_t read_protocols(const char *text, uint8_t *offer, uint32_t *offer_length,
                              rill_error *err)
{
    uint32_t length = 0;
    bool seen[9] = {false};
    *offer_length = 0;
    while (text) {
        size_t part = strcspn(text, ",");
        bool known =
            (part == 2 && !memcmp(text, "h2", 2)) || (part == 8 && !memcmp(text, "http/1.1", 8));
        if (!known || seen[part])
            return rill_error_set(err, RILL_ARGUMENT,
                                  "option protocols: \"%.*s\" is not \"h2\" or \"http/1.1\", once",
                                  part < 40 ? (int)part : 40, text);
        seen[part] = true;
        offer[length] = (uint8_t)part;
        memcpy(offer + length + 1, text, part);
        length += (uint32_t)part + 1;
        text = text[part] ? text + part + 1 : NULL;
    }
    *offer_length = length;
    return length ? 0 : rill_error_set(err, RILL_ARGUMENT, "option protocols: there is none");
}

static int32_t configure_dial(rill_dial_options *dial, const rill_options *options, rill_error *err)
{
    dial->deny_private = options->deny_private;
    dial->family = options->family == 4 ? AF_INET : options->family == 6 ? AF_INET6 : AF_UNSPEC;
    return options->bind_address
               ? rill_settings_bind(options->bind_address, &dial->bind_address, err)
               : 0;
}

/* What requests and bodies take from it. */
static void take_requests(rill_settings *settings, const rill_options *options)
{
    settings->timeout_ms = rill_turn_limit_ms(options->timeout);
    settings->queue_timeout_ms = rill_turn_limit_ms(options->queue_timeout);
    settings->read_timeout_ms = rill_turn_limit_ms(options->read_timeout);
    settings->retries = options->retries;
    settings->retry_idempotent = options->retry_idempotent;
    settings->idempotent = options->idempotent;
    settings->lenient_eof = options->lenient_eof;
    settings->decompress = options->decompress;
    settings->limits.maxsize = rill_bytes_of(options->maxsize);
    settings->limits.warnsize = rill_bytes_of(options->warnsize);
    settings->limits.max_header_list = options->max_header_list;
    settings->limits.window = options->window;
}

/* What connections do. */
static void take_connections(rill_pool *pool, const rill_options *options)
{
    rill_link_setup *link = &pool->link;
    link->window =
        options->window < LINK_FIRST_WINDOW_MOST ? options->window : LINK_FIRST_WINDOW_MOST;
    link->max_window =
        options->max_window > options->window ? options->max_window : options->window;
    link->max_frame_size = options->max_frame_size;
    link->max_buffered =
        options->max_buffered > 0 ? rill_bytes_of(options->max_buffered) : UINT64_MAX;
    link->max_header_list = options->max_header_list;
    pool->account->most = link->max_buffered;
    pool->connect_timeout_ms = rill_turn_limit_ms(options->connect_timeout);
    pool->idle_timeout_ms = rill_turn_limit_ms(options->idle_timeout);
    pool->max_streams = most_of(options->max_streams);
    pool->max_connections = most_of(options->max_connections);
    if (options->max_connections_per_origin >= 0)
        pool->max_connections_per_origin = most_of((uint32_t)options->max_connections_per_origin);
    pool->ping_after_ms = rill_turn_limit_ms(options->ping_after);
    pool->coalesce = options->coalesce;
    pool->ping_timeout_ms = rill_turn_limit_ms(options->ping_timeout);
}

int32_t rill_settings_init(rill_settings *settings, rill_pool *pool, const rill_options *options,
                           rill_error *err)
{
    take_requests(settings, options);
    take_connections(pool, options);
    settings->limits.account = pool->account;
    uint8_t offer[OFFER_MAX] = {0};
    uint32_t offer_length;
    int32_t code = read_protocols(options->protocols, offer, &offer_length, err);
    pool->http11 = offer_length > 3 || offer[0] == 8;
    pool->clear = options->h2c || !pool->http11 ? ALPN_H2 : ALPN_HTTP11;
    settings->clear_text = options->h2c || pool->http11;
    if (!code)
        code = configure_dial(&pool->dial, options, err);
    if (!code)
        code = copy_resolve(settings, pool, options, err);
    if (!code)
        code = rill_rules_read(&pool->paces.rules, options->per_origin, options->per_origin_count,
                               err);
    if (!code)
        code = build_defaults(settings, pool, options, err);
    if (!code)
        code = read_proxies(settings, pool, options, err);
    if (!code)
        code = find_agent(settings, pool, err);
    if (code)
        return code;
    pool->resolver = rill_resolver_new(pool->turn, options->dns_servers, err);
    if (!pool->resolver)
        return err && err->reason ? -err->reason : -RILL_ERROR;
    pool->tls = rill_tls_new(&options->tls, offer, offer_length, &pool->turn->system_trust, err);
    return pool->tls ? 0 : err && err->reason ? -err->reason : -RILL_ERROR;
}

void rill_settings_dispose(rill_settings *settings, rill_pool *pool)
{
    rill_slab *slab = &pool->turn->slab;
    rill_resolver_free(pool->resolver);
    rill_tls_free(pool->tls);
    for (uint32_t i = 0; i < pool->dial.resolve_count; i++) {
        rill_slab_free(slab, (char *)settings->resolve[i].host);
        rill_slab_free(slab, (char *)settings->resolve[i].address);
    }
    rill_slab_free(slab, settings->resolve);
    rill_slab_free(slab, settings->user_agent);
    rill_slab_free(slab, settings->proxy_agent);
    rill_proxies_dispose(&settings->proxies, slab);
    rill_slab_free(slab, pool->defaults.prepared);
    rill_bytes_dispose(slab, &pool->defaults.block);
}
