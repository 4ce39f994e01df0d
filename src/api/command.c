/* Commands: the public calls on ids. They only mark what is to act; the loop sends. */
#include <stddef.h>
#include <string.h>

#include "http/body.h"
#include "base/error.h"
#include "base/journal.h"
#include "pool/ending.h"
#include "pool/report.h"
#include "api/client.h"
#include "api/connection.h"
#include "api/given.h"
#include "api/loop.h"

/* A client or a connection. */
static rill_endpoint *find_endpoint(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    if (!loop)
        return NULL;
    rill_entry *entry = rill_turn_find(&loop->turn, slot, generation, ENTRY_CLIENT);
    if (!entry)
        entry = rill_turn_find(&loop->turn, slot, generation, ENTRY_CONNECTION);
    return (rill_endpoint *)entry;
}

static rill_call *find_call(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    return loop ? (rill_call *)rill_turn_find(&loop->turn, slot, generation, ENTRY_CALL) : NULL;
}

/* A request that is read in pieces. */
static rill_call *find_pieces(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_call *call = find_call(loop, slot, generation);
    return call && call->pieces ? call : NULL;
}

/* --- clients --------------------------------------------------------------------------------- */

int32_t rill_client_new(rill_loop *loop, const rill_options *options, rill_id *id, rill_error *err)
{
    RILL_OWN_ERROR(err);
    rill_error_clear(err);
    if (rill_loop_check(loop, err) || rill_given_pointer(id, "id", err))
        return -err->reason;
    rill_endpoint *client = rill_client_create(&loop->turn, &loop->clients, options, err);
    if (!client)
        return -err->reason;
    *id = client->entry.id;
    return 0;
}

void rill_client_close(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_endpoint *client = find_endpoint(loop, slot, generation);
    if (client)
        rill_endpoint_shut(client);
}

int32_t rill_client_stats(rill_loop *loop, uint32_t slot, uint32_t generation, rill_stats *stats)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_endpoint *client = find_endpoint(loop, slot, generation);
    if (!client || !stats)
        return client ? -RILL_ARGUMENT : -RILL_CLOSED;
    rill_endpoint_count(client, stats);
    return 0;
}

/* --- requests -------------------------------------------------------------------------------- */

int32_t rill_request_start(rill_loop *loop, const rill_id *id_of_client,
                           const rill_request *request, rill_id *id, rill_error *err)
{
    RILL_OWN_ERROR(err);
    if (rill_loop_check(loop, err)) /* clears it */
        return -RILL_ARGUMENT;
    if (rill_given_pointer(id_of_client, "client", err) || rill_given_pointer(id, "id", err))
        return -err->reason;
    rill_endpoint *client = find_endpoint(loop, id_of_client->slot, id_of_client->generation);
    if (!client)
        return rill_error_set(err, RILL_CLOSED, "the client is closed");
    rill_turn *turn = &loop->turn;
    bool was_idle = !turn->counters.requests, stepping = turn->stepping;
    turn->stepping = true; /* what is marked is looked at afterwards, once */
    int32_t code = client->entry.kind == ENTRY_CLIENT
                       ? rill_client_request(client, request, id, err)
                       : rill_connection_request(client, request, id, err);
    turn->stepping = stepping;
    rill_loop_begin(loop, was_idle);
    return code;
}

int32_t rill_stream_info_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                             rill_stream_info *info)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_call *call = find_call(loop, slot, generation);
    if (!call || !info)
        return call ? -RILL_ARGUMENT : -RILL_CLOSED;
    rill_report_info(call, info);
    return 0;
}

int32_t rill_event_info(const rill_event *event, rill_stream_info *info)
{
    if (!event || !event->request || !info)
        return -RILL_ARGUMENT;
    rill_report_info(event->request, info);
    return 0;
}

int32_t rill_stream_read(rill_loop *loop, uint32_t slot, uint32_t generation, uint32_t max,
                         const char **data)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_call *call = find_pieces(loop, slot, generation);
    if (!call || !data)
        return call ? -RILL_ARGUMENT : -RILL_CLOSED;
    size_t released;
    bool open = call->stream->reason == RILL_OPEN;
    size_t length = rill_stream_take(call->stream, max, data, &released);
    rill_ending_go_on(call, open, released);
    return (int32_t)length;
}

int32_t rill_stream_collect(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_call *call = find_pieces(loop, slot, generation);
    size_t released;
    if (!call)
        return -RILL_CLOSED;
    bool open = call->stream->reason == RILL_OPEN;
    bool kept = rill_stream_keep(call->stream, &released);
    rill_ending_go_on(call, open, released);
    return kept ? 0 : -RILL_ERROR;
}

int32_t rill_stream_save(rill_loop *loop, uint32_t slot, uint32_t generation, int32_t fd,
                         const char *path, rill_error *err)
{
    RILL_OWN_ERROR(err);
    if (rill_loop_check(loop, err) || rill_given_pointer(path, "path", err))
        return -err->reason;
    rill_call *call = find_pieces(loop, slot, generation);
    if (!call)
        return rill_error_set(err, RILL_CLOSED, "the stream is no longer there");
    rill_sink *sink = rill_sink_of(&loop->turn.slab, fd, path, err);
    if (!sink)
        return -err->reason;
    size_t released;
    bool open = call->stream->reason == RILL_OPEN;
    int32_t code = rill_stream_divert(call->stream, sink, &released, err);
    rill_ending_go_on(call, open, released);
    return code;
}

void rill_stream_decide(rill_loop *loop, uint32_t slot, uint32_t generation, bool wait)
{
    rill_call *call = find_pieces(loop, slot, generation);
    if (!call)
        return;
    bool open = call->stream->reason == RILL_OPEN;
    rill_stream_settle(call->stream, wait);
    rill_ending_go_on(call, open, 0);
}

int32_t rill_stream_body(rill_loop *loop, uint32_t slot, uint32_t generation, rill_body **body)
{
    rill_call *call = find_pieces(loop, slot, generation);
    if (body)
        *body = NULL;
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    if (!call)
        return -RILL_CLOSED;
    if (!body || !rill_call_closed(call) || rill_call_undecided(call))
        return -RILL_ARGUMENT;
    return rill_stream_detach_body(call->stream, body) ? 0 : -RILL_ERROR;
}

void rill_stream_cancel(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    static const rill_error cancelled = {
        .reason = RILL_CANCELLED, .code = -1, .message = "cancelled by the caller"};
    rill_call *call = find_call(loop, slot, generation);
    if (call)
        rill_ending_close(call, &cancelled);
}

void rill_stream_stop(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    static const rill_error stopped = {.reason = RILL_STOPPED, .code = -1};
    rill_call *call = find_call(loop, slot, generation);
    if (call)
        rill_ending_close(call, &stopped);
}

void rill_stream_reset(rill_loop *loop, uint32_t slot, uint32_t generation, uint32_t code)
{
    rill_call *call = find_call(loop, slot, generation);
    if (!call)
        return;
    rill_error error = {0};
    char text[CODE_TEXT];
    rill_error_set(&error, RILL_RESET, "reset by the caller: %s",
                   rill_code_text(text, (int32_t)code, true));
    error.code = (int32_t)code;
    rill_ending_close(call, &error);
}

/* --- fed bodies ------------------------------------------------------------------------------ */

static int32_t find_fed(rill_loop *loop, uint32_t slot, uint32_t generation, rill_call **found,
                        rill_error *err)
{
    rill_call *call = *found = find_call(loop, slot, generation);
    rill_error_clear(err);
    if (call && (!call->source || call->source->kind != SOURCE_FED))
        return rill_error_set(err, RILL_ARGUMENT, "this request's body is not written in pieces");
    if (call && call->source->finished)
        return rill_error_set(err, RILL_ARGUMENT, "write after finish");
    if (!call || rill_call_closed(call))
        return rill_error_set(err, RILL_CLOSED, "the stream has closed");
    return 0;
}

/* A stream whose body cannot be what it announced ends; else it has something to send again. */
static int32_t go_on(rill_call *call, int32_t code, const rill_error *err)
{
    if (code == -RILL_BODY_ERROR) {
        rill_ending_close(call, err);
    } else if (code >= 0 && call->conn) {
        rill_link_resume(call->conn->session, call->stream);
        rill_turn_mark(call->turn, call->conn->setup.mark);
    }
    return code;
}

/* From now on it is the peer's turn: the pause was ours. */
static void end_pause(rill_call *call)
{
    if (!call->stream || !rill_source_paused(call->source))
        return;
    rill_turn_tick(call->turn);
    call->stream->active_ms = call->turn->now_ms;
}

int32_t rill_stream_write(rill_loop *loop, uint32_t slot, uint32_t generation, const char *data,
                          size_t length, rill_error *err)
{
    if (rill_loop_check(loop, err))
        return -RILL_ARGUMENT;
    rill_call *call;
    RILL_OWN_ERROR(err);
    int32_t code = find_fed(loop, slot, generation, &call, err);
    if (!code)
        code = rill_given_bytes(data, length, "data", err);
    if (code)
        return code;
    end_pause(call);
    code = rill_source_feed(&loop->turn.slab, call->source, data, length, err);
    return go_on(call, code, err);
}

bool rill_stream_would_wait(rill_loop *loop, uint32_t slot, uint32_t generation, size_t length)
{
    rill_call *call;
    rill_error ignored;
    return !find_fed(loop, slot, generation, &call, &ignored) &&
           rill_source_above_mark(call->source, length);
}

int32_t rill_stream_finish(rill_loop *loop, uint32_t slot, uint32_t generation,
                           const char *trailers, uint32_t trailers_length, rill_error *err)
{
    if (rill_loop_check(loop, err))
        return -RILL_ARGUMENT;
    rill_call *call;
    rill_fields_found found;
    RILL_OWN_ERROR(err);
    int32_t code = find_fed(loop, slot, generation, &call, err);
    if (!code)
        code = rill_given_bytes(trailers, trailers_length, "trailers", err);
    if (!code && trailers)
        code = rill_fields_clean(&loop->turn.slab, trailers, trailers_length,
                                 &call->source->trailers, &found, err);
    if (code)
        return code;
    end_pause(call);
    return go_on(call, rill_source_finish(call->source, err), err);
}

void rill_stream_fail(rill_loop *loop, uint32_t slot, uint32_t generation, const char *message)
{
    rill_call *call = find_call(loop, slot, generation);
    if (!call)
        return;
    rill_error error = {0};
    rill_error_set(&error, RILL_BODY_ERROR, "%s", message ? message : "the body could not be made");
    rill_ending_close(call, &error);
}

int32_t rill_file_save(rill_loop *loop, const char *path, const void *data, size_t length,
                       uint32_t mode, rill_error *err)
{
    RILL_OWN_ERROR(err);
    rill_error_clear(err);
    if (rill_loop_check(loop, err) || rill_given_pointer(path, "path", err) ||
        rill_given_bytes(data, length, "data", err))
        return -RILL_ARGUMENT;
    rill_slab *slab = &loop->turn.slab;
    rill_sink *sink = rill_sink_open(slab, path, mode, rill_turn_random(&loop->turn), err);
    if (!sink)
        return -err->reason;
    int32_t code = rill_sink_write(sink, data, length, err);
    if (!code)
        code = rill_sink_commit(sink, err);
    rill_sink_free(slab, sink);
    return code;
}

/* --- connections ----------------------------------------------------------------------------- */

int32_t rill_peer_info_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                           rill_peer_info *info)
{
    if (rill_loop_check(loop, NULL))
        return -RILL_ARGUMENT;
    rill_peer *peer = (rill_peer *)rill_turn_find(&loop->turn, slot, generation, ENTRY_PEER);
    if (!peer || !info)
        return peer ? -RILL_ARGUMENT : -RILL_CLOSED;
    return rill_peer_describe(peer, info);
}

/* --- what happened --------------------------------------------------------------------------- */

/* NULL: a stale id. */
static rill_endpoint *find_either(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_entry *entry = rill_turn_find(&loop->turn, slot, generation, ENTRY_CLIENT);
    if (!entry)
        entry = rill_turn_find(&loop->turn, slot, generation, ENTRY_CONNECTION);
    return (rill_endpoint *)entry;
}

int32_t rill_notes_take(rill_loop *loop, uint32_t slot, uint32_t generation,
                        const rill_note **notes)
{
    if (rill_loop_check(loop, NULL) || !notes)
        return -RILL_ARGUMENT;
    rill_endpoint *endpoint = find_either(loop, slot, generation);
    if (!endpoint)
        return -RILL_CLOSED;
    rill_journal *journal = endpoint->pool.account->journal;
    return journal ? rill_journal_take(journal, notes) : 0;
}

void rill_notes_redirect(rill_loop *loop, uint32_t slot, uint32_t generation, const char *url,
                         uint32_t url_length, int32_t status, const char *location,
                         uint32_t location_length)
{
    if (rill_loop_check(loop, NULL) || !url || !location)
        return;
    rill_endpoint *endpoint = find_either(loop, slot, generation);
    rill_journal *journal = endpoint ? endpoint->pool.account->journal : NULL;
    if (!journal)
        return;
    rill_turn_tick(&loop->turn);
    rill_note *note = rill_journal_add(journal, RILL_NOTE_REDIRECT);
    if (!note)
        return;
    char *room;
    note->status = status;
    if (rill_journal_write(journal, note, location, location_length, url_length, &room))
        memcpy(room, url, url_length);
}
