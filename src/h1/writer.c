/* What leaves: a request's head, then its body as its source has it. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "h1/session.h"

static void write_out(rill_link *link, const void *data, size_t length)
{
    if (rill_transport_write(link->transport, data, length))
        rill_error_set(&link->fatal, RILL_ERROR, "cannot send: out of memory");
}

static void send_head(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    session->sent_before = link->transport->socket.bytes_sent;
    session->state = H1_HEAD;
    rill_frame_note_request(link, stream->id, session->out.data, session->out.length);
    if (!stream->source)
        rill_frame_note_part(link, true, PART_END, stream->id, 0);
    write_out(link, session->out.data, session->out.length);
    rill_bytes_dispose(&link->turn->slab, &session->out);
    rill_stream_sent_head(stream, !stream->source);
    rill_upload_begin(stream);
    link->streams++;
}

/* --- the body -------------------------------------------------------------------------------- */

static void end_body(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    const rill_bytes *trailers = &stream->source->trailers;
    if (!session->chunked && trailers->length) {
        rill_stream_close(stream, RILL_BODY_ERROR, -1,
                          "HTTP/1.1 has no trailers behind a body of known length");
        return;
    }
    if (session->chunked) {
        write_out(link, "0", 1);
        write_out(link, trailers->data, trailers->length);
        write_out(link, "\r\n\r\n", 4);
    }
    if (trailers->length)
        rill_frame_note_part(link, true, PART_TRAILERS, stream->id, trailers->length);
    rill_frame_note_part(link, true, PART_END, stream->id, 0);
    rill_stream_sent_end(stream);
}

/* "%04x" and CR LF before a chunk, CR LF behind. */
enum { CHUNK_BEFORE = 6, CHUNK_BEHIND = 2 };

static void write_piece(rill_h1_session *session, char *data, size_t length)
{
    char size[CHUNK_BEFORE + 1];
    if (session->chunked) {
        snprintf(size, sizeof(size), "%04x\r\n", (unsigned)length);
        data = memcpy(data - CHUNK_BEFORE, size, CHUNK_BEFORE);
        memcpy(data + CHUNK_BEFORE + length, "\r\n", CHUNK_BEHIND);
    }
    write_out(&session->link, data, length + (session->chunked ? CHUNK_BEFORE + CHUNK_BEHIND : 0));
}

static void send_piece(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    char *data = (char *)link->turn->plain + CHUNK_BEFORE;
    rill_error error = {0};
    bool last = false;
    int64_t n =
        rill_upload_read(stream, data, TURN_PLAIN - CHUNK_BEFORE - CHUNK_BEHIND, &last, &error);
    if (n == SOURCE_LATER)
        rill_upload_starve(stream);
    else if (n < 0)
        rill_stream_close_because(stream, &error);
    if (n < 0)
        return;
    if (n) {
        write_piece(session, data, (size_t)n);
        rill_frame_note_part(link, true, PART_BODY, stream->id, (size_t)n);
    }
    link->sent += (uint32_t)n;
    if (last)
        end_body(session, stream);
    rill_upload_sent(stream, stream->local != HALF_OPEN);
}

void rill_h1_send(rill_link *link)
{
    rill_h1_session *session = rill_h1_of(link);
    rill_stream *stream = rill_stream_first(&link->open);
    if (!stream || link->goodbye == LINK_DEAF || link->fatal.reason)
        return;
    if (session->out.length)
        send_head(session, stream);
    rill_link_unblock(link, stream);
    while (stream->local == HALF_OPEN && stream->reason == RILL_OPEN && !stream->starved &&
           !link->fatal.reason && !rill_link_puts_off(link, stream))
        send_piece(session, stream);
    if (stream->reason != RILL_OPEN)
        rill_link_retire(link, stream);
}
