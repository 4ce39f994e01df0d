#include "pool/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/trace.h"
#include "h1/session.h"
#include "h2/session.h"
#include "http/code.h"
#include "http/flight.h"
#include "pool/call.h"
#include "pool/clocks.h"

#define TO(state) (1u << (state))
static const unsigned next_states[] = {
    [CONN_DIALING] = TO(CONN_GREETING) | TO(CONN_CLOSED),
    [CONN_GREETING] = TO(CONN_OPEN) | TO(CONN_DRAINING) | TO(CONN_CLOSED),
    [CONN_OPEN] = TO(CONN_DRAINING) | TO(CONN_CLOSED),
    [CONN_DRAINING] = TO(CONN_CLOSED),
    [CONN_CLOSED] = 0,
};

static bool is_ordered(const rill_conn *conn)
{
    return conn->session && conn->session->protocol->ordered;
}

/* The only writer of conn->state. */
static void set_state(rill_conn *conn, enum conn_state to)
{
    assert(next_states[conn->state] & TO(to));
    conn->state = to;
    if (to != CONN_CLOSED)
        return;
    rill_clocks_stop(conn);
    conn->setup.turn->counters.connections--;
    conn->setup.turn->look.first -= is_ordered(conn);
}

static void end_dial(rill_conn *conn)
{
    if (!conn->dial)
        return;
    rill_dial_clock(conn->dial);
    conn->dialled_us = conn->setup.turn->now_us;
    conn->dns_s = conn->dial->dns_s;
    conn->connect_s = conn->dial->connect_s;
    conn->tls_s = conn->dial->tls_s;
    rill_dial_dispose(conn->dial);
    free(conn->dial);
    conn->dial = NULL;
}

/* --- closing --------------------------------------------------------------------------------- */

/* " (URL)" of a stream, which may be another host's; "" where it is not known any more. */
static const char *whose(const rill_conn *conn, int32_t id, char *text, size_t room)
{
    const rill_list *const lists[] = {&conn->session->open, &conn->session->closed};
    text[0] = 0;
    for (int i = 0; i < 2; i++) {
        const rill_stream *stream = rill_stream_first(lists[i]);
        while (stream && stream->id != id)
            stream = rill_stream_next(stream);
        if (!stream)
            continue;
        rill_call_url(rill_call_of(stream), text + 2, room - 3);
        memcpy(text, " (", 2);
        strcat(text, ")");
    }
    return text;
}

/* The peer has refused us, and would refuse the next as well; a path that is down may be up again.
 */
static bool is_refusal(const rill_error *error)
{
    return error->reason == RILL_CONNECT_FAILED && error->kind != RILL_KIND_TCP;
}

/* Why a stream ends with its connection: one that has not been sent is merely inactive, unless the
 * connection was refused, and what one stream has broken is lost for the others. */
static void close_stream(rill_conn *conn, rill_stream *stream, const rill_error *error)
{
    int32_t broke_it = conn->session->broke_it;
    char url[96];
    if (stream->local == HALF_IDLE && !is_refusal(error))
        rill_stream_close(stream, RILL_INACTIVE, -1,
                          "the connection went before the request was sent");
    else if (broke_it && broke_it != stream->id)
        rill_stream_close(stream, RILL_CONNECTION_LOST, -1,
                          "stream %d%s has broken the connection: %.150s", broke_it,
                          whose(conn, broke_it, url, sizeof(url)), error->message);
    else
        rill_stream_close_because(stream, error);
    rill_stream_add_cause(stream, error);
    rill_stream_keep_flight(stream, conn->session->flight);
    stream->on_wire = false;
    rill_stream_move(stream, &conn->session->closed);
}

static void close_transport(rill_conn *conn, bool polite)
{
    if (conn->transport.socket.fd < 0)
        return;
    if (conn->transport.tls)
        rill_tls_detach(conn->transport.tls->ssl);
    rill_transport_close(&conn->transport, polite);
}

/* What a peer of another protocol says is no reason to show: it may be a response. */
static void trace_close(const rill_conn *conn, const rill_error *error)
{
    static const char *const states[] = {[CONN_DIALING] = "dialing",
                                         [CONN_GREETING] = "waiting for SETTINGS",
                                         [CONN_OPEN] = "open",
                                         [CONN_DRAINING] = "draining"};
    const char *why = error ? rill_reason_name(error->reason) : "not needed any more";
    bool shown = error && error->kind != RILL_KIND_PREFACE;
    RILL_TRACE(conn->setup.turn, TRACE_POOL, conn->setup.link.number, "closed while %s: %s%s%s%s%s",
               states[conn->state], why, error && error->kind ? " " : "",
               error ? rill_kind_name(error->kind) : "", shown ? ": " : "",
               shown ? error->message : "");
}

void rill_conn_fail(rill_conn *conn, const rill_error *error)
{
    if (conn->state == CONN_CLOSED)
        return;
    trace_close(conn, error);
    if (error)
        conn->error = *error;
    conn->broke_off = rill_conn_streams(conn) != NULL;
    bool lost = error && error->reason == RILL_CONNECTION_LOST;
    if (conn->session && !lost) {
        uint32_t code = error && error->code != -1 ? (uint32_t)error->code : CODE_NO_ERROR;
        if (conn->session->goodbye != LINK_DEAF)
            rill_link_goaway(conn->session, code, true);
        conn->session->protocol->send(conn->session);
    }
    static const rill_error closed = {
        .reason = RILL_CANCELLED, .code = -1, .message = "the connection was closed"};
    while (rill_conn_streams(conn))
        close_stream(conn, rill_conn_streams(conn), error ? error : &closed);
    close_transport(conn, !lost);
    if (conn->session)
        conn->session->protocol->dispose(conn->session);
    end_dial(conn);
    set_state(conn, CONN_CLOSED);
}

void rill_conn_drain(rill_conn *conn)
{
    if (conn->state == CONN_DIALING) {
        rill_conn_fail(conn, NULL);
    } else if (conn->state == CONN_GREETING || conn->state == CONN_OPEN) {
        set_state(conn, CONN_DRAINING);
        conn->drained = true;
        rill_link_goaway(conn->session, CODE_NO_ERROR, false);
        rill_turn_mark(conn->setup.turn, conn->setup.mark);
    }
}

/* --- the pump -------------------------------------------------------------------------------- */

/* TLS 1.3 servers judge our side after the handshake: their alert belongs to it. */
static void fail_alert(rill_conn *conn, const rill_error *why)
{
    rill_error error = {0};
    rill_error_connect(&error, RILL_KIND_TLS, "%s:%u: %s", conn->setup.target.host,
                       conn->setup.target.port, why->message);
    rill_conn_fail(conn, &error);
}

/* It has closed as it opened, before anything could be asked: that is a dial that failed. */
static void fail_opening(rill_conn *conn, const rill_error *why)
{
    rill_error error = {0};
    rill_error_connect(&error, RILL_KIND_TCP, "%s:%u: %.400s, before anything was asked",
                       conn->setup.target.host, conn->setup.target.port, why->message);
    rill_conn_fail(conn, &error);
}

static void fail_with(rill_conn *conn, const rill_error *error)
{
    const rill_link *session = conn->session;
    rill_error other = {0};
    if (!session->greeted && error->reason != RILL_ERROR)
        session->protocol->describe(session, conn->setup.target.host, conn->setup.target.port,
                                    &other);
    if (other.reason)
        rill_conn_fail(conn, &other);
    else if ((!session->greeted || !conn->received) && error->kind == RILL_KIND_TLS)
        fail_alert(conn, error);
    else
        rill_conn_fail(conn, error);
}

static void greet(rill_conn *conn)
{
    if (conn->state == CONN_GREETING)
        set_state(conn, CONN_OPEN);
    rill_clocks_idle(conn); /* the connect deadline is met */
    rill_clocks_ping_wanted(conn);
}

/* The protocols that a dial can come to. */
static const rill_protocol *const protocols[] = {
    [ALPN_NONE] = &rill_h2,
    [ALPN_H2] = &rill_h2, /* in clear text: by prior knowledge */
    [ALPN_HTTP11] = &rill_h1,
};

static int32_t open_session(rill_conn *conn, const rill_protocol *protocol, rill_error *err)
{
    rill_turn *turn = conn->setup.turn;
    conn->session = rill_slab_zalloc(&turn->slab, protocol->size);
    if (!conn->session)
        return rill_error_memory(err);
    conn->session->protocol = protocol;
    conn->session->turn = turn;
    conn->session->transport = &conn->transport;
    conn->session->setup = &conn->setup.link;
    conn->session->flight = rill_flight_new(turn->now_us);
    conn->session->greeted = !protocol->open;
    conn->session->opening = true;
    conn->session->limit = protocol->streams;
    turn->look.first += protocol->ordered;
    return protocol->open ? protocol->open(conn->session, err) : 0;
}

static void act_dialing(rill_conn *conn)
{
    rill_error error = {0};
    int32_t code = rill_dial_act(conn->dial, &conn->transport, &error);
    rill_clocks_hold(conn);
    if (code == 0)
        return;
    if (code > 0) {
        const rill_protocol *protocol = protocols[conn->dial->chosen];
        conn->peer = rill_peer_new(conn->setup.turn, &conn->dial->address,
                                   conn->transport.tls ? conn->transport.tls->ssl : NULL,
                                   protocol->name, &error);
        end_dial(conn);
        if (conn->peer)
            conn->peer->number = conn->setup.link.number;
        code = !conn->peer ? -RILL_ERROR : open_session(conn, protocol, &error);
    }
    if (code < 0) {
        rill_conn_fail(conn, &error);
        return;
    }
    RILL_TRACE(conn->setup.turn, TRACE_POOL, conn->setup.link.number, "opened: %s%s to %s:%u",
               conn->session->protocol->name, conn->transport.tls ? " over TLS" : "",
               conn->setup.target.host, conn->setup.target.port);
    conn->active_ms = conn->received_ms = conn->setup.turn->now_ms;
    set_state(conn, CONN_GREETING);
    if (conn->session->greeted)
        greet(conn);
}

/* Reads what comes next. `*data` is the connection's buffer, and becomes where the bytes were put:
 * there, or in a body's own memory. */
static int64_t read_next(rill_conn *conn, char **data, size_t room, rill_error *err)
{
    rill_link *session = conn->session;
    char *place = session->protocol->place ? session->protocol->place(session, &room) : NULL;
    *data = place ? place : *data;
    return rill_transport_read(&conn->transport, *data, room, err);
}

static void receive(rill_conn *conn)
{
    rill_link *session = conn->session;
    rill_error error;
    rill_turn *turn = conn->setup.turn;
    char record[TURN_PLAIN];
    bool batched = conn->transport.socket.batched; /* then the shared buffer holds what is coded */
    char *buffer = batched ? record : (char *)turn->cipher_in, *data = buffer;
    size_t room = batched ? sizeof(record) : sizeof(turn->cipher_in);
    int64_t length;
    rill_error_clear(&error);
    rill_transport_begin(&conn->transport);
    while ((length = read_next(conn, &data, room, &error)) > 0) {
        bool greeted = session->greeted;
        conn->active_ms = conn->received_ms = turn->now_ms;
        conn->received = true;
        session->protocol->receive(session, data, (size_t)length);
        data = buffer;
        if (session->greeted && !greeted)
            greet(conn);
    }
    if (length < 0 && session->protocol->end)
        session->protocol->end(session, rill_transport_end(&conn->transport));
    if (session->idle_ms && !session->open.first)
        rill_clocks_idle(conn);
    session->protocol->charge(session, rill_transport_take_dry(&conn->transport));
    rill_clocks_look_for_answer(conn);
    if (session->fatal.reason) {
        fail_with(conn, &session->fatal);
        return;
    }
    session->protocol->send(session); /* what is to be sent may show that the peer is at fault */
    bool drained =
        !session->open.first && (session->goodbye != LINK_GOES_ON || session->goaway.received);
    if (session->fatal.reason)
        fail_with(conn, &session->fatal);
    else if (length < 0 && session->opening && session->greeted && !session->goaway.received)
        fail_opening(conn, &error);
    else if (length < 0 && drained)
        rill_conn_fail(conn, NULL); /* there was nothing left to do: no error */
    else if (length < 0)
        fail_with(conn, &error);
}

static bool is_up(const rill_conn *conn)
{
    return conn->state != CONN_DIALING && conn->state != CONN_CLOSED;
}

static void finish_drain(rill_conn *conn)
{
    if (!is_up(conn)) /* what was read just now may have ended it */
        return;
    if (conn->state != CONN_DRAINING && conn->session->goaway.received)
        set_state(conn, CONN_DRAINING);
    if (conn->state != CONN_DRAINING && conn->session->spent)
        rill_conn_drain(conn); /* its stream ids are used up */
    if (conn->state == CONN_DRAINING && !conn->session->open.first)
        rill_conn_fail(conn, NULL);
}

/* What was read just now may be what a clock waits for. */
static void time_out(rill_conn *conn)
{
    rill_error error;
    rill_error_clear(&error);
    if (conn->state != CONN_CLOSED && rill_clocks_ping_ran_out(conn, &error))
        rill_conn_fail(conn, &error);
    if (conn->state != CONN_CLOSED && rill_clocks_ran_out(conn, &error))
        rill_conn_fail(conn, error.reason ? &error : NULL);
}

void rill_conn_act(rill_conn *conn)
{
    bool opened = conn->state == CONN_DIALING;
    if (opened)
        act_dialing(conn);
    if (is_up(conn) && (opened || rill_transport_readable(
                                      &conn->transport))) /* opened: TLS may hold bytes already */
        receive(conn);
    if (conn->session)
        conn->session->opening = false;
    time_out(conn);
    finish_drain(conn);
    if (rill_transport_readable(&conn->transport) && is_up(conn))
        rill_turn_mark(conn->setup.turn, conn->setup.mark); /* others first */
}

/* The peer takes no more: what it had said before (GOAWAY, responses) is read first. */
static void read_last_words(rill_conn *conn, const rill_error *error)
{
    conn->transport.socket.readable = true;
    while (rill_transport_readable(&conn->transport) && conn->state != CONN_CLOSED)
        receive(conn);
    if (conn->state != CONN_CLOSED)
        fail_with(conn, error);
}

/* Uploads waited for the socket, which has taken all meanwhile. */
static bool may_send_more(const rill_conn *conn)
{
    const rill_link *session = conn->session;
    return session->blocked && !rill_transport_blocked(&conn->transport) &&
           !session->fatal.reason && !rill_link_has_sent(session);
}

void rill_conn_flush(rill_conn *conn)
{
    rill_error error;
    if (!is_up(conn))
        return;
    rill_link *session = conn->session;
    double sent = conn->transport.socket.bytes_sent;
    int32_t code = 0;
    rill_error_clear(&error);
    do {
        session->protocol->send(session);
        code = rill_transport_flush(&conn->transport, &error);
    } while (!code && may_send_more(conn));
    bool rest = session->blocked && !rill_transport_blocked(&conn->transport);
    session->sent = 0;
    if (rest)
        rill_turn_mark(conn->setup.turn, conn->setup.mark); /* others first */
    if (conn->transport.socket.bytes_sent > sent)
        conn->active_ms = conn->setup.turn->now_ms;
    if (conn->session->fatal.reason)
        fail_with(conn, &conn->session->fatal);
    else if (code)
        read_last_words(conn, &error);
}

/* Whether an idle one may have said something that was not read. */
static bool is_unread(const rill_conn *conn)
{
    bool ordered = conn->session->protocol->ordered;
    return !conn->session->open.first &&
           (rill_transport_readable(&conn->transport) || !ordered || !conn->setup.turn->look.done);
}

bool rill_conn_ready(rill_conn *conn)
{
    uint64_t now_ms = conn->setup.turn->now_ms;
    if (conn->state != CONN_OPEN ||
        (now_ms == conn->received_ms && !conn->session->protocol->ordered))
        return true;
    if (is_unread(conn)) {
        conn->transport.socket.readable = true;
        receive(conn);
        finish_drain(conn);
        if (conn->state != CONN_OPEN)
            return false;
    }
    if (!conn->setup.ping_after_ms || now_ms - conn->received_ms <= conn->setup.ping_after_ms)
        return true;
    if (!conn->session->protocol->ping)
        return true;
    if (!conn->session->ping_ms)
        rill_clocks_ping(conn);
    return false;
}

static uint32_t most_streams(const rill_conn *conn)
{
    uint32_t most = conn->session->limit;
    if (most > conn->setup.max_streams)
        most = conn->setup.max_streams;
    return conn->calm && conn->calm < most ? conn->calm : most;
}

void rill_conn_calm_down(rill_conn *conn)
{
    uint32_t most = most_streams(conn);
    conn->calm = most > 1 ? most / 2 : 1;
    conn->calm_ends = 0;
    if (conn->session->cut)
        rill_conn_drain(conn);
}

void rill_conn_count_response(rill_conn *conn)
{
    if (!conn->calm || ++conn->calm_ends < conn->calm)
        return;
    conn->calm_ends = 0;
    if (++conn->calm >= conn->setup.max_streams)
        conn->calm = 0;
}

bool rill_conn_grants(const rill_conn *conn)
{
    return rill_conn_greeted(conn) && most_streams(conn) &&
           !rill_transport_blocked(&conn->transport) && !conn->session->ping_ms;
}

bool rill_conn_at_limit(const rill_conn *conn)
{
    return rill_conn_greeted(conn) && conn->session->active >= most_streams(conn);
}

uint32_t rill_conn_room(const rill_conn *conn)
{
    const rill_link *session = conn->session;
    if (!rill_conn_usable(conn) || rill_transport_blocked(&conn->transport))
        return 0;
    bool unused = !session->streams && !session->active;
    if (conn->state == CONN_GREETING)
        return conn->transport.tls && unused ? CONN_UNGREETED : 0;
    uint32_t most = most_streams(conn);
    return session->active < most ? most - session->active : 0;
}

bool rill_conn_peer_fails(const rill_conn *conn)
{
    bool hung_up =
        conn->error.reason == RILL_CONNECTION_LOST || rill_transport_hung_up(&conn->transport);
    bool due = !rill_conn_greeted(conn) || (conn->broke_off && !conn->session->answered);
    return conn->error.reason && (conn->error.kind == RILL_KIND_TCP || (hung_up && due));
}

int32_t rill_conn_submit(rill_conn *conn, rill_stream *stream, const rill_head *head)
{
    return rill_link_submit(conn->session, stream, head);
}

/* --- life ------------------------------------------------------------------------------------ */

rill_conn *rill_conn_new(const rill_conn_setup *setup, rill_error *err)
{
    rill_turn *turn = setup->turn;
    rill_conn *conn = rill_slab_zalloc(&turn->slab, sizeof(*conn));
    /* Not the slab's, which would keep the dials of a thousand connections that open together (4
     * MiB) for more of these: nothing else is as large. */
    rill_dial *dial = malloc(sizeof(*dial));
    if (!conn || !dial) {
        rill_slab_free(&turn->slab, conn);
        free(dial);
        rill_error_memory(err);
        return NULL;
    }
    conn->setup = *setup;
    conn->setup.link.number = conn->setup.target.number = ++turn->dialled;
    conn->transport.socket.fd = -1;
    conn->transport.socket.turn = turn;
    conn->dial = dial;
    turn->counters.connections++;
    rill_clocks_start(conn);
    rill_dial_start(dial, turn, setup->mark, &conn->setup.target);
    return conn;
}

void rill_conn_free(rill_conn *conn)
{
    rill_turn *turn = conn->setup.turn;
    rill_conn_fail(conn, NULL);
    assert(!rill_conn_streams(conn) && !rill_conn_has_closed(conn));
    rill_peer_release(conn->peer);
    if (conn->session)
        rill_flight_free(conn->session->flight);
    rill_slab_free(&turn->slab, conn->session);
    rill_slab_free(&turn->slab, conn);
}
