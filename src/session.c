#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "fields.h"

/* --- streams --------------------------------------------------------------------------------- */

static rill_stream *stream_of(nghttp2_session *ng, int32_t id)
{
    return id > 0 ? nghttp2_session_get_stream_user_data(ng, id) : NULL;
}

static void leave_wire(rill_session *session, rill_stream *stream)
{
    if (!stream->wire_open)
        return;
    stream->wire_open = false;
    session->active--;
    if (stream->blocked)
        session->blocked--;
    stream->blocked = false;
}

void rill_session_retire(rill_session *session, rill_stream *stream)
{
    if (stream->wire_open) {
        uint32_t code = NGHTTP2_CANCEL;
        if (stream->reason == RILL_ENDED)
            code = NGHTTP2_NO_ERROR; /* the response is complete: our upload is not wanted */
        else if (stream->code >= 0)
            code = (uint32_t)stream->code;
        nghttp2_session_set_stream_user_data(session->ng, stream->id, NULL);
        nghttp2_submit_rst_stream(session->ng, NGHTTP2_FLAG_NONE, stream->id, code);
        leave_wire(session, stream);
    }
    rill_stream_move(stream, &session->closed);
}

static void retire_if_closed(rill_session *session, rill_stream *stream)
{
    if (stream->reason != RILL_OPEN)
        rill_session_retire(session, stream);
}

/* --- frames of no use ------------------------------------------------------------------------ */

static void give_points(rill_session *session, size_t length)
{
    int64_t points = session->points + 1 + (int64_t)(length / SESSION_POINT_BYTES);
    session->points = points < SESSION_POINTS ? (int32_t)points : SESSION_POINTS;
}

static void give_time_points(rill_session *session)
{
    uint64_t now_ms = session->turn->now_ms;
    uint64_t points = (now_ms - session->points_ms) * SESSION_POINTS_PER_S / 1000;
    session->points_ms = now_ms;
    session->points = points < SESSION_POINTS ? (int32_t)points : SESSION_POINTS;
}

/* Frames of types that nobody knows are dropped (RFC 9113 section 4.1), but pay all the same. */
static int on_unpack_extension(nghttp2_session *ng, void **payload, const nghttp2_frame_hd *head,
                               void *arg)
{
    (void)ng, (void)payload, (void)head, (void)arg;
    return NGHTTP2_ERR_CANCEL;
}

/* Every frame pays when it begins, and gets it back when it turns out to be of use. */
static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *head, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    session->points -= 1 + (int32_t)(head->length / SESSION_POINT_BYTES);
    if (session->points >= 0)
        return 0;
    give_time_points(session);
    if (session->points > 0)
        return 0;
    rill_error_set(&session->fatal, RILL_PROTOCOL_ERROR,
                   "the peer sends frames of no use, more than %d", SESSION_POINTS);
    session->fatal.code = NGHTTP2_ENHANCE_YOUR_CALM;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --- what arrives ---------------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    (void)arg;
    rill_stream *stream = stream_of(ng, frame->hd.stream_id);
    if (stream)
        rill_stream_begin_head(stream);
    return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *arg)
{
    (void)flags;
    rill_stream *stream = stream_of(ng, frame->hd.stream_id);
    if (!stream)
        return 0;
    rill_stream_field(stream, (const char *)name, name_length, (const char *)value, value_length);
    retire_if_closed(arg, stream);
    return 0;
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t length, void *arg)
{
    (void)flags;
    rill_session *session = arg;
    rill_stream *stream = stream_of(ng, id);
    bool keeping = stream && stream->keeping;
    if (stream) {
        give_points(session, length);
        rill_stream_data(stream, data, length);
        session->warn = session->warn || stream->warn;
        retire_if_closed(session, stream);
    }
    /* the connection's window never waits for a reader */
    int code = keeping ? nghttp2_session_consume(ng, id, length)
                       : nghttp2_session_consume_connection(ng, length);
    return code == NGHTTP2_ERR_NOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void end_stream(rill_session *session, rill_stream *stream)
{
    stream->remote = HALF_CLOSED;
    if (stream->local == HALF_CLOSED)
        return; /* nghttp2 closes it next */
    rill_stream_close(stream, RILL_ENDED, -1, " ");
    rill_session_retire(session, stream);
}

static void copy_printable(char *out, size_t room, const uint8_t *data, size_t length)
{
    size_t n = 0;
    for (; n < length && n + 1 < room && data[n] != '\r' && data[n] != '\n'; n++)
        out[n] = data[n] >= ' ' && data[n] < 0x7f ? (char)data[n] : '.';
    out[n] = 0;
}

static void record_goaway(rill_session *session, const nghttp2_goaway *goaway)
{
    session->goaway_received = true;
    session->goaway_last = goaway->last_stream_id;
    session->goaway_code = (int32_t)goaway->error_code;
    copy_printable(session->goaway_debug, sizeof(session->goaway_debug), goaway->opaque_data,
                   goaway->opaque_data_len);
}

static void set_rtt(rill_session *session, uint64_t since_ms)
{
    uint64_t rtt_ms = session->turn->now_ms - since_ms;
    session->rtt_ms = rtt_ms ? rtt_ms : 1;
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    rill_session *session = arg;
    rill_stream *stream = stream_of(ng, frame->hd.stream_id);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (!stream)
            break;
        rill_stream_end_head(stream);
        if (stream->starved && !stream->source->held)
            rill_session_resume(session, stream); /* 100 (Continue) */
        if (stream->status)
            give_points(session, frame->hd.length);
        session->warn = session->warn || stream->warn;
        break;
    case NGHTTP2_RST_STREAM:
        if (stream)
            stream->peer_reset = true; /* nghttp2 closes it next */
        return 0;
    case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
            session->settings_received = true;
            for (int i = 0; i < 6; i++)
                session->peer_settings[i] =
                    nghttp2_session_get_remote_settings(ng, (nghttp2_settings_id)(i + 1));
            session->peer_max_streams =
                session->peer_settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS - 1];
        } else if (!session->rtt_ms) {
            set_rtt(session, session->opened_ms);
        }
        return 0;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK && session->ping_ms) {
            set_rtt(session, session->ping_ms);
            session->ping_ms = 0;
            session->pong = true;
        }
        return 0;
    case NGHTTP2_GOAWAY:
        record_goaway(session, &frame->goaway); /* before nghttp2 closes what it excludes */
        return 0;
    default:
        break;
    }
    if (!stream)
        return 0;
    if (stream->reason != RILL_OPEN)
        rill_session_retire(session, stream);
    else if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
             (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS))
        end_stream(session, stream);
    return 0;
}

/* Why nghttp2 has reset a stream by itself. */
static void close_broken(const rill_session *session, rill_stream *stream, uint32_t code)
{
    if (stream->content_length >= 0 && (uint64_t)stream->content_length != stream->received)
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, (int32_t)code,
                          "content-length announced %lld bytes, %llu arrived (RFC 9113 8.1.1)",
                          (long long)stream->content_length,
                          (unsigned long long)stream->received);
    else
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, (int32_t)code, "the peer broke HTTP/2: %s",
                          session->problem[0] ? session->problem : "malformed response");
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *arg)
{
    rill_session *session = arg;
    rill_stream *stream = stream_of(ng, id);
    if (!stream)
        return 0; /* we have closed it before */
    leave_wire(session, stream);
    if (stream->remote == HALF_CLOSED && (code == NGHTTP2_NO_ERROR || stream->peer_reset))
        rill_stream_close(stream, RILL_ENDED, -1, " ");
    else if (session->goaway_received && id > session->goaway_last && !stream->peer_reset)
        rill_stream_close(stream, RILL_GOAWAY, session->goaway_code,
                          "excluded by the peer's GOAWAY (%s, last stream %d%s%s)",
                          rill_code_name(session->goaway_code), session->goaway_last,
                          session->goaway_debug[0] ? "): " : ")", session->goaway_debug);
    else if (stream->peer_reset)
        rill_stream_close(stream, RILL_RESET, (int32_t)code, "the peer reset the stream: %s (%u)",
                          rill_code_name((int32_t)code), (unsigned)code);
    else
        close_broken(session, stream, code);
    rill_session_retire(session, stream);
    return 0;
}

static int on_error(nghttp2_session *ng, int code, const char *message, size_t length, void *arg)
{
    (void)ng, (void)code;
    rill_session *session = arg;
    copy_printable(session->problem, sizeof(session->problem), (const uint8_t *)message, length);
    return 0;
}

/* Fields that nghttp2 would drop in silence: a response with them is malformed (RFC 9113 8.2.1). */
static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_length, const uint8_t *value, size_t value_length,
                             uint8_t flags, void *arg)
{
    (void)flags, (void)value, (void)value_length;
    rill_session *session = arg;
    rill_stream *stream = stream_of(ng, frame->hd.stream_id);
    char shown[64];
    copy_printable(shown, sizeof(shown), name, name_length);
    if (stream) {
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, NGHTTP2_PROTOCOL_ERROR,
                          "the response's header field \"%s\" is malformed (RFC 9113 8.2.1)", shown);
        rill_session_retire(session, stream);
    }
    return 0;
}

/* --- what is sent ---------------------------------------------------------------------------- */

/* Between two DATA frames an upload waits for the peer's window, or not at all. */
static void note_sent(rill_stream *stream, bool more)
{
    uint64_t now_ms = stream->turn->now_ms;
    if (stream->remote_since_ms)
        stream->stalled_remote_ms += (uint32_t)(now_ms - stream->remote_since_ms);
    stream->remote_since_ms = more ? now_ms : 0;
    stream->active_ms = now_ms;
}

/* A stream that uses up half its window within two round trips is held back by it: RFC 9113 leaves
 * the size to us (section 6.9). One that the reader does not keep up with stays as it is. */
static void grow_window(rill_session *session, rill_stream *stream)
{
    uint64_t now_ms = session->turn->now_ms, since_ms = stream->update_ms;
    uint32_t most = session->setup->max_window;
    stream->update_ms = now_ms;
    if (!since_ms || stream->window >= most || stream->chunks.length > stream->window / 2 ||
        now_ms - since_ms > 2 * session->rtt_ms)
        return;
    uint32_t wider = stream->window < most / 2 ? stream->window * 2 : most;
    if (!nghttp2_session_set_local_window_size(session->ng, NGHTTP2_FLAG_NONE, stream->id,
                                               (int32_t)wider))
        stream->window = wider;
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    rill_session *session = arg;
    rill_stream *stream = stream_of(ng, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY && !session->goaway_sent) {
        /* nghttp2 speaks: it has found the peer at fault, and swallows its input from now on */
        char why[SESSION_DEBUG_DATA];
        session->goaway_sent = true;
        copy_printable(why, sizeof(why), frame->goaway.opaque_data, frame->goaway.opaque_data_len);
        rill_error_set(&session->fatal, RILL_PROTOCOL_ERROR, "the peer broke HTTP/2: %s%s%s (%s)",
                       why, why[0] && session->problem[0] ? "; " : "", session->problem,
                       rill_code_name((int32_t)frame->goaway.error_code));
        session->fatal.code = (int32_t)frame->goaway.error_code;
    }
    if (!stream)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && stream->local == HALF_IDLE) {
        stream->local = HALF_OPEN;
        stream->sent_ms = session->turn->now_ms;
        session->streams++;
    }
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        stream->local = HALF_CLOSED;
    if (frame->hd.type == NGHTTP2_WINDOW_UPDATE)
        grow_window(session, stream);
    if (frame->hd.type == NGHTTP2_DATA) {
        give_points(session, SESSION_POINT_BYTES); /* the peer opens its windows for these */
        note_sent(stream, !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM));
    }
    return 0;
}

static int on_frame_not_send(nghttp2_session *ng, const nghttp2_frame *frame, int code, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    for (rill_stream *stream = session->open; stream; stream = stream->next) {
        if (stream->id != frame->hd.stream_id)
            continue;
        leave_wire(session, stream);
        rill_stream_close(stream, RILL_INACTIVE, -1, "not sent: %s", nghttp2_strerror(code));
        rill_stream_move(stream, &session->closed);
        break;
    }
    return 0;
}

/* Frames are staged until they fill a TLS record. */
static int flush_plain(rill_session *session)
{
    rill_turn *turn = session->turn;
    size_t length = turn->plain_length;
    turn->plain_length = 0;
    return length ? rill_transport_write(session->transport, turn->plain, length) : 0;
}

static int make_room(rill_session *session, size_t length)
{
    return length > TURN_PLAIN - session->turn->plain_length ? flush_plain(session) : 0;
}

static void stage(rill_turn *turn, const void *data, size_t length)
{
    memcpy(turn->plain + turn->plain_length, data, length);
    turn->plain_length += length;
}

/* The end of a body: END_STREAM, or trailers that carry it. */
static int end_body(rill_session *session, rill_stream *stream, uint32_t *flags)
{
    const rill_bytes *trailers = &stream->source->trailers;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!trailers->length)
        return 0;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    size_t count = rill_fields_count(trailers->data, trailers->length);
    nghttp2_nv *fields = rill_slab_alloc(&session->turn->slab, count * sizeof(*fields));
    if (!fields)
        return NGHTTP2_ERR_NOMEM;
    rill_fields_split(trailers->data, trailers->length, fields);
    int code = nghttp2_submit_trailer(session->ng, stream->id, fields, count);
    rill_slab_free(&session->turn->slab, fields);
    return code;
}

/* A file is read here, while there is still a way to say that it broke. */
static bool read_source(rill_session *session, rill_stream *stream, uint8_t *buffer, size_t length)
{
    if (rill_source_take(&session->turn->slab, stream->source, buffer, length))
        return true;
    rill_stream_close(stream, RILL_FILE_ERROR, NGHTTP2_CANCEL, "the body's file cannot be read: %s",
                      strerror(errno));
    rill_session_retire(session, stream);
    return false;
}

static ssize_t on_read_body(nghttp2_session *ng, int32_t id, uint8_t *buffer, size_t length,
                            uint32_t *flags, nghttp2_data_source *data_source, void *arg)
{
    (void)data_source;
    rill_session *session = arg;
    rill_stream *stream = stream_of(ng, id);
    if (!stream)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (rill_transport_blocked(session->transport)) {
        stream->blocked = true;
        session->blocked++;
        return NGHTTP2_ERR_DEFERRED;
    }
    bool last;
    uint64_t ready = rill_source_ready(stream->source, &last);
    if (stream->source->held || (!ready && !last)) {
        stream->starved = true;
        stream->remote_since_ms = 0; /* it is not the peer that is waited for */
        return NGHTTP2_ERR_DEFERRED;
    }
    if (ready > length)
        last = false;
    else
        length = (size_t)ready;
    if (last && end_body(session, stream, flags))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (stream->source->kind == SOURCE_FILE)
        return read_source(session, stream, buffer, length) ? (ssize_t)length
                                                            : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return (ssize_t)length;
}

static int on_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head,
                        size_t length, nghttp2_data_source *data_source, void *arg)
{
    (void)data_source;
    rill_session *session = arg;
    rill_turn *turn = session->turn;
    rill_stream *stream = stream_of(ng, frame->hd.stream_id);
    if (!stream || make_room(session, 9 + length))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    stage(turn, head, 9);
    rill_source *source = stream->source;
    rill_source_take(&turn->slab, source, turn->plain + turn->plain_length, length);
    turn->plain_length += length;
    if (source->writer_waits && source->fed.length <= SOURCE_HIGH_WATER) {
        source->writer_waits = false;
        rill_turn_report(turn, stream->entry, RILL_EVENT_WRITABLE);
    }
    return 0;
}

static ssize_t on_payload_length(nghttp2_session *ng, uint8_t type, int32_t id,
                                 int32_t session_window, int32_t stream_window,
                                 uint32_t max_frame_size, void *arg)
{
    (void)ng, (void)type, (void)id, (void)arg;
    int64_t length = SESSION_DATA_PAYLOAD;
    if (length > session_window)
        length = session_window;
    if (length > stream_window)
        length = stream_window;
    if (length > max_frame_size)
        length = max_frame_size;
    return (ssize_t)length;
}

void rill_session_send(rill_session *session)
{
    const uint8_t *data;
    ssize_t length;
    if (!session->ng)
        return;
    while ((length = nghttp2_session_mem_send(session->ng, &data)) > 0) {
        size_t rest = (size_t)length;
        while (rest) {
            size_t part = rest < TURN_PLAIN ? rest : TURN_PLAIN;
            if (make_room(session, part))
                break;
            stage(session->turn, data, part);
            data += part;
            rest -= part;
        }
    }
    if (flush_plain(session) || length < 0)
        rill_error_set(&session->fatal, RILL_ERROR, "cannot send: %s",
                       length < 0 ? nghttp2_strerror((int)length) : "out of memory");
    if (session->transport->unsent.length > SESSION_UNSENT_MAX && !session->blocked) {
        rill_error_set(&session->fatal, RILL_PROTOCOL_ERROR,
                       "the peer does not read what it makes us answer (%d bytes)",
                       SESSION_UNSENT_MAX);
        session->fatal.code = NGHTTP2_ENHANCE_YOUR_CALM;
    }
}

void rill_session_unblock(rill_session *session)
{
    if (!session->blocked || rill_transport_blocked(session->transport))
        return;
    for (rill_stream *stream = session->open; stream; stream = stream->next) {
        if (!stream->blocked)
            continue;
        stream->blocked = false;
        session->blocked--;
        nghttp2_session_resume_data(session->ng, stream->id);
    }
}

void rill_session_resume(rill_session *session, rill_stream *stream)
{
    if (!stream->starved || !stream->wire_open)
        return;
    stream->starved = false;
    nghttp2_session_resume_data(session->ng, stream->id);
}

void rill_session_ping(rill_session *session)
{
    if (session->ping_ms || !session->ng)
        return;
    session->ping_ms = session->turn->now_ms;
    nghttp2_submit_ping(session->ng, NGHTTP2_FLAG_NONE, NULL);
}

/* --- a session's life ------------------------------------------------------------------------ */

static void *on_malloc(size_t size, void *arg)
{
    return rill_slab_alloc(arg, size);
}

static void on_free(void *block, void *arg)
{
    rill_slab_free(arg, block);
}

static void *on_calloc(size_t count, size_t size, void *arg)
{
    return size && count > SIZE_MAX / size ? NULL : rill_slab_zalloc(arg, count * size);
}

static void *on_realloc(void *block, size_t size, void *arg)
{
    return rill_slab_realloc(arg, block, size);
}

static int new_session(rill_session *session)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int code = nghttp2_session_callbacks_new(&callbacks);
    if (!code)
        code = nghttp2_option_new(&option);
    if (!code) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
        nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
        nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks,
                                                                       on_payload_length);
        nghttp2_session_callbacks_set_unpack_extension_callback(callbacks, on_unpack_extension);
        for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++)
            nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_mem mem = {&session->turn->slab, on_malloc, on_free, on_calloc, on_realloc};
        code = nghttp2_session_client_new3(&session->ng, callbacks, session, option, &mem);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return code;
}

int32_t rill_session_open(rill_session *session, rill_turn *turn, rill_transport *transport,
                          const rill_session_setup *setup, rill_error *err)
{
    memset(session, 0, sizeof(*session));
    session->turn = turn;
    session->transport = transport;
    session->setup = setup;
    session->opened_ms = turn->now_ms;
    session->points = SESSION_POINTS;
    session->points_ms = turn->now_ms;
    session->peer_max_streams = 100; /* RFC 9113 section 6.5.2 recommends no less */
    int code = new_session(session);
    if (!code) {
        nghttp2_settings_entry settings[] = {
            {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, setup->window},
            {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, setup->max_frame_size},
            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, setup->max_header_list},
        };
        code = nghttp2_submit_settings(session->ng, NGHTTP2_FLAG_NONE, settings,
                                       setup->max_header_list ? 4 : 3);
    }
    if (!code)
        code = nghttp2_session_set_local_window_size(session->ng, NGHTTP2_FLAG_NONE, 0,
                                                     (int32_t)setup->conn_window);
    return code ? rill_error_set(err, RILL_ERROR, "a session cannot be made: %s",
                                 nghttp2_strerror(code))
                : 0;
}

void rill_session_dispose(rill_session *session)
{
    if (session->ng)
        nghttp2_session_del(session->ng);
    session->ng = NULL;
}

void rill_session_receive(rill_session *session, const char *data, size_t length)
{
    if (session->first_length < SESSION_FIRST_BYTES) {
        size_t part = SESSION_FIRST_BYTES - session->first_length;
        if (part > length)
            part = length;
        memcpy(session->first + session->first_length, data, part);
        session->first_length += (uint32_t)part;
    }
    if (session->goaway_sent)
        return;
    ssize_t read = nghttp2_session_mem_recv(session->ng, (const uint8_t *)data, length);
    if (read < 0) {
        rill_error_set(&session->fatal, RILL_PROTOCOL_ERROR, "the peer broke HTTP/2: %s",
                       nghttp2_strerror((int)read));
        if (session->fatal.code < 0)
            session->fatal.code = read == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
                                                              : NGHTTP2_PROTOCOL_ERROR;
    }
}

int32_t rill_session_submit(rill_session *session, rill_stream *stream, const nghttp2_nv *fields,
                            size_t count)
{
    nghttp2_data_provider body = {.read_callback = on_read_body};
    int32_t id = rill_session_usable(session)
                     ? nghttp2_submit_request(session->ng, NULL, fields, count,
                                              stream->source ? &body : NULL, stream)
                     : NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE;
    if (id < 0)
        return -RILL_INACTIVE;
    stream->id = id;
    stream->wire_open = true;
    session->active++;
    rill_stream_move(stream, &session->open);
    return 0;
}

/* A reader that has found nothing always gets its window: so nobody waits for ever. */
void rill_session_consume(rill_session *session, rill_stream *stream, size_t length)
{
    stream->owed += (uint32_t)length;
    if (!stream->wire_open || !stream->owed ||
        (stream->chunks.length && *stream->buffered > session->setup->max_buffered))
        return;
    nghttp2_session_consume_stream(session->ng, stream->id, stream->owed);
    stream->owed = 0;
}

void rill_session_goaway(rill_session *session, uint32_t code, bool at_once)
{
    session->goaway_sent = session->goaway_sent || at_once;
    nghttp2_submit_goaway(session->ng, NGHTTP2_FLAG_NONE, 0, code, NULL, 0);
}

bool rill_session_used_up(const rill_session *session)
{
    return nghttp2_session_get_next_stream_id(session->ng) >= SESSION_LAST_STREAM;
}

bool rill_session_usable(const rill_session *session)
{
    return session->ng && !session->goaway_received && !session->goaway_sent &&
           !session->fatal.reason && nghttp2_session_check_request_allowed(session->ng) &&
           !rill_session_used_up(session);
}
