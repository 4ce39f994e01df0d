/* Reads the head of an HTTP/1.1 message: status line and fields, or trailers alone (RFC 9112
 * sections 2 to 5). Strict where a lax reading would let two programs disagree on where a message
 * ends, lenient where real servers need it; the reference page of HTTP/1.1 lists both. */
#ifndef RILL_H1_HEAD_H
#define RILL_H1_HEAD_H

#include "http/stream.h"

enum h1_head_state { H1_STATUS_LINE, H1_FIELDS, H1_HEAD_DONE };

/* What the fields of a head say of its message. */
typedef struct rill_h1_head {
    enum h1_head_state state;
    bool trailers;          /* they say nothing of the message */
    bool any;               /* a field or an empty line has been read */
    size_t scanned;         /* bytes behind what was taken that are known to end no line */
    int minor;              /* HTTP/1.x */
    int status;             /* 100 to 999 */
    int64_t content_length; /* -1: not announced */
    bool chunked;
    bool close, keep_alive; /* named in `connection` */
    int32_t keep_alive_s;   /* of `keep-alive: timeout`; -1: not announced */
    bool last;              /* `keep-alive: max=0` */
} rill_h1_head;

/* Begins a head, or the trailers behind the last chunk. */
void rill_h1_head_init(rill_h1_head *head, bool trailers);

/* Takes the complete lines of `data`, which is changed: names get lower case, folded lines one
 * blank. Fields go to `stream`, ":status" last, which may close it (its limits). Returns how many
 * bytes were taken: give the rest again, with what arrives behind it. Look at `state` afterwards.
 * -RILL_PROTOCOL_ERROR: not HTTP/1.1; which rule was broken is in `err`. */
int64_t rill_h1_head_read(rill_h1_head *head, char *data, size_t length, rill_stream *stream,
                          rill_error *err);

#endif
