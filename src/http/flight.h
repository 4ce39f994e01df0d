/* The last frames of a connection, for who asks what went wrong on it: types, streams, lengths and
 * flags, and of their payload nothing but error codes, settings, increments and stream ids. Never
 * field values or payload. */
#ifndef RILL_FLIGHT_H
#define RILL_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rill.h"

enum {
    /* Frames that are kept, and as many details of them. There is room for a few at first, and it
     * grows by half: a connection that idles after a request has some ten frames. */
    FLIGHT_FRAMES = 256,
    FLIGHT_FIRST = 16,
    FLIGHT_DETAILS_FIRST = 8,
    FLIGHT_SETTINGS = 6 /* details of one frame, at most */
};

/* What HTTP/1.1 has in place of frames: a message, whose length grows as it passes, and bytes that
 * belong to none. */
enum flight_type { FLIGHT_REQUEST = 0x100, FLIGHT_RESPONSE, FLIGHT_STRAY };

/* The only flag of these: it is complete. */
enum { FLIGHT_END = 1 };

/* Each frame on the wire makes one: 16 bytes. */
typedef struct rill_flight_record {
    uint64_t since_us : 47; /* since the recording began: four years */
    uint64_t type : 9;      /* of RFC 9113 section 6, or enum flight_type */
    uint64_t flags : 8;
    uint32_t stream : 31;
    uint32_t sent : 1;
    uint32_t length; /* of the payload; of a message so far */
} rill_flight_record;

/* What few frames have: a setting and its value; GOAWAY's code and last stream; RST_STREAM's code;
 * WINDOW_UPDATE's increment; PUSH_PROMISE's stream; a response's status; a method's first eight
 * bytes. */
typedef struct rill_flight_detail {
    uint64_t record; /* its number */
    uint32_t first, second;
} rill_flight_detail;

/* Places in a ring: they are filled in order, then the oldest is written over. */
typedef struct flight_ring {
    uint64_t count; /* filled so far */
    uint32_t next;  /* to be filled; `room`: it grows, or begins again */
    uint32_t room, most;
} flight_ring;

/* Independent of its loop: errors that a script keeps hold it. */
struct rill_flight {
    uint32_t references;
    uint64_t began_us; /* as rill_turn.now_us */
    flight_ring recorded, detailed;
    rill_flight_record *records;
    rill_flight_detail *details;
    uint64_t request, response; /* HTTP/1.1: numbers of the messages' records */
    bool responding;            /* what arrives is the response's */
};

/* With one reference; rill_flight_free() gives it back. NULL: out of memory, nothing is recorded.
 */
rill_flight *rill_flight_new(uint64_t now_us);

void rill_flight_make_room(rill_flight *flight);

/* A frame, which becomes the last one. NULL is fine. */
static inline void rill_flight_add(rill_flight *flight, uint64_t now_us, bool sent, uint16_t type,
                                   uint8_t flags, int32_t stream, uint32_t length)
{
    if (!flight)
        return;
    if (flight->recorded.next == flight->recorded.room)
        rill_flight_make_room(flight);
    flight->recorded.count++;
    flight->records[flight->recorded.next++] =
        (rill_flight_record){.since_us = now_us - flight->began_us,
                             .type = type,
                             .flags = flags,
                             .stream = (uint32_t)stream,
                             .sent = sent,
                             .length = length};
}

/* The last one's number. */
static inline uint64_t rill_flight_last(const rill_flight *flight)
{
    return flight->recorded.count - 1;
}

/* Adds a detail to the last one. NULL is fine. */
void rill_flight_tell(rill_flight *flight, uint32_t first, uint32_t second);

/* Reads the last one's out of its payload, of which the first bytes are there. */
void rill_flight_read(rill_flight *flight, const uint8_t *payload, size_t length);

/* HTTP/1.1: bytes arrive that are a response's; they say its status; and nobody's. */
void rill_flight_respond(rill_flight *flight, uint64_t now_us, int32_t stream);
void rill_flight_answer(rill_flight *flight, uint32_t status);
void rill_flight_stray(rill_flight *flight, uint64_t now_us, size_t bytes);

/* The record with this number; NULL: it is kept no longer. */
rill_flight_record *rill_flight_at(rill_flight *flight, uint64_t number);

/* The name of a frame's type, its number if it has none; its flags, each behind a blank. */
void rill_flight_type(uint16_t type, char *out, size_t size);
void rill_flight_flags(uint16_t type, uint8_t flags, char *out, size_t size);

#endif
