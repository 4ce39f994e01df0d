/* Where a request's body comes from: memory, a file, or pieces that the caller feeds. */
#ifndef RILL_SOURCE_H
#define RILL_SOURCE_H

#include "base/bytes.h"
#include "rill.h"
#include "base/timer.h"

/* UNSIZED: a file whose length is not known before its end, as a pipe's. */
enum source_kind { SOURCE_MEMORY, SOURCE_FILE, SOURCE_UNSIZED, SOURCE_PARTS, SOURCE_FED };

/* rill_source_read() found nothing yet. A reason would be below -1. */
enum { SOURCE_LATER = -1000 };

/* Fed bytes that wait; a writer above it waits until no more are left. */
enum { SOURCE_HIGH_WATER = 256 << 10 };

typedef struct rill_call rill_call;

/* Part after part. */
typedef struct rill_parts {
    uint32_t count, current;
    uint64_t start;        /* where the current one begins in the body */
    rill_body_part list[]; /* what they point to is borrowed; `length` is known of files as well */
} rill_parts;

typedef struct rill_source {
    rill_call *call; /* borrowed: whose body it is */
    enum source_kind kind;
    const char *data;       /* borrowed */
    int fd;                 /* owned; -1: none. Of PARTS: the current one's */
    rill_parts *parts;      /* owned; of PARTS */
    bool seekable;          /* it can be read again from its start */
    struct event *readable; /* owned: fires when an UNSIZED one has more; NULL: nobody waits */
    rill_chunks fed;
    int64_t length;       /* announced; -1: not known */
    uint64_t taken;       /* bytes that frames have carried */
    bool finished;        /* nothing more is fed */
    bool held;            /* waits for 100 (Continue), RFC 9110 section 10.1.1 */
    bool writer_waits;    /* for a queue that is short again */
    rill_timer expect;    /* the call's: runs while the body waits for 100 (Continue) */
    char length_text[20]; /* content-length, when it is sent */
    uint32_t length_digits;
    rill_bytes trailers; /* clean header block sent after the body */
} rill_source;

/* The body that a request asks for, NULL in `*source` when it has none. 0, or RILL_FILE_ERROR for a
 * file that cannot be opened or is none, or RILL_ERROR. */
int32_t rill_source_new(rill_slab *slab, const rill_request *request, rill_source **source,
                        rill_error *err);
void rill_source_free(rill_slab *slab, rill_source *source); /* NULL is fine */

/* Whether it can be sent again, once it was begun. NULL: there is none. */
bool rill_source_repeats(const rill_source *source);

/* Back to the start. False: what was fed is gone. */
bool rill_source_rewind(rill_source *source);

/* Whether it is read with rill_source_read(), else with the two below. */
static inline bool rill_source_is_file(const rill_source *source)
{
    return source->kind == SOURCE_FILE || source->kind == SOURCE_UNSIZED ||
           source->kind == SOURCE_PARTS;
}

/* Whether no more is read than was announced. */
static inline bool rill_source_is_sized(const rill_source *source)
{
    return source->kind == SOURCE_FILE || source->kind == SOURCE_PARTS;
}

/* Reads on in a file, up to `length` bytes (1 or more). Returns how many; 0: this is the end;
 * SOURCE_LATER: `readable` fires when there is more; or a negative rill_reason. Never waits. */
int64_t rill_source_read(rill_source *source, void *out, size_t length, rill_error *err);

/* Bytes that can be had now; and whether they are the last. */
uint64_t rill_source_ready(const rill_source *source, bool *last);

/* Copies the next `length` bytes (no more than are ready). */
void rill_source_take(rill_slab *slab, rill_source *source, void *out, size_t length);

/* Whether all that was fed has gone, and more is to be fed. */
bool rill_source_paused(const rill_source *source);

/* Whether more wait than a writer may leave, when so many bytes are added. */
bool rill_source_above_mark(const rill_source *source, size_t length);

/* Feeds a piece. 1: taken, but the writer should wait; 0: taken; or RILL_BODY_ERROR beyond the
 * announced length, or RILL_ERROR. */
int32_t rill_source_feed(rill_slab *slab, rill_source *source, const void *data, size_t length,
                         rill_error *err);

/* Nothing more is fed. 0, or RILL_BODY_ERROR short of the announced length. */
int32_t rill_source_finish(rill_source *source, rill_error *err);

#endif
