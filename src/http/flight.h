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
    /* Frames that are kept. There is room for FLIGHT_FIRST of them at first, and it doubles: a
     * connection that idles after a request has some ten. */
    FLIGHT_FRAMES = 256,
    FLIGHT_FIRST = 16,
    /* Pairs of numbers out of SETTINGS and GOAWAY that are kept, and room for them at first. */
    FLIGHT_PAIRS = 64,
    FLIGHT_PAIRS_FIRST = 16,
    FLIGHT_SETTINGS = 6 /* of one frame */
};

/* What HTTP/1.1 has in place of frames: a message, whose length grows as it passes, and bytes that
 * belong to none. */
enum flight_type { FLIGHT_REQUEST = 0x100, FLIGHT_RESPONSE, FLIGHT_STRAY };

/* The only flag of these: it is complete. */
enum { FLIGHT_END = 1 };

typedef struct rill_flight_record {
    uint64_t time_us; /* as rill_turn.now_us */
    int32_t stream;
    uint32_t length; /* of the payload; of a message so far */
    /* RST_STREAM: its code; WINDOW_UPDATE: the increment; PUSH_PROMISE: the stream; a response: its
     * status; SETTINGS, GOAWAY, a request: where its pairs begin */
    uint32_t detail;
    uint16_t type; /* of RFC 9113 section 6, or enum flight_type */
    uint8_t flags;
    uint8_t details : 7; /* how many numbers, or pairs, are known */
    uint8_t sent : 1;
} rill_flight_record;

/* A setting and its value; GOAWAY's code and last stream; a method's first eight bytes. */
typedef struct rill_flight_pair {
    uint32_t first, second;
} rill_flight_pair;

/* Independent of its loop: errors that a script keeps hold it. */
struct rill_flight {
    uint32_t references;
    uint32_t room, most; /* slots there are, and may be; powers of two */
    uint32_t pair_room, pair_most;
    uint64_t count, pair_count; /* recorded so far */
    rill_flight_record *records;
    rill_flight_pair *pairs;
    uint64_t request, response; /* HTTP/1.1: the messages' records, see rill_flight_at() */
    bool responding;            /* what arrives is the response's */
};

/* With one reference; rill_flight_free() gives it back. NULL: out of memory, nothing is recorded.
 */
rill_flight *rill_flight_new(void);

bool rill_flight_grow(rill_flight *flight);

/* The next record, to be filled in; NULL: `flight` is NULL. */
static inline rill_flight_record *rill_flight_next(rill_flight *flight)
{
    if (!flight)
        return NULL;
    if (flight->count >= flight->room && flight->room < flight->most)
        rill_flight_grow(flight);
    return &flight->records[flight->count++ & (flight->room - 1)];
}

/* A frame without details, or with such as rill_flight_pair_up() adds to it. */
static inline rill_flight_record *rill_flight_add(rill_flight *flight, uint64_t now_us, bool sent,
                                                  uint16_t type, uint8_t flags, int32_t stream,
                                                  uint32_t length)
{
    rill_flight_record *record = rill_flight_next(flight);
    if (record)
        *record = (rill_flight_record){.time_us = now_us,
                                       .stream = stream,
                                       .length = length,
                                       .type = type,
                                       .flags = flags,
                                       .sent = sent};
    return record;
}

/* Adds a number, or a pair, to what was added last. NULL is fine. */
void rill_flight_tell(rill_flight_record *record, uint32_t detail);
void rill_flight_pair_up(rill_flight *flight, rill_flight_record *record, uint32_t first,
                         uint32_t second);

/* Reads the same out of a frame's payload, of which the first bytes are there. */
void rill_flight_read(rill_flight *flight, rill_flight_record *record, const uint8_t *payload,
                      size_t length);

/* HTTP/1.1: bytes arrive that are a response's, or nobody's. */
void rill_flight_respond(rill_flight *flight, uint64_t now_us, int32_t stream);
void rill_flight_stray(rill_flight *flight, uint64_t now_us, size_t bytes);

/* The record with this number, as `count` was before it was added; NULL: it is kept no longer. */
rill_flight_record *rill_flight_at(rill_flight *flight, uint64_t number);

/* The name of a frame's type, its number if it has none; its flags, each behind a blank. */
void rill_flight_type(uint16_t type, char *out, size_t size);
void rill_flight_flags(uint16_t type, uint8_t flags, char *out, size_t size);

#endif
