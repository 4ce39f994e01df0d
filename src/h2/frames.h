/* nghttp2's callbacks: they record what arrived on which stream and what was sent. Private to the
 * rooms of h2. */
#ifndef RILL_FRAMES_H
#define RILL_FRAMES_H

#include "h2/session.h"

enum { FRAME_HEADER = 9, FRAME_USUAL = 16 << 10 }; /* RFC 9113 sections 4.1 and 4.2 */

/* Register the callbacks of either direction. */
void rill_frames_receive_with(nghttp2_session_callbacks *callbacks);
void rill_frames_send_with(nghttp2_session_callbacks *callbacks);

/* Makes frames of what nghttp2 has to send, and writes them into the transport. What goes wrong is
 * in `fatal`. */
void rill_frames_make(rill_session *session);

/* The protocol's `send`. */
void rill_frames_send(rill_link *link);

/* Where nghttp2 gets a request's body from: as it asks for it. */
ssize_t rill_frames_read_body(nghttp2_session *ng, int32_t id, uint8_t *buffer, size_t length,
                              uint32_t *flags, nghttp2_data_source *data_source, void *arg);

#endif
