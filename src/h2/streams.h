/* The streams of a session: found by their ids, resumed, taken off the wire. */
#ifndef RILL_STREAMS_H
#define RILL_STREAMS_H

#include "h2/session.h"

/* Where a stream that is on the wire is remembered until it leaves, or another one of the same
 * place is looked up. Ours have odd ids. */
static inline rill_stream **rill_streams_place(rill_session *session, int32_t id)
{
    return &session->found.places[(uint32_t)id / 2 & (session->found.room - 1)];
}

void rill_streams_init(rill_session *session);
void rill_streams_dispose(rill_session *session);

/* There are so many on the wire: as many can be remembered, if there is memory for it. */
void rill_streams_make_room(rill_session *session, uint32_t streams);

/* Asks nghttp2, and remembers the stream. */
rill_stream *rill_streams_look_up(rill_session *session, int32_t id);

/* The stream of an id; NULL: stream 0, unknown, or closed on our side before. Callbacks ask for
 * each a dozen times. */
static inline rill_stream *rill_streams_find(rill_session *session, int32_t id)
{
    rill_stream *found = *rill_streams_place(session, id);
    return found && found->id == id ? found : rill_streams_look_up(session, id);
}

/* nghttp2 has closed the stream, or is about to: it counts no more. */
void rill_streams_leave(rill_session *session, rill_stream *stream);

/* What nghttp2 has answered to a frame that one end would wait for for ever. False: out of memory,
 * which is fatal. */
bool rill_streams_queued(rill_session *session, int code);

/* So much of its window goes back to the peer, once it is enough for an update. False: out of
 * memory, which is fatal. */
bool rill_streams_return(rill_session *session, rill_stream *stream, uint32_t length);

/* Rows of the protocol's table. One that cannot go on is closed. */
void rill_streams_retire(rill_link *link, rill_stream *stream);
void rill_streams_resume(rill_link *link, rill_stream *stream);

/* From now on streams begin with LINK_HEAD_WINDOW. 0 or an error of nghttp2's. */
int rill_streams_narrow(rill_session *session);

/* Gives a stream the rest of its window, once: when its request has been sent, or its reader wants
 * more, or `rill_streams_narrow` takes it away. It goes by what the peer has when it gets there,
 * which nghttp2 does not know before the ACK: and net/http of Go has one for all SETTINGS that came
 * together. Out of memory is fatal. */
void rill_streams_widen(rill_session *session, const rill_stream *stream);
void rill_streams_open_more(rill_session *session, const rill_stream *stream, uint32_t more);

/* What the peer may still send on it, whatever it has acknowledged. */
int32_t rill_streams_room(const rill_session *session, const rill_stream *stream);

/* The first line of a peer's bytes, as a NUL-terminated text of at most `room` bytes. */
void rill_streams_printable(char *out, size_t room, const uint8_t *data, size_t length);

#endif
