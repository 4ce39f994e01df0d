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

rill_flight *rill_flight_new(void)
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
    flight->room = FLIGHT_FIRST;
    flight->most = FLIGHT_FRAMES;
    flight->pair_most = FLIGHT_PAIRS;
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
    free(flight->pairs);
    free(flight);
}

/* What memory cannot be had for is recorded over the oldest, from now on. */
bool rill_flight_grow(rill_flight *flight)
{
    rill_flight_record *grown =
        realloc(flight->records, 2 * (size_t)flight->room * sizeof(*flight->records));
    if (!grown) {
        flight->most = flight->room;
        return false;
    }
    flight->records = grown;
    flight->room *= 2;
    return true;
}

static void grow_pairs(rill_flight *flight)
{
    uint32_t room = flight->pair_room ? 2 * flight->pair_room : FLIGHT_PAIRS_FIRST;
    rill_flight_pair *grown = realloc(flight->pairs, room * sizeof(*flight->pairs));
    if (!grown) {
        flight->pair_most = flight->pair_room;
        return;
    }
    flight->pairs = grown;
    flight->pair_room = room;
}

void rill_flight_tell(rill_flight_record *record, uint32_t detail)
{
    if (!record)
        return;
    record->detail = detail;
    record->details = 1;
}

void rill_flight_pair_up(rill_flight *flight, rill_flight_record *record, uint32_t first,
                         uint32_t second)
{
    if (!record || record->details == FLIGHT_SETTINGS)
        return;
    if (flight->pair_count >= flight->pair_room && flight->pair_room < flight->pair_most)
        grow_pairs(flight);
    if (!flight->pair_room)
        return;
    if (!record->details++)
        record->detail = (uint32_t)flight->pair_count;
    rill_flight_pair *pair = &flight->pairs[flight->pair_count++ & (flight->pair_room - 1)];
    pair->first = first;
    pair->second = second;
}

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void rill_flight_read(rill_flight *flight, rill_flight_record *record, const uint8_t *payload,
                      size_t length)
{
    enum { ENTRY = 6 };
    if (!record || length < 4)
        return;
    switch (record->type) {
    case RST_STREAM:
        rill_flight_tell(record, number_at(payload));
        break;
    case WINDOW_UPDATE:
    case PUSH_PROMISE:
        rill_flight_tell(record, number_at(payload) & INT32_MAX);
        break;
    case GOAWAY:
        if (length >= 8)
            rill_flight_pair_up(flight, record, number_at(payload + 4),
                                number_at(payload) & INT32_MAX);
        break;
    case SETTINGS:
        for (; length >= ENTRY; payload += ENTRY, length -= ENTRY)
            rill_flight_pair_up(flight, record, (uint32_t)payload[0] << 8 | payload[1],
                                number_at(payload + 2));
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
    flight->response = flight->count;
    rill_flight_add(flight, now_us, false, FLIGHT_RESPONSE, 0, stream, 0);
}

void rill_flight_stray(rill_flight *flight, uint64_t now_us, size_t bytes)
{
    rill_flight_add(flight, now_us, false, FLIGHT_STRAY, 0, 0, (uint32_t)bytes);
}

/* --- what it shows --------------------------------------------------------------------------- */

static uint32_t kept(const rill_flight *flight)
{
    return flight->count < flight->room ? (uint32_t)flight->count : flight->room;
}

rill_flight_record *rill_flight_at(rill_flight *flight, uint64_t number)
{
    if (!flight || number >= flight->count || flight->count - number > kept(flight))
        return NULL;
    return &flight->records[number & (flight->room - 1)];
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

/* The i-th pair of a record; NULL: it is kept no longer. Numbers wrap with `detail`. */
static const rill_flight_pair *pair_of(const rill_flight *flight, const rill_flight_record *record,
                                       uint32_t i)
{
    uint32_t number = record->detail + i, behind = (uint32_t)flight->pair_count - number;
    return i < record->details && behind <= flight->pair_room
               ? &flight->pairs[number & (flight->pair_room - 1)]
               : NULL;
}

static void note_settings(const rill_flight *flight, const rill_flight_record *record, note *to)
{
    enum { ENTRY = 6, NAMES = sizeof(settings) / sizeof(*settings) };
    uint32_t entries = record->length / ENTRY, i = 0;
    const rill_flight_pair *pair;
    for (; (pair = pair_of(flight, record, i)); i++) {
        if (pair->first < NAMES && settings[pair->first])
            add(to, "%s%s=%u", i ? " " : "", settings[pair->first], (unsigned)pair->second);
        else
            add(to, "%s0x%04x=%u", i ? " " : "", (unsigned)pair->first, (unsigned)pair->second);
    }
    if (i < entries)
        add(to, "%s%u%s settings", i ? " and " : "", (unsigned)(entries - i), i ? " more" : "");
}

static void note_request(const rill_flight *flight, const rill_flight_record *record, note *to)
{
    const rill_flight_pair *pair = pair_of(flight, record, 0);
    char method[sizeof(*pair) + 1] = "";
    if (!pair)
        return;
    memcpy(method, pair, sizeof(*pair));
    add(to, "%s", method);
}

static void note_of(const rill_flight *flight, const rill_flight_record *record, note *to)
{
    const rill_flight_pair *pair = NULL;
    to->text[0] = 0;
    if (record->type == SETTINGS)
        note_settings(flight, record, to);
    if (!record->details)
        return;
    switch (record->type) {
    case RST_STREAM:
        add_code(to, record->detail);
        break;
    case WINDOW_UPDATE:
        add(to, "+%u", (unsigned)record->detail);
        break;
    case PUSH_PROMISE:
        add(to, "promises stream %u", (unsigned)record->detail);
        break;
    case GOAWAY:
        pair = pair_of(flight, record, 0);
        if (!pair)
            break;
        add_code(to, pair->first);
        add(to, " last stream %u", (unsigned)pair->second);
        break;
    case FLIGHT_REQUEST:
        note_request(flight, record, to);
        break;
    case FLIGHT_RESPONSE:
        add(to, "%u", (unsigned)record->detail);
        break;
    default:
        break;
    }
}

uint32_t rill_flight_count(const rill_flight *flight)
{
    return flight ? kept(flight) : 0;
}

bool rill_flight_get(const rill_flight *flight, uint32_t index, rill_flight_frame *frame)
{
    char flags[sizeof(frame->flags) + 1];
    if (!flight || !frame || index >= kept(flight))
        return false;
    uint64_t number = flight->count - kept(flight) + index;
    const rill_flight_record *record = &flight->records[number & (flight->room - 1)];
    frame->time = (double)record->time_us / 1e6;
    frame->sent = record->sent;
    frame->stream = record->stream;
    frame->length = record->length;
    rill_flight_type(record->type, frame->type, sizeof(frame->type));
    rill_flight_flags(record->type, record->flags, flags, sizeof(flags));
    snprintf(frame->flags, sizeof(frame->flags), "%s", flags[0] ? flags + 1 : "");
    note to = {frame->note, sizeof(frame->note), 0};
    note_of(flight, record, &to);
    return true;
}
