/* Commands: the public calls on ids. They only mark what is to act; the loop sends. */
#include <stddef.h>

#include "body.h"
#include "error.h"
#include "loop.h"

static rill_client *find_client(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    return (rill_client *)rill_turn_find(&loop->turn, slot, generation, ENTRY_CLIENT);
}

static rill_call *find_call(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    return (rill_call *)rill_turn_find(&loop->turn, slot, generation, ENTRY_CALL);
}

/* --- clients --------------------------------------------------------------------------------- */

int32_t rill_client_new(rill_loop *loop, const rill_options *options, rill_id *id, rill_error *err)
{
    rill_error own;
    if (!err)
        err = &own;
    rill_error_clear(err);
    rill_client *client = rill_client_create(&loop->turn, &loop->clients, options, err);
    if (!client)
        return -err->reason;
    *id = rill_client_entry(client)->id;
    return 0;
}

void rill_client_close(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_client *client = find_client(loop, slot, generation);
    if (client)
        rill_client_shut(client);
}

int32_t rill_client_stats(rill_loop *loop, uint32_t slot, uint32_t generation, rill_stats *stats)
{
    rill_client *client = find_client(loop, slot, generation);
    if (!client)
        return -RILL_CLOSED;
    rill_client_count(client, stats);
    return 0;
}

/* --- requests -------------------------------------------------------------------------------- */

int32_t rill_request_start(rill_loop *loop, const rill_id *id_of_client,
                           const rill_request *request, rill_id *id, rill_error *err)
{
    rill_error own;
    if (!err)
        err = &own;
    rill_error_clear(err);
    rill_client *client = find_client(loop, id_of_client->slot, id_of_client->generation);
    if (!client)
        return rill_error_set(err, RILL_CLOSED, "the client is closed");
    return rill_client_request(client, request, id, err);
}

int32_t rill_stream_info_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                             rill_stream_info *info)
{
    rill_call *call = find_call(loop, slot, generation);
    if (!call)
        return -RILL_CLOSED;
    rill_call_info(call, info);
    return 0;
}

/* Gives window back for what a reader has taken off a stream that is still open. */
static void consume(rill_call *call, size_t length)
{
    if (!length || !call->conn)
        return;
    rill_session_consume(&call->conn->session, &call->stream, length);
    rill_turn_mark(call->setup.turn, call->conn->setup.mark);
}

int32_t rill_stream_read(rill_loop *loop, uint32_t slot, uint32_t generation, uint32_t max,
                         const char **data)
{
    rill_call *call = find_call(loop, slot, generation);
    if (!call)
        return -RILL_CLOSED;
    size_t length = rill_stream_take(&call->stream, max, data);
    consume(call, length);
    return (int32_t)length;
}

int32_t rill_stream_collect(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_call *call = find_call(loop, slot, generation);
    size_t released;
    if (!call)
        return -RILL_CLOSED;
    bool kept = rill_stream_keep(&call->stream, &released);
    consume(call, released);
    return kept ? 0 : -RILL_ERROR;
}

rill_body *rill_stream_body(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    rill_call *call = find_call(loop, slot, generation);
    if (!call || call->stream.reason == RILL_OPEN)
        return NULL;
    return rill_stream_detach_body(&call->stream);
}

void rill_stream_cancel(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    static const rill_error cancelled = {
        .reason = RILL_CANCELLED, .code = -1, .message = "cancelled by the caller"};
    rill_call *call = find_call(loop, slot, generation);
    if (call)
        rill_origin_close_call(call, &cancelled);
}

void rill_stream_stop(rill_loop *loop, uint32_t slot, uint32_t generation)
{
    static const rill_error stopped = {.reason = RILL_STOPPED, .code = -1};
    rill_call *call = find_call(loop, slot, generation);
    if (call)
        rill_origin_close_call(call, &stopped);
}

/* --- connections ----------------------------------------------------------------------------- */

int32_t rill_conn_info_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                           rill_conn_info *info)
{
    rill_conn *conn = (rill_conn *)rill_turn_find(&loop->turn, slot, generation, ENTRY_CONN);
    if (!conn)
        return -RILL_CLOSED;
    return rill_conn_describe(conn, info);
}
