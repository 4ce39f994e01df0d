#include "h2/streams.h"

#include <string.h>

#include "base/error.h"
#include "h2/points.h"

void rill_streams_init(rill_session *session)
{
    memset(session->found.first, 0, sizeof(session->found.first));
    session->found.places = session->found.first;
    session->found.room = SESSION_FOUND_FIRST;
}

void rill_streams_dispose(rill_session *session)
{
    if (session->found.places != session->found.first)
        rill_slab_free(&session->link.turn->slab, session->found.places);
    rill_streams_init(session);
}

/* Nothing is carried over: nghttp2 is asked once for each. */
void rill_streams_make_room(rill_session *session, uint32_t streams)
{
    uint32_t room = session->found.room;
    while (room < streams && room < SESSION_FOUND_MOST)
        room *= 2;
    if (room == session->found.room)
        return;
    rill_slab *slab = &session->link.turn->slab;
    rill_stream **places = rill_slab_zalloc(slab, room * sizeof(*places));
    if (!places)
        return;
    rill_streams_dispose(session);
    session->found.places = places;
    session->found.room = room;
}

rill_stream *rill_streams_look_up(rill_session *session, int32_t id)
{
    rill_stream *stream = id > 0 ? nghttp2_session_get_stream_user_data(session->ng, id) : NULL;
    if (stream && stream->on_wire)
        *rill_streams_place(session, id) = stream;
    return stream;
}

void rill_streams_leave(rill_session *session, rill_stream *stream)
{
    if (!stream->on_wire)
        return;
    rill_link_leave(&session->link, stream);
    rill_stream **place = rill_streams_place(session, stream->id);
    if (*place == stream)
        *place = NULL;
    if (stream->remote != HALF_CLOSED && !stream->peer_reset) {
        int32_t window = rill_streams_room(session, stream);
        session->in_flight += window > 0 ? window : 0;
    }
    if (!stream->status)
        rill_points_give(session, SESSION_POINTS_HEAD * SESSION_POINT_BYTES);
    session->resets_due += stream->data_frames;
    if (session->resets_due > SESSION_POINTS)
        session->resets_due = SESSION_POINTS;
}

bool rill_streams_queued(rill_session *session, int code)
{
    if (code == NGHTTP2_ERR_NOMEM) {
        rill_error_memory(&session->link.fatal);
        session->link.fatal.code = NGHTTP2_INTERNAL_ERROR;
    }
    return code != NGHTTP2_ERR_NOMEM;
}

/* nghttp2 sends an update for half a window, which is HTTP/2's first one until the peer has taken
 * up ours: with less it need not be asked. */
static uint32_t least_update(const rill_stream *stream)
{
    enum { FIRST_WINDOW = 65535 };
    uint32_t window = stream->inlet.window;
    return (window < FIRST_WINDOW ? window : FIRST_WINDOW) / 2;
}

bool rill_streams_return(rill_session *session, rill_stream *stream, uint32_t length)
{
    stream->returned += length;
    if (!stream->on_wire || stream->returned < least_update(stream))
        return true;
    int code = nghttp2_session_consume_stream(session->ng, stream->id, stream->returned);
    stream->returned = 0;
    return rill_streams_queued(session, code);
}

void rill_streams_retire(rill_link *link, rill_stream *stream)
{
    rill_session *session = rill_session_of(link);
    if (stream->on_wire) {
        uint32_t code = NGHTTP2_CANCEL;
        if (stream->reason == RILL_ENDED || stream->over)
            code = NGHTTP2_NO_ERROR; /* the response is complete: our upload is not wanted */
        else if (stream->code != -1)
            code = (uint32_t)stream->code;
        nghttp2_session_set_stream_user_data(session->ng, stream->id, NULL);
        session->link.cut = session->link.cut || code != NGHTTP2_NO_ERROR;
        nghttp2_submit_rst_stream(session->ng, NGHTTP2_FLAG_NONE, stream->id, code);
        rill_streams_leave(session, stream);
    }
    rill_stream_move(stream, &session->link.closed);
}

void rill_streams_resume(rill_link *link, rill_stream *stream)
{
    if (nghttp2_session_resume_data(rill_session_of(link)->ng, stream->id) != NGHTTP2_ERR_NOMEM)
        return;
    rill_stream_close(stream, RILL_ERROR, NGHTTP2_INTERNAL_ERROR, "out of memory");
    rill_streams_retire(link, stream);
}

void rill_streams_open_more(rill_session *session, const rill_stream *stream, uint32_t more)
{
    int32_t window =
        nghttp2_session_get_stream_effective_local_window_size(session->ng, stream->id);
    int64_t wider = (int64_t)window + more;
    wider = wider < INT32_MAX ? wider : INT32_MAX;
    int code = nghttp2_session_set_local_window_size(session->ng, NGHTTP2_FLAG_NONE, stream->id,
                                                     (int32_t)wider);
    rill_streams_queued(session, code);
}

void rill_streams_widen(rill_session *session, const rill_stream *stream)
{
    if (session->narrow && !stream->inlet.narrow && stream->on_wire && stream->inlet.window &&
        stream->local != HALF_IDLE)
        rill_streams_open_more(session, stream, session->link.setup->window - LINK_HEAD_WINDOW);
}

int32_t rill_streams_room(const rill_session *session, const rill_stream *stream)
{
    int32_t room = nghttp2_session_get_stream_local_window_size(session->ng, stream->id);
    bool too_much = session->narrow && session->acks_due == 1; /* before: HTTP/2's first one */
    return too_much ? room - (int32_t)(session->link.setup->window - LINK_HEAD_WINDOW) : room;
}

int rill_streams_narrow(rill_session *session)
{
    nghttp2_settings_entry setting = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LINK_HEAD_WINDOW};
    if (session->narrow || session->link.setup->window <= LINK_HEAD_WINDOW)
        return 0;
    int code = nghttp2_submit_settings(session->ng, NGHTTP2_FLAG_NONE, &setting, 1);
    if (code)
        return code;
    session->narrow = true;
    session->acks_due++;
    for (rill_stream *each = rill_stream_first(&session->link.open); each;
         each = rill_stream_next(each))
        rill_streams_widen(session, each);
    return 0;
}

void rill_streams_printable(char *out, size_t room, const uint8_t *data, size_t length)
{
    size_t n = 0;
    for (; n < length && n + 1 < room && data[n] != '\r' && data[n] != '\n'; n++)
        out[n] = data[n] >= ' ' && data[n] < 0x7f ? (char)data[n] : '.';
    out[n] = 0;
}
