#include "client.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

enum { ORIGIN_BUCKETS = 1024 };

/* Bounds that HTTP/2 itself sets (RFC 9113 sections 6.5.2 and 6.9.2). */
enum { WINDOW_MIN = 65535, FRAME_SIZE_MIN = 16384, FRAME_SIZE_MAX = (1 << 24) - 1 };

struct rill_client {
    rill_entry entry;
    rill_pool pool;
    rill_client *next, **link; /* in the loop's list */
    rill_mark mark;            /* to free itself once closed and empty */
    bool closed;
    rill_origin *bound;    /* borrowed: the only origin of a connection; NULL for a client */
    char *user_agent;      /* owned */
    rill_resolve *resolve; /* owned, with its texts */
    uint64_t timeout_ms, queue_timeout_ms, read_timeout_ms, maxsize, warnsize;
    uint32_t max_header_list, retries;
    bool retry_idempotent, h2c;
    char *handed_warning; /* owned: what the last WARNING event points to */
    char *url_text;       /* owned: where URLs are parsed to */
    rill_origin *origins[ORIGIN_BUCKETS];
};

/* --- options --------------------------------------------------------------------------------- */

void rill_options_init(rill_options *options)
{
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
        .max_connections_per_origin = 1,
        .retries = 2,
        .retry_idempotent = true,
        .max_streams = 100,
        .window = 1 << 20,
        .max_window = 16 << 20,
        .max_frame_size = 16384,
        .max_buffered = 256 << 20,
        .tls = {.verify = true, .session_cache = true},
    };
}

void rill_request_init(rill_request *request)
{
    *request = (rill_request){
        .method = "GET",
        .method_length = 3,
        .repeat = true,
        .timeout = -1,
        .queue_timeout = -1,
        .read_timeout = -1,
        .retries = -1,
        .retry_idempotent = -1,
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

static int32_t copy_resolve(rill_client *client, const rill_options *options, rill_error *err)
{
    rill_slab *slab = &client->pool.turn->slab;
    uint32_t count = options->resolve_count;
    if (!count)
        return 0;
    client->resolve = rill_slab_zalloc(slab, count * sizeof(*client->resolve));
    if (!client->resolve)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    client->pool.dial.resolve = client->resolve;
    client->pool.dial.resolve_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const rill_resolve *from = &options->resolve[i];
        rill_address address;
        if (!rill_address_parse(from->address, 443, &address))
            return rill_error_set(err, RILL_ARGUMENT,
                                  "option resolve[\"%.100s\"]: \"%.100s\" is no address", from->host,
                                  from->address);
        client->resolve[i].host = copy_text(slab, from->host);
        client->resolve[i].address = copy_text(slab, from->address);
        if (!client->resolve[i].host || !client->resolve[i].address)
            return rill_error_set(err, RILL_ERROR, "out of memory");
    }
    return 0;
}

/* The fields of every request, built once. */
static int32_t build_defaults(rill_client *client, const rill_options *options, rill_error *err)
{
    rill_slab *slab = &client->pool.turn->slab;
    rill_defaults *defaults = &client->pool.defaults;
    rill_fields_aside aside = {0};
    client->user_agent = copy_text(slab, options->user_agent ? options->user_agent : "");
    if (!client->user_agent)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    defaults->user_agent = client->user_agent;
    rill_bytes agent = {0};
    bool added = true;
    if (client->user_agent[0])
        added = rill_fields_add(slab, &agent, "user-agent", client->user_agent,
                                strlen(client->user_agent));
    int32_t code = added ? 0 : rill_error_set(err, RILL_ERROR, "out of memory");
    if (!code && options->headers)
        code = rill_fields_clean(slab, options->headers, options->headers_length, &defaults->block,
                                 &aside, err);
    if (!code && !aside.user_agent && agent.length) {
        rill_fields_aside ignored; /* checks the agent's own text */
        code = rill_fields_clean(slab, agent.data, agent.length, &defaults->block, &ignored, err);
    }
    rill_bytes_dispose(slab, &agent);
    if (code)
        return code;
    if (aside.host || aside.content_length)
        return rill_error_set(err, RILL_ARGUMENT,
                              "option headers: \"%s\" belongs to one request, not to all",
                              aside.host ? "host" : "content-length");
    size_t count = rill_fields_count(defaults->block.data, defaults->block.length);
    defaults->fields = rill_slab_alloc(slab, (count + 1) * sizeof(*defaults->fields));
    if (!defaults->fields)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    defaults->count =
        rill_fields_split(defaults->block.data, defaults->block.length, defaults->fields);
    return 0;
}

/* A limit; 0 is none. */
static uint32_t most_of(uint32_t count)
{
    return count ? count : UINT32_MAX;
}

static uint64_t bytes_of(double size)
{
    return size > 0 && size < 9e15 ? (uint64_t)size : 0;
}

static int32_t configure_dial(rill_dial_options *dial, const rill_options *options,
                              rill_error *err)
{
    dial->deny_private = options->deny_private;
    if (options->family && options->family != 4 && options->family != 6)
        return rill_error_set(err, RILL_ARGUMENT, "option family: %d is not 4 or 6",
                              options->family);
    dial->family = options->family == 4 ? AF_INET : options->family == 6 ? AF_INET6 : AF_UNSPEC;
    const char *from = options->bind_address;
    if (from && (!rill_address_parse(from, 0, &dial->bind_address) ||
                 dial->bind_address.any.sa_family == AF_UNIX))
        return rill_error_set(err, RILL_ARGUMENT, "option bind_address: \"%.80s\" is no address",
                              from);
    return 0;
}

static int32_t configure(rill_client *client, const rill_options *options, rill_error *err)
{
    rill_pool *pool = &client->pool;
    if (options->window < WINDOW_MIN || options->window > INT32_MAX)
        return rill_error_set(err, RILL_ARGUMENT, "option window: %u is not from %d to %d",
                              options->window, WINDOW_MIN, INT32_MAX);
    if (options->max_window > INT32_MAX)
        return rill_error_set(err, RILL_ARGUMENT, "option max_window: %u is more than %d",
                              options->max_window, INT32_MAX);
    if (options->max_frame_size < FRAME_SIZE_MIN || options->max_frame_size > FRAME_SIZE_MAX)
        return rill_error_set(err, RILL_ARGUMENT, "option max_frame_size: %u is not from %d to %d",
                              options->max_frame_size, FRAME_SIZE_MIN, FRAME_SIZE_MAX);
    client->timeout_ms = rill_ms(options->timeout);
    client->queue_timeout_ms = rill_ms(options->queue_timeout);
    client->maxsize = bytes_of(options->maxsize);
    client->warnsize = bytes_of(options->warnsize);
    client->read_timeout_ms = rill_ms(options->read_timeout);
    client->retries = options->retries;
    client->retry_idempotent = options->retry_idempotent;
    client->h2c = options->h2c;
    client->max_header_list = options->max_header_list;
    pool->session.window = options->window;
    pool->session.max_window =
        options->max_window > options->window ? options->max_window : options->window;
    pool->session.max_frame_size = options->max_frame_size;
    pool->session.max_buffered =
        options->max_buffered > 0 ? bytes_of(options->max_buffered) : UINT64_MAX;
    pool->session.max_header_list = options->max_header_list;
    pool->connect_timeout_ms = rill_ms(options->connect_timeout);
    pool->idle_timeout_ms = rill_ms(options->idle_timeout);
    pool->max_streams = most_of(options->max_streams);
    pool->max_connections = most_of(options->max_connections);
    pool->max_connections_per_origin = most_of(options->max_connections_per_origin);
    pool->ping_after_ms = rill_ms(options->ping_after);
    pool->ping_timeout_ms = rill_ms(options->ping_timeout);
    int32_t code = configure_dial(&pool->dial, options, err);
    if (!code)
        code = copy_resolve(client, options, err);
    if (!code)
        code = build_defaults(client, options, err);
    if (code)
        return code;
    pool->resolver = rill_resolver_new(pool->turn, options->dns_servers, err);
    if (!pool->resolver)
        return err && err->reason ? -err->reason : -RILL_ERROR;
    pool->tls = rill_tls_new(&options->tls, &pool->turn->system_trust, err);
    return pool->tls ? 0 : err && err->reason ? -err->reason : -RILL_ERROR;
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_act(rill_mark *mark)
{
    rill_client *client = (rill_client *)((char *)mark - offsetof(rill_client, mark));
    for (int i = 0; i < ORIGIN_BUCKETS; i++) {
        rill_origin *next;
        for (rill_origin *origin = client->origins[i]; origin; origin = next) {
            next = origin->next;
            if (origin->unused_link)
                rill_origin_free(origin);
        }
    }
    client->bound = NULL; /* with the origins, or soon */
    for (int i = 0; i < ORIGIN_BUCKETS; i++)
        if (client->origins[i])
            return; /* a connection says goodbye: its end marks us again */
    if (!client->entry.id.generation)
        rill_client_free(client);
}

rill_client *rill_client_create(rill_turn *turn, rill_client **list, const rill_options *options,
                                rill_error *err)
{
    rill_client *client = rill_slab_zalloc(&turn->slab, sizeof(*client));
    if (!client) {
        rill_error_set(err, RILL_ERROR, "out of memory");
        return NULL;
    }
    client->pool.turn = turn;
    client->pool.entry = &client->entry;
    client->mark.act = on_act;
    client->next = *list;
    client->link = list;
    if (client->next)
        client->next->link = &client->next;
    *list = client;
    turn->counters.clients++;
    client->url_text = rill_slab_alloc(&turn->slab, RILL_URL_ROOM);
    if (!client->url_text)
        rill_error_set(err, RILL_ERROR, "out of memory");
    if (!client->url_text || configure(client, options, err) ||
        rill_turn_name(turn, &client->entry, ENTRY_CLIENT, err)) {
        rill_client_free(client);
        return NULL;
    }
    rill_pool_warn_tls(&client->pool);
    return client;
}

rill_entry *rill_client_entry(rill_client *client)
{
    return &client->entry;
}

void rill_client_free(rill_client *client)
{
    rill_pool *pool = &client->pool;
    rill_slab *slab = &pool->turn->slab;
    rill_turn_forget(pool->turn, &client->entry);
    rill_client_shut(client);
    for (int i = 0; i < ORIGIN_BUCKETS; i++)
        while (client->origins[i])
            rill_origin_free(client->origins[i]);
    rill_turn_unmark(&client->mark);
    rill_resolver_free(pool->resolver);
    rill_tls_free(pool->tls);
    for (uint32_t i = 0; i < pool->dial.resolve_count; i++) {
        rill_slab_free(slab, (char *)client->resolve[i].host);
        rill_slab_free(slab, (char *)client->resolve[i].address);
    }
    rill_slab_free(slab, client->resolve);
    rill_slab_free(slab, client->user_agent);
    rill_slab_free(slab, client->handed_warning);
    rill_slab_free(slab, client->url_text);
    rill_slab_free(slab, pool->warning);
    rill_slab_free(slab, pool->defaults.fields);
    rill_bytes_dispose(slab, &pool->defaults.block);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    pool->turn->counters.clients--;
    rill_slab_free(slab, client);
}

void rill_client_shut(rill_client *client)
{
    if (client->closed)
        return;
    client->closed = true;
    client->pool.owner = &client->mark;
    for (int i = 0; i < ORIGIN_BUCKETS; i++)
        for (rill_origin *origin = client->origins[i]; origin; origin = origin->next)
            rill_origin_close(origin);
    rill_turn_mark(client->pool.turn, &client->mark);
}

void rill_client_drop(rill_client *client)
{
    rill_turn_forget(client->pool.turn, &client->entry);
    if (client->bound && !client->closed) { /* a dropped connection lets its streams finish */
        client->closed = true;
        client->pool.owner = &client->mark;
        rill_client_drain(client);
    }
    rill_client_shut(client);
    rill_turn_mark(client->pool.turn, &client->mark);
}

/* --- requests -------------------------------------------------------------------------------- */

static uint64_t hash_of(bool tls, const char *host, size_t length, uint16_t port)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ port ^ (uint64_t)tls << 16; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)host[i]) * UINT64_C(1099511628211);
    return hash;
}

static rill_origin *find_origin(rill_client *client, bool tls, const char *host, size_t length,
                                uint16_t port)
{
    uint64_t hash = hash_of(tls, host, length, port);
    rill_origin **bucket = &client->origins[hash % ORIGIN_BUCKETS];
    for (rill_origin *origin = *bucket; origin; origin = origin->next)
        if (origin->hash == hash && origin->port == port && origin->tls == tls &&
            !strncmp(origin->host, host, length) && !origin->host[length])
            return origin;
    rill_origin *origin = rill_origin_new(&client->pool, tls, host, length, port);
    if (!origin)
        return NULL;
    origin->hash = hash;
    origin->next = *bucket;
    origin->link = bucket;
    if (origin->next)
        origin->next->link = &origin->next;
    *bucket = origin;
    return origin;
}

static uint64_t pick_ms(double given, uint64_t own_ms)
{
    return given < 0 ? own_ms : rill_ms(given);
}

static int32_t parse(const rill_client *client, const char *text, uint32_t length, rill_url *url,
                     rill_error *err)
{
    int32_t code = rill_url_parse(text, length, client->url_text, RILL_URL_ROOM, url, err);
    if (code)
        return code;
    const char *scheme = client->url_text + url->scheme;
    int scheme_length = url->scheme_length < 40 ? (int)url->scheme_length : 40;
    bool http = scheme_length == 4 && !memcmp(scheme, "http", 4);
    if (http && !client->h2c && !client->bound)
        return rill_error_set(err, RILL_INVALID_URL,
                              "http is only spoken as HTTP/2 with prior knowledge (option h2c)");
    if (!http && (scheme_length != 5 || memcmp(scheme, "https", 5) != 0))
        return rill_error_set(err, RILL_INVALID_URL, "scheme \"%.*s\" is not supported: https is",
                              scheme_length, scheme);
    if (url->host_length <= 0)
        return rill_error_set(err, RILL_INVALID_URL, "the URL has no host");
    return 0;
}

/* A path on the connection's own authority is made a URL of it. */
static int32_t parse_path(const rill_client *client, const rill_request *request, rill_url *url,
                          rill_error *err)
{
    const rill_origin *origin = client->bound;
    rill_slab *slab = &client->pool.turn->slab;
    size_t room = strlen(origin->host) + request->url_length + 24;
    char *text = rill_slab_alloc(slab, room);
    if (!text)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    int start = snprintf(text, room, strchr(origin->host, ':') ? "%s://[%s]" : "%s://%s",
                         origin->tls ? "https" : "http", origin->host);
    if (origin->port != (origin->tls ? 443 : 80))
        start += snprintf(text + start, room - (size_t)start, ":%u", origin->port);
    memcpy(text + start, request->url, request->url_length);
    int32_t code = parse(client, text, (uint32_t)start + request->url_length, url, err);
    rill_slab_free(slab, text);
    return code;
}

/* A connection serves its own origin only: its host, host:port, or the peer's ip:port. */
static bool is_own(const rill_client *client, const rill_url *url, char *peer, size_t room)
{
    const rill_origin *origin = client->bound;
    const char *host = client->url_text + url->host;
    size_t length = (size_t)url->host_length;
    char address[46] = "";
    const rill_peer *to = origin->conns ? origin->conns->peer : NULL;
    if (to)
        rill_address_print(&to->address, address);
    int32_t port = to ? rill_address_port(&to->address) : 0;
    snprintf(peer, room, strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, (int)port);
    bool same_host = strlen(origin->host) == length && !memcmp(origin->host, host, length);
    bool has_port = memchr(host + length, ':',
                           (size_t)(url->authority_length - url->host_length -
                                    (url->host - url->authority))) != NULL;
    if ((url->scheme_length == 5) != origin->tls)
        return false;
    if (same_host && (!has_port || url->port == origin->port))
        return true;
    return address[0] && strlen(address) == length && !memcmp(address, host, length) &&
           url->port == port;
}

/* The call is made all the same, and closes at once: nothing is sent. */
static void check_own(rill_client *client, rill_call *call, const rill_url *url)
{
    char peer[64], shown[256];
    if (!client->bound || is_own(client, url, peer, sizeof(peer)))
        return;
    rill_error error = {0};
    rill_call_url(call, shown, sizeof(shown));
    rill_error_set(&error, RILL_INVALID_HOSTNAME,
                   "%s: this connection is to %s:%u (%s), it serves no other origin", shown,
                   client->bound->host, client->bound->port, peer);
    rill_origin_close_call(call, &error);
}

/* A caller's content-length that the body contradicts is ignored, and that is said. */
static void warn_length(rill_client *client, const rill_call *call, const rill_fields_aside *aside)
{
    uint32_t digits;
    const char *length = rill_call_length(call, &digits);
    if (!aside->content_length || !length ||
        (aside->content_length_length == digits &&
         !memcmp(aside->content_length, length, digits)))
        return;
    char url[256];
    rill_call_url(call, url, sizeof(url));
    rill_pool_warn(&client->pool, "%s: content-length %.*s is ignored, the body has %.*s bytes", url,
                   aside->content_length_length < 24 ? (int)aside->content_length_length : 24,
                   aside->content_length, (int)digits, length);
}

int32_t rill_client_request(rill_client *client, const rill_request *request, rill_id *id,
                            rill_error *err)
{
    rill_turn *turn = client->pool.turn;
    rill_url url;
    turn->now_ms = rill_clock_ms(); /* the script may have been busy since the last turn */
    if (client->closed)
        return rill_error_set(err, RILL_CLOSED, "the client is closed");
    bool path = client->bound && request->url_length && request->url[0] == '/';
    int32_t code = path ? parse_path(client, request, &url, err)
                        : parse(client, request->url, request->url_length, &url, err);
    if (code)
        return code;
    rill_call_setup setup = {
        .turn = turn,
        .request = request,
        .text = client->url_text,
        .url = &url,
        .defaults = &client->pool.defaults,
        .timeout_ms = pick_ms(request->timeout, client->timeout_ms),
        .queue_ms = pick_ms(request->queue_timeout, client->queue_timeout_ms),
        .maxsize = request->maxsize < 0 ? client->maxsize : bytes_of(request->maxsize),
        .warnsize = request->warnsize < 0 ? client->warnsize : bytes_of(request->warnsize),
        .max_header_list = client->max_header_list,
        .window = client->pool.session.window,
        .buffered = &client->pool.buffered,
        .read_ms = pick_ms(request->read_timeout, client->read_timeout_ms),
        .retries = request->retries < 0 ? client->retries : (uint32_t)request->retries,
        .retry_idempotent = request->retry_idempotent < 0 ? client->retry_idempotent
                                                          : request->retry_idempotent != 0,
    };
    rill_fields_aside aside;
    rill_call *call = rill_call_new(&setup, &aside, err);
    if (!call)
        return err && err->reason ? -err->reason : -RILL_ERROR;
    rill_origin *origin = client->bound;
    if (!origin)
        origin = find_origin(client, url.scheme_length == 5, client->url_text + url.host,
                             (size_t)url.host_length, (uint16_t)url.port);
    code = origin ? rill_turn_name(turn, &call->entry, ENTRY_CALL, err)
                  : rill_error_set(err, RILL_ERROR, "out of memory");
    if (code) {
        rill_call_free(call);
        return code;
    }
    warn_length(client, call, &aside);
    client->pool.stats.requests++;
    if (client->bound)
        call->repeat = false;
    rill_origin_add(origin, call);
    *id = call->entry.id;
    check_own(client, call, &url);
    return 0;
}

/* --- connections ----------------------------------------------------------------------------- */

int32_t rill_client_bind(rill_client *client, const char *text, uint32_t length, rill_error *err)
{
    rill_url url;
    int32_t code = parse(client, text, length, &url, err);
    if (code)
        return code;
    client->bound = find_origin(client, url.scheme_length == 5, client->url_text + url.host,
                                (size_t)url.host_length, (uint16_t)url.port);
    if (!client->bound)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    rill_origin_connect(client->bound);
    return client->bound->conns ? 0 : rill_error_set(err, RILL_ERROR, "out of memory");
}

rill_conn *rill_client_conn(const rill_client *client)
{
    return client->bound ? client->bound->conns : NULL;
}

void rill_client_drain(rill_client *client)
{
    static const rill_error drained = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the connection drains"};
    while (client->bound->queue.first)
        rill_origin_close_call(client->bound->queue.first, &drained);
    rill_conn_drain(client->bound->conns);
    rill_turn_mark(client->pool.turn, &client->bound->mark);
}

void rill_client_end(rill_client *client, uint32_t code)
{
    rill_error closed = {0};
    rill_error_set(&closed, RILL_CANCELLED, "the connection was closed by the caller");
    closed.code = (int32_t)code;
    rill_conn_fail(client->bound->conns, &closed);
    rill_turn_mark(client->pool.turn, &client->bound->mark);
}

void rill_client_describe(const rill_client *client, rill_connection_state *state)
{
    const rill_origin *origin = client->bound;
    const rill_conn *conn = origin->conns;
    const rill_session *session = &conn->session;
    *state = (rill_connection_state){
        .connected = conn->greeted,
        .closed = conn->state == CONN_CLOSED,
        .goaway = session->goaway_received,
        .goaway_code = session->goaway_code,
        .goaway_last = session->goaway_last,
        .goaway_debug = session->goaway_debug,
        .pending = origin->queue.count,
        .conn_slot = conn->peer ? conn->peer->entry.id.slot : 0,
        .conn_generation = conn->peer ? conn->peer->entry.id.generation : 0,
        .error = conn->error.reason ? &conn->error : NULL,
    };
    for (const rill_stream *stream = session->open; stream; stream = stream->next)
        state->streams++;
    for (int i = 0; i < 6; i++)
        state->peer_settings[i] = session->peer_settings[i];
}

/* --- telling --------------------------------------------------------------------------------- */

static void count_streams(const rill_stream *stream, rill_stats *stats)
{
    for (; stream; stream = stream->next)
        stats->streams++;
}

void rill_client_count(const rill_client *client, rill_stats *stats)
{
    *stats = client->pool.stats;
    stats->connections = client->pool.connections;
    stats->buffered = (double)client->pool.buffered;
    for (int i = 0; i < ORIGIN_BUCKETS; i++)
        for (const rill_origin *origin = client->origins[i]; origin; origin = origin->next) {
            stats->pending += origin->queue.count;
            for (const rill_conn *conn = origin->conns; conn; conn = conn->next) {
                stats->bytes_sent += conn->transport.bytes_sent;
                stats->bytes_received += conn->transport.bytes_received;
                count_streams(conn->session.open, stats);
            }
        }
}

static void take_warning(rill_client *client, rill_event *event)
{
    rill_pool *pool = &client->pool;
    bool more;
    rill_slab_free(&pool->turn->slab, client->handed_warning);
    client->handed_warning = rill_pool_take_warning(pool, &more);
    event->text = client->handed_warning ? client->handed_warning : "out of memory";
    if (more)
        rill_turn_report(pool->turn, &client->entry, RILL_EVENT_WARNING);
}

void rill_client_event(rill_client *client, enum rill_event_type type, rill_event *event)
{
    const rill_conn *conn = rill_client_conn(client);
    if (type == RILL_EVENT_WARNING)
        take_warning(client, event);
    if (!conn)
        return;
    event->seconds = (double)conn->session.rtt_ms / 1000;
    if (type == RILL_EVENT_CLOSED && conn->error.reason) {
        event->errors = &conn->error;
        event->error_count = 1;
    }
}
