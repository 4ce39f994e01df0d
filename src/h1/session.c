#include "h1/session.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static void break_off(rill_h1_session *session, const char *rule)
{
    rill_error_set(&session->link.fatal, RILL_PROTOCOL_ERROR, "the peer broke HTTP/1.1: %s", rule);
}

static void name_frame(const rill_frame *frame, char *name, char *flags)
{
    static const char *const parts[] = {[H1_PART_REQUEST] = "REQUEST",
                                        [H1_PART_RESPONSE] = "RESPONSE",
                                        [H1_PART_BODY] = "BODY",
                                        [H1_PART_TRAILERS] = "TRAILERS",
                                        [H1_PART_END] = "END"};
    snprintf(name, FRAME_NAME, "%s", parts[frame->type]);
    flags[0] = 0;
}

/* --- a reader that does not keep up ----------------------------------------------------------- */

/* As a window would, but that it is the socket which waits. */
static void pace(rill_h1_session *session, rill_stream *stream, size_t released)
{
    rill_link *link = &session->link;
    uint64_t now_ms = link->turn->now_ms;
    session->room += (int64_t)rill_inlet_release(&stream->inlet, released);
    bool held = link->transport->socket.held;
    bool full = held ? session->room < (int64_t)stream->inlet.window / 2 : session->room <= 0;
    rill_socket_hold(&link->transport->socket, full);
    if (full == (stream->local_since_ms != 0))
        return;
    if (!full) {
        stream->stalled_local_ms += (uint32_t)(now_ms - stream->local_since_ms);
        stream->active_ms = now_ms;
    }
    stream->local_since_ms = full ? now_ms : 0;
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
        link->goodbye = LINK_DEAF;
    }
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
        rill_h1_note(session, false, H1_PART_TRAILERS, session->head_length, "", 0);
    rill_h1_note(session, false, H1_PART_END, 0, "", 0);
    session->state = H1_IDLE;
    rill_stream_received_end(stream);
    rill_stream_close(stream, RILL_ENDED, -1, " ");
    retire(link, stream);
}

/* The peer has ended the connection. */
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
        link->goodbye = LINK_DEAF;
}

/* --- heads ----------------------------------------------------------------------------------- */

static void begin_head(rill_h1_session *session, rill_stream *stream, bool trailers)
{
    session->state = trailers ? H1_TRAILERS : H1_HEAD;
    session->head_length = 0;
    rill_h1_head_init(&session->head, trailers);
    rill_stream_begin_head(stream);
}

/* How the body ends (RFC 9112 section 6.3). */
static void frame_body(rill_h1_session *session, rill_stream *stream)
{
    const rill_h1_head *head = &session->head;
    bool tunnel = session->is_connect && head->status < 300;
    bool none = session->is_head || head->status == 204 || head->status == 304;
    bool counted = head->content_length >= 0 && !head->chunked && !tunnel;
    stream->content_length = counted ? head->content_length : -1;
    session->left = none || !counted ? 0 : (uint64_t)head->content_length;
    session->chunks = (rill_h1_chunks){0};
    session->state = none || counted            ? H1_COUNTED
                     : head->chunked && !tunnel ? H1_CHUNKED
                                                : H1_UNTIL_END;
    session->keep = (head->minor ? !head->close : head->keep_alive && !head->close) &&
                    !head->last && !(head->chunked && head->content_length >= 0) &&
                    session->state != H1_UNTIL_END;
    if (head->keep_alive_s >= 0) /* a second less, for what is on its way */
        session->link.idle_ms =
            head->keep_alive_s > 1 ? (uint64_t)(head->keep_alive_s - 1) * 1000 : 500;
}

/* What the peer has answered already it need not be told. */
static void stop_upload(rill_h1_session *session, rill_stream *stream)
{
    if (stream->local != HALF_OPEN)
        return;
    if (session->head.status < 300 && !session->head.close && !stream->source->held)
        return;
    session->keep = false;
    rill_stream_sent_end(stream);
    stream->starved = stream->blocked = false;
    stream->remote_since_ms = 0;
    session->link.blocked = 0;
}

static void end_head(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    bool final = session->head.status >= 200;
    char status[FRAME_NOTE];
    snprintf(status, sizeof(status), "%d", session->head.status);
    rill_h1_note(session, false, H1_PART_RESPONSE, session->head_length, status, 3);
    if (session->head.status == 101) {
        break_off(session, "it changes to a protocol that nobody asked for (101)");
        return;
    }
    if (final)
        frame_body(session, stream);
    rill_stream_end_head(stream);
    link->warn = link->warn || stream->warn;
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

/* Returns how many bytes were taken. */
static size_t read_head(rill_h1_session *session, rill_stream *stream, const char *data,
                        size_t length)
{
    rill_link *link = &session->link;
    rill_bytes *in = &session->in;
    uint32_t most = link->setup->max_header_list ? link->setup->max_header_list : H1_LINE_MAX;
    size_t slice = length < H1_SLICE ? length : H1_SLICE;
    if (!rill_bytes_append(&link->turn->slab, in, data, slice)) {
        rill_error_memory(&link->fatal);
        return length;
    }
    int64_t taken = rill_h1_head_read(&session->head, in->data, in->length, stream, &link->fatal);
    if (taken < 0)
        return length;
    rill_bytes_consume(in, (size_t)taken);
    session->head_length += (size_t)taken;
    bool done = session->head.state == H1_HEAD_DONE;
    if (!done && stream->reason == RILL_OPEN && in->length <= most)
        return slice;
    size_t behind = done ? in->length : 0; /* of this slice: it had the empty line */
    rill_bytes_dispose(&link->turn->slab, in);
    if (stream->reason != RILL_OPEN)
        retire(link, stream);
    else if (!done)
        break_off(session, "a line of its head exceeds max_header_list");
    else if (session->state == H1_TRAILERS)
        finish(session, stream);
    else
        end_head(session, stream);
    return slice - behind;
}

/* --- bodies ---------------------------------------------------------------------------------- */

static void take_data(rill_h1_session *session, rill_stream *stream, const char *data,
                      size_t length)
{
    rill_h1_note(session, false, H1_PART_BODY, length, "", 0);
    size_t released = rill_stream_data(stream, data, length);
    session->link.warn = session->link.warn || stream->warn;
    session->room -= (int64_t)length;
    pace(session, stream, released);
    if (stream->reason != RILL_OPEN)
        retire(&session->link, stream);
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
        take_data(session, stream, run, run_length);
    else if (session->chunks.state == H1_CHUNK_LAST)
        begin_head(session, stream, true);
    return (size_t)taken;
}

/* Returns how many bytes were taken. */
static size_t read_body(rill_h1_session *session, rill_stream *stream, const char *data,
                        size_t length)
{
    if (session->state == H1_CHUNKED)
        return read_chunks(session, stream, data, length);
    if (session->state == H1_COUNTED && length > session->left)
        length = (size_t)session->left;
    take_data(session, stream, data, length);
    if (session->state == H1_COUNTED && !(session->left -= length) && stream->reason == RILL_OPEN)
        finish(session, stream);
    return length;
}

static void receive(rill_link *link, const char *data, size_t length)
{
    rill_h1_session *session = rill_h1_of(link);
    size_t taken = 0;
    if (session->state == H1_IDLE)
        link->spent = true; /* nobody has asked */
    else
        session->received = true;
    while (taken < length && session->state != H1_IDLE && link->goodbye != LINK_DEAF &&
           !link->fatal.reason) {
        rill_stream *stream = rill_stream_first(&link->open);
        bool in_head = session->state == H1_HEAD || session->state == H1_TRAILERS;
        taken += in_head ? read_head(session, stream, data + taken, length - taken)
                         : read_body(session, stream, data + taken, length - taken);
        link->spent = link->spent || (session->state == H1_IDLE && taken < length);
    }
}

/* --- the row --------------------------------------------------------------------------------- */

static int32_t open_session(rill_link *link, rill_error *err)
{
    (void)err;
    link->limit = 1;
    link->greeted = true; /* it has no greeting */
    return 0;
}

static bool has_room(const rill_link *link)
{
    return !link->spent && !link->fatal.reason && link->goodbye == LINK_GOES_ON;
}

static bool is_method(const rill_head *head, const char *method)
{
    return head->method_length == strlen(method) &&
           !memcmp(head->method, method, head->method_length);
}

static int32_t submit(rill_link *link, rill_stream *stream, const rill_head *head)
{
    rill_h1_session *session = rill_h1_of(link);
    if (!has_room(link) || link->open.first)
        return -RILL_INACTIVE;
    if (!rill_h1_write_head(session, stream, head)) {
        rill_bytes_dispose(&link->turn->slab, &session->out);
        return -RILL_ERROR;
    }
    session->is_head = is_method(head, "HEAD");
    session->is_connect = head->connect;
    session->received = false;
    session->room = stream->inlet.narrow && stream->inlet.window > LINK_HEAD_WINDOW
                        ? LINK_HEAD_WINDOW
                        : stream->inlet.window;
    session->head_length = 0;
    rill_h1_head_init(&session->head, false);
    stream->id = ++session->last_id;
    stream->on_wire = true;
    link->active = 1;
    link->idle_ms = 0;
    rill_stream_move(stream, &link->open);
    return 0;
}

static void goaway(rill_link *link, uint32_t code, bool at_once)
{
    (void)code;
    if (at_once)
        link->goodbye = LINK_DEAF;
    else if (link->goodbye == LINK_GOES_ON)
        link->goodbye = LINK_DRAINS;
}

static void charge(rill_link *link, uint32_t records)
{
    rill_h1_session *session = rill_h1_of(link);
    session->dry += records;
    if (session->dry > H1_DRY_MAX)
        break_off(session, "it sends records of TLS that hold nothing");
}

/* It need not greet, so it is never asked. */
static void describe(const rill_link *link, const char *host, uint16_t port, rill_error *err)
{
    (void)link, (void)host, (void)port, (void)err;
}

static void dispose(rill_link *link)
{
    rill_slab *slab = &link->turn->slab;
    rill_bytes_dispose(slab, &rill_h1_of(link)->in);
    rill_bytes_dispose(slab, &rill_h1_of(link)->out);
}

const rill_protocol rill_h1 = {
    .name = "http/1.1",
    .size = sizeof(rill_h1_session),
    .streams = 1,
    .connections = 6,
    .open = open_session,
    .receive = receive,
    .end = end,
    .send = rill_h1_send,
    .submit = submit,
    .retire = retire,
    .resume = rill_h1_resume,
    .consume = consume,
    .ping = NULL,
    .goaway = goaway,
    .room = has_room,
    .charge = charge,
    .describe = describe,
    .name_frame = name_frame,
    .dispose = dispose,
};
