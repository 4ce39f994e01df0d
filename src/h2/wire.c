#include "h2/wire.h"

#include <string.h>

#include "base/error.h"
#include "base/trace.h"
#include "h2/frames.h"
#include "h2/points.h"
#include "h2/streams.h"
#include "http/flight.h"

/* --- heads ----------------------------------------------------------------------------------- */

static uint32_t length_in(const uint8_t *head)
{
    return (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
}

/* The first bit is reserved. */
static uint32_t number_in(const uint8_t *bytes)
{
    return ((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
            bytes[3]) &
           INT32_MAX;
}

typedef struct frame_head {
    uint32_t length; /* of the payload */
    uint8_t type, flags;
    int32_t stream;
} frame_head;

static frame_head head_in(const uint8_t *bytes)
{
    return (frame_head){length_in(bytes), bytes[3], bytes[4], (int32_t)number_in(bytes + 5)};
}

static uint32_t length_of(const rill_wire *wire)
{
    return length_in(wire->lead);
}

static uint32_t number_at(const rill_wire *wire, size_t at)
{
    return number_in(wire->lead + at);
}

static uint8_t type_of(const rill_wire *wire)
{
    return wire->lead[3];
}

static uint8_t flags_of(const rill_wire *wire)
{
    return wire->lead[4];
}

static int32_t stream_of(const rill_wire *wire)
{
    return (int32_t)number_at(wire, 5);
}

/* Where the priority of a HEADERS frame stands; 0: it has none, or is too short for it. */
static size_t priority_at(const rill_wire *wire)
{
    enum { PRIORITY = 5 };
    if (type_of(wire) != NGHTTP2_HEADERS || !(flags_of(wire) & NGHTTP2_FLAG_PRIORITY))
        return 0;
    size_t padding = flags_of(wire) & NGHTTP2_FLAG_PADDED ? 1 : 0;
    return length_of(wire) >= padding + PRIORITY ? FRAME_HEADER + padding : 0;
}

enum { INCREMENT = 4 };

static bool is_update(const rill_wire *wire)
{
    return type_of(wire) == NGHTTP2_WINDOW_UPDATE && length_of(wire) == INCREMENT;
}

/* How many bytes of a payload are recorded. */
static size_t told_length(uint8_t type)
{
    switch (type) {
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_PUSH_PROMISE:
        return 4;
    case NGHTTP2_GOAWAY:
        return 8;
    case NGHTTP2_SETTINGS:
        return WIRE_LEAD - FRAME_HEADER;
    default:
        return 0;
    }
}

/* How much of the frame must be there to judge and to record it. */
static size_t lead_length(const rill_session *session)
{
    enum { STREAM_ID = 4 };
    const rill_wire *wire = &session->wire;
    if (wire->have < FRAME_HEADER)
        return FRAME_HEADER;
    if (is_update(wire))
        return FRAME_HEADER + INCREMENT;
    size_t priority = priority_at(wire), told = told_length(type_of(wire));
    if (told && length_of(wire) <= session->link.setup->max_frame_size)
        return FRAME_HEADER + (told < length_of(wire) ? told : length_of(wire));
    return priority ? priority + STREAM_ID : FRAME_HEADER;
}

/* Returns how many bytes went into the lead. */
static size_t gather(rill_session *session, const uint8_t *data, size_t length)
{
    rill_wire *wire = &session->wire;
    size_t taken = 0, wanted;
    while ((wanted = lead_length(session)) > wire->have && taken < length) {
        size_t part = wanted - wire->have;
        if (part > length - taken)
            part = length - taken;
        memcpy(wire->lead + wire->have, data + taken, part);
        wire->have += (uint8_t)part;
        taken += part;
    }
    return taken;
}

/* --- what nghttp2 is not shown --------------------------------------------------------------- */

static bool is_priority(const rill_wire *wire)
{
    return type_of(wire) == NGHTTP2_PRIORITY && length_of(wire) == 5 && stream_of(wire);
}

/* RFC 9113 section 6.9: that is the stream's error. Streams that are idle are left to nghttp2. */
static bool is_empty_update(rill_session *session)
{
    const rill_wire *wire = &session->wire;
    int32_t id = stream_of(wire);
    if (!is_update(wire) || !id || number_at(wire, FRAME_HEADER))
        return false;
    rill_stream *stream = rill_streams_find(session, id);
    if (!stream)
        return id % 2 && (uint32_t)id < nghttp2_session_get_next_stream_id(session->ng);
    rill_stream_close(stream, RILL_PROTOCOL_ERROR, NGHTTP2_PROTOCOL_ERROR,
                      "the peer opened the stream's window by 0 bytes (RFC 9113 6.9)");
    rill_streams_retire(&session->link, stream);
    return true;
}

/* RFC 9113 section 6.9.1: the same. nghttp2 would not say which window was passed. */
static bool is_update_too_far(rill_session *session)
{
    const rill_wire *wire = &session->wire;
    rill_stream *stream = is_update(wire) ? rill_streams_find(session, stream_of(wire)) : NULL;
    if (!stream)
        return false;
    int32_t window = nghttp2_session_get_stream_remote_window_size(session->ng, stream->id);
    if (window < 0 || number_at(wire, FRAME_HEADER) <= (uint32_t)(INT32_MAX - window))
        return false;
    rill_stream_close(stream, RILL_PROTOCOL_ERROR, NGHTTP2_FLOW_CONTROL_ERROR,
                      "the peer opened the stream's window beyond %d bytes (RFC 9113 6.9.1)",
                      INT32_MAX);
    rill_streams_retire(&session->link, stream);
    return true;
}

static RILL_APART void trace_frame(rill_link *link, const frame_head *head)
{
    rill_frame_note(link, &(rill_frame){.type = head->type,
                                        .flags = head->flags,
                                        .stream = head->stream,
                                        .length = head->length});
}

static inline void note_frame(rill_session *session, const frame_head *head)
{
    rill_link *link = &session->link;
    if (RILL_TRACES(link->turn, TRACE_FRAMES))
        trace_frame(link, head);
    rill_flight_add(link->flight, link->turn->now_us, false, head->type, head->flags, head->stream,
                    head->length);
}

/* The lead is complete. Returns whether it was changed. */
static bool begin_frame(rill_session *session)
{
    rill_wire *wire = &session->wire;
    uint8_t type = type_of(wire);
    size_t priority = priority_at(wire);
    frame_head head = head_in(wire->lead);
    note_frame(session, &head);
    rill_flight_read(session->link.flight, wire->lead + FRAME_HEADER, wire->have - FRAME_HEADER);
    if (is_update(wire))
        rill_points_excuse_update(session, number_at(wire, FRAME_HEADER));
    wire->left = length_of(wire) - (uint32_t)(wire->have - FRAME_HEADER);
    wire->at_fault = wire->block ? wire->block : stream_of(wire);
    wire->hidden = session->link.greeted && !wire->block &&
                   (is_priority(wire) || is_empty_update(session) || is_update_too_far(session));
    if (type == NGHTTP2_HEADERS || type == NGHTTP2_PUSH_PROMISE || type == NGHTTP2_CONTINUATION)
        wire->block = flags_of(wire) & NGHTTP2_FLAG_END_HEADERS ? 0 : wire->at_fault;
    if (priority) /* depends on no stream: certainly not on itself */
        memset(wire->lead + priority, 0, wire->have - priority);
    return priority > 0;
}

/* --- what it is shown ------------------------------------------------------------------------ */

/* nghttp2 queues a GOAWAY and returns no error; once the peer has sent its own, only what nghttp2
 * sends shows that. */
static bool has_ended(rill_session *session)
{
    if (!session->link.goaway.received)
        return !nghttp2_session_check_request_allowed(session->ng);
    rill_frames_send(&session->link);
    return session->link.goodbye == LINK_DEAF;
}

static int show(rill_session *session, const uint8_t *data, size_t length)
{
    rill_wire *wire = &session->wire;
    session->ignored += (int64_t)length;
    ssize_t read = nghttp2_session_mem_recv(session->ng, data, length);
    if (!wire->ended && (read < 0 || has_ended(session))) {
        const rill_stream *stream = rill_streams_find(session, wire->at_fault);
        wire->ended = true;
        session->link.broke_it = stream && stream->reason == RILL_OPEN ? stream->id : 0;
    }
    return read < 0 ? (int)read : 0;
}

/* Whether a frame, of which `length` bytes are there, is whole and can go to nghttp2 together with
 * its neighbours: HEADERS of an open stream, or DATA of one that has a head, be it the one before
 * in this run (`*headed`). Others are looked at by themselves. */
static bool is_plain(rill_session *session, const frame_head *head, size_t length, int32_t *headed)
{
    uint8_t flags = head->flags & (uint8_t)~NGHTTP2_FLAG_END_STREAM;
    bool heads = head->type == NGHTTP2_HEADERS && flags == NGHTTP2_FLAG_END_HEADERS;
    if (!heads && (head->type != NGHTTP2_DATA || flags))
        return false;
    if (FRAME_HEADER + head->length > length || head->length > session->link.setup->max_frame_size)
        return false;
    const rill_stream *stream = rill_streams_find(session, head->stream);
    if (!stream || (!heads && !stream->status && *headed != stream->id))
        return false;
    if (heads)
        *headed = stream->id;
    return true;
}

/* Shows nghttp2 a run of such frames at once; whose frame it is at is known by on_begin_frame(),
 * which it calls before it judges one of these. Returns the run's length. */
static size_t show_run(rill_session *session, const uint8_t *data, size_t length, int *code)
{
    size_t run = 0;
    int32_t headed = 0;
    if (session->wire.have || session->wire.block || !session->link.greeted)
        return 0;
    while (length - run >= FRAME_HEADER) {
        frame_head head = head_in(data + run);
        if (!is_plain(session, &head, length - run, &headed))
            break;
        note_frame(session, &head);
        run += FRAME_HEADER + head.length;
    }
    if (run)
        *code = show(session, data, run);
    return run;
}

int rill_wire_receive(rill_session *session, const uint8_t *data, size_t length)
{
    rill_wire *wire = &session->wire;
    int code = 0;
    while (length && !code && session->link.goodbye != LINK_DEAF) {
        size_t run = show_run(session, data, length, &code);
        data += run;
        length -= run;
        if (!length || code)
            break;
        bool begun = wire->have > 0;
        size_t used = 0, shown = 0; /* of `data`: by the lead; with it, but as it was sent */
        if (wire->have < lead_length(session)) {
            used = gather(session, data, length);
            if (wire->have < lead_length(session))
                break;
            bool changed = begin_frame(session);
            if (wire->hidden)
                code = rill_points_pay(session, length_of(wire)) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
            else if (begun || changed)
                code = show(session, wire->lead, wire->have);
            else
                shown = used;
        }
        size_t part = length - used < wire->left ? length - used : wire->left;
        if (!code && !wire->hidden && shown + part)
            code = show(session, data + used - shown, shown + part);
        wire->left -= (uint32_t)part;
        if (!wire->left)
            wire->have = 0;
        data += used + part;
        length -= used + part;
    }
    return code;
}
