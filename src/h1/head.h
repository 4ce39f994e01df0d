/* Reads the head of an HTTP/1.1 message: status line and fields, or trailers alone (RFC 9112
 * sections 2 to 5). Strict where a lax reading would let two programs disagree on where a message
 * ends, lenient where real servers need it; spec/h1/strict_spec.lua lists both. */
#ifndef RILL_H1_HEAD_H
#define RILL_H1_HEAD_H

#include "http/stream.h"

enum { H1_LINE_MAX = 1 << 20 }; /* bytes of a line, where max_header_list is none */

enum h1_head_state {
    H1_STATUS_LINE,
    H1_FIELD,     /* in a field's line */
    H1_FIELD_END, /* behind it: the next byte shows whether it goes on */
    H1_FOLD,      /* it does: in the blanks at the line's start */
    H1_HEAD_DONE
};

/* What the fields of a head say of its message. */
typedef struct rill_h1_head {
    enum h1_head_state state;
    bool trailers;          /* they say nothing of the message */
    bool skipped;           /* the empty line that may stand before a status line */
    rill_bytes line;        /* owned, gone when the head is done: a line, without what folds it */
    size_t length, blanks;  /* bytes of the head so far; of blanks that fold its lines */
    int minor;              /* HTTP/1.x */
    int status;             /* 100 to 999 */
    int64_t content_length; /* -1: not announced */
    bool chunked;
    bool close;           /* of `connection`, or `keep-alive: max=0` */
    bool keep_alive;      /* of `connection` */
    int32_t keep_alive_s; /* of `keep-alive: timeout`; -1: not announced */
} rill_h1_head;

/* Begins a head, or the trailers behind the last chunk. */
void rill_h1_head_init(rill_h1_head *head, bool trailers);

/* Takes what has arrived, up to the end of the head. Fields go to `stream` with their names in
 * lower case, ":status" last; they may close it (its limits). Returns how many bytes were taken, or
 * -RILL_PROTOCOL_ERROR with the rule that was broken, or -RILL_ERROR. */
int64_t rill_h1_head_read(rill_h1_head *head, const char *data, size_t length, rill_stream *stream,
                          rill_error *err);

#endif
