#include "h1/session.h"

#include <string.h>

#include "base/error.h"
#include "http/flight.h"

/* As a window would, but that it is the socket which waits. */
static void pace(rill_h1_session *session, rill_stream *stream, size_t arrived, size_t released)
{
    uint32_t window = stream->inlet.window;
    if (stream->inlet.narrow && window > LINK_HEAD_WINDOW)
        window = LINK_HEAD_WINDOW;
    session->owed += (int64_t)arrived - (int64_t)rill_inlet_release(&stream->inlet, released);
    rill_stream_hold(stream,
                     rill_transport_allow(session->link.transport, window - session->owed, window));
}

/* --- ends ------------------------------------------------------------------------------------ */

static void retire(rill_link *link, rill_stream *stream)
{
    rill_h1_session *session = rill_h1_of(link);
    bool ours = stream->on_wire;
    rill_stream_move(stream, &link->closed);
    if (!ours)
        return;
    rill_link_leave(link, stream);
    rill_bytes_dispose(&link->turn->slab, &session->out);
    if (session->state != H1_IDLE) { /* in the middle of a message: there is no way back */
        link->spent = true;
        rill_link_say_goodbye(link, LINK_DEAF);
    }
    rill_transport_allow(link->transport, INT64_MAX, 0);
    rill_turn_mark(link->turn, link->transport->socket.mark);
}

static void finish(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    link->spent = link->spent || !session->keep || stream->local != HALF_CLOSED ||
                  session->last_id == H1_LAST_ID;
    if (session->state == H1_TRAILERS)
        rill_frame_note_part(link, false, PART_TRAILERS, stream->id, session->head.lines.length);
    rill_frame_note_part(link, false, PART_END, stream->id, 0);
    session->dry = 0;
    session->state = H1_IDLE;
    rill_stream_received_end(stream);
    rill_stream_end(stream);
    retire(link, stream);
}

static void end(rill_link *link, enum rill_transport_end how)
{
    rill_h1_session *session = rill_h1_of(link);
    rill_stream *stream = rill_stream_first(&link->open);
    bool whole = how == TRANSPORT_ENDED || (how == TRANSPORT_CUT && stream && stream->lenient_eof);
    if (stream && session->state == H1_UNTIL_END && whole) {
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
    bool tunnel = session->is_connect && head->lines.status < 300;
    bool chunked = head->chunked && !tunnel;
    stream->content_length = chunked || tunnel ? -1 : head->content_length;
    /* -1: more than will come */
    session->left = rill_stream_has_body(stream) ? (uint64_t)stream->content_length : 0;
    session->chunks = (rill_h1_chunks){.state = H1_CHUNK_START};
    session->state = session->left <= INT64_MAX ? H1_COUNTED : chunked ? H1_CHUNKS : H1_UNTIL_END;
    stream->inlet.spare = 1; /* so the read for the last of them shows whether anything follows */
    session->keep = !head->close && (head->lines.minor || head->keep_alive) &&
                    !(head->chunked && head->content_length >= 0) && session->state != H1_UNTIL_END;
    session->link.idle_ms = head->idle_ms;
}

/* What the peer has answered already it need not be sent. */
static void stop_upload(rill_h1_session *session, rill_stream *stream)
{
    if (stream->local != HALF_OPEN ||
        (session->head.lines.status < 300 && !session->head.close && !stream->source->held))
        return;
    session->keep = false;
    rill_link_unblock(&session->link, stream);
    rill_upload_stop(stream);
}

static void end_head(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    int status = session->head.lines.status;
    rill_frame_note_status(link, stream->id, status, session->head.lines.length);
    if (status >= 200)
        frame_body(session, stream);
    rill_stream_end_head(stream, status >= 200 && !session->left);
    if (stream->reason != RILL_OPEN)
        return;
    if (status < 200) {
        if (stream->source && !stream->source->held)
            rill_link_resume(link, stream); /* 100 (Continue) */
        begin_head(session, stream, false);
    } else {
        link->answered = true;
        stop_upload(session, stream);
        if (!session->left)
            finish(session, stream);
    }
}

/* --- what arrives: each takes what is its own, and returns how many bytes that is ------------ */

static size_t read_head(rill_h1_session *session, rill_stream *stream, const char *data,
                        size_t length)
{
    rill_link *link = &session->link;
    if (session->state == H1_HEAD)
        rill_flight_respond(link->flight, link->turn->now_us, stream->id);
    int64_t taken = rill_h1_head_read(&session->head, data, length, stream, &link->fatal);
    bool whole = session->head.lines.state == LINES_DONE && stream->reason == RILL_OPEN;
    if (whole && session->state == H1_TRAILERS)
        finish(session, stream);
    else if (whole)
        end_head(session, stream);
    return taken < 0 ? length : (size_t)taken;
}

static size_t read_chunks(rill_h1_session *session, rill_stream *stream, const char *data,
                          size_t length)
{
    rill_h1_chunks *chunks = &session->chunks;
    int64_t taken = rill_h1_chunks_read(chunks, data, length, &session->link.fatal);
    if (chunks->state == H1_CHUNK_DATA) {
        session->left = chunks->size;
        session->state = H1_CHUNK;
    } else if (chunks->state == H1_CHUNK_LAST) {
        begin_head(session, stream, true);
    }
    return taken < 0 ? length : (size_t)taken;
}

static size_t read_body(rill_h1_session *session, rill_stream *stream, const char *data,
                        size_t length)
{
    size_t part = length < session->left ? length : (size_t)session->left;
    session->left -= part;
    rill_frame_note_part(&session->link, false, PART_BODY, stream->id, part);
    size_t released = rill_stream_data(stream, data, part);
    if (!session->left && session->state == H1_CHUNK)
        session->state = H1_CHUNKS;
    if (stream->reason == RILL_OPEN && !session->left && session->state != H1_CHUNKS)
        finish(session, stream);
    else if (stream->reason == RILL_OPEN)
        pace(session, stream, part, released);
    return part;
}

/* Bytes that nobody has asked for answer nothing (RFC 9112 section 9.2). Where they are the first
 * on a connection, and none of HTTP, or come as it opens, another dial would meet the same. */
static void note_stray(rill_link *link, const char *data, size_t length)
{
    bool http = !memcmp(data, "HTTP/", length < 5 ? length : 5);
    rill_flight_stray(link->flight, link->turn->now_us, length);
    if (!link->streams && (link->opening || !http))
        rill_error_connect(&link->fatal, RILL_KIND_PREFACE, "the server %s: \"%.*s\"",
                           http ? "answers before it is asked" : "speaks first, and no HTTP",
                           length < H1_FIRST_BYTES ? (int)length : H1_FIRST_BYTES, data);
}

static char *place(rill_link *link, size_t *room)
{
    rill_h1_session *session = rill_h1_of(link);
    if (session->state == H1_HEAD && *room > H1_HEAD_ROOM)
        *room = H1_HEAD_ROOM;
    if (session->state != H1_COUNTED || link->goodbye == LINK_DEAF)
        return NULL; /* else a stream is open: where one ends early, the link is deaf to the rest */
    return rill_inlet_place(&rill_stream_first(&link->open)->inlet, session->left, room);
}

static void receive(rill_link *link, const char *data, size_t length)
{
    static size_t (*const readers[])(rill_h1_session *, rill_stream *, const char *, size_t) = {
        [H1_HEAD] = read_head,    [H1_TRAILERS] = read_head, [H1_CHUNKS] = read_chunks,
        [H1_COUNTED] = read_body, [H1_CHUNK] = read_body,    [H1_UNTIL_END] = read_body,
    };
    rill_h1_session *session = rill_h1_of(link);
    size_t taken = 0;
    session->received = true;
    while (taken < length && session->state != H1_IDLE && link->goodbye != LINK_DEAF &&
           !link->fatal.reason) {
        rill_stream *stream = rill_stream_first(&link->open);
        taken += readers[session->state](session, stream, data + taken, length - taken);
        link->look = link->look || stream->warn || stream->busy;
        if (stream->on_wire && stream->reason != RILL_OPEN) /* a limit of its own closed it */
            retire(link, stream);
    }
    if (taken < length && session->state == H1_IDLE)
        note_stray(link, data + taken, length - taken);
    link->spent = link->spent || taken < length; /* nobody has asked for that */
}

/* --- the row --------------------------------------------------------------------------------- */

static int32_t submit(rill_link *link, rill_stream *stream, const rill_head *head)
{
    rill_h1_session *session = rill_h1_of(link);
    if (link->open.first)
        return -RILL_INACTIVE;
    /* nothing else can carry trailers, the length known or not */
    session->chunked = stream->source && (!head->length.length || stream->source->trailers.length);
    if (!rill_head_write(head, session->chunked, &link->turn->slab, &session->out))
        return -RILL_ERROR;
    session->is_connect = head->connect;
    session->received = false;
    session->owed = 0;
    rill_h1_head_init(&session->head, false);
    stream->id = ++session->last_id;
    return 0;
}

static void consume(rill_link *link, rill_stream *stream, size_t length)
{
    if (rill_stream_first(&link->open) != stream)
        return;
    if (stream->status)
        stream->inlet.narrow = false; /* its reader has seen the head, and wants more */
    pace(rill_h1_of(link), stream, 0, length);
}

static void charge(rill_link *link, uint32_t records)
{
    rill_h1_session *session = rill_h1_of(link);
    session->dry += records;
    if (session->dry > H1_DRY_MAX)
        rill_error_set(&link->fatal, RILL_PROTOCOL_ERROR,
                       "the peer broke HTTP/1.1: it sends records of TLS that hold nothing");
}

static void dispose(rill_link *link)
{
    rill_bytes_dispose(&link->turn->slab, &rill_h1_of(link)->head.lines.line);
    rill_bytes_dispose(&link->turn->slab, &rill_h1_of(link)->out);
}

const rill_protocol rill_h1 = {
    .name = "http/1.1",
    .size = sizeof(rill_h1_session),
    .streams = 1,
    .connections = 6,
    .side_by_side = true,
    .ordered = true,
    .place = place,
    .receive = receive,
    .end = end,
    .send = rill_h1_send,
    .submit = submit,
    .retire = retire,
    .consume = consume,
    .charge = charge,
    .name_frame = rill_frame_name_part,
    .dispose = dispose,
};
