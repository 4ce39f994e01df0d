#include "h2/session.h"

#include <string.h>

#include "base/error.h"
#include "h2/frame_names.h"
#include "h2/frames.h"
#include "h2/head.h"
#include "h2/points.h"
#include "h2/streams.h"

/* --- a session's life ------------------------------------------------------------------------ */

/* A session has a buffer for the largest frame, and seldom writes more than a few hundred bytes to
 * it (measured: 1,000 idle connections take 55 KiB each where it is malloc's, 43 where it is
 * sparse). */
static void *on_malloc(size_t size, void *arg)
{
    return rill_slab_alloc_sparse(arg, size);
}

static void on_free(void *block, void *arg)
{
    rill_slab_free(arg, block);
}

static void *on_calloc(size_t count, size_t size, void *arg)
{
    return size && count > SIZE_MAX / size ? NULL : rill_slab_zalloc(arg, count * size);
}

static void *on_realloc(void *block, size_t size, void *arg)
{
    return block ? rill_slab_realloc(arg, block, size) : rill_slab_alloc_sparse(arg, size);
}

/* What only some builds of 1.52 have, whatever their version says: the Makefile looks. Our own
 * limits hold without. */
static void set_late_options(nghttp2_option *option, const rill_link_setup *setup)
{
    (void)option, (void)setup;
#ifdef RILL_HAVE_RESET_RATE_LIMIT
    nghttp2_option_set_stream_reset_rate_limit(option, SESSION_RESETS, SESSION_RESETS_PER_S);
#endif
#ifdef RILL_HAVE_MAX_CONTINUATIONS
    /* what fits is let pass, also in frames smaller than they may be; SESSION_POINTS bound the rest
     */
    nghttp2_option_set_max_continuations(
        option, setup->max_header_list ? 8 + setup->max_header_list / 1024 : SESSION_POINTS);
#endif
}

static int new_session(rill_session *session)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int code = nghttp2_session_callbacks_new(&callbacks);
    if (!code)
        code = nghttp2_option_new(&option);
    if (!code) {
        rill_frames_receive_with(callbacks);
        rill_frames_send_with(callbacks);
        for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++)
            nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
        nghttp2_option_set_max_send_header_block_length(option, SESSION_FIELDS_MAX);
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_max_outbound_ack(option, SESSION_POINTS); /* these decide */
        nghttp2_option_set_max_settings(option, SESSION_SETTINGS);
        set_late_options(option, session->link.setup);
        nghttp2_mem mem = {&session->link.turn->slab, on_malloc, on_free, on_calloc, on_realloc};
        code = nghttp2_session_client_new3(&session->ng, callbacks, session, option, &mem);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return code;
}

/* Submits the preface, SETTINGS and the connection's window. */
static int32_t open_session(rill_link *link, rill_error *err)
{
    rill_session *session = rill_session_of(link);
    const rill_link_setup *setup = link->setup;
    rill_streams_init(session);
    session->opened_ms = link->turn->now_ms;
    session->points = SESSION_POINTS;
    session->points_ms = link->turn->now_ms;
    link->limit = 100; /* RFC 9113 section 6.5.2 recommends no less */
    int code = new_session(session);
    if (!code) {
        nghttp2_settings_entry settings[] = {
            {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, setup->window},
            {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, setup->max_frame_size},
            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, setup->max_header_list},
        };
        code = nghttp2_submit_settings(session->ng, NGHTTP2_FLAG_NONE, settings,
                                       setup->max_header_list ? 4 : 3);
        session->acks_due = 1;
    }
    if (!code)
        code = nghttp2_session_set_local_window_size(session->ng, NGHTTP2_FLAG_NONE, 0,
                                                     (int32_t)setup->conn_window);
    return code ? rill_error_set(err, RILL_ERROR, "a session cannot be made: %s",
                                 nghttp2_strerror(code))
                : 0;
}

static void dispose(rill_link *link)
{
    rill_session *session = rill_session_of(link);
    if (session->ng)
        nghttp2_session_del(session->ng);
    session->ng = NULL;
    rill_streams_dispose(session);
}

/* A peer that resets a stream and breaks the connection in one receive: nothing has been reported
 * yet. */
static void overrule_resets(rill_session *session)
{
    if (session->link.broke_it)
        return; /* another stream has broken it */
    for (rill_stream *stream = rill_stream_first(&session->link.closed); stream;
         stream = rill_stream_next(stream))
        rill_stream_overrule(stream, &session->link.fatal);
}

/* Of the connection: once for all that has come together. */
static int return_window(rill_session *session)
{
    size_t consumed = session->consumed;
    session->consumed = 0;
    int code = consumed ? nghttp2_session_consume_connection(session->ng, consumed) : 0;
    return code == NGHTTP2_ERR_NOMEM ? code : 0;
}

static void receive(rill_link *link, const char *data, size_t length)
{
    rill_session *session = rill_session_of(link);
    if (session->first_length < SESSION_FIRST_BYTES) {
        size_t part = SESSION_FIRST_BYTES - session->first_length;
        if (part > length)
            part = length;
        memcpy(session->first + session->first_length, data, part);
        session->first_length += (uint32_t)part;
    }
    if (session->link.goodbye == LINK_DEAF || session->link.fatal.reason)
        return; /* in the middle of a frame nghttp2 would go on with what stands there */
    int read = rill_wire_receive(session, (const uint8_t *)data, length);
    if (!read)
        read = return_window(session);
    if (!rill_streams_queued(session, read))
        return;
    if (read < 0) {
        rill_error_set(&session->link.fatal, RILL_PROTOCOL_ERROR, "the peer broke HTTP/2: %s",
                       nghttp2_strerror(read));
        if (session->link.fatal.code < 0)
            session->link.fatal.code =
                read == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR;
        overrule_resets(session);
    } else if (!rill_points_pay_ignored(session)) {
        overrule_resets(session);
    }
}

static void ping(rill_link *link)
{
    rill_session *session = rill_session_of(link);
    if (link->ping_ms || !session->ng)
        return;
    link->ping_ms = link->turn->now_ms;
    rill_streams_queued(session, nghttp2_submit_ping(session->ng, NGHTTP2_FLAG_NONE, NULL));
}

static void announce_goaway(rill_link *link, uint32_t code)
{
    nghttp2_session *ng = rill_session_of(link)->ng;
    if (ng) /* NULL: it could not be opened, out of memory */
        nghttp2_submit_goaway(ng, NGHTTP2_FLAG_NONE, 0, code, NULL, 0);
}

static bool has_room(const rill_link *link)
{
    const rill_session *session = (const rill_session *)link;
    return session->ng && nghttp2_session_check_request_allowed(session->ng);
}

/* --- what a connection asks for --------------------------------------------------------------- */

static int32_t submit(rill_link *link, rill_stream *stream, const rill_head *head)
{
    rill_session *session = rill_session_of(link);
    nghttp2_data_provider body = {.read_callback = rill_frames_read_body};
    if (stream->inlet.narrow && rill_streams_narrow(session))
        return -RILL_ERROR;
    if (!link->fatal.reason && session->heads - session->framed >= SESSION_HEADS_AT_ONCE)
        rill_frames_make(session);
    if (link->fatal.reason)
        return -RILL_INACTIVE;
    size_t count;
    nghttp2_nv *fields = rill_h2_fields(link->turn, head, &count);
    int32_t id = !fields ? NGHTTP2_ERR_NOMEM
                         : nghttp2_submit_request(session->ng, NULL, fields, count,
                                                  stream->source ? &body : NULL, stream);
    if (id < 0)
        return id == NGHTTP2_ERR_NOMEM ? -RILL_ERROR : -RILL_INACTIVE;
    session->heads += head->authority.length + head->target.length +
                      (head->block.data ? head->block.length : head->defaults->block.length);
    link->full = session->heads >= SESSION_HEADS_MAX;
    link->spent = id >= SESSION_LAST_STREAM - 2;
    stream->id = id;
    if (link->active >= session->found.room)
        rill_streams_make_room(session, link->active + 1);
    *rill_streams_place(session, id) = stream;
    return 0;
}

static void consume(rill_link *link, rill_stream *stream, size_t length)
{
    rill_session *session = rill_session_of(link);
    if (stream->inlet.narrow && stream->status) {
        stream->inlet.narrow = false; /* its reader has seen the head, and wants more */
        rill_streams_widen(session, stream);
    }
    uint32_t due = rill_inlet_release(&stream->inlet, length);
    if (due)
        rill_streams_return(session, stream, due);
}

static void charge(rill_link *link, uint32_t records)
{
    if (records && !link->fatal.reason)
        rill_points_take(rill_session_of(link), (int32_t)records);
}

static void describe(const rill_link *link, const char *host, uint16_t port, rill_error *err)
{
    const rill_session *session = (const rill_session *)link;
    char said[SESSION_FIRST_BYTES + 1];
    if (!session->first_length)
        return;
    rill_streams_printable(said, sizeof(said), session->first, session->first_length);
    rill_error_connect(err, RILL_KIND_PREFACE, "%s:%u does not speak HTTP/2: it says \"%s\"", host,
                       port, said);
    err->code = NGHTTP2_PROTOCOL_ERROR;
}

const rill_protocol rill_h2 = {
    .name = "h2",
    .size = sizeof(rill_session),
    .streams = UINT32_MAX,
    .connections = 1,
    .shareable = true,
    .open = open_session,
    .receive = receive,
    .send = rill_frames_send,
    .submit = submit,
    .retire = rill_streams_retire,
    .resume = rill_streams_resume,
    .consume = consume,
    .ping = ping,
    .goaway = announce_goaway,
    .room = has_room,
    .charge = charge,
    .describe = describe,
    .name_frame = rill_frame_names,
    .dispose = dispose,
};
