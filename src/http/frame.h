/* What passes on a connection, frame by frame, or message by message where a protocol has no
 * frames: for RILL_TRACE=frames, and of messages for what is kept of a connection. Names, numbers
 * and sizes, never field values or payload. */
#ifndef RILL_FRAME_H
#define RILL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_NAME = 24, FRAME_FLAGS = 64, FRAME_NOTE = 8 };

typedef struct rill_frame {
    bool sent;
    uint8_t type, flags;   /* as the protocol numbers them; its name_frame() knows their names */
    int32_t stream;        /* 0: the connection's own */
    uint32_t length;       /* of what follows the frame's head; of a whole head; of a body's part */
    char note[FRAME_NOTE]; /* a method or a status, cut; "": none */
} rill_frame;

/* The frames of a protocol without frames: parts of messages. */
enum { PART_REQUEST, PART_RESPONSE, PART_BODY, PART_TRAILERS, PART_END };

struct rill_link;

/* Each frame goes through here, both ways, in order. */
void rill_frame_note(struct rill_link *link, const rill_frame *frame);

/* Parts of messages: the first ones with method and status; a request's head is `text`. */
void rill_frame_note_part(struct rill_link *link, bool sent, int part, int32_t stream,
                          size_t length);
void rill_frame_note_request(struct rill_link *link, int32_t stream, const char *text,
                             size_t length);
void rill_frame_note_status(struct rill_link *link, int32_t stream, int status, size_t length);

/* See rill_protocol. */
void rill_frame_name_part(const rill_frame *frame, char *name, char *flags);

#endif
