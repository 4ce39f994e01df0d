#include "api/connection.h"

#include <stdio.h>
#include <string.h>

#include "api/given.h"
#include "api/loop.h"
#include "api/route.h"
#include "base/error.h"
#include "pool/clocks.h"
#include "pool/ending.h"

typedef struct rill_connection {
    rill_endpoint endpoint; /* first */
    rill_origin *origin;    /* borrowed: its only one; NULL: it has gone */
} rill_connection;

static rill_connection *of(rill_endpoint *endpoint)
{
    return RILL_OWNER(endpoint, rill_connection, endpoint);
}

/* NULL: none was made, or it has gone. */
static rill_conn *conn_of(const rill_connection *connection)
{
    return connection->origin ? rill_origin_conn(connection->origin) : NULL;
}

/* --- requests -------------------------------------------------------------------------------- */

/* A path on the connection's own authority is made a URL of it. */
static int32_t parse_path(rill_connection *connection, const rill_request *request, rill_error *err)
{
    const rill_origin *origin = connection->origin;
    rill_slab *slab = &connection->endpoint.pool.turn->slab;
    size_t room = strlen(origin->host) + request->url_length + 24;
    char *text = rill_slab_alloc(slab, room);
    if (!text)
        return rill_error_memory(err);
    int start = snprintf(text, room, strchr(origin->host, ':') ? "%s://[%s]" : "%s://%s",
                         origin->tls ? "https" : "http", origin->host);
    if (origin->port != (origin->tls ? 443 : 80))
        start += snprintf(text + start, room - (size_t)start, ":%u", origin->port);
    memcpy(text + start, request->url, request->url_length);
    int32_t code = rill_endpoint_parse(&connection->endpoint, text,
                                       (uint32_t)start + request->url_length, err);
    rill_slab_free(slab, text);
    return code;
}

static int32_t read_url(rill_connection *connection, const rill_request *request, rill_error *err)
{
    rill_endpoint *endpoint = &connection->endpoint;
    if (rill_endpoint_follow(endpoint, request))
        return 0;
    if (request->url_length && request->url[0] == '/')
        return parse_path(connection, request, err);
    return rill_endpoint_parse(endpoint, request->url, request->url_length, err);
}

/* Where it comes from and what it goes through it has decided: a request may say the same. */
static int32_t check_way(const rill_connection *connection, const rill_request *request,
                         rill_error *err)
{
    rill_route route;
    if (!request->bind_address && !request->proxy)
        return 0;
    int32_t code = rill_route_read(&route, &connection->endpoint, request, err);
    if (code)
        return code;
    const rill_origin *origin = connection->origin;
    bool same_proxy = !request->proxy || rill_proxy_same(route.proxy, origin->proxy);
    rill_route_release(&route);
    if (!rill_address_equal(&origin->from, &route.from))
        return rill_error_set(
            err, RILL_ARGUMENT,
            "option bind_address: \"%.80s\" is not where this connection comes from",
            request->bind_address);
    return same_proxy ? 0
                      : rill_error_set(err, RILL_ARGUMENT,
                                       "option proxy: it is not what this connection goes through");
}

/* A connection serves its own origin only: its host, host:port, or the peer's ip:port. */
static bool is_own(const rill_connection *connection, char *peer, size_t room)
{
    const rill_origin *origin = connection->origin;
    const rill_url *url = &connection->endpoint.url;
    const char *host = connection->endpoint.url_text + url->host;
    size_t length = (size_t)url->host_length;
    char address[46] = "";
    const rill_conn *conn = conn_of(connection);
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
static void check_own(const rill_connection *connection, rill_call *call)
{
    char peer[64], shown[256];
    if (is_own(connection, peer, sizeof(peer)))
        return;
    rill_error error = {0};
    rill_call_url(call, shown, sizeof(shown));
    rill_error_set(&error, RILL_INVALID_HOSTNAME,
                   "%s: this connection is to %s:%u (%s), it serves no other origin", shown,
                   connection->origin->host, connection->origin->port, peer);
    rill_ending_close(call, &error);
}

int32_t rill_connection_request(rill_endpoint *endpoint, const rill_request *request, rill_id *id,
                                rill_error *err)
{
    rill_connection *connection = of(endpoint);
    int32_t code = rill_endpoint_check(endpoint, request, err);
    if (!code)
        code = read_url(connection, request, err);
    if (!code)
        code = check_way(connection, request, err);
    if (code)
        return code;
    rill_call *call = rill_endpoint_call(endpoint, request, err);
    if (!call)
        return err && err->reason ? -err->reason : -RILL_ERROR;
    endpoint->pool.latest = connection->origin;
    call->repeat = false;
    code = rill_endpoint_add(endpoint, connection->origin, call, id, err);
    if (!code)
        check_own(connection, call);
    return code;
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_act(rill_mark *mark)
{
    of(RILL_OWNER(mark, rill_endpoint, mark))->origin = NULL; /* freed now, or soon */
    rill_endpoint_act(mark);
}

static int32_t dial(rill_connection *connection, const char *url, uint32_t length, rill_error *err)
{
    rill_endpoint *endpoint = &connection->endpoint;
    rill_route route;
    int32_t code = rill_endpoint_parse(endpoint, url, length, err);
    if (!code)
        code = rill_endpoint_speaks(endpoint, err);
    if (!code)
        code = rill_route_read(&route, endpoint, NULL, err);
    if (code)
        return code;
    connection->origin = rill_route_origin(&route, endpoint, true);
    rill_route_release(&route);
    if (!connection->origin)
        return rill_error_memory(err);
    rill_origin_connect(connection->origin);
    return connection->origin->conns.first ? 0 : rill_error_memory(err);
}

static void drain(rill_connection *connection)
{
    static const rill_error drained = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the connection drains"};
    rill_call *call;
    while ((call = rill_pace_first(connection->origin)))
        rill_ending_close(call, &drained);
    rill_conn_drain(conn_of(connection));
    rill_turn_mark(connection->endpoint.pool.turn, &connection->origin->mark);
}

void rill_connection_drop(rill_endpoint *endpoint)
{
    rill_connection *connection = of(endpoint);
    if (connection->origin && !endpoint->closed) { /* its streams may finish */
        rill_endpoint_refuse(endpoint);
        drain(connection);
    }
    rill_endpoint_drop(endpoint);
}

static void describe(const rill_connection *connection, rill_connection_state *state)
{
    const rill_origin *origin = connection->origin;
    const rill_conn *conn = conn_of(connection);
    const rill_link *session = conn->session;
    *state = (rill_connection_state){
        .connected = rill_conn_greeted(conn),
        .closed = conn->state == CONN_CLOSED,
        .pending = origin->queue.count + origin->pool->paces.waiting,
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

/* The connection may go before its event does. */
static const rill_error *lend_error(rill_turn *turn, const rill_error *error)
{
    rill_error *lent = rill_turn_lend(turn, sizeof(*lent));
    if (!lent)
        return &rill_error_no_memory;
    *lent = *error;
    return lent;
}

void rill_connection_event(rill_endpoint *endpoint, enum rill_event_type type, rill_event *event)
{
    const rill_conn *conn = conn_of(of(endpoint));
    if (type == RILL_EVENT_WARNING)
        rill_endpoint_warning(endpoint, event);
    if (!conn)
        return;
    event->seconds = conn->session ? (double)conn->session->rtt_ms / 1000 : 0;
    if (type == RILL_EVENT_CLOSED && conn->error.reason) {
        event->errors = lend_error(endpoint->pool.turn, &conn->error);
        event->error_count = 1;
    }
}

/* --- commands -------------------------------------------------------------------------------- */

static rill_connection *find(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_endpoint *endpoint =
        loop ? (rill_endpoint *)rill_turn_find(&loop->turn, slot, generation, ENTRY_CONNECTION)
             : NULL;
    return endpoint && conn_of(of(endpoint)) ? of(endpoint) : NULL;
}

int32_t rill_connect(rill_loop *loop, const rill_options *options, const char *url,
                     uint32_t url_length, rill_id *id, rill_error *err)
{
    RILL_OWN_ERROR(err);
    rill_error_clear(err);
    if (rill_loop_check(loop, err) || rill_given_pointer(id, "id", err) ||
        rill_given_pointer(url, "url", err))
        return -err->reason;
    rill_turn_tick(&loop->turn);
    rill_endpoint *endpoint = rill_endpoint_new(
        &loop->turn, &loop->clients, sizeof(rill_connection), ENTRY_CONNECTION, options, err);
    if (!endpoint)
        return -err->reason;
    endpoint->mark.act = on_act;
    int32_t code = dial(of(endpoint), url, url_length, err);
    if (code)
        rill_endpoint_free(endpoint);
    else
        *id = endpoint->entry.id;
    return code;
}

int32_t rill_connection_ping(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_connection *connection = find(loop, slot, generation);
    rill_conn *conn = connection ? conn_of(connection) : NULL;
    if (!conn || conn->state == CONN_CLOSED)
        return -RILL_CLOSED;
    if (conn->session && !conn->session->protocol->ping)
        return -RILL_ERROR;
    rill_turn_tick(&loop->turn);
    rill_clocks_ping(conn);
    return 0;
}

void rill_connection_drain(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_connection *connection = find(loop, slot, generation);
    if (!connection)
        return;
    rill_turn_tick(&loop->turn);
    drain(connection);
}

void rill_connection_close(rill_loop *loop, uint32_t slot, uint32_t generation, uint32_t code)
{
    rill_connection *connection = find(loop, slot, generation);
    if (!connection)
        return;
    rill_turn_tick(&loop->turn);
    rill_error closed = {0};
    rill_error_set(&closed, RILL_CANCELLED, "the connection was closed by the caller");
    closed.code = (int32_t)code;
    rill_conn_fail(conn_of(connection), &closed);
    drain(connection); /* what waits */
    rill_origin_settle(connection->origin);
    rill_turn_mark(&loop->turn, &connection->origin->mark);
}

int32_t rill_connection_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                            rill_connection_state *state)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_connection *connection = find(loop, slot, generation);
    if (!connection || !state)
        return connection ? -RILL_ARGUMENT : -RILL_CLOSED;
    describe(connection, state);
    return 0;
}

rill_flight *rill_connection_frames(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    const rill_connection *connection =
        rill_loop_check(loop, NULL) ? NULL : find(loop, slot, generation);
    const rill_conn *conn = connection ? conn_of(connection) : NULL;
    return conn && conn->session ? rill_flight_hold(conn->session->flight) : NULL;
}
