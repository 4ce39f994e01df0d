/* A frame in RFC 9113's words, for RILL_TRACE=frames. */
#ifndef RILL_FRAME_TRACE_H
#define RILL_FRAME_TRACE_H

#include <stdint.h>

struct rill_link;

/* Writes its line, "recv HEADERS stream 1 length 20 END_HEADERS"; for who has seen that
 * frames are traced. */
void rill_frame_trace(const struct rill_link *link, const char *direction, uint8_t type,
                      uint8_t flags, int32_t stream, uint32_t length);

#endif
