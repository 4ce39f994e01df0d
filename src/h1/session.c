#include "h1/session.h"

#include <string.h>

#include "base/error.h"
#include "http/flight.h"
#include "http/upload.h"

static void break_off(rill_h1_session *session, const char *rule)
{
    rill_error_set(&session->link.fatal, RILL_PROTOCOL_ERROR, "the peer broke HTTP/1.1: %s", rule);
}

/* --- a reader that does not keep up ----------------------------------------------------------- */

/* As a window would, but that it is the socket which waits: in time for what TLS may hold of a
 * record, so that no more comes than the window allows. */
static void pace(rill_h1_session *session, rill_stream *stream, size_t released)
{
    rill_socket *socket = &session->link.transport->socket;
    session->room += (int64_t)rill_inlet_release(&stream->inlet, released);
    int64_t half = stream->inlet.window / 2, least = half < 2 * H1_RECORD ? half : 2 * H1_RECORD;
    bool held = session->room < (socket->held ? half : least) || session->room <= 0;
    socket->most = session->room > 2 * H1_RECORD ? (size_t)session->room - H1_RECORD : H1_RECORD;
    rill_socket_hold(socket, held);
    rill_stream_hold(stream, held);
}

static void consume(rill_link *link, rill_stream *stream, size_t length)
{
    rill_h1_session *session = rill_h1_of(link);
    rill_inlet *inlet = &stream->inlet;
    if (rill_stream_first(&link->open) != stream)
        return;
    if (inlet->narrow && stream->status) {
        inlet->narrow = false; /* its reader has seen the head, and wants more */
        session->room += inlet->window > LINK_HEAD_WINDOW ? inlet->window - LINK_HEAD_WINDOW : 0;
    }
    pace(session, stream, length);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void retire(rill_link *link, rill_stream *stream)
{
    rill_h1_session *session = rill_h1_of(link);
    bool ours = stream->on_wire;
    rill_stream_move(stream, &link->closed);
    if (!ours)
        return;
    stream->on_wire = stream->blocked = false;
    link->active = link->blocked = 0;
    rill_bytes_dispose(&link->turn->slab, &session->out);
    if (session->state != H1_IDLE) { /* in the middle of a message: there is no way back */
        link->spent = true;
        rill_link_say_goodbye(link, LINK_DEAF);
    }
    link->transport->socket.most = 0;
    rill_socket_hold(&link->transport->socket, false);
    rill_turn_mark(link->turn, link->transport->socket.mark);
}

static void finish(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    link->spent = link->spent || !session->keep || stream->local != HALF_CLOSED ||
                  session->last_id == H1_LAST_ID;
    session->dry = 0;
    if (session->state == H1_TRAILERS)
        rill_frame_note_part(link, false, PART_TRAILERS, stream->id, session->head.length);
    rill_frame_note_part(link, false, PART_END, stream->id, 0);
    session->state = H1_IDLE;
    rill_stream_received_end(stream);
    rill_stream_end(stream);
    retire(link, stream);
}

static void end(rill_link *link, enum rill_transport_end how)
{
    rill_h1_session *session = rill_h1_of(link);
    rill_stream *stream = rill_stream_first(&link->open);
    if (stream && session->state == H1_UNTIL_END &&
        (how == TRANSPORT_ENDED || (how == TRANSPORT_CUT && stream->lenient_eof))) {
        stream->cut = how == TRANSPORT_CUT;
        finish(session, stream);
    } else if (stream && link->transport->socket.bytes_sent <= session->sent_before) {
        rill_stream_unsent(stream); /* the socket has taken nothing of it */
    } else if (stream) {
        stream->stale = !session->received && link->streams > 1;
    }
    if (!link->open.first)
        rill_link_say_goodbye(link, LINK_DEAF);
}

/* --- heads ----------------------------------------------------------------------------------- */

static void begin_head(rill_h1_session *session, rill_stream *stream, bool trailers)
{
    session->state = trailers ? H1_TRAILERS : H1_HEAD;
    rill_h1_head_init(&session->head, trailers);
    rill_stream_begin_head(stream);
}

/* How the body ends (RFC 9112 section 6.3), and whether the connection outlives it. */
static void frame_body(rill_h1_session *session, rill_stream *stream)
{
    const rill_h1_head *head = &session->head;
    bool tunnel = session->is_connect && head->status < 300;
    bool none = stream->is_head || head->status == 204 || head->status == 304;
    bool counted = head->content_length >= 0 && !head->chunked && !tunnel;
    stream->content_length = counted ? head->content_length : -1;
    session->left = none || !counted ? 0 : (uint64_t)head->content_length;
    session->chunks = (rill_h1_chunks){0};
    session->state = none || counted            ? H1_COUNTED
                     : head->chunked && !tunnel ? H1_CHUNKED
                                                : H1_UNTIL_END;
    session->keep = !head->close && (head->minor || head->keep_alive) &&
                    !(head->chunked && head->content_length >= 0) && session->state != H1_UNTIL_END;
    if (head->keep_alive_s >= 0) /* a second less, for what is on its way */
        session->link.idle_ms =
            head->keep_alive_s > 1 ? (uint64_t)(head->keep_alive_s - 1) * 1000 : 500;
}

/* What the peer has answered already it need not be sent. */
static void stop_upload(rill_h1_session *session, rill_stream *stream)
{
    if (stream->local != HALF_OPEN ||
        (session->head.status < 300 && !session->head.close && !stream->source->held))
        return;
    session->keep = false;
    session->link.blocked = 0;
    rill_upload_stop(stream);
}

static void end_head(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    bool final = session->head.status >= 200;
    rill_frame_note_status(link, stream->id, session->head.status, session->head.length);
    if (session->head.status == 101) {
        break_off(session, "it changes to a protocol that nobody asked for (101)");
        return;
    }
    if (final)
        frame_body(session, stream);
    rill_stream_end_head(stream);
    link->look = link->look || stream->warn || stream->busy;
    if (stream->reason != RILL_OPEN) {
        retire(link, stream);
    } else if (!final) {
        if (stream->source && !stream->source->held)
            rill_h1_resume(link, stream); /* 100 (Continue) */
        begin_head(session, stream, false);
    } else {
        link->answered = true;
        stop_upload(session, stream);
        if (session->state == H1_COUNTED && !session->left)
            finish(session, stream);
    }
}

/* --- what arrives: each takes what is its own, and returns how many bytes ------------------------
 */

static size_t read_head(rill_h1_session *session, rill_stream *stream, const char *data,
                        size_t length)
{
    rill_link *link = &session->link;
    if (session->state == H1_HEAD)
        rill_flight_respond(link->flight, link->turn->now_us, stream->id);
    int64_t taken = rill_h1_head_read(&session->head, data, length, stream, &link->fatal);
    if (taken < 0)
        return length;
    if (stream->reason != RILL_OPEN)
        retire(&session->link, stream);
    else if (session->head.state == H1_HEAD_DONE && session->state == H1_TRAILERS)
        finish(session, stream);
    else if (session->head.state == H1_HEAD_DONE)
        end_head(session, stream);
    return (size_t)taken;
}

static size_t read_data(rill_h1_session *session, rill_stream *stream, const char *data,
                        size_t length)
{
    rill_frame_note_part(&session->link, false, PART_BODY, stream->id, length);
    size_t released = rill_stream_data(stream, data, length);
    session->link.look = session->link.look || stream->warn;
    session->room -= (int64_t)length;
    pace(session, stream, released);
    if (stream->reason != RILL_OPEN)
        retire(&session->link, stream);
    return length;
}

static size_t read_counted(rill_h1_session *session, rill_stream *stream, const char *data,
                           size_t length)
{
    size_t part = length < session->left ? length : (size_t)session->left;
    session->left -= part;
    read_data(session, stream, data, part);
    if (!session->left && stream->reason == RILL_OPEN)
        finish(session, stream);
    return part;
}

static size_t read_chunks(rill_h1_session *session, rill_stream *stream, const char *data,
                          size_t length)
{
    const char *run;
    size_t run_length;
    int64_t taken = rill_h1_chunks_read(&session->chunks, data, length, &run, &run_length,
                                        &session->link.fatal);
    if (taken < 0)
        return length;
    if (run_length)
        read_data(session, stream, run, run_length);
    else if (session->chunks.state == H1_CHUNK_LAST)
        begin_head(session, stream, true);
    return (size_t)taken;
}

/* Bytes that nobody has asked for. Where they are the first on a connection, and none of HTTP, it
 * is no server of ours: another dial would meet the same. */
static void note_stray(rill_link *link, const char *data, size_t length)
{
    static const char lead[] = "HTTP/";
    size_t most = length < sizeof(lead) - 1 ? length : sizeof(lead) - 1;
    rill_flight_stray(link->flight, link->turn->now_us, length);
    if (!link->streams && memcmp(data, lead, most) != 0)
        rill_error_connect(&link->fatal, RILL_KIND_PREFACE,
                           "the server speaks first, and no HTTP: \"%.*s\"",
                           length < H1_FIRST_BYTES ? (int)length : H1_FIRST_BYTES, data);
}

static void receive(rill_link *link, const char *data, size_t length)
{
    static size_t (*const readers[])(rill_h1_session *, rill_stream *, const char *, size_t) = {
        [H1_HEAD] = read_head,     [H1_COUNTED] = read_counted, [H1_CHUNKED] = read_chunks,
        [H1_TRAILERS] = read_head, [H1_UNTIL_END] = read_data,
    };
    rill_h1_session *session = rill_h1_of(link);
    size_t taken = 0;
    session->received = true;
    while (taken < length && session->state != H1_IDLE && link->goodbye != LINK_DEAF &&
           !link->fatal.reason)
        taken += readers[session->state](session, rill_stream_first(&link->open), data + taken,
                                         length - taken);
    if (taken < length && session->state == H1_IDLE)
        note_stray(link, data + taken, length - taken);
    link->spent = link->spent || taken < length; /* nobody has asked for that */
}

/* --- the row --------------------------------------------------------------------------------- */

static int32_t submit(rill_link *link, rill_stream *stream, const rill_head *head)
{
    rill_h1_session *session = rill_h1_of(link);
    if (!rill_link_has_room(link) || link->open.first)
        return -RILL_INACTIVE;
    if (!rill_h1_write_head(session, stream, head)) {
        rill_bytes_dispose(&link->turn->slab, &session->out);
        return -RILL_ERROR;
    }
    session->is_connect = head->connect;
    session->received = false;
    session->room = stream->inlet.window;
    if (stream->inlet.narrow && session->room > LINK_HEAD_WINDOW)
        session->room = LINK_HEAD_WINDOW;
    rill_h1_head_init(&session->head, false);
    stream->id = ++session->last_id;
    stream->on_wire = true;
    link->active = 1;
    link->idle_ms = 0;
    rill_stream_move(stream, &link->open);
    return 0;
}

static void charge(rill_link *link, uint32_t records)
{
    rill_h1_session *session = rill_h1_of(link);
    session->dry += records;
    if (session->dry > H1_DRY_MAX)
        break_off(session, "it sends records of TLS that hold nothing");
}

static void dispose(rill_link *link)
{
    rill_bytes_dispose(&link->turn->slab, &rill_h1_of(link)->head.line);
    rill_bytes_dispose(&link->turn->slab, &rill_h1_of(link)->out);
}

const rill_protocol rill_h1 = {
    .name = "http/1.1",
    .size = sizeof(rill_h1_session),
    .streams = 1,
    .connections = 6,
    .side_by_side = true,
    .ordered = true,
    .receive = receive,
    .end = end,
    .send = rill_h1_send,
    .submit = submit,
    .retire = retire,
    .resume = rill_h1_resume,
    .consume = consume,
    .charge = charge,
    .name_frame = rill_frame_name_part,
    .dispose = dispose,
};
