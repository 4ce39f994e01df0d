#include "pool/notes.h"

#include <stdio.h>
#include <string.h>

/* --- calls ----------------------------------------------------------------------------------- */

/* Adds a note with the call's URL, as it is shown: without user and password. */
static void add(const rill_call *call, rill_note *note)
{
    rill_journal *journal = call->limits.account->journal;
    const char *target = call->text + call->method_length;
    const char *scheme = call->tls ? "https://" : "http://";
    size_t scheme_length = strlen(scheme), path = call->target_length;
    if (path && target[0] != '/') /* "*", or a query without a path */
        path = 0;
    note->connection = call->peer ? call->peer->number : 0;
    note->stream = call->stream ? call->stream->id : 0;
    char *url = rill_journal_add(journal, note, scheme_length + call->authority_length + path);
    if (!url)
        return;
    memcpy(url, scheme, scheme_length);
    memcpy(url + scheme_length, target + call->target_length, call->authority_length);
    memcpy(url + scheme_length + call->authority_length, target, path);
}

void rill_notes_call(const rill_call *call, enum rill_note_type type)
{
    const rill_stream *stream = call->stream;
    rill_note note = {.type = type, .code = -1, .number = call->attempts};
    if (!call->limits.account->journal)
        return;
    if (type == RILL_NOTE_REQUEST) {
        note.text = call->text;
        note.text_length = call->method_length;
    } else if (stream && type != RILL_NOTE_SENT) {
        note.status = stream->status;
    }
    if (type == RILL_NOTE_DONE) {
        note.reason = rill_call_reason(call);
        if (stream) {
            note.bytes_received = (double)stream->received;
            note.timings = stream->timings;
            note.error = stream->errors;
        }
    }
    add(call, &note);
}

void rill_notes_retry(const rill_call *call, uint64_t delay_ms)
{
    rill_note note = {.type = RILL_NOTE_RETRY,
                      .code = -1,
                      .number = call->attempts,
                      .delay = (double)delay_ms / 1000,
                      .error = call->stream ? call->stream->errors : NULL};
    if (call->limits.account->journal)
        add(call, &note);
}

void rill_notes_head(rill_stream *stream)
{
    if (!stream->status || stream->noted)
        return;
    stream->noted = true;
    rill_notes_call(rill_call_of(stream), RILL_NOTE_HEAD);
}

void rill_notes_heads(const rill_conn *conn)
{
    for (rill_stream *stream = rill_conn_streams(conn); stream; stream = rill_stream_next(stream))
        rill_notes_head(stream);
}

/* --- connections ----------------------------------------------------------------------------- */

static void add_of_conn(rill_journal *journal, const rill_conn *conn, rill_note *note)
{
    note->connection = conn->setup.link.number;
    rill_journal_add(journal, note, 0);
}

static void add_address(rill_journal *journal, const rill_conn *conn, rill_note *note,
                        const char *host, unsigned port)
{
    char text[300];
    int length = snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    note->text = text;
    note->text_length = length < (int)sizeof(text) ? (uint32_t)length : (uint32_t)sizeof(text) - 1;
    add_of_conn(journal, conn, note);
}

void rill_notes_dial(rill_journal *journal, const rill_conn *conn)
{
    rill_note note = {.type = RILL_NOTE_DIAL, .code = -1};
    if (journal)
        add_address(journal, conn, &note, conn->setup.target.host, conn->setup.target.port);
}

void rill_notes_connected(rill_journal *journal, const rill_conn *conn)
{
    rill_peer_info info;
    if (!journal || !conn->peer || rill_peer_describe(conn->peer, &info))
        return;
    rill_note note = {.type = RILL_NOTE_CONNECTED, .code = -1, .resumed = info.resumed};
    note.timings.dns = conn->dns_s;
    note.timings.connect = conn->connect_s;
    note.timings.tls = conn->tls_s;
    memcpy(note.protocol, info.protocol, sizeof(note.protocol));
    if (info.ip_address[0])
        add_address(journal, conn, &note, info.ip_address, (unsigned)info.port);
    else
        add_of_conn(journal, conn, &note);
}

void rill_notes_ended(rill_journal *journal, const rill_conn *conn)
{
    static const rill_error unwanted = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the connection was not needed any more"};
    if (!journal)
        return;
    rill_note note = {.type = RILL_NOTE_FAILED, .code = -1, .error = &conn->error};
    if (conn->pool.counted) {
        note.type = RILL_NOTE_CLOSED;
        note.number = (uint32_t)conn->session->streams;
        note.error = conn->error.reason ? &conn->error : NULL;
    } else if (!conn->error.reason) {
        note.error = &unwanted;
    }
    add_of_conn(journal, conn, &note);
}

void rill_notes_goaway(rill_journal *journal, rill_conn *conn)
{
    const rill_link *session = conn->session;
    if (!journal || !session || !session->goaway.received ||
        (conn->pool.goaway_noted && conn->pool.goaway_last == session->goaway.last))
        return;
    conn->pool.goaway_noted = true;
    conn->pool.goaway_last = session->goaway.last;
    rill_note note = {.type = RILL_NOTE_GOAWAY,
                      .code = session->goaway.code,
                      .number = (uint32_t)session->goaway.last};
    add_of_conn(journal, conn, &note);
}

void rill_notes_warning(rill_journal *journal, const char *message)
{
    rill_note note = {.type = RILL_NOTE_WARNING,
                      .code = -1,
                      .text = message,
                      .text_length = (uint32_t)strlen(message)};
    if (journal)
        rill_journal_add(journal, &note, 0);
}
