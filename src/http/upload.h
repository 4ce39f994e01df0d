/* A request's body on its way out, whatever carries it. */
#ifndef RILL_UPLOAD_H
#define RILL_UPLOAD_H

#include "http/stream.h"

/* The next piece of the body, up to `room` bytes (1 or more), copied to `out`; `*last`: nothing
 * comes behind it. Returns how many bytes, SOURCE_LATER, or a negative rill_reason. */
int64_t rill_upload_read(rill_stream *stream, void *out, size_t room, bool *last, rill_error *err);

/* The two ways of it: of a file, and of what stands in memory already, of which `length` bytes must
 * be ready. */
int64_t rill_upload_read_file(rill_stream *stream, void *out, size_t room, bool *last,
                              rill_error *err);
void rill_upload_take(rill_stream *stream, void *out, size_t length);

/* Its head was sent and the body follows: what is ready waits for the peer from now on. */
void rill_upload_begin(rill_stream *stream);

/* Its source has nothing for now; something again (false: that was not waited for). */
void rill_upload_starve(rill_stream *stream);
bool rill_upload_feed(rill_stream *stream);

/* Nothing more of it is wanted. */
void rill_upload_stop(rill_stream *stream);

/* A piece has gone, the last one or not: between two of them the peer is waited for. */
void rill_upload_sent(rill_stream *stream, bool last);

#endif
