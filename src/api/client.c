#include "api/client.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "api/given.h"
#include "api/settings.h"
#include "pool/ending.h"
#include "url/url.h"

struct rill_client {
    rill_entry entry;
    rill_pool pool;
    rill_member member; /* in the loop's list */
    rill_mark mark;     /* to free itself once closed and empty */
    bool closed;
    bool binds;         /* it is a connection of one's own */
    rill_origin *bound; /* borrowed: its only origin; NULL for a client */
    rill_settings settings;
    char *url_text; /* owned: where URLs are parsed to */
    rill_url url;   /* where the parts of the last one stand */
};

/* --- life ------------------------------------------------------------------------------------ */

static void on_act(rill_mark *mark)
{
    rill_client *client = RILL_OWNER(mark, rill_client, mark);
    while (client->pool.unused.first)
        rill_origin_free(RILL_OWNER(client->pool.unused.first, rill_origin, unused));
    client->bound = NULL; /* with the origins, or soon */
    if (client->pool.origins.count)
        return; /* a connection says goodbye: its end marks us again */
    if (!client->entry.id.generation)
        rill_client_free(client);
}

rill_client *rill_client_create(rill_turn *turn, rill_list *list, const rill_options *options,
                                rill_error *err)
{
    if (rill_given_options(options, err))
        return NULL;
    rill_client *client = rill_slab_zalloc(&turn->slab, sizeof(*client));
    if (!client) {
        rill_error_memory(err);
        return NULL;
    }
    bool made = rill_pool_init(&client->pool, turn);
    client->pool.entry = &client->entry;
    rill_table_init(&client->pool.origins, &turn->slab);
    client->mark.act = on_act;
    rill_list_push_first(list, &client->member);
    turn->counters.clients++;
    client->url_text = rill_slab_alloc(&turn->slab, RILL_URL_ROOM);
    made = made && client->url_text;
    if (!made)
        rill_error_memory(err);
    if (!made || rill_settings_init(&client->settings, &client->pool, options, err) ||
        rill_turn_name(turn, &client->entry, ENTRY_CLIENT, err)) {
        rill_client_free(client);
        return NULL;
    }
    rill_pool_warn_tls(&client->pool);
    rill_settings_warn(&client->settings, &client->pool);
    return client;
}

rill_client *rill_client_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_client, member);
}

rill_client *rill_client_next(const rill_client *client)
{
    return RILL_OWNER(client->member.next, rill_client, member);
}

const rill_pool *rill_client_pool(const rill_client *client)
{
    return &client->pool;
}

rill_entry *rill_client_entry(rill_client *client)
{
    return &client->entry;
}

void rill_client_free(rill_client *client)
{
    rill_pool *pool = &client->pool;
    rill_slab *slab = &pool->turn->slab;
    rill_origin *origin;
    rill_turn_forget(pool->turn, &client->entry);
    rill_client_shut(client);
    while ((origin = rill_origin_next(pool, NULL)))
        rill_origin_free(origin);
    rill_table_dispose(&pool->origins);
    rill_turn_unmark(&client->mark);
    rill_slab_free(slab, client->url_text);
    rill_pool_dispose(pool);
    rill_settings_dispose(&client->settings, pool);
    rill_list_leave(&client->member);
    pool->turn->counters.clients--;
    rill_slab_free(slab, client);
}

void rill_client_shut(rill_client *client)
{
    static const rill_error closed = {
        .reason = RILL_CANCELLED, .code = -1, .message = "the client was closed"};
    if (client->closed)
        return;
    client->closed = true;
    client->pool.owner = &client->mark;
    rill_origin *origin = NULL;
    while ((origin = rill_origin_next(&client->pool, origin)))
        rill_origin_close(origin);
    rill_pool_close_ended(&client->pool, &closed);
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

/* Where connections come from and go through. */
typedef struct route {
    rill_address from;
    rill_proxy *proxy; /* one reference; NULL: none */
} route;

/* Whether a proxy is asked for client->url itself. A connection of one's own, HTTP/2, and what may
 * not go everywhere go through a tunnel. */
static bool is_forward(const rill_client *client, const rill_proxy *proxy)
{
    const rill_pool *pool = &client->pool;
    return proxy && !rill_proxy_is_socks(proxy) && client->url.scheme_length == 4 &&
           pool->clear == ALPN_HTTP11 && !pool->dial.deny_private && !client->binds;
}

/* The origin of client->url, for connections that take this way. NULL: out of memory. */
static rill_origin *find_origin(rill_client *client, const route *way)
{
    const rill_url *url = &client->url;
    bool tls = url->scheme_length == 5, forward = is_forward(client, way->proxy);
    const char *host = forward ? way->proxy->host : client->url_text + url->host;
    size_t length = forward ? strlen(host) : (size_t)url->host_length;
    uint16_t port = forward ? way->proxy->port : (uint16_t)url->port;
    rill_table *table = &client->pool.origins;
    /* what comes from several addresses, or through several proxies, is rare: they share a bucket
     */
    uint32_t hash = rill_table_hash(table, host, length, port ^ (uint32_t)tls << 16);
    for (rill_item *item = rill_table_bucket(table, hash); item; item = item->next) {
        rill_origin *origin = RILL_OWNER(item, rill_origin, item);
        if (item->hash == hash && origin->port == port && origin->tls == tls &&
            !strncmp(origin->host, host, length) && !origin->host[length] &&
            origin->forward == forward && rill_address_equal(&origin->from, &way->from) &&
            rill_proxy_same(origin->proxy, way->proxy))
            return origin;
    }
    rill_origin *origin = rill_origin_new(&client->pool, tls, host, length, port);
    if (!origin)
        return NULL;
    origin->from = way->from;
    origin->proxy = rill_proxy_hold(way->proxy);
    origin->forward = forward;
    origin->listed = rill_table_add(table, &origin->item, hash);
    if (origin->listed)
        return origin;
    rill_origin_free(origin);
    return NULL;
}

static uint64_t pick_ms(double given, uint64_t own_ms)
{
    return given < 0 ? own_ms : rill_turn_limit_ms(given);
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
    if (http && !client->settings.clear_text && !client->bound)
        return rill_error_set(err, RILL_INVALID_URL,
                              "http is spoken as HTTP/1.1 (option protocols), or as HTTP/2 with "
                              "prior knowledge (option h2c)");
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
        return rill_error_memory(err);
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
    const rill_conn *conn = rill_client_conn(client);
    const rill_peer *to = conn ? conn->peer : NULL;
    if (to)
        rill_address_print(&to->address, address);
    int32_t port = to ? rill_address_port(&to->address) : 0;
    snprintf(peer, room, strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, (int)port);
    bool same_host = strlen(origin->host) == length && !memcmp(origin->host, host, length);
    bool has_port =
        memchr(host + length, ':',
               (size_t)(url->authority_length - url->host_length - (url->host - url->authority))) !=
        NULL;
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
    rill_ending_close(call, &error);
}

/* A caller's content-length that the body contradicts is ignored, and that is said. */
static void warn_length(rill_client *client, const rill_call *call, const rill_fields_found *found)
{
    uint32_t digits = 0;
    const char *length = rill_call_length(call, &digits);
    bool open_ended =
        call->source && (call->source->kind == SOURCE_FED || call->source->kind == SOURCE_UNSIZED);
    if (!length) {
        length = "0";
        digits = 1;
    }
    if (!found->content_length || open_ended ||
        (found->content_length_length == digits && !memcmp(found->content_length, length, digits)))
        return;
    char url[256];
    rill_call_url(call, url, sizeof(url));
    rill_pool_warn(&client->pool, "%s: content-length %.*s is ignored, the body has %.*s bytes",
                   url, found->content_length_length < 24 ? (int)found->content_length_length : 24,
                   found->content_length, (int)digits, length);
}

/* Parses a request's URL. `*origin` is where it goes; NULL: to be found. Mostly it goes where the
 * one before went (measured: 1,130 instructions of 5,390 a request). */
static int32_t read_url(rill_client *client, const rill_request *request, rill_origin **origin,
                        rill_error *err)
{
    *origin = client->pool.latest;
    if (*origin && rill_url_follow(request->url, request->url_length, client->url_text,
                                   RILL_URL_ROOM, &client->url))
        return 0;
    client->pool.latest = NULL;
    *origin = client->bound;
    if (client->bound && request->url_length && request->url[0] == '/')
        return parse_path(client, request, &client->url, err);
    return parse(client, request->url, request->url_length, &client->url, err);
}

/* Where the request's connection is to come from. An origin that has others is not the one; a
 * connection of one's own has come from where it has. */
static int32_t pick_from(const rill_client *client, const rill_request *request, rill_address *own,
                         rill_origin **origin, rill_error *err)
{
    if (!request->bind_address)
        *own = client->pool.dial.bind_address;
    int32_t code = request->bind_address ? rill_settings_bind(request->bind_address, own, err) : 0;
    if (code || !*origin || rill_address_equal(&(*origin)->from, own))
        return code;
    *origin = NULL;
    return !client->bound ? 0
                          : rill_error_set(err, RILL_ARGUMENT,
                                           "option bind_address: \"%.80s\" is not where this "
                                           "connection comes from",
                                           request->bind_address);
}

static rill_limits limits_of(const rill_settings *settings, const rill_request *request)
{
    rill_limits limits = settings->limits;
    if (request->maxsize >= 0)
        limits.maxsize = rill_bytes_of(request->maxsize);
    if (request->warnsize >= 0)
        limits.warnsize = rill_bytes_of(request->warnsize);
    return limits;
}

static rill_proxy *proxy_of(const rill_client *client, const rill_proxies *proxies)
{
    const rill_url *url = &client->url;
    return rill_proxy_hold(rill_proxies_pick(proxies, url->scheme_length == 5,
                                             client->url_text + url->host, (size_t)url->host_length,
                                             (uint16_t)url->port));
}

/* The proxy of one request, where it names one (or none). */
static int32_t read_own_proxy(const rill_client *client, const rill_request *request,
                              rill_proxy **proxy, rill_error *err)
{
    rill_slab *slab = &client->pool.turn->slab;
    const rill_settings *settings = &client->settings;
    rill_proxies own;
    int32_t code = rill_proxies_read(&own, slab, request->proxy, settings->proxies.exempt, err);
    if (code)
        return code;
    *proxy = proxy_of(client, &own);
    rill_proxies_dispose(&own, slab);
    return 0;
}

/* What the request goes through: `way` holds a reference. An origin that has another proxy is not
 * the one; a connection of one's own has its own. */
static int32_t pick_proxy(const rill_client *client, const rill_request *request, route *way,
                          rill_origin **origin, rill_error *err)
{
    way->proxy = NULL;
    if (!request->proxy) {
        if (!*origin)
            way->proxy = proxy_of(client, &client->settings.proxies);
        return 0;
    }
    int32_t code = read_own_proxy(client, request, &way->proxy, err);
    if (code || !client->bound) {
        *origin = NULL;
        return code;
    }
    bool same = rill_proxy_same(way->proxy, client->bound->proxy);
    rill_proxy_release(way->proxy);
    way->proxy = NULL;
    return same ? 0
                : rill_error_set(err, RILL_ARGUMENT,
                                 "option proxy: it is not what this connection goes through");
}

/* What is asked for, with the client's settings where the request has none. */
static rill_call_setup make_setup(const rill_client *client, const rill_request *request)
{
    const rill_settings *settings = &client->settings;
    return (rill_call_setup){
        .turn = client->pool.turn,
        .request = request,
        .text = client->url_text,
        .url = &client->url,
        .defaults = &client->pool.defaults,
        .timeout_ms = pick_ms(request->timeout, settings->timeout_ms),
        .queue_ms = pick_ms(request->queue_timeout, settings->queue_timeout_ms),
        .limits = limits_of(settings, request),
        .read_ms = pick_ms(request->read_timeout, settings->read_timeout_ms),
        .retries = request->retries < 0 ? settings->retries : (uint32_t)request->retries,
        .decompress = request->decompress < 0 ? settings->decompress : request->decompress != 0,
        .idempotent = request->idempotent < 0 ? settings->idempotent : request->idempotent,
        .lenient_eof = request->lenient_eof < 0 ? settings->lenient_eof : request->lenient_eof != 0,
        .retry_idempotent = request->retry_idempotent < 0 ? settings->retry_idempotent
                                                          : request->retry_idempotent != 0,
    };
}

int32_t rill_client_request(rill_client *client, const rill_request *request, rill_id *id,
                            rill_error *err)
{
    rill_pool *pool = &client->pool;
    rill_turn *turn = pool->turn;
    rill_origin *origin;
    route way;
    rill_turn_tick(turn); /* the script may have been busy since the last turn */
    if (client->closed)
        return rill_error_set(err, RILL_CLOSED, "the client is closed");
    int32_t code = rill_given_request(request, err);
    if (!code)
        code = read_url(client, request, &origin, err);
    if (!code)
        code = pick_from(client, request, &way.from, &origin, err);
    if (!code)
        code = pick_proxy(client, request, &way, &origin, err);
    if (code)
        return code;
    rill_call_setup setup = make_setup(client, request);
    rill_fields_found found;
    rill_call *call = rill_call_new(&setup, &found, err);
    if (call && !origin)
        origin = find_origin(client, &way);
    rill_proxy_release(way.proxy);
    if (!call)
        return err && err->reason ? -err->reason : -RILL_ERROR;
    pool->latest = request->proxy ? NULL : origin;
    code = origin ? rill_turn_name(turn, &call->entry, ENTRY_CALL, err) : rill_error_memory(err);
    if (code) {
        rill_call_free(call);
        return code;
    }
    warn_length(client, call, &found);
    client->pool.stats.requests++;
    if (client->bound)
        call->repeat = false;
    rill_origin_add(origin, call);
    *id = call->entry.id;
    check_own(client, call, &client->url);
    return 0;
}

/* --- connections ----------------------------------------------------------------------------- */

int32_t rill_client_bind(rill_client *client, const char *text, uint32_t length, rill_error *err)
{
    int32_t code = parse(client, text, length, &client->url, err);
    if (code)
        return code;
    route way = {.from = client->pool.dial.bind_address,
                 .proxy = proxy_of(client, &client->settings.proxies)};
    client->binds = true;
    client->bound = find_origin(client, &way);
    rill_proxy_release(way.proxy);
    if (!client->bound)
        return rill_error_memory(err);
    rill_origin_connect(client->bound);
    return client->bound->conns.first ? 0 : rill_error_memory(err);
}

rill_conn *rill_client_conn(const rill_client *client)
{
    const rill_origin *origin = client->bound;
    return origin ? rill_origin_conn(origin) : NULL;
}

void rill_client_drain(rill_client *client)
{
    static const rill_error drained = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the connection drains"};
    rill_call *call;
    while ((call = rill_queue_first(&client->bound->queue)))
        rill_ending_close(call, &drained);
    rill_conn_drain(rill_client_conn(client));
    rill_turn_mark(client->pool.turn, &client->bound->mark);
}

void rill_client_end(rill_client *client, uint32_t code)
{
    rill_error closed = {0};
    rill_error_set(&closed, RILL_CANCELLED, "the connection was closed by the caller");
    closed.code = (int32_t)code;
    rill_conn_fail(rill_client_conn(client), &closed);
    rill_turn_mark(client->pool.turn, &client->bound->mark);
}

void rill_client_describe(const rill_client *client, rill_connection_state *state)
{
    const rill_origin *origin = client->bound;
    const rill_conn *conn = rill_client_conn(client);
    const rill_link *session = conn->session;
    *state = (rill_connection_state){
        .connected = rill_conn_greeted(conn),
        .closed = conn->state == CONN_CLOSED,
        .pending = origin->queue.count,
        .peer_slot = conn->peer ? conn->peer->entry.id.slot : 0,
        .peer_generation = conn->peer ? conn->peer->entry.id.generation : 0,
        .error = conn->error.reason ? &conn->error : NULL,
    };
    if (!session)
        return;
    state->goaway = session->goaway.received;
    state->goaway_code = session->goaway.code;
    state->goaway_last = session->goaway.last;
    state->goaway_debug = session->goaway.debug;
    for (const rill_stream *stream = rill_stream_first(&session->open); stream;
         stream = rill_stream_next(stream))
        state->streams++;
    for (int i = 0; i < 6; i++)
        state->peer_settings[i] = session->peer_settings[i];
}

/* --- telling --------------------------------------------------------------------------------- */

static void count_streams(const rill_stream *stream, rill_stats *stats)
{
    for (; stream; stream = rill_stream_next(stream))
        stats->streams++;
}

void rill_client_count(const rill_client *client, rill_stats *stats)
{
    *stats = client->pool.stats;
    stats->connections = client->pool.connections;
    stats->buffered = (double)client->pool.account->bytes;
    const rill_origin *origin = NULL;
    while ((origin = rill_origin_next(&client->pool, origin))) {
        stats->pending += origin->queue.count;
        for (const rill_conn *conn = rill_conn_first(&origin->conns); conn;
             conn = rill_conn_next(conn)) {
            stats->bytes_sent += conn->transport.socket.bytes_sent;
            stats->bytes_received += conn->transport.socket.bytes_received;
            count_streams(rill_conn_streams(conn), stats);
        }
    }
}

static void take_warning(rill_client *client, rill_event *event)
{
    rill_pool *pool = &client->pool;
    bool more;
    const char *text = rill_pool_take_warning(pool, &more);
    event->text = text ? text : "out of memory";
    if (more)
        rill_turn_report(pool->turn, &client->entry, RILL_EVENT_WARNING);
}

/* The connection may go before its event does. */
static const rill_error *lend_error(rill_turn *turn, const rill_error *error)
{
    rill_error *lent = rill_turn_lend(turn, sizeof(*lent));
    if (!lent)
        return &rill_error_no_memory;
    *lent = *error;
    return lent;
}

void rill_client_event(rill_client *client, enum rill_event_type type, rill_event *event)
{
    const rill_conn *conn = rill_client_conn(client);
    if (type == RILL_EVENT_WARNING)
        take_warning(client, event);
    if (!conn)
        return;
    event->seconds = conn->session ? (double)conn->session->rtt_ms / 1000 : 0;
    if (type == RILL_EVENT_CLOSED && conn->error.reason) {
        event->errors = lend_error(client->pool.turn, &conn->error);
        event->error_count = 1;
    }
}
