#include "http/flight.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9113 section 6, by number. */
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE };
enum { CONTINUATION = WINDOW_UPDATE + 1, TYPES };

static const char *const types[TYPES] = {"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
                                         "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
                                         "WINDOW_UPDATE", "CONTINUATION"};
static const char *const messages[] = {"REQUEST", "RESPONSE", "BYTES"};
enum { MESSAGES = sizeof(messages) / sizeof(*messages) };

/* RFC 9113 section 6.5.2; RFC 8441; RFC 9218. */
static const char *const settings[] = {NULL,
                                       "HEADER_TABLE_SIZE",
                                       "ENABLE_PUSH",
                                       "MAX_CONCURRENT_STREAMS",
                                       "INITIAL_WINDOW_SIZE",
                                       "MAX_FRAME_SIZE",
                                       "MAX_HEADER_LIST_SIZE",
                                       NULL,
                                       "ENABLE_CONNECT_PROTOCOL",
                                       "NO_RFC7540_PRIORITIES"};

#define ON(type) (1u << (type))
static const struct {
    uint8_t flag;
    uint32_t types; /* that it means something on */
    const char *name;
} flags_known[] = {
    {0x01, ON(SETTINGS) | ON(PING), "ACK"},
    {0x01, ON(DATA) | ON(HEADERS), "END_STREAM"},
    {0x04, ON(HEADERS) | ON(PUSH_PROMISE) | ON(CONTINUATION), "END_HEADERS"},
    {0x08, ON(DATA) | ON(HEADERS) | ON(PUSH_PROMISE), "PADDED"},
    {0x20, ON(HEADERS), "PRIORITY"},
};

/* --- recording ------------------------------------------------------------------------------- */

rill_flight *rill_flight_new(uint64_t now_us)
{
    rill_flight *flight = calloc(1, sizeof(*flight));
    if (!flight)
        return NULL;
    flight->records = calloc(FLIGHT_FIRST, sizeof(*flight->records));
    if (!flight->records) {
        free(flight);
        return NULL;
    }
    flight->references = 1;
    flight->began_us = now_us;
    flight->recorded = (flight_ring){.room = FLIGHT_FIRST, .most = FLIGHT_FRAMES};
    flight->detailed = (flight_ring){.most = FLIGHT_FRAMES};
    return flight;
}

rill_flight *rill_flight_hold(rill_flight *flight)
{
    if (flight)
        flight->references++;
    return flight;
}

void rill_flight_free(rill_flight *flight)
{
    if (!flight || --flight->references)
        return;
    free(flight->records);
    free(flight->details);
    free(flight);
}

/* Makes room for what is next: more of it, or that of the oldest. What memory cannot be had for is
 * recorded over the oldest from now on. Returns where the places stand. */
static void *make_room(flight_ring *ring, void *places, size_t size, uint32_t first)
{
    uint32_t room = ring->room ? ring->room + ring->room / 2 : first;
    if (room > ring->most)
        room = ring->most;
    void *grown = ring->room < ring->most ? realloc(places, room * size) : NULL;
    if (!grown) {
        ring->most = ring->room;
        ring->next = 0;
        return places;
    }
    ring->room = room;
    return grown;
}

void rill_flight_make_room(rill_flight *flight)
{
    flight->records =
        make_room(&flight->recorded, flight->records, sizeof(*flight->records), FLIGHT_FIRST);
}

/* Adds one to a record that is kept. */
static void tell(rill_flight *flight, uint64_t record, uint32_t first, uint32_t second)
{
    flight_ring *ring = &flight->detailed;
    if (ring->next == ring->room)
        flight->details =
            make_room(ring, flight->details, sizeof(*flight->details), FLIGHT_DETAILS_FIRST);
    if (!ring->room)
        return;
    ring->count++;
    flight->details[ring->next++] = (rill_flight_detail){record, first, second};
}

void rill_flight_tell(rill_flight *flight, uint32_t first, uint32_t second)
{
    if (flight)
        tell(flight, rill_flight_last(flight), first, second);
}

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void read_settings(rill_flight *flight, const uint8_t *payload, size_t length)
{
    enum { ENTRY = 6 };
    for (int i = 0; i < FLIGHT_SETTINGS && length >= ENTRY; i++, payload += ENTRY, length -= ENTRY)
        rill_flight_tell(flight, (uint32_t)payload[0] << 8 | payload[1], number_at(payload + 2));
}

void rill_flight_read(rill_flight *flight, const uint8_t *payload, size_t length)
{
    if (!flight || length < 4)
        return;
    switch (rill_flight_at(flight, rill_flight_last(flight))->type) {
    case RST_STREAM:
        rill_flight_tell(flight, number_at(payload), 0);
        break;
    case WINDOW_UPDATE:
    case PUSH_PROMISE:
        rill_flight_tell(flight, number_at(payload) & INT32_MAX, 0);
        break;
    case GOAWAY:
        if (length >= 8)
            rill_flight_tell(flight, number_at(payload + 4), number_at(payload) & INT32_MAX);
        break;
    case SETTINGS:
        read_settings(flight, payload, length);
        break;
    default:
        break;
    }
}

void rill_flight_respond(rill_flight *flight, uint64_t now_us, int32_t stream)
{
    if (!flight || flight->responding)
        return;
    flight->responding = true;
    rill_flight_add(flight, now_us, false, FLIGHT_RESPONSE, 0, stream, 0);
    flight->response = rill_flight_last(flight);
}

void rill_flight_answer(rill_flight *flight, uint32_t status)
{
    if (flight)
        tell(flight, flight->response, status, 0);
}

void rill_flight_stray(rill_flight *flight, uint64_t now_us, size_t bytes)
{
    rill_flight_add(flight, now_us, false, FLIGHT_STRAY, 0, 0, (uint32_t)bytes);
}

/* --- what it shows --------------------------------------------------------------------------- */

static uint32_t kept(const flight_ring *ring)
{
    return ring->count < ring->room ? (uint32_t)ring->count : ring->room;
}

/* The place of the one that stands `behind` the next: 1 for the last. */
static uint32_t place_of(const flight_ring *ring, uint32_t behind)
{
    return ring->next >= behind ? ring->next - behind : ring->next + ring->room - behind;
}

rill_flight_record *rill_flight_at(rill_flight *flight, uint64_t number)
{
    if (!flight || number >= flight->recorded.count)
        return NULL;
    uint64_t behind = flight->recorded.count - number;
    return behind <= kept(&flight->recorded)
               ? &flight->records[place_of(&flight->recorded, (uint32_t)behind)]
               : NULL;
}

void rill_flight_type(uint16_t type, char *out, size_t size)
{
    if (type < TYPES)
        snprintf(out, size, "%s", types[type]);
    else if (type >= FLIGHT_REQUEST && type - FLIGHT_REQUEST < MESSAGES)
        snprintf(out, size, "%s", messages[type - FLIGHT_REQUEST]);
    else
        snprintf(out, size, "type 0x%02x", type);
}

void rill_flight_flags(uint16_t type, uint8_t flags, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    if (type >= FLIGHT_REQUEST) {
        snprintf(out, size, "%s", flags & FLIGHT_END ? " END" : "");
        return;
    }
    for (size_t i = 0; i < sizeof(flags_known) / sizeof(*flags_known); i++) {
        uint8_t flag = flags_known[i].flag;
        if (!(flags & flag) || type >= TYPES || !(flags_known[i].types & ON(type)))
            continue;
        used += (size_t)snprintf(out + used, size - used, " %s", flags_known[i].name);
        flags &= (uint8_t)~flag;
    }
    if (flags)
        snprintf(out + used, size - used, " 0x%02x", flags);
}

/* A note that grows; what has no room is left out. */
typedef struct note {
    char *text;
    size_t room, used;
} note;

static __attribute__((format(printf, 2, 3))) void add(note *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(to->text + to->used, to->room - to->used, format, args);
    va_end(args);
    if (length > 0)
        to->used += (size_t)length < to->room - to->used ? (size_t)length : to->room - to->used - 1;
}

static void add_code(note *to, uint32_t code)
{
    const char *name = code <= INT32_MAX ? rill_code_name((int32_t)code) : "";
    if (name[0])
        add(to, "%s", name);
    else
        add(to, "0x%x", (unsigned)code);
}

/* The i-th detail of a record, by its number; NULL: it has none such, or it is kept no longer. */
static const rill_flight_detail *detail_of(const rill_flight *flight, uint64_t record, uint32_t i)
{
    for (uint32_t behind = kept(&flight->detailed); behind; behind--) {
        const rill_flight_detail *detail = &flight->details[place_of(&flight->detailed, behind)];
        if (detail->record == record && !i--)
            return detail;
    }
    return NULL;
}

static void note_settings(const rill_flight *flight, uint64_t number, uint32_t length, note *to)
{
    enum { ENTRY = 6, NAMES = sizeof(settings) / sizeof(*settings) };
    uint32_t entries = length / ENTRY, i = 0;
    const rill_flight_detail *detail;
    for (; (detail = detail_of(flight, number, i)); i++) {
        if (detail->first < NAMES && settings[detail->first])
            add(to, "%s%s=%u", i ? " " : "", settings[detail->first], (unsigned)detail->second);
        else
            add(to, "%s0x%04x=%u", i ? " " : "", (unsigned)detail->first, (unsigned)detail->second);
    }
    if (i < entries)
        add(to, "%s%u%s settings", i ? " and " : "", (unsigned)(entries - i), i ? " more" : "");
}

static void note_method(const rill_flight_detail *detail, note *to)
{
    char method[sizeof(detail->first) + sizeof(detail->second) + 1] = "";
    memcpy(method, &detail->first, sizeof(detail->first));
    memcpy(method + sizeof(detail->first), &detail->second, sizeof(detail->second));
    add(to, "%s", method);
}

static void note_of(const rill_flight *flight, uint64_t number, const rill_flight_record *record,
                    note *to)
{
    const rill_flight_detail *detail = detail_of(flight, number, 0);
    to->text[0] = 0;
    if (record->type == SETTINGS)
        note_settings(flight, number, record->length, to);
    if (!detail)
        return;
    switch (record->type) {
    case RST_STREAM:
        add_code(to, detail->first);
        break;
    case WINDOW_UPDATE:
        add(to, "+%u", (unsigned)detail->first);
        break;
    case PUSH_PROMISE:
        add(to, "promises stream %u", (unsigned)detail->first);
        break;
    case GOAWAY:
        add_code(to, detail->first);
        add(to, " last stream %u", (unsigned)detail->second);
        break;
    case FLIGHT_REQUEST:
        note_method(detail, to);
        break;
    case FLIGHT_RESPONSE:
        add(to, "%u", (unsigned)detail->first);
        break;
    default:
        break;
    }
}

uint32_t rill_flight_count(const rill_flight *flight)
{
    return flight ? kept(&flight->recorded) : 0;
}

bool rill_flight_get(const rill_flight *flight, uint32_t index, rill_flight_frame *frame)
{
    char flags[sizeof(frame->flags) + 1];
    if (!flight || !frame || index >= kept(&flight->recorded))
        return false;
    uint32_t behind = kept(&flight->recorded) - index;
    uint64_t number = flight->recorded.count - behind;
    const rill_flight_record *record = &flight->records[place_of(&flight->recorded, behind)];
    frame->time = (double)(flight->began_us + record->since_us) / 1e6;
    frame->sent = record->sent;
    frame->stream = (int32_t)record->stream;
    frame->length = record->length;
    rill_flight_type(record->type, frame->type, sizeof(frame->type));
    rill_flight_flags(record->type, record->flags, flags, sizeof(flags));
    snprintf(frame->flags, sizeof(frame->flags), "%s", flags[0] ? flags + 1 : "");
    note to = {frame->note, sizeof(frame->note), 0};
    note_of(flight, number, record, &to);
    return true;
}
