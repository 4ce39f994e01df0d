/* A loop with one client, and a server that is the fuzzer: a Unix socket in this very process, with
 * a clock that moves when it is told to. All that happens comes out of the input.
 *
 * What must hold whatever the server says: every request has exactly one outcome, with a reason;
 * nothing spins; memory is bounded by what came in; in the end the loop holds nothing. */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>

#include "rill.h"

enum { WORLD_FETCHES = 8 };

/* What is decided from outside of HTTP/2; one of them per decision. */
enum world_deed {
    DEED_READ,
    DEED_READ_ALL,
    DEED_COLLECT,
    DEED_BODY,
    DEED_CANCEL,
    DEED_STOP,
    DEED_RESET,
    DEED_DROP,
    DEED_WRITE,
    DEED_WRITE_MUCH,
    DEED_FINISH,
    DEED_FINISH_TRAILERS,
    DEED_FAIL,
    DEED_REQUEST,
    DEED_SLEEP,
    DEED_SLEEP_LONG,
    DEED_PING,
    DEED_DRAIN,
    DEED_END_CONNECTION,
    DEED_CLOSE_CLIENT,
    DEED_DEAF, /* the server reads no more, or does again */
    DEED_END,  /* the server closes */
    DEED_DEEDS
};

/* Begins with a client and up to three requests, chosen by the bits of `choice`; with bit 7 it
 * speaks HTTP/1.1. */
enum { WORLD_HTTP1 = 1 << 7 };
void world_begin(uint32_t choice);

/* Is shown each response and each failure; NULL: nobody is. */
void world_show(void (*show)(const rill_event *event));

/* The server says something; the loop runs until all is quiet. */
void world_say(const void *data, size_t length);

/* `argument` picks the request and how much. */
void world_do(uint32_t deed, uint32_t argument);

/* Everything ends, politely or not (`choice`), and is checked. */
void world_end(uint32_t choice);

#endif
