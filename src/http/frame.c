#include "http/frame.h"

#include <stdio.h>

#include "base/trace.h"
#include "http/flight.h"
#include "http/protocol.h"

void rill_frame_note(rill_link *link, const rill_frame *frame)
{
    char name[FRAME_NAME], flags[FRAME_FLAGS];
    if (!RILL_TRACES(link->turn, TRACE_FRAMES))
        return;
    link->protocol->name_frame(frame, name, flags);
    rill_trace_write(link->turn, TRACE_FRAMES, link->setup->number,
                     "%s %s stream %d length %u%s%s%s", frame->sent ? "sent" : "recv", name,
                     (int)frame->stream, (unsigned)frame->length, flags, frame->note[0] ? " " : "",
                     frame->note);
}

/* --- parts of messages ----------------------------------------------------------------------- */

static rill_frame part(bool sent, int type, int32_t stream, size_t length)
{
    return (rill_frame){.sent = sent,
                        .type = (uint8_t)type,
                        .stream = stream,
                        .length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX};
}

/* A message is one record, which its parts add to. */
static void record_part(rill_link *link, bool sent, int type, size_t length)
{
    rill_flight *flight = link->flight;
    rill_flight_record *record =
        flight ? rill_flight_at(flight, sent ? flight->request : flight->response) : NULL;
    if (record)
        record->length =
            length < UINT32_MAX - record->length ? record->length + (uint32_t)length : UINT32_MAX;
    if (record && type == PART_END)
        record->flags |= FLIGHT_END;
    if (flight && type == PART_END && !sent)
        flight->responding = false;
}

void rill_frame_note_part(rill_link *link, bool sent, int type, int32_t stream, size_t length)
{
    record_part(link, sent, type, length);
    rill_frame frame = part(sent, type, stream, length);
    rill_frame_note(link, &frame);
}

static void record_request(rill_link *link, int32_t stream, const char *text, size_t length)
{
    rill_flight *flight = link->flight;
    uint32_t method[2] = {0};
    if (!flight)
        return;
    for (size_t i = 0; i < sizeof(method) && i < length && text[i] != ' '; i++)
        ((char *)method)[i] = text[i];
    flight->responding = false;
    rill_flight_add(flight, link->turn->now_us, true, FLIGHT_REQUEST, 0, stream, (uint32_t)length);
    rill_flight_tell(flight, method[0], method[1]);
    flight->request = rill_flight_last(flight);
}

void rill_frame_note_request(rill_link *link, int32_t stream, const char *text, size_t length)
{
    record_request(link, stream, text, length);
    rill_frame frame = part(true, PART_REQUEST, stream, length);
    for (size_t i = 0; i < FRAME_NOTE - 1 && i < length && text[i] != ' '; i++)
        frame.note[i] = text[i];
    rill_frame_note(link, &frame);
}

static void record_status(rill_link *link, int32_t stream, int status, size_t length)
{
    rill_flight *flight = link->flight;
    rill_flight_respond(flight, link->turn->now_us, stream);
    rill_flight_answer(flight, (uint32_t)status);
    record_part(link, false, status < 200 ? PART_END : PART_RESPONSE, length);
}

void rill_frame_note_status(rill_link *link, int32_t stream, int status, size_t length)
{
    record_status(link, stream, status, length);
    rill_frame frame = part(false, PART_RESPONSE, stream, length);
    for (int i = 2; i >= 0; i--, status /= 10)
        frame.note[i] = (char)('0' + status % 10);
    rill_frame_note(link, &frame);
}

void rill_frame_name_part(const rill_frame *frame, char *name, char *flags)
{
    static const char *const parts[] = {[PART_REQUEST] = "REQUEST",
                                        [PART_RESPONSE] = "RESPONSE",
                                        [PART_BODY] = "BODY",
                                        [PART_TRAILERS] = "TRAILERS",
                                        [PART_END] = "END"};
    snprintf(name, FRAME_NAME, "%s", parts[frame->type]);
    flags[0] = 0;
}
