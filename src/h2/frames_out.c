/* What leaves: frames are staged until they fill a TLS record; bodies go straight from their
 * source. */
#include "h2/frames.h"

#include <string.h>

#include "base/error.h"
#include "base/trace.h"
#include "h2/head.h"
#include "h2/points.h"
#include "h2/streams.h"
#include "http/flight.h"

/* --- what is sent ---------------------------------------------------------------------------- */

/* A stream that uses up half its window within two round trips is held back by it: RFC 9113 leaves
 * the size to us (section 6.9). One that the reader does not keep up with stays as it is. */
static void grow_window(rill_session *session, rill_stream *stream)
{
    uint64_t now_ms = session->link.turn->now_ms, since_ms = stream->update_ms;
    uint32_t most = session->link.setup->max_window;
    stream->update_ms = now_ms;
    uint32_t window = stream->inlet.window;
    if (!since_ms || !window || window >= most || stream->inlet.chunks.length > window / 2 ||
        now_ms - since_ms > 2 * session->link.rtt_ms)
        return;
    uint32_t wider = window < most / 2 ? window * 2 : most;
    if (rill_inlet_widen(&stream->inlet, wider))
        rill_streams_open_more(session, stream, wider - window);
}

/* What the peer makes us send, as often as it likes. RST_STREAM is bounded by our streams. */
static bool is_answer(const nghttp2_frame_hd *head)
{
    return head->type == NGHTTP2_WINDOW_UPDATE ||
           ((head->type == NGHTTP2_PING || head->type == NGHTTP2_SETTINGS) &&
            head->flags & NGHTTP2_FLAG_ACK);
}

/* What nghttp2 ends a connection for without saying why. */
static const char *rule_of(uint32_t code)
{
    if (code == NGHTTP2_FLOW_CONTROL_ERROR)
        return "a window opened beyond 2147483647 bytes, or more DATA than one (RFC 9113 6.9.1)";
    if (code == NGHTTP2_FRAME_SIZE_ERROR)
        return "a frame of a length that its type cannot have (RFC 9113 4.2)";
    if (code == NGHTTP2_COMPRESSION_ERROR)
        return "a head that cannot be decoded, or a field above 65536 bytes (RFC 7541)";
    return "";
}

/* One that is not ours, which drains the connection, is nghttp2's: it has found the peer at fault,
 * and swallows its input from now on. */
static void note_goaway(rill_session *session, const nghttp2_goaway *goaway)
{
    char why[LINK_DEBUG_DATA];
    rill_error *fatal = &session->link.fatal;
    if (session->link.goodbye == LINK_DEAF || goaway->error_code == NGHTTP2_NO_ERROR)
        return;
    rill_link_say_goodbye(&session->link, LINK_DEAF);
    rill_streams_printable(why, sizeof(why), goaway->opaque_data, goaway->opaque_data_len);
    const char *rule = why[0] ? "" : rule_of(goaway->error_code);
    const char *problem = rule[0] ? rule : session->problem;
    if (goaway->error_code == NGHTTP2_INTERNAL_ERROR) /* not the peer's fault */
        rill_error_set(fatal, RILL_ERROR, "nghttp2 gave up: out of memory");
    else
        rill_error_set(fatal, RILL_PROTOCOL_ERROR, "the peer broke HTTP/2: %s%s%s (%s)", why,
                       why[0] && problem[0] ? "; " : "", problem,
                       rill_code_name((int32_t)goaway->error_code));
    fatal->code = (int32_t)goaway->error_code;
}

static void note_settings(rill_flight *flight, const nghttp2_settings *settings)
{
    for (size_t i = 0; i < settings->niv && i < FLIGHT_SETTINGS; i++)
        rill_flight_tell(flight, (uint32_t)settings->iv[i].settings_id, settings->iv[i].value);
}

static RILL_APART void trace_frame(rill_link *link, const nghttp2_frame_hd *head)
{
    rill_frame_note(link, &(rill_frame){.sent = true,
                                        .type = head->type,
                                        .flags = head->flags,
                                        .stream = head->stream_id,
                                        .length = (uint32_t)head->length});
}

static void note(rill_session *session, const nghttp2_frame *frame)
{
    rill_flight *flight = session->link.flight;
    const nghttp2_frame_hd *head = &frame->hd;
    if (RILL_TRACES(session->link.turn, TRACE_FRAMES))
        trace_frame(&session->link, head);
    rill_flight_add(flight, session->link.turn->now_us, true, head->type, head->flags,
                    head->stream_id, (uint32_t)head->length);
    if (head->type == NGHTTP2_WINDOW_UPDATE)
        rill_flight_tell(flight, (uint32_t)frame->window_update.window_size_increment, 0);
    else if (head->type == NGHTTP2_RST_STREAM)
        rill_flight_tell(flight, frame->rst_stream.error_code, 0);
    else if (head->type == NGHTTP2_GOAWAY)
        rill_flight_tell(flight, frame->goaway.error_code, (uint32_t)frame->goaway.last_stream_id);
    else if (head->type == NGHTTP2_SETTINGS)
        note_settings(flight, &frame->settings);
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, frame->hd.stream_id);
    note(session, frame);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        note_goaway(session, &frame->goaway);
    rill_turn_spend(session->link.turn, FRAME_HEADER + frame->hd.length);
    if (is_answer(&frame->hd))
        session->answers += FRAME_HEADER + frame->hd.length;
    if (!stream)
        return 0;
    bool end = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
               frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS && stream->local == HALF_IDLE) {
        rill_stream_sent_head(stream, end);
        if (!end)
            rill_upload_begin(stream);
        session->link.streams++;
        if (session->narrow)
            rill_streams_widen(session, stream);
    } else if (end) {
        rill_stream_sent_end(stream);
    }
    if (frame->hd.type == NGHTTP2_WINDOW_UPDATE) {
        rill_stream_hold(stream, false);
        grow_window(session, stream);
    }
    if (frame->hd.type == NGHTTP2_DATA) {
        session->link.sent += FRAME_HEADER + (uint32_t)frame->hd.length;
        stream->data_frames++;
        rill_points_note_data(session, frame->hd.length);
        rill_upload_sent(stream, end);
    }
    return 0;
}

static int on_frame_not_send(nghttp2_session *ng, const nghttp2_frame *frame, int code, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    for (rill_stream *stream = rill_stream_first(&session->link.open); stream;
         stream = rill_stream_next(stream)) {
        if (stream->id != frame->hd.stream_id)
            continue;
        rill_streams_leave(session, stream);
        rill_stream_close(stream, RILL_INACTIVE, -1, "not sent: %s", nghttp2_strerror(code));
        rill_stream_move(stream, &session->link.closed);
        break;
    }
    return 0;
}

/* --- bodies ---------------------------------------------------------------------------------- */

/* Frames are staged until they fill a TLS record. */
static int flush_plain(rill_session *session)
{
    rill_turn *turn = session->link.turn;
    size_t length = turn->plain_length;
    turn->plain_length = 0;
    return length ? rill_transport_write(session->link.transport, turn->plain, length) : 0;
}

static int make_room(rill_session *session, size_t length)
{
    return length > TURN_PLAIN - session->link.turn->plain_length ? flush_plain(session) : 0;
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
    size_t count;
    nghttp2_nv *fields =
        rill_h2_split(&session->link.turn->slab, trailers->data, trailers->length, &count);
    if (!fields)
        return NGHTTP2_ERR_NOMEM;
    int code = nghttp2_submit_trailer(session->ng, stream->id, fields, count);
    rill_slab_free(&session->link.turn->slab, fields);
    return code;
}

static ssize_t starve(rill_stream *stream)
{
    rill_upload_starve(stream);
    return NGHTTP2_ERR_DEFERRED;
}

/* A file is read here, while there is still a way to say that it broke. */
static ssize_t read_file(rill_session *session, rill_stream *stream, uint8_t *buffer, size_t length,
                         uint32_t *flags)
{
    rill_error error = {0};
    bool last;
    int64_t n = rill_upload_read_file(stream, buffer, length, &last, &error);
    if (n == SOURCE_LATER)
        return starve(stream);
    if (n < 0) {
        rill_stream_close(stream, error.reason, NGHTTP2_CANCEL, "%s", error.message);
        rill_streams_retire(&session->link, stream);
        return NGHTTP2_ERR_DEFERRED;
    }
    if (last && end_body(session, stream, flags))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return (ssize_t)n;
}

ssize_t rill_frames_read_body(nghttp2_session *ng, int32_t id, uint8_t *buffer, size_t length,
                              uint32_t *flags, nghttp2_data_source *data_source, void *arg)
{
    (void)ng, (void)data_source;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, id);
    if (!stream)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (rill_link_puts_off(&session->link, stream))
        return NGHTTP2_ERR_DEFERRED;
    if (rill_source_is_file(stream->source))
        return read_file(session, stream, buffer, length, flags);
    bool last;
    uint64_t ready = rill_source_ready(stream->source, &last);
    if (!ready && !last)
        return starve(stream);
    if (ready > length)
        last = false;
    else
        length = (size_t)ready;
    if (last && end_body(session, stream, flags))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return (ssize_t)length;
}

static int on_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head,
                        size_t length, nghttp2_data_source *data_source, void *arg)
{
    (void)ng, (void)data_source;
    rill_session *session = arg;
    rill_turn *turn = session->link.turn;
    rill_stream *stream = rill_streams_find(session, frame->hd.stream_id);
    if (!stream || make_room(session, FRAME_HEADER + length))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    stage(turn, head, FRAME_HEADER);
    rill_upload_take(stream, turn->plain + turn->plain_length, length);
    turn->plain_length += length;
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

void rill_frames_send_with(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, on_payload_length);
}

/* --- the pump's calls ------------------------------------------------------------------------- */

/* Lets uploads go on that waited for the socket, or for this turn. */
static void unblock(rill_session *session)
{
    if (!session->link.blocked || rill_transport_blocked(session->link.transport) ||
        rill_link_has_sent(&session->link))
        return;
    for (rill_stream *next, *stream = rill_stream_first(&session->link.open); stream;
         stream = next) {
        next = rill_stream_next(stream);
        if (!stream->blocked)
            continue;
        rill_link_unblock(&session->link, stream);
        rill_streams_resume(&session->link, stream);
    }
}

void rill_frames_make(rill_session *session)
{
    const uint8_t *data;
    ssize_t length;
    int failed = 0;
    session->framed = session->heads;
    if (!nghttp2_session_want_write(session->ng)) /* costs a quarter of being given no frame */
        return;
    while (!failed && (length = nghttp2_session_mem_send(session->ng, &data)) > 0) {
        size_t rest = (size_t)length;
        while (rest) {
            size_t part = rest < TURN_PLAIN ? rest : TURN_PLAIN;
            failed = make_room(session, part);
            if (failed)
                break; /* a frame without its rest: the session is beyond repair */
            stage(session->link.turn, data, part);
            data += part;
            rest -= part;
        }
    }
    if (failed || flush_plain(session) || length < 0)
        rill_error_set(&session->link.fatal, RILL_ERROR, "cannot send: %s",
                       length < 0 ? nghttp2_strerror((int)length) : "out of memory");
}

void rill_frames_send(rill_link *link)
{
    rill_session *session = rill_session_of(link);
    if (!session->ng)
        return;
    unblock(session);
    if (session->answers > rill_transport_blocked(session->link.transport))
        session->answers = rill_transport_blocked(session->link.transport);
    session->heads = 0;
    link->full = false;
    rill_frames_make(session);
    if (session->answers > SESSION_UNSENT_MAX) {
        rill_error_set(&session->link.fatal, RILL_PROTOCOL_ERROR,
                       "the peer does not read what it makes us answer (%d bytes)",
                       SESSION_UNSENT_MAX);
        session->link.fatal.code = NGHTTP2_ENHANCE_YOUR_CALM;
    }
}
