/* What arrives: each frame pays for itself, then goes to its stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2/frames.h"

#include "base/error.h"
#include "h2/points.h"
#include "h2/streams.h"
#include "http/fields.h"

/* --- what each frame pays -------------------------------------------------------------------- */

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
    session->ignored -= FRAME_HEADER + (int64_t)head->length;
    session->wire.at_fault = head->stream_id; /* should it break the connection */
    return rill_points_pay(session, head->length) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --- what arrives ---------------------------------------------------------------------------- */

static void retire_if_closed(rill_session *session, rill_stream *stream)
{
    if (stream->reason != RILL_OPEN)
        rill_streams_retire(&session->link, stream);
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, frame->hd.stream_id);
    if (!stream)
        return 0;
    rill_stream_begin_head(stream);
    if (stream->in_trailers && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, NGHTTP2_PROTOCOL_ERROR,
                          "a second head came that does not end the response (RFC 9113 8.1)");
    retire_if_closed(session, stream);
    return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *arg)
{
    (void)ng, (void)flags;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, frame->hd.stream_id);
    if (!stream)
        return 0;
    rill_stream_field(stream, (const char *)name, name_length, (const char *)value, value_length);
    retire_if_closed(session, stream);
    return 0;
}

/* Whether the peer must wait for the reader: with a rest of its window that is smaller than a frame
 * it may well wait for more. What the reader takes is returned by halves of the window, so a reader
 * that has taken all leaves at least half of it. */
static void note_held(const rill_session *session, rill_stream *stream)
{
    uint32_t half = stream->inlet.window / 2;
    int32_t least = FRAME_USUAL < half ? FRAME_USUAL : (int32_t)half;
    if (rill_streams_room(session, stream) < least)
        rill_stream_hold(stream, true);
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t length, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, id);
    uint32_t due = 0;
    if (stream) {
        session->points += session->frame_cost; /* padding included, and once for each frame */
        session->frame_cost = 0;
        size_t released = rill_stream_data(stream, data, length);
        session->link.look = session->link.look || stream->warn;
        if (!(flags & NGHTTP2_FLAG_END_STREAM)) { /* else the peer needs no window any more */
            due = rill_inlet_release(&stream->inlet, released);
            if (!due)
                note_held(session, stream);
        }
        retire_if_closed(session, stream);
    }
    session->consumed += length; /* the connection's window never waits for a reader */
    return !due || rill_streams_return(session, stream, due) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void end_stream(rill_session *session, rill_stream *stream)
{
    rill_points_give(session, 0); /* an empty frame that ends a stream is of use */
    rill_stream_received_end(stream);
    if (stream->local == HALF_CLOSED)
        return; /* nghttp2 closes it next */
    rill_stream_end(stream);
    rill_streams_retire(&session->link, stream);
}

static void set_rtt(rill_session *session, uint64_t since_ms)
{
    uint64_t rtt_ms = session->link.turn->now_ms - since_ms;
    session->link.rtt_ms = rtt_ms ? rtt_ms : 1;
}

/* Frames that may end a stream. */
static void receive_data(rill_session *session, rill_stream *stream, const nghttp2_frame *frame)
{
    if (!stream)
        return;
    if (stream->reason != RILL_OPEN)
        rill_streams_retire(&session->link, stream);
    else if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        end_stream(session, stream);
}

static void receive_head(rill_session *session, rill_stream *stream, const nghttp2_frame *frame)
{
    if (!stream)
        return;
    rill_stream_end_head(stream, frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (stream->starved && !stream->source->held)
        rill_link_resume(&session->link, stream); /* 100 (Continue) */
    if (stream->status) {
        session->link.answered = true;
        rill_points_give(session, frame->hd.length + SESSION_POINTS_HEAD * SESSION_POINT_BYTES);
    }
    session->link.look = session->link.look || stream->warn || stream->busy;
    receive_data(session, stream, frame);
}

static void receive_reset(rill_session *session, rill_stream *stream, const nghttp2_frame *frame)
{
    rill_points_pay_reset(session, frame->hd.stream_id);
    if (stream)
        stream->peer_reset = true; /* nghttp2 closes it next */
}

static void receive_settings(rill_session *session, rill_stream *stream, const nghttp2_frame *frame)
{
    (void)stream;
    rill_link *link = &session->link;
    if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
        if (!link->rtt_ms)
            set_rtt(session, session->opened_ms);
        session->acks_due--; /* nghttp2 refuses one too many */
        return;
    }
    link->greeted = true;
    for (int i = 0; i < 6; i++)
        link->peer_settings[i] =
            nghttp2_session_get_remote_settings(session->ng, (nghttp2_settings_id)(i + 1));
    link->limit = link->peer_settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS - 1];
}

static void receive_ping(rill_session *session, rill_stream *stream, const nghttp2_frame *frame)
{
    (void)stream;
    if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) || !session->link.ping_ms)
        return;
    set_rtt(session, session->link.ping_ms);
    session->link.ping_ms = 0;
    session->link.pong = true;
}

/* Before nghttp2 closes what it excludes. */
static void receive_goaway(rill_session *session, rill_stream *stream, const nghttp2_frame *frame)
{
    (void)stream;
    const nghttp2_goaway *goaway = &frame->goaway;
    session->link.goaway.received = true;
    session->link.goaway.last = goaway->last_stream_id;
    session->link.goaway.code = (int32_t)goaway->error_code;
    rill_streams_printable(session->link.goaway.debug, sizeof(session->link.goaway.debug),
                           goaway->opaque_data, goaway->opaque_data_len);
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    static void (*const by_type[])(rill_session *, rill_stream *, const nghttp2_frame *) = {
        [NGHTTP2_DATA] = receive_data,        [NGHTTP2_HEADERS] = receive_head,
        [NGHTTP2_RST_STREAM] = receive_reset, [NGHTTP2_SETTINGS] = receive_settings,
        [NGHTTP2_PING] = receive_ping,        [NGHTTP2_GOAWAY] = receive_goaway,
    };
    enum { TYPES = sizeof(by_type) / sizeof(by_type[0]) };
    (void)ng;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, frame->hd.stream_id);
    if (frame->hd.type < TYPES && by_type[frame->hd.type])
        by_type[frame->hd.type](session, stream, frame);
    else if (stream)
        retire_if_closed(session, stream);
    return 0;
}

/* Whether nghttp2 complained last of a field of this stream. */
static bool is_problem_of(const rill_session *session, int32_t id)
{
    char place[32];
    snprintf(place, sizeof(place), "stream: %d,", (int)id);
    return strstr(session->problem, place);
}

/* What nghttp2 complained of last, unless that is a field of another stream. */
static const char *problem_of(const rill_session *session, const rill_stream *stream)
{
    bool names_one = strstr(session->problem, "stream: ") != NULL;
    if (stream->malformed && !is_problem_of(session, stream->id))
        return "a malformed field (RFC 9113 8.1.1)";
    return session->problem[0] && (stream->malformed || !names_one) ? session->problem
                                                                    : "malformed response";
}

/* Whether nghttp2 has refused DATA, and not the end of what came. */
static bool is_too_long(const rill_session *session, const rill_stream *stream)
{
    return stream->remote == HALF_OPEN && !stream->in_trailers &&
           nghttp2_session_get_stream_remote_close(session->ng, stream->id) == 0;
}

/* What nghttp2 refuses without saying why. */
static void close_refused(const rill_session *session, rill_stream *stream, int32_t code)
{
    const enum rill_reason reason = RILL_PROTOCOL_ERROR;
    long long announced = stream->content_length;
    if (!stream->status)
        rill_stream_close(stream, reason, code, "the response has no final :status (RFC 9113 8.1)");
    else if (stream->status < 200)
        rill_stream_close(stream, reason, code,
                          "an interim status, %d, ends the response (RFC 9113 8.1)",
                          stream->status);
    else if (!rill_stream_has_body(stream))
        rill_stream_close(stream, reason, code,
                          "DATA came: a response %s has no body (RFC 9110 6.4.1)",
                          stream->is_head         ? "to HEAD"
                          : stream->status == 204 ? "with status 204"
                                                  : "with status 304");
    else if (announced >= 0 && is_too_long(session, stream))
        rill_stream_close(stream, reason, code,
                          "content-length announced %lld bytes, more arrived (RFC 9113 8.1.1)",
                          announced);
    else if (announced >= 0 && (uint64_t)announced != stream->received)
        rill_stream_close(stream, reason, code,
                          "content-length announced %lld bytes, %llu arrived (RFC 9113 8.1.1)",
                          announced, (unsigned long long)stream->received);
    else
        rill_stream_close(stream, reason, code, "the peer broke HTTP/2: %s",
                          problem_of(session, stream));
}

/* A frame that passes our window is larger than what is left of it. */
static void close_overrun(const rill_session *session, rill_stream *stream, int32_t code)
{
    if (rill_streams_room(session, stream) < (int32_t)session->link.setup->max_frame_size)
        rill_stream_close(
            stream, RILL_PROTOCOL_ERROR, code,
            "more DATA came than the stream's window of %d bytes (RFC 9113 6.9.1)",
            nghttp2_session_get_stream_effective_local_window_size(session->ng, stream->id));
    else
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, code,
                          "SETTINGS opened the stream's window beyond %d bytes (RFC 9113 6.9.2)",
                          INT32_MAX);
}

/* Why nghttp2 has reset a stream by itself. */
static void close_broken(const rill_session *session, rill_stream *stream, uint32_t code)
{
    if (code == NGHTTP2_INTERNAL_ERROR)
        rill_stream_close(stream, RILL_ERROR, (int32_t)code, "nghttp2 gave up: out of memory");
    else if (code == NGHTTP2_FLOW_CONTROL_ERROR)
        close_overrun(session, stream, (int32_t)code);
    else if (stream->malformed)
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, (int32_t)code, "the peer broke HTTP/2: %s",
                          problem_of(session, stream));
    else
        close_refused(session, stream, (int32_t)code);
}

/* node ends a body so, when a file is piped into it and its window is small. */
static bool is_whole(const rill_stream *stream)
{
    return stream->status && stream->content_length >= 0 &&
           (uint64_t)stream->content_length == stream->received;
}

static void say_why(rill_session *session, rill_stream *stream, uint32_t code)
{
    char text[CODE_TEXT];
    int32_t id = stream->id;
    if (stream->remote == HALF_CLOSED && (code == NGHTTP2_NO_ERROR || stream->peer_reset))
        rill_stream_end(stream);
    else if (stream->peer_reset && code == NGHTTP2_NO_ERROR && is_whole(stream))
        rill_stream_end(stream);
    else if (session->link.goaway.received && id > session->link.goaway.last && !stream->peer_reset)
        rill_stream_close(stream, RILL_GOAWAY, session->link.goaway.code,
                          "excluded by the peer's GOAWAY (%s, last stream %d)%s%s",
                          rill_code_text(text, session->link.goaway.code, false),
                          session->link.goaway.last, session->link.goaway.debug[0] ? ": " : "",
                          session->link.goaway.debug);
    else if (stream->peer_reset)
        rill_stream_close(stream, RILL_RESET, (int32_t)code, "the peer reset the stream: %s",
                          rill_code_text(text, (int32_t)code, true));
    else
        close_broken(session, stream, code);
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *arg)
{
    (void)ng;
    rill_session *session = arg;
    rill_stream *stream = rill_streams_find(session, id); /* NULL: we have closed it before */
    if (stream) {
        rill_streams_leave(session, stream);
        say_why(session, stream, code);
        if (stream->reason == RILL_GOAWAY)
            rill_stream_keep_flight(stream, session->link.flight);
        rill_streams_retire(&session->link, stream);
    }
    if (session->problem[0] && is_problem_of(session, id))
        session->problem[0] = '\0';
    return 0;
}

static int on_error(nghttp2_session *ng, int code, const char *message, size_t length, void *arg)
{
    (void)ng, (void)code;
    rill_session *session = arg;
    if (!strncmp(message, "Ignoring ", sizeof("Ignoring ") - 1))
        return 0; /* on_invalid_header() judges that field */

    const char *place = strstr(message, "stream: "); /* in front of what the peer has written */
    rill_stream *stream =
        place ? rill_streams_find(session, atoi(place + sizeof("stream: ") - 1)) : NULL;
    if (stream)
        stream->malformed = true;
    rill_streams_printable(session->problem, sizeof(session->problem), (const uint8_t *)message,
                           length);
    return 0;
}

/* Fields that nghttp2 would drop in silence: a response with them is malformed (RFC 9113 8.2.1),
 * unless they are kept. */
static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_length, const uint8_t *value, size_t value_length,
                             uint8_t flags, void *arg)
{
    rill_session *session = arg;
    if (rill_fields_is_kept((rill_chars){(const char *)name, name_length},
                            (rill_chars){(const char *)value, value_length}))
        return on_header(ng, frame, name, name_length, value, value_length, flags, arg);
    rill_stream *stream = rill_streams_find(session, frame->hd.stream_id);
    char shown[64];
    rill_streams_printable(shown, sizeof(shown), name, name_length);
    if (stream) {
        rill_stream_close(stream, RILL_PROTOCOL_ERROR, NGHTTP2_PROTOCOL_ERROR,
                          "the response's header field \"%s\" is malformed (RFC 9113 8.2.1)",
                          shown);
        rill_streams_retire(&session->link, stream);
    }
    return 0;
}

void rill_frames_receive_with(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_unpack_extension_callback(callbacks, on_unpack_extension);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
}
