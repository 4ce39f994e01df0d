/* nghttp2's callbacks: they record what arrived on which stream and what was sent. Private to
 * session.c, frames_in.c and frames_out.c. */
#ifndef RILL_FRAMES_H
#define RILL_FRAMES_H

#include "h2/session.h"

enum { FRAME_HEADER = 9, FRAME_USUAL = 16 << 10 }; /* RFC 9113 sections 4.1 and 4.2 */

/* Register the callbacks of either direction. */
void rill_frames_receive_with(nghttp2_session_callbacks *callbacks);
void rill_frames_send_with(nghttp2_session_callbacks *callbacks);

/* The stream of an id; NULL: stream 0, unknown, or closed on our side before. */
rill_stream *rill_frames_stream(nghttp2_session *ng, int32_t id);

/* nghttp2 has closed the stream, or is about to: it counts no more. */
void rill_frames_leave_wire(rill_session *session, rill_stream *stream);

/* A frame of no use pays by its payload's length. False: the peer has used up its points, and
 * `fatal` is set. */
bool rill_frames_pay(rill_session *session, size_t length);

/* A useful frame of `length` bytes gives back what it cost, see SESSION_POINTS. */
void rill_frames_give_points(rill_session *session, size_t length);

/* DATA of `length` bytes was sent: the peer opens its windows for it. */
void rill_frames_note_data(rill_session *session, size_t length);

/* The peer opens a window by `increment`: what it does for DATA costs it nothing. */
void rill_frames_excuse_update(rill_session *session, uint32_t increment);

/* Has the peer pay for what nghttp2 has read and told nobody of. False: `fatal` is set. */
bool rill_frames_pay_ignored(rill_session *session);

/* The first line of a peer's bytes, as a NUL-terminated text of at most `room` bytes. */
void rill_frames_printable(char *out, size_t room, const uint8_t *data, size_t length);

#endif
