#include "api/endpoint.h"

#include <stdio.h>
#include <string.h>

#include "api/given.h"
#include "base/journal.h"
#include "base/error.h"

/* --- life ------------------------------------------------------------------------------------ */

void rill_endpoint_act(rill_mark *mark)
{
    rill_endpoint *endpoint = RILL_OWNER(mark, rill_endpoint, mark);
    while (endpoint->pool.unused.first)
        rill_origin_free(RILL_OWNER(endpoint->pool.unused.first, rill_origin, unused));
    if (endpoint->pool.origins.count)
        return; /* a connection says goodbye: its end marks us again */
    if (!endpoint->entry.id.generation)
        rill_endpoint_free(endpoint);
}

rill_endpoint *rill_endpoint_new(rill_turn *turn, rill_list *list, size_t size,
                                 enum rill_entry_kind kind, const rill_options *options,
                                 rill_error *err)
{
    if (rill_given_options(options, err))
        return NULL;
    rill_endpoint *endpoint = rill_slab_zalloc(&turn->slab, size);
    if (!endpoint) {
        rill_error_memory(err);
        return NULL;
    }
    bool made = rill_pool_init(&endpoint->pool, turn);
    endpoint->pool.entry = &endpoint->entry;
    rill_table_init(&endpoint->pool.origins, &turn->slab);
    endpoint->mark.act = rill_endpoint_act;
    rill_list_push_first(list, &endpoint->member);
    turn->counters.clients++;
    endpoint->url_text = rill_slab_alloc(&turn->slab, RILL_URL_ROOM);
    made = made && endpoint->url_text;
    if (!made)
        rill_error_memory(err);
    if (!made || rill_settings_init(&endpoint->settings, &endpoint->pool, options, err) ||
        rill_turn_name(turn, &endpoint->entry, kind, err)) {
        rill_endpoint_free(endpoint);
        return NULL;
    }
    if (options && options->notes)
        endpoint->pool.account->journal = rill_journal_new(turn, &endpoint->entry);
    rill_pool_warn_tls(&endpoint->pool);
    rill_settings_warn(&endpoint->settings, &endpoint->pool);
    return endpoint;
}

void rill_endpoint_free(rill_endpoint *endpoint)
{
    rill_pool *pool = &endpoint->pool;
    rill_slab *slab = &pool->turn->slab;
    rill_turn_forget(pool->turn, &endpoint->entry);
    rill_endpoint_shut(endpoint);
    for (rill_origin *next, *origin = rill_origin_next(pool, NULL); origin; origin = next) {
        next = rill_origin_next(pool, origin);
        rill_origin_free(origin);
    }
    rill_table_dispose(&pool->origins);
    rill_turn_unmark(&endpoint->mark);
    rill_slab_free(slab, endpoint->url_text);
    rill_pool_dispose(pool);
    rill_settings_dispose(&endpoint->settings, pool);
    rill_list_leave(&endpoint->member);
    pool->turn->counters.clients--;
    rill_slab_free(slab, endpoint);
}

void rill_endpoint_refuse(rill_endpoint *endpoint)
{
    endpoint->closed = true;
    endpoint->pool.owner = &endpoint->mark;
}

void rill_endpoint_shut(rill_endpoint *endpoint)
{
    static const rill_error closed = {
        .reason = RILL_CANCELLED, .code = -1, .message = "the client was closed"};
    if (endpoint->closed)
        return;
    rill_endpoint_refuse(endpoint);
    rill_origin *origin = NULL;
    while ((origin = rill_origin_next(&endpoint->pool, origin)))
        rill_origin_close(origin);
    rill_pool_close_ended(&endpoint->pool, &closed);
    rill_turn_mark(endpoint->pool.turn, &endpoint->mark);
}

void rill_endpoint_drop(rill_endpoint *endpoint)
{
    rill_turn_forget(endpoint->pool.turn, &endpoint->entry);
    rill_endpoint_shut(endpoint);
    rill_turn_mark(endpoint->pool.turn, &endpoint->mark);
}

/* --- requests -------------------------------------------------------------------------------- */

int32_t rill_endpoint_check(rill_endpoint *endpoint, const rill_request *request, rill_error *err)
{
    rill_turn_tick(endpoint->pool.turn); /* the script may have been busy since the last turn */
    if (endpoint->closed)
        return rill_error_set(err, RILL_CLOSED, "the client is closed");
    return rill_given_request(request, err);
}

int32_t rill_endpoint_parse(rill_endpoint *endpoint, const char *text, uint32_t length,
                            rill_error *err)
{
    rill_url *url = &endpoint->url;
    int32_t code = rill_url_parse(text, length, endpoint->url_text, RILL_URL_ROOM, url, err);
    if (code)
        return code;
    const char *scheme = endpoint->url_text + url->scheme;
    int scheme_length = url->scheme_length < 40 ? (int)url->scheme_length : 40;
    bool http = scheme_length == 4 && !memcmp(scheme, "http", 4);
    if (!http && (scheme_length != 5 || memcmp(scheme, "https", 5) != 0))
        return rill_error_set(err, RILL_INVALID_URL, "scheme \"%.*s\" is not supported: https is",
                              scheme_length, scheme);
    if (url->host_length <= 0)
        return rill_error_set(err, RILL_INVALID_URL, "the URL has no host");
    return 0;
}

int32_t rill_endpoint_speaks(const rill_endpoint *endpoint, rill_error *err)
{
    if (endpoint->url.scheme_length == 5 || endpoint->settings.clear_text)
        return 0;
    return rill_error_set(err, RILL_INVALID_URL,
                          "http is spoken as HTTP/1.1 (option protocols), or as HTTP/2 with "
                          "prior knowledge (option h2c)");
}

rill_origin *rill_endpoint_follow(rill_endpoint *endpoint, const rill_request *request)
{
    rill_pool *pool = &endpoint->pool;
    if (pool->latest && rill_url_follow(request->url, request->url_length, endpoint->url_text,
                                        RILL_URL_ROOM, &endpoint->url))
        return pool->latest;
    pool->latest = NULL;
    pool->paces.latest = NULL;
    return NULL;
}

static uint64_t pick_ms(double given, uint64_t own_ms)
{
    return given < 0 ? own_ms : rill_turn_limit_ms(given);
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

/* What is asked for, with the endpoint's settings where the request has none. */
static rill_call_setup make_setup(const rill_endpoint *endpoint, const rill_request *request)
{
    const rill_settings *settings = &endpoint->settings;
    return (rill_call_setup){
        .turn = endpoint->pool.turn,
        .request = request,
        .text = endpoint->url_text,
        .url = &endpoint->url,
        .defaults = &endpoint->pool.defaults,
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

/* A caller's content-length that the body contradicts is ignored, and that is said. */
static void warn_length(rill_endpoint *endpoint, const rill_call *call,
                        const rill_fields_found *found)
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
    rill_pool_warn(&endpoint->pool, "%s: content-length %.*s is ignored, the body has %.*s bytes",
                   url, found->content_length_length < 24 ? (int)found->content_length_length : 24,
                   found->content_length, (int)digits, length);
}

rill_call *rill_endpoint_call(rill_endpoint *endpoint, const rill_request *request, rill_error *err)
{
    rill_call_setup setup = make_setup(endpoint, request);
    rill_fields_found found;
    rill_call *call = rill_call_new(&setup, &found, err);
    if (call)
        warn_length(endpoint, call, &found);
    return call;
}

/* The pace of the URL that was parsed, unless it is known. False: out of memory. */
static bool find_pace(rill_endpoint *endpoint)
{
    rill_paces *paces = &endpoint->pool.paces;
    const rill_url *url = &endpoint->url;
    return paces->latest ||
           rill_paces_find(paces, url->scheme_length == 5, endpoint->url_text + url->host,
                           (size_t)url->host_length, (uint16_t)url->port, &paces->latest);
}

int32_t rill_endpoint_add(rill_endpoint *endpoint, rill_origin *origin, rill_call *call,
                          rill_id *id, rill_error *err)
{
    int32_t code = origin && find_pace(endpoint)
                       ? rill_turn_name(endpoint->pool.turn, &call->entry, ENTRY_CALL, err)
                       : rill_error_memory(err);
    if (!code && !rill_pace_join(endpoint->pool.paces.latest, call))
        code = rill_error_memory(err);
    if (code) {
        rill_call_free(call);
        return code;
    }
    endpoint->pool.stats.requests++;
    rill_origin_add(origin, call);
    *id = call->entry.id;
    return 0;
}

/* --- reports --------------------------------------------------------------------------------- */

static void count_streams(const rill_stream *stream, rill_stats *stats)
{
    for (; stream; stream = rill_stream_next(stream))
        stats->streams++;
}

void rill_endpoint_count(const rill_endpoint *endpoint, rill_stats *stats)
{
    *stats = endpoint->pool.stats;
    stats->connections = endpoint->pool.connections;
    stats->buffered = (double)endpoint->pool.account->bytes;
    stats->pending = endpoint->pool.paces.waiting;
    const rill_origin *origin = NULL;
    while ((origin = rill_origin_next(&endpoint->pool, origin))) {
        stats->pending += origin->queue.count;
        for (const rill_conn *conn = rill_conn_first(&origin->conns); conn;
             conn = rill_conn_next(conn)) {
            stats->bytes_sent += conn->transport.socket.bytes_sent;
            stats->bytes_received += conn->transport.socket.bytes_received;
            count_streams(rill_conn_streams(conn), stats);
        }
    }
}

void rill_endpoint_warning(rill_endpoint *endpoint, rill_event *event)
{
    rill_pool *pool = &endpoint->pool;
    bool more;
    const char *text = rill_pool_take_warning(pool, &more);
    event->text = text ? text : "out of memory";
    if (more)
        rill_turn_report(pool->turn, &endpoint->entry, RILL_EVENT_WARNING);
}
