/* What leaves: a request's head, then its body as its source has it. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "h1/session.h"
#include "http/fields.h"
#include "http/upload.h"

/* --- the head -------------------------------------------------------------------------------- */

static const rill_text nothing;

#define TEXT(literal)           ((rill_text){literal, sizeof(literal) - 1})
#define TEXT_IF(condition, ...) ((condition) ? (rill_text)__VA_ARGS__ : nothing)

bool rill_h1_write_head(rill_h1_session *session, const rill_stream *stream, const rill_head *head)
{
    const rill_text authority = {head->authority, head->authority_length};
    const rill_text target = {head->target, head->target_length};
    const rill_bytes *block = &head->defaults->block;
    const char *rights = head->proxy_authorization;
    /* a proxy is asked for the whole URL, which has no path where a server is asked for "*" (RFC
     * 9112 section 3.2.4) */
    bool whole = head->forward && !head->connect, asterisk = rill_fields_is(target, "*");
    /* nothing else can carry trailers, the length known or not */
    session->chunked = stream->source && (!head->length || stream->source->trailers.length);
    bool counted = head->length && !session->chunked;
    const rill_text parts[] = {
        {head->method, head->method_length},
        TEXT(" "),
        TEXT_IF(whole, {head->scheme, head->scheme_length}),
        TEXT_IF(whole, {"://", 3}),
        whole ? authority : nothing,
        head->connect       ? authority
        : whole && asterisk ? nothing
                            : target,
        TEXT(" HTTP/1.1\r\nhost: "),
        authority,
        rights ? TEXT("\r\nproxy-authorization: ") : nothing,
        TEXT_IF(rights, {rights, strlen(rights)}),
        head->block ? (rill_text){head->block, head->block_length}
                    : (rill_text){block->data, block->length},
        session->chunked ? TEXT("\r\ntransfer-encoding: chunked") : nothing,
        counted ? TEXT("\r\ncontent-length: ") : nothing,
        TEXT_IF(counted, {head->length, head->length_digits}),
        head->expect ? TEXT("\r\nexpect: 100-continue") : nothing,
        TEXT("\r\n\r\n"),
    };
    size_t length = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        length += parts[i].length;
    if (!rill_bytes_reserve(&session->link.turn->slab, &session->out, length))
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        rill_bytes_append(&session->link.turn->slab, &session->out, parts[i].data, parts[i].length);
    return true;
}

static void write_out(rill_h1_session *session, const void *data, size_t length)
{
    if (rill_transport_write(session->link.transport, data, length))
        rill_error_set(&session->link.fatal, RILL_ERROR, "cannot send: out of memory");
}

static void send_head(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    session->sent_before = link->transport->socket.bytes_sent;
    session->state = H1_HEAD;
    rill_frame_note_request(link, stream->id, session->out.data, session->out.length);
    if (!stream->source)
        rill_frame_note_part(link, true, PART_END, stream->id, 0);
    write_out(session, session->out.data, session->out.length);
    rill_bytes_dispose(&link->turn->slab, &session->out);
    rill_stream_sent_head(stream, !stream->source);
    link->streams++;
}

/* --- the body -------------------------------------------------------------------------------- */

static void end_body(rill_h1_session *session, rill_stream *stream)
{
    const rill_bytes *trailers = &stream->source->trailers;
    if (!session->chunked && trailers->length) {
        rill_stream_close(stream, RILL_BODY_ERROR, -1,
                          "HTTP/1.1 has no trailers behind a body of known length");
        return;
    }
    if (session->chunked) {
        write_out(session, "0", 1);
        write_out(session, trailers->data, trailers->length);
        write_out(session, "\r\n\r\n", 4);
    }
    if (trailers->length)
        rill_frame_note_part(&session->link, true, PART_TRAILERS, stream->id, trailers->length);
    rill_frame_note_part(&session->link, true, PART_END, stream->id, 0);
    rill_stream_sent_end(stream);
}

/* "%04x" and CR LF before a chunk, CR LF behind. */
enum { CHUNK_BEFORE = 6, CHUNK_BEHIND = 2 };

/* False: there is nothing to send yet. */
static bool send_piece(rill_h1_session *session, rill_stream *stream)
{
    char *start = (char *)session->link.turn->plain, *data = start + CHUNK_BEFORE;
    rill_error error = {0};
    bool last = false;
    int64_t n =
        rill_upload_read(stream, data, TURN_PLAIN - CHUNK_BEFORE - CHUNK_BEHIND, &last, &error);
    if (n == SOURCE_LATER)
        return false;
    if (n < 0) {
        rill_stream_close_because(stream, &error);
        return true;
    }
    if (n && session->chunked) {
        char size[CHUNK_BEFORE + 1];
        snprintf(size, sizeof(size), "%04x\r\n", (unsigned)n);
        memcpy(start, size, CHUNK_BEFORE);
        memcpy(data + n, "\r\n", CHUNK_BEHIND);
        write_out(session, start, (size_t)n + CHUNK_BEFORE + CHUNK_BEHIND);
    } else if (n) {
        write_out(session, data, (size_t)n);
    }
    if (n)
        rill_frame_note_part(&session->link, true, PART_BODY, stream->id, (size_t)n);
    session->link.sent += (uint32_t)n;
    if (last)
        end_body(session, stream);
    rill_upload_sent(stream, stream->local != HALF_OPEN);
    return true;
}

static void send_body(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    stream->blocked = false;
    link->blocked = 0;
    while (stream->local == HALF_OPEN && !stream->starved && !link->fatal.reason) {
        if (rill_transport_blocked(link->transport) || rill_link_has_sent(link)) {
            stream->blocked = true;
            link->blocked = 1;
            return;
        }
        if (stream->source->held || !send_piece(session, stream))
            rill_upload_starve(stream);
        if (stream->reason != RILL_OPEN) {
            rill_link_retire(link, stream);
            return;
        }
    }
}

void rill_h1_send(rill_link *link)
{
    rill_h1_session *session = rill_h1_of(link);
    rill_stream *stream = rill_stream_first(&link->open);
    if (!stream || link->goodbye == LINK_DEAF || link->fatal.reason)
        return;
    if (session->out.length)
        send_head(session, stream);
    if (stream->local == HALF_OPEN)
        send_body(session, stream);
}

void rill_h1_resume(rill_link *link, rill_stream *stream)
{
    if (rill_stream_first(&link->open) == stream)
        rill_upload_feed(stream);
}
