/* The head of a WARC record: everything in front of its block. */
#ifndef RILL_WARC_HEAD_H
#define RILL_WARC_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/process.h"
#include "rill.h"

enum { WARC_ID = 47, WARC_SHA1 = 20 }; /* "<urn:uuid:...>"; bytes of a digest */

/* The second whose date was written last: most records are of the same one. Zeroed: 1970. */
typedef struct rill_warc_clock {
    int64_t second;
    char text[sizeof "1970-01-01T00:00:00"];
} rill_warc_clock;

/* What a head has that its record does not bring along. */
typedef struct rill_warc_head {
    char id[WARC_ID];     /* its own */
    char before[WARC_ID]; /* of the record before it */
    uint8_t block_digest[WARC_SHA1], payload_digest[WARC_SHA1];
    size_t block_length;
} rill_warc_head;

enum { WARC_RANDOM = 256 }; /* bytes that the system gives at once */

/* Random bytes for ids: each call for some costs more than the id. */
typedef struct rill_warc_ids {
    uint8_t random[WARC_RANDOM];
    size_t left;          /* of them, at the end */
    rill_process process; /* whose they are: a child would make the same ids of them */
} rill_warc_ids;

void rill_warc_ids_init(rill_warc_ids *ids);
void rill_warc_ids_dispose(rill_warc_ids *ids);

/* Writes a new id. False: the system has no random bytes. */
bool rill_warc_ids_take(rill_warc_ids *ids, char id[WARC_ID]);

/* Appends the head, with the empty line behind it. False: out of memory. */
bool rill_warc_head_write(rill_slab *slab, rill_bytes *out, rill_warc_clock *clock,
                          const rill_warc_record *record, const rill_warc_head *head);

#endif
