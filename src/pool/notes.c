#include "pool/notes.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* --- calls ----------------------------------------------------------------------------------- */

/* What all notes of a call point into: its method, and its URL as it is shown, without user and
 * password. NULL: out of memory. */
static RILL_APART rill_copy *make_name(rill_call *call)
{
    const char *scheme = call->tls ? "https://" : "http://";
    const char *target = call->text + call->method_length;
    size_t scheme_length = call->tls ? 8 : 7, method = call->method_length;
    size_t path = call->target_length, authority = call->authority_length;
    if (path && target[0] != '/') /* "*", or a query without a path */
        path = 0;
    rill_copy *name = rill_copy_new(&call->turn->slab, method + scheme_length + authority + path);
    if (!name)
        return NULL;
    char *url = name->bytes + method;
    memcpy(name->bytes, call->text, method);
    memcpy(url, scheme, 8); /* its last byte may be the NUL: the authority comes over it */
    memcpy(url + scheme_length, target + call->target_length, authority);
    memcpy(url + scheme_length + authority, target, path);
    call->name = name;
    return name;
}

static rill_note *add(rill_call *call, rill_journal *journal, enum rill_note_type type)
{
    rill_note *note = rill_journal_add(journal, type);
    if (!note)
        return NULL;
    note->request = (int32_t)(uint32_t)call->number;
    note->number = call->attempts;
    note->connection = call->peer ? call->peer->number : 0;
    note->stream = call->stream ? call->stream->id : 0;
    rill_copy *name = call->name ? call->name : make_name(call);
    if (name)
        rill_journal_share(note, name, call->method_length);
    return note;
}

static void add_done(rill_call *call, rill_journal *journal)
{
    const rill_stream *stream = call->stream;
    rill_note *note = add(call, journal, RILL_NOTE_DONE);
    if (!note)
        return;
    note->reason = (int32_t)rill_call_reason(call);
    if (!stream) {
        note->bytes_received = 0;
        note->timings = (rill_timings){0};
        return;
    }
    note->status = stream->status;
    note->with_head = stream->status && !stream->noted;
    note->bytes_received = (double)(int64_t)stream->received;
    note->timings = stream->timings;
    rill_journal_write_error(journal, note, stream->errors);
}

void rill_notes_write(rill_call *call, enum rill_note_type type)
{
    rill_journal *journal = call->limits.account->journal;
    if (type == RILL_NOTE_DONE) {
        add_done(call, journal);
        return;
    }
    rill_note *note = add(call, journal, type);
    if (note && type == RILL_NOTE_HEAD)
        note->status = call->stream->status;
}

void rill_notes_head(rill_stream *stream)
{
    if (!stream->status || stream->noted)
        return;
    stream->noted = true;
    rill_notes_call(rill_call_of(stream), RILL_NOTE_HEAD);
}

void rill_notes_retry(rill_call *call, uint64_t delay_ms)
{
    rill_journal *journal = call->limits.account->journal;
    if (journal && call->stream)
        rill_notes_head(call->stream);
    rill_note *note = journal ? add(call, journal, RILL_NOTE_RETRY) : NULL;
    if (!note)
        return;
    note->delay = (double)delay_ms / 1000;
    rill_journal_write_error(journal, note, call->stream ? call->stream->errors : NULL);
}

void rill_notes_heads(const rill_conn *conn)
{
    for (rill_stream *stream = rill_conn_streams(conn); stream; stream = rill_stream_next(stream))
        rill_notes_head(stream);
}

/* --- connections ----------------------------------------------------------------------------- */

static rill_note *add_of_conn(rill_journal *journal, const rill_conn *conn,
                              enum rill_note_type type)
{
    rill_note *note = rill_journal_add(journal, type);
    if (note)
        note->connection = conn->setup.link.number;
    return note;
}

static void write_address(rill_journal *journal, rill_note *note, const char *host, unsigned port)
{
    char text[300];
    int length = snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    size_t kept = length < (int)sizeof(text) ? (size_t)length : sizeof(text) - 1;
    rill_journal_write(journal, note, text, kept, 0, NULL);
}

void rill_notes_dial(rill_journal *journal, const rill_conn *conn)
{
    rill_note *note = journal ? add_of_conn(journal, conn, RILL_NOTE_DIAL) : NULL;
    if (note)
        write_address(journal, note, conn->setup.target.host, conn->setup.target.port);
}

void rill_notes_connected(rill_journal *journal, const rill_conn *conn)
{
    rill_peer_info info;
    if (!journal || !conn->peer || rill_peer_describe(conn->peer, &info))
        return;
    rill_note *note = add_of_conn(journal, conn, RILL_NOTE_CONNECTED);
    if (!note)
        return;
    note->resumed = info.resumed;
    note->timings =
        (rill_timings){.dns = conn->dns_s, .connect = conn->connect_s, .tls = conn->tls_s};
    memcpy(note->protocol, info.protocol, sizeof(note->protocol));
    if (info.ip_address[0])
        write_address(journal, note, info.ip_address, (unsigned)info.port);
}

void rill_notes_ended(rill_journal *journal, rill_conn *conn)
{
    static const rill_error unwanted = {
        .reason = RILL_INACTIVE, .code = -1, .message = "the connection was not needed any more"};
    if (!journal || conn->pool.end_noted)
        return;
    conn->pool.end_noted = true;
    bool stood = conn->pool.counted;
    rill_note *note = add_of_conn(journal, conn, stood ? RILL_NOTE_CLOSED : RILL_NOTE_FAILED);
    if (!note)
        return;
    if (stood)
        note->number = (uint32_t)conn->session->streams;
    rill_journal_write_error(journal, note,
                             conn->error.reason ? &conn->error
                             : stood            ? NULL
                                                : &unwanted);
}

void rill_notes_goaway(rill_journal *journal, rill_conn *conn)
{
    const rill_link *session = conn->session;
    if (!journal || !session || !session->goaway.received || conn->pool.end_noted ||
        (conn->pool.goaway_noted && conn->pool.goaway_last == session->goaway.last))
        return;
    conn->pool.goaway_noted = true;
    conn->pool.goaway_last = session->goaway.last;
    rill_note *note = add_of_conn(journal, conn, RILL_NOTE_GOAWAY);
    if (!note)
        return;
    note->code = session->goaway.code;
    note->number = (uint32_t)session->goaway.last;
}

void rill_notes_warning(rill_journal *journal, const char *message)
{
    rill_note *note = journal ? rill_journal_add(journal, RILL_NOTE_WARNING) : NULL;
    if (note)
        rill_journal_write(journal, note, message, strlen(message), 0, NULL);
}
