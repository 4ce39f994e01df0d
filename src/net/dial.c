#include "net/dial.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/error.h"
#include "base/trace.h"

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct dial_racer *racer = arg;
    racer->ready = true;
    rill_turn_mark(racer->turn, racer->mark);
}

static void on_stagger(rill_timer *timer)
{
    rill_dial *dial = RILL_OWNER(timer, rill_dial, stagger);
    rill_turn_mark(dial->turn, dial->mark);
}

#define SAY(dial, ...) RILL_TRACE((dial)->turn, TRACE_DIAL, (dial)->target->number, __VA_ARGS__)

/* An address as it is shown: also that of a Unix socket, which is borrowed. */
static const char *shown(const rill_address *address, char text[46])
{
    rill_address_print(address, text);
    return text[0] ? text : address->local.sun_path;
}

static void enter(rill_dial *dial, enum rill_phase phase)
{
    float spent = (float)(dial->turn->now_us - dial->phase_us) / 1000000;
    if (dial->phase == RILL_PHASE_DNS)
        dial->dns_s = spent;
    else if (dial->phase == RILL_PHASE_CONNECT || dial->phase == RILL_PHASE_PROXY)
        dial->connect_s += spent;
    else if (dial->phase == RILL_PHASE_TLS)
        dial->tls_s = spent;
    dial->phase = phase;
    dial->phase_us = dial->turn->now_us;
}

/* --- addresses ------------------------------------------------------------------------------- */

/* The proxy is dialled, not what is looked up behind it. */
static bool is_of_proxy(const rill_dial *dial)
{
    return dial->target->proxy && !dial->beyond;
}

/* Where `name` stands in the caller's map, or would stand: behind all that are less. */
static uint32_t find_host(const rill_dial_options *options, const char *name)
{
    uint32_t low = 0, high = options->resolve_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcasecmp(options->resolve[middle].host, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What the caller's map says of host:port; false: nothing. */
static bool map_host(rill_dial *dial, const char *host, uint16_t port)
{
    const rill_dial_target *target = dial->target;
    char name[300];
    int length = snprintf(name, sizeof(name), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    if (length < 0 || (size_t)length >= sizeof(name))
        return false;
    bool found = false;
    const rill_dial_options *options = target->options;
    for (uint32_t i = find_host(options, name); i < options->resolve_count; i++) {
        if (strcasecmp(options->resolve[i].host, name) != 0)
            break;
        found = true;
        if (dial->lookup.count < LOOKUP_ADDRESSES)
            dial->lookup.count += rill_address_parse(options->resolve[i].address, port,
                                                     &dial->lookup.addresses[dial->lookup.count]);
    }
    return found;
}

/* RFC 8305 section 4: families alternate, beginning with `family`, from address `from` on. */
static void alternate_families(rill_lookup *lookup, uint32_t from, int family)
{
    rill_address sorted[2 * LOOKUP_ADDRESSES];
    bool taken[2 * LOOKUP_ADDRESSES] = {false};
    for (uint32_t n = from; n < lookup->count; n++) {
        uint32_t pick = lookup->count;
        for (uint32_t i = from; i < lookup->count; i++) {
            if (taken[i])
                continue;
            if (pick == lookup->count)
                pick = i; /* any, should the wanted family be used up */
            if (lookup->addresses[i].any.sa_family == family) {
                pick = i;
                break;
            }
        }
        taken[pick] = true;
        sorted[n] = lookup->addresses[pick];
        family = family == AF_INET6 ? AF_INET : AF_INET6;
    }
    memcpy(lookup->addresses + from, sorted + from, (lookup->count - from) * sizeof(*sorted));
}

/* Whether the system knows a way to an address: nothing is sent. */
static bool has_route(const rill_address *to)
{
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && !connect(fd, &to->any, to->length);
    if (fd >= 0)
        close(fd);
    return found;
}

/* The family to try next: the other one than last; at first IPv6 where there is a way to it (RFC
 * 6724), or what stands first where an order was given. */
static int next_family(const rill_dial *dial)
{
    const rill_lookup *lookup = &dial->lookup;
    if (dial->tried)
        return lookup->addresses[dial->tried - 1].any.sa_family == AF_INET6 ? AF_INET : AF_INET6;
    if (!lookup->apart)
        return lookup->addresses[0].any.sa_family;
    for (uint32_t i = 0; i < lookup->count; i++)
        if (lookup->addresses[i].any.sa_family == AF_INET6)
            return has_route(&lookup->addresses[i]) ? AF_INET6 : AF_INET;
    return AF_INET;
}

/* What was looked up: `kept` addresses of those in the lookup. */
static void trace_admitted(const rill_dial *dial, uint32_t kept)
{
    char address[46];
    for (uint32_t i = dial->admitted; i < kept; i++)
        SAY(dial, "address %s (%s)", shown(&dial->lookup.addresses[i], address),
            dial->mapped ? "given by resolve" : "looked up");
    if (kept < dial->lookup.count)
        SAY(dial, "%u addresses turned away by deny_private: %s", dial->lookup.count - kept,
            dial->denied);
}

/* Takes addresses that have come. After resolution, and for literals too: a hostile name cannot
 * lead us into a private network. */
static void admit(rill_dial *dial)
{
    rill_lookup *lookup = &dial->lookup;
    uint32_t kept = dial->admitted;
    if (dial->admitted == lookup->count)
        return;
    for (uint32_t i = kept; i < lookup->count; i++) {
        if (dial->mapped || is_of_proxy(dial) || !dial->target->options->deny_private ||
            rill_address_is_global(&lookup->addresses[i]))
            lookup->addresses[kept++] = lookup->addresses[i];
        else
            rill_address_print(&lookup->addresses[i], dial->denied);
    }
    trace_admitted(dial, kept);
    lookup->count = dial->admitted = kept;
    if (kept > dial->tried)
        alternate_families(lookup, dial->tried, next_family(dial));
}

/* Asks for the addresses of one name. */
static void look_up(rill_dial *dial, const char *host, uint16_t port)
{
    const rill_dial_target *target = dial->target;
    dial->mapped = map_host(dial, host, port);
    if (!dial->mapped)
        rill_resolver_lookup(target->resolver, &dial->lookup, host, port, target->options->family,
                             dial->mark);
}

void rill_dial_start(rill_dial *dial, rill_turn *turn, rill_mark *mark,
                     const rill_dial_target *target)
{
    memset(dial, 0, sizeof(*dial));
    dial->turn = turn;
    dial->mark = mark;
    dial->target = target;
    dial->phase = RILL_PHASE_DNS;
    dial->phase_us = turn->now_us;
    dial->stagger.expire = on_stagger;
    for (int i = 0; i < DIAL_RACERS; i++)
        dial->racers[i].fd = -1;
    turn->counters.dials++;
    SAY(dial, "to %s:%u%s", target->host, target->port, target->tls ? " with TLS" : "");
    if (target->proxy)
        look_up(dial, target->proxy->host, target->proxy->port);
    else
        look_up(dial, target->host, target->port);
    rill_turn_mark(turn, mark);
}

/* --- the race -------------------------------------------------------------------------------- */

static void close_racer(rill_dial *dial, struct dial_racer *racer)
{
    if (racer->event)
        event_free(racer->event);
    racer->event = NULL;
    if (racer->fd < 0)
        return;
    close(racer->fd);
    racer->fd = -1;
    dial->racing--;
}

static void note_failure(rill_dial *dial, uint32_t index, int error)
{
    char text[46];
    const char *address = shown(&dial->lookup.addresses[index], text);
    size_t used = strlen(dial->failures);
    snprintf(dial->failures + used, sizeof(dial->failures) - used, "%s%s: %s", used ? "; " : "",
             address, strerror(error));
    SAY(dial, "failed %s: %s", address, strerror(error));
}

/* What comes from one address comes from no other: where the families differ, that address cannot
 * be used. 0, or -1 with errno. */
static int bind_to(int fd, const rill_address *from, const rill_address *to)
{
    if (!from->length || to->any.sa_family == AF_UNIX)
        return 0;
    if (from->any.sa_family == to->any.sa_family)
        return bind(fd, &from->any, from->length);
    errno = EAFNOSUPPORT;
    return -1;
}

static void trace_racer(const rill_dial *dial, const rill_address *to)
{
    char address[46];
    SAY(dial, "connect %s:%d (address %u of %u%s)", shown(to, address), (int)rill_address_port(to),
        dial->tried, dial->lookup.count, dial->racing ? ", beside those before it" : "");
}

/* Lets the next address join. False: it failed at once. */
static bool start_racer(rill_dial *dial)
{
    uint32_t index = dial->tried++;
    struct dial_racer *racer = &dial->racers[index];
    const rill_address *to = &dial->lookup.addresses[index];
    trace_racer(dial, to);
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        note_failure(dial, index, errno);
        return false;
    }
    racer->fd = fd;
    racer->turn = dial->turn;
    racer->mark = dial->mark;
    dial->racing++;
    if (bind_to(fd, dial->target->from, to)) {
        note_failure(dial, index, errno);
        close_racer(dial, racer);
        return false;
    }
    if (!connect(fd, &to->any, to->length)) {
        racer->ready = true;
        return true;
    }
    if (errno == EINPROGRESS) {
        racer->event = event_new(dial->turn->base, fd, EV_WRITE, on_connected, racer);
        if (racer->event && !event_add(racer->event, NULL))
            return true;
        errno = ENOMEM;
    }
    note_failure(dial, index, errno);
    close_racer(dial, racer);
    return false;
}

/* The index of a connected racer, -1 while none is. Failed ones leave. */
static int find_winner(rill_dial *dial)
{
    for (uint32_t i = 0; i < dial->tried; i++) {
        struct dial_racer *racer = &dial->racers[i];
        if (racer->fd < 0 || !racer->ready)
            continue;
        int error = 0;
        socklen_t length = sizeof(error);
        getsockopt(racer->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (!error)
            return (int)i;
        note_failure(dial, i, error);
        close_racer(dial, racer);
    }
    return -1;
}

/* Returns the index of the winner, -1 while the race goes on, -2 when all have failed. */
static int race(rill_dial *dial)
{
    for (;;) {
        int winner = find_winner(dial);
        if (winner >= 0)
            return winner;
        bool due = !rill_timer_running(&dial->stagger) || !dial->racing;
        if (!due)
            return -1;
        if (dial->tried == dial->lookup.count || dial->tried == DIAL_RACERS)
            return dial->racing || (dial->lookup.pending && dial->tried < DIAL_RACERS) ? -1 : -2;
        if (start_racer(dial))
            rill_wheel_start(&dial->turn->wheel, &dial->stagger,
                             dial->turn->now_ms + DIAL_STAGGER_MS);
    }
}

/* --- the steps ------------------------------------------------------------------------------- */

/* Whether it is too early to dial: nothing is there, or IPv4 alone, and the other family may come.
 */
static bool awaits_family(rill_dial *dial)
{
    const rill_lookup *lookup = &dial->lookup;
    uint64_t now_ms = dial->turn->now_ms;
    if (!lookup->pending || !lookup->count)
        return lookup->pending;
    if (lookup->addresses[0].any.sa_family == AF_INET6)
        return false;
    if (!dial->family_ms) {
        dial->family_ms = now_ms + DIAL_FAMILY_MS;
        rill_wheel_start(&dial->turn->wheel, &dial->stagger, dial->family_ms);
    }
    return now_ms < dial->family_ms;
}

static int32_t act_dns(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    (void)transport;
    rill_lookup *lookup = &dial->lookup;
    admit(dial);
    if (awaits_family(dial))
        return 0;
    rill_wheel_stop(&dial->turn->wheel, &dial->stagger);
    if (!lookup->count && dial->denied[0])
        return rill_error_connect(err, RILL_KIND_DENIED,
                                  "%s: %s is not globally reachable (deny_private)",
                                  dial->target->host, dial->denied);
    if (lookup->error.reason) {
        if (err && !err->reason)
            *err = lookup->error;
        return -lookup->error.reason;
    }
    if (!lookup->count)
        return rill_error_connect(err, RILL_KIND_DNS, "%s: no address", dial->target->host);
    return 1;
}

static int32_t act_connect(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    const rill_dial_target *target = dial->target;
    admit(dial);
    int winner = race(dial);
    if (winner == -1)
        return 0;
    if (winner == -2 && target->proxy)
        return rill_error_connect(err, RILL_KIND_TCP, "%s", dial->failures);
    if (winner == -2)
        return rill_error_connect(err, RILL_KIND_TCP, "%s:%u: %s", target->host, target->port,
                                  dial->failures);
    struct dial_racer *racer = &dial->racers[winner];
    dial->address = dial->lookup.addresses[winner];
    int fd = racer->fd;
    char address[46];
    SAY(dial, "connected %s", shown(&dial->address, address));
    racer->fd = -1; /* the transport's now */
    dial->racing--;
    for (uint32_t i = 0; i < dial->tried; i++)
        close_racer(dial, &dial->racers[i]);
    rill_wheel_stop(&dial->turn->wheel, &dial->stagger);
    dial->chosen = target->http11 ? ALPN_HTTP11 : target->clear; /* unless TLS says otherwise */
    int32_t code = rill_transport_open(transport, dial->turn, dial->mark, fd, err);
    return code ? code : 1;
}

/* --- through a proxy ------------------------------------------------------------------------- */

/* What goes wrong on the way to the proxy, or with it, is the proxy's. */
static int32_t blame_proxy(const rill_dial *dial, rill_error *err)
{
    const rill_proxy *proxy = dial->target->proxy;
    rill_error why = *err;
    if (err->reason != RILL_CONNECT_FAILED)
        return -err->reason;
    rill_error_clear(err);
    return rill_error_connect(err, RILL_KIND_PROXY, "proxy %.96s:%u: %.400s", proxy->host,
                              proxy->port, why.message);
}

/* Only so many TLS handshakes are under way at a time; one with a proxy and that with the origin
 * behind it count as one: what the proxy has sent behind its answer must be read at once. A socket
 * that waits for its turn is not looked at: what its peer does would wake the loop again and again.
 */
static bool may_begin_tls(rill_dial *dial, rill_transport *transport)
{
    bool came = dial->visit.state == VISIT_OUTSIDE;
    bool may = rill_gate_enter(dial->turn, &dial->visit, dial->mark);
    if (came && !may)
        SAY(dial, "waits: %u TLS handshakes are under way", dial->turn->gate.inside);
    rill_socket_hold(&transport->socket, !may);
    return may;
}

static int32_t act_proxy_tls(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    const rill_dial_target *target = dial->target;
    if (!target->proxy || target->proxy->kind != PROXY_HTTPS)
        return 1;
    if (!may_begin_tls(dial, transport))
        return 0;
    if (!transport->hop) {
        SSL *ssl = rill_tls_open_proxy(target->tls_options, target->proxy->host, err);
        int32_t code = ssl ? rill_transport_secure(transport, ssl, &transport->hop, err)
                           : -RILL_CONNECT_FAILED;
        if (code)
            return err->reason ? -err->reason : -RILL_ERROR;
    }
    int result = 0;
    int done = rill_transport_handshake(transport, &result);
    if (done < 0)
        rill_tls_failure(transport->hop->ssl, result, target->proxy->host, err);
    else if (rill_transport_flush(transport, NULL))
        rill_error_connect(err, RILL_KIND_PROXY, "the connection broke during the handshake: %s",
                           strerror(transport->socket.send_error));
    if (!err->reason)
        return done;
    rill_transport_flush(transport, NULL); /* the alert that says why */
    return -RILL_CONNECT_FAILED;
}

/* Some proxies are given an address: SOCKS5's are, and all where some addresses are denied. */
static bool gives_address(const rill_dial_target *target)
{
    return target->proxy && !target->forward &&
           (target->proxy->kind == PROXY_SOCKS5 || target->options->deny_private);
}

/* What the proxy is to connect to, when it is given an address. */
static int32_t act_beyond(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    rill_lookup *lookup = &dial->lookup;
    if (!gives_address(dial->target))
        return 1;
    if (!dial->beyond) {
        rill_lookup_cancel(lookup);
        memset(lookup, 0, sizeof(*lookup));
        dial->beyond = true;
        dial->admitted = dial->tried = 0;
        dial->family_ms = 0;
        dial->failures[0] = 0;
        look_up(dial, dial->target->host, dial->target->port);
    }
    int32_t code = act_dns(dial, transport, err);
    if (code == 1 && lookup->addresses[0].any.sa_family == AF_UNIX)
        return rill_error_connect(err, RILL_KIND_PROXY,
                                  "a Unix socket cannot be reached through a proxy");
    return code;
}

static int32_t act_tunnel(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    const rill_dial_target *target = dial->target;
    if (!target->proxy || target->forward)
        return 1;
    if (!dial->asked) {
        const rill_address *to = gives_address(target) ? &dial->lookup.addresses[0] : NULL;
        uint16_t port = to ? (uint16_t)rill_address_port(to) : target->port;
        dial->asked = true;
        int32_t code = rill_tunnel_begin(&dial->tunnel, transport, target->proxy, target->host,
                                         port, to, target->user_agent, err);
        if (code)
            return code;
        rill_transport_flush(transport, NULL); /* what reads next finds out */
        SAY(dial, "asked %s:%u for a tunnel", target->proxy->host, target->proxy->port);
    }
    return rill_tunnel_act(&dial->tunnel, transport, err);
}

/* --- TLS ------------------------------------------------------------------------------------- */

static int32_t begin_tls(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    const rill_dial_target *target = dial->target;
    SSL *ssl = rill_tls_open(target->tls, target->host, &dial->address, target->memory, err);
    if (!ssl)
        return err ? -err->reason : -RILL_ERROR;
    if (target->http11 && !rill_tls_offer_http11(ssl)) {
        SSL_free(ssl);
        return rill_error_memory(err);
    }
    int32_t code = rill_transport_secure(transport, ssl, &transport->tls, err);
    if (!code && RILL_TRACES(dial->turn, TRACE_TLS))
        rill_tls_pipe_trace(transport->tls, target->number);
    return code;
}

static int32_t act_tls(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    const char *host = dial->target->host;
    if (!dial->target->tls)
        return 1;
    if (!may_begin_tls(dial, transport))
        return 0;
    int32_t code = transport->tls ? 0 : begin_tls(dial, transport, err);
    if (code)
        return code;
    SSL *ssl = transport->tls->ssl;
    int result = 0;
    int done = rill_transport_handshake(transport, &result);
    if (done < 0) {
        code = rill_tls_failure(ssl, result, host, err);
        rill_transport_flush(transport, NULL); /* the alert that says why */
        return code;
    }
    /* what ends it goes out with what the protocol has to say first */
    if (!done && rill_transport_flush(transport, NULL))
        return rill_error_connect(err, RILL_KIND_TLS,
                                  "%s: the connection broke during the handshake: %s", host,
                                  strerror(transport->socket.send_error));
    if (!done)
        return 0;
    RILL_TRACE(dial->turn, TRACE_TLS, dial->target->number, "%s %s%s", SSL_get_version(ssl),
               SSL_get_cipher_name(ssl), SSL_session_reused(ssl) ? " resumed" : "");
    code = rill_tls_check(ssl, host, dial->target->http11, &dial->chosen, err);
    return code ? code : 1;
}

/* The steps of a dial, in order. Each goes on as far as it can, and is done at once where it is not
 * for this target: 1 done, 0 waits, negative failed. */
static const struct dial_step {
    enum rill_phase phase;
    int32_t (*act)(rill_dial *dial, rill_transport *transport, rill_error *err);
    bool of_proxy; /* where there is one, what fails is the proxy's */
} steps[] = {
    {RILL_PHASE_DNS, act_dns, true},         {RILL_PHASE_CONNECT, act_connect, true},
    {RILL_PHASE_PROXY, act_proxy_tls, true}, {RILL_PHASE_PROXY, act_beyond, false},
    {RILL_PHASE_PROXY, act_tunnel, true},    {RILL_PHASE_TLS, act_tls, false},
    {RILL_PHASE_SETTINGS, NULL, false},
};

int32_t rill_dial_act(rill_dial *dial, rill_transport *transport, rill_error *err)
{
    int32_t code = 1;
    while (code == 1 && steps[dial->step].act && !dial->waits) {
        code = steps[dial->step].act(dial, transport, err);
        if (code == 1)
            enter(dial, steps[++dial->step].phase);
        dial->waits = dial->target->asks && !dial->agreed && dial->phase == RILL_PHASE_CONNECT;
    }
    if (dial->waits)
        return 0;
    if (code < 0 && dial->target->proxy && steps[dial->step].of_proxy)
        code = blame_proxy(dial, err);
    if (code < 0 && err)
        SAY(dial, "failed: %s", err->message);
    return code;
}

void rill_dial_go_on(rill_dial *dial)
{
    dial->waits = false;
    dial->agreed = true;
}

void rill_dial_clock(rill_dial *dial)
{
    enter(dial, dial->phase);
}

void rill_dial_dispose(rill_dial *dial)
{
    if (!dial->turn)
        return;
    rill_lookup_cancel(&dial->lookup);
    rill_wheel_stop(&dial->turn->wheel, &dial->stagger);
    rill_gate_leave(dial->turn, &dial->visit);
    for (int i = 0; i < DIAL_RACERS; i++)
        close_racer(dial, &dial->racers[i]);
    rill_tunnel_dispose(&dial->tunnel, &dial->turn->slab);
    dial->turn->counters.dials--;
    dial->turn = NULL;
}
