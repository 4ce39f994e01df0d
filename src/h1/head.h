/* Reads the head of an HTTP/1.1 message: status line and fields, or trailers alone (RFC 9112
 * sections 2 to 5), and what they say of where the message ends.
 * spec/h1/strict_spec.lua lists what is refused, and what not. */
#ifndef RILL_H1_HEAD_H
#define RILL_H1_HEAD_H

#include "http/lines.h"
#include "http/stream.h"

enum { H1_LINE_MAX = 1 << 20 }; /* bytes of a line, where max_header_list is none */

typedef struct rill_h1_head {
    rill_lines lines; /* without a status they are trailers, which say nothing of the message */
    int64_t content_length; /* -1: not announced */
    bool chunked;
    bool close;       /* of `connection`, or `keep-alive: max=0` */
    bool keep_alive;  /* of `connection` */
    uint64_t idle_ms; /* a second less than `keep-alive: timeout`, mostly; 0: not announced */
} rill_h1_head;

/* Begins a head, or the trailers behind the last chunk. */
void rill_h1_head_init(rill_h1_head *head, bool trailers);

/* Takes what has arrived, up to the end of the head. Fields go to `stream` with their names in
 * lower case, the status last; they may close it (its limits). Returns how many bytes were taken,
 * or -RILL_PROTOCOL_ERROR with the rule that was broken, or -RILL_ERROR. */
int64_t rill_h1_head_read(rill_h1_head *head, const char *data, size_t length, rill_stream *stream,
                          rill_error *err);

#endif
