/* A whole exchange over HTTP/1.1, from a client's request to its outcome, once with the answer in
 * one piece and once cut at random places: both must come to the same response, or to the same
 * failure. The first bytes say which request, which limits, and how the answer is cut. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEAD = 4, REQUESTS = 4, OUTCOME_TEXT = 1 << 20 };

typedef struct outcome {
    uint32_t count;
    size_t length;
    char text[OUTCOME_TEXT];
} outcome;

static outcome whole, cut, *current;

static void add(const char *text, size_t length)
{
    char head[24];
    int digits = snprintf(head, sizeof(head), "%zu:", length);
    if (current->length + (size_t)digits + length > OUTCOME_TEXT)
        return; /* both stop at the same place */
    memcpy(current->text + current->length, head, (size_t)digits);
    current->length += (size_t)digits;
    if (length)
        memcpy(current->text + current->length, text, length);
    current->length += length;
}

static void show(const rill_event *event)
{
    char numbers[80];
    int length =
        snprintf(numbers, sizeof(numbers), "%u %d %u %u %d", event->reason, (int)event->status,
                 event->attempts, event->cut, event->error_count ? event->errors->processed : -1);
    current->count++;
    add(numbers, (size_t)length);
    add(event->headers, event->headers_length);
    add(event->trailers, event->trailers_length);
    add(event->informational, event->informational_length);
    add(event->decoded, event->decoded ? strlen(event->decoded) : 0);
    if (event->large)
        add(rill_body_data(event->large), rill_body_length(event->large));
    else if (event->reason == RILL_ENDED)
        add(event->body, event->body_length);
    if (event->error_count &&
        event->reason != RILL_MAXSIZE_EXCEEDED_ACTUAL) /* says how much came */
        add(event->errors->message,
            strcspn(event->errors->message, "\"")); /* what came of a line */
}

/* `cuts` picks the places; 0: none. */
static void exchange(outcome *into, const uint8_t *lead, const uint8_t *data, size_t size,
                     uint32_t cuts)
{
    static const uint32_t kinds[REQUESTS] = {0, 4, 2, 6}; /* GET, HEAD, POST, with expect */
    uint32_t kind = kinds[lead[0] % REQUESTS];
    current = into;
    into->count = 0;
    into->length = 0;
    world_show(show);
    world_begin(WORLD_HTTP1 | (lead[1] & 0x38) | (kind + 1) << 8);
    for (size_t at = 0; at < size;) {
        size_t part = size - at;
        if (cuts) {
            cuts = cuts * 1103515245 + 12345;
            size_t most = cuts >> 30 ? 7 : 200; /* small ones most of the time */
            size_t few = 1 + (cuts >> 16) % most;
            part = few < part ? few : part;
        }
        world_say(data + at, part);
        at += part;
    }
    world_do(DEED_END, 0);
    world_end(1 | 2 | 4);
    world_show(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < LEAD)
        return 0;
    uint32_t cuts = 1 + ((uint32_t)data[2] | (uint32_t)data[3] << 8);
    exchange(&whole, data, data + LEAD, size - LEAD, 0);
    exchange(&cut, data, data + LEAD, size - LEAD, cuts);
    assert(whole.count == 1 && cut.count == 1);
    if (whole.length != cut.length || memcmp(whole.text, cut.text, whole.length)) {
        fprintf(stderr, "whole: %.*s\ncut: %.*s\n", (int)whole.length, whole.text, (int)cut.length,
                cut.text);
        abort();
    }
    return 0;
}
