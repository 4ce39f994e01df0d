/* What leaves: a request's head, then its body as its source has it. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "h1/session.h"

void rill_h1_note(rill_h1_session *session, bool sent, enum h1_part part, size_t length,
                  const char *note, size_t note_length)
{
    rill_frame frame = {.sent = sent,
                        .type = (uint8_t)part,
                        .stream = session->last_id,
                        .length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX};
    memcpy(frame.note, note, note_length < FRAME_NOTE ? note_length : FRAME_NOTE - 1);
    rill_frame_note(&session->link, &frame);
}

/* --- the head -------------------------------------------------------------------------------- */

static bool add(rill_h1_session *session, const char *data, size_t length)
{
    return !length || rill_bytes_append(&session->link.turn->slab, &session->out, data, length);
}

#define ADD(session, text) add(session, text, sizeof(text) - 1)

/* A body with trailers is chunked, its length known or not: nothing else can carry them. */
static bool add_framing(rill_h1_session *session, const rill_stream *stream, const rill_head *head)
{
    const rill_source *source = stream->source;
    session->chunked = source && (!head->length || source->trailers.length);
    if (session->chunked)
        return ADD(session, "\r\ntransfer-encoding: chunked");
    return !head->length || (ADD(session, "\r\ncontent-length: ") &&
                             add(session, head->length, head->length_digits));
}

/* What is asked of a proxy is the whole URL; "*" of a server is a URL without a path there (RFC
 * 9112 section 3.2.4). */
static bool add_target(rill_h1_session *session, const rill_head *head)
{
    if (head->connect)
        return add(session, head->authority, head->authority_length);
    if (!head->forward)
        return add(session, head->target, head->target_length);
    bool asterisk = head->target_length == 1 && head->target[0] == '*';
    return add(session, head->scheme, strlen(head->scheme)) && ADD(session, "://") &&
           add(session, head->authority, head->authority_length) &&
           (asterisk || add(session, head->target, head->target_length));
}

static bool add_rights(rill_h1_session *session, const char *rights)
{
    return !rights ||
           (ADD(session, "\r\nproxy-authorization: ") && add(session, rights, strlen(rights)));
}

bool rill_h1_write_head(rill_h1_session *session, const rill_stream *stream, const rill_head *head)
{
    const rill_bytes *block = &head->defaults->block;
    return add(session, head->method, head->method_length) && ADD(session, " ") &&
           add_target(session, head) && ADD(session, " HTTP/1.1\r\nhost: ") &&
           add(session, head->authority, head->authority_length) &&
           add_rights(session, head->proxy_authorization) &&
           (head->block ? add(session, head->block, head->block_length)
                        : add(session, block->data, block->length)) &&
           add_framing(session, stream, head) &&
           (!head->expect || ADD(session, "\r\nexpect: 100-continue")) && ADD(session, "\r\n\r\n");
}

/* --- the body -------------------------------------------------------------------------------- */

static void write_out(rill_h1_session *session, const void *data, size_t length)
{
    if (rill_transport_write(session->link.transport, data, length))
        rill_error_set(&session->link.fatal, RILL_ERROR, "cannot send: out of memory");
}

/* Between two pieces an upload waits for the peer, or not at all. */
static void note_sent(rill_stream *stream, bool more)
{
    uint64_t now_ms = stream->turn->now_ms;
    if (stream->remote_since_ms)
        stream->stalled_remote_ms += (uint32_t)(now_ms - stream->remote_since_ms);
    stream->remote_since_ms = more ? now_ms : 0;
    stream->active_ms = now_ms;
}

/* The next piece of the body; SOURCE_LATER, or negative: the file has failed. */
static int64_t read_source(rill_stream *stream, char *out, size_t room, bool *last, rill_error *err)
{
    rill_source *source = stream->source;
    if (rill_source_is_file(source)) {
        int64_t n = rill_source_read(source, out, room, err);
        *last = !n || (source->kind == SOURCE_FILE && source->taken == (uint64_t)source->length);
        return n;
    }
    uint64_t ready = rill_source_ready(source, last);
    if (!ready && !*last)
        return SOURCE_LATER;
    *last = *last && ready <= room;
    size_t length = ready < room ? (size_t)ready : room;
    rill_source_take(&stream->turn->slab, source, out, length);
    if (source->writer_waits && source->fed.length <= SOURCE_HIGH_WATER) {
        source->writer_waits = false;
        rill_turn_report(stream->turn, stream->entry, RILL_EVENT_WRITABLE);
    }
    return (int64_t)length;
}

static void end_body(rill_h1_session *session, rill_stream *stream)
{
    const rill_bytes *trailers = &stream->source->trailers;
    if (session->chunked) {
        write_out(session, "0", 1);
        if (trailers->length)
            write_out(session, trailers->data, trailers->length);
        if (trailers->length)
            rill_h1_note(session, true, H1_PART_TRAILERS, trailers->length, "", 0);
        write_out(session, "\r\n\r\n", 4);
    } else if (trailers->length) {
        rill_stream_close(stream, RILL_BODY_ERROR, -1,
                          "HTTP/1.1 has no trailers behind a body of known length");
        return;
    }
    rill_h1_note(session, true, H1_PART_END, 0, "", 0);
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
    int64_t n = read_source(stream, data, TURN_PLAIN - CHUNK_BEFORE - CHUNK_BEHIND, &last, &error);
    if (n == SOURCE_LATER)
        return false;
    if (n < 0) {
        rill_stream_close(stream, (enum rill_reason)error.reason, -1, "%s", error.message);
    } else if (n && session->chunked) {
        char size[CHUNK_BEFORE + 1];
        snprintf(size, sizeof(size), "%04x\r\n", (unsigned)n);
        memcpy(start, size, CHUNK_BEFORE);
        memcpy(data + n, "\r\n", CHUNK_BEHIND);
        write_out(session, start, (size_t)n + CHUNK_BEFORE + CHUNK_BEHIND);
    } else if (n) {
        write_out(session, data, (size_t)n);
    }
    if (n > 0)
        rill_h1_note(session, true, H1_PART_BODY, (size_t)n, "", 0);
    if (n >= 0 && last)
        end_body(session, stream);
    session->link.sent += n > 0 ? (uint32_t)n : 0;
    note_sent(stream, stream->local == HALF_OPEN);
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
        if (stream->source->held || !send_piece(session, stream)) {
            stream->starved = true;
            stream->remote_since_ms = 0; /* it is not the peer that is waited for */
        }
        if (stream->reason != RILL_OPEN) {
            rill_link_retire(link, stream);
            return;
        }
    }
}

static void send_head(rill_h1_session *session, rill_stream *stream)
{
    rill_link *link = &session->link;
    session->sent_before = link->transport->socket.bytes_sent;
    session->state = H1_HEAD;
    const char *blank = memchr(session->out.data, ' ', session->out.length);
    rill_h1_note(session, true, H1_PART_REQUEST, session->out.length, session->out.data,
                 (size_t)(blank - session->out.data));
    if (!stream->source)
        rill_h1_note(session, true, H1_PART_END, 0, "", 0);
    write_out(session, session->out.data, session->out.length);
    rill_bytes_dispose(&link->turn->slab, &session->out);
    rill_stream_sent_head(stream, !stream->source);
    link->streams++;
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
    if (!stream->starved || rill_stream_first(&link->open) != stream)
        return;
    stream->starved = false;
    stream->active_ms = stream->turn->now_ms; /* the pause was ours */
}
