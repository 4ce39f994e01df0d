/* Members of a gzip file (RFC 1952), one behind the other. */
#ifndef RILL_MEMBER_H
#define RILL_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "rill.h"

#include "base/bytes.h"

/* Up to so many bytes are compressed with small tables: those of a large stream have 64 KiB, which
 * are cleared for each member. That costs more than all else of most requests. */
enum { MEMBER_SMALL = 4096 };

/* Up to so many bytes are compressed by libdeflate, where that is installed: it takes all of them
 * at once. */
enum { MEMBER_WHOLE = 1 << 20 };

/* Zeroed: has made nothing yet. */
typedef struct rill_member {
    z_stream small, large;    /* made on first use, then used again */
    z_stream *open;           /* borrowed: one of these, of the member that is being made */
    struct compressor *whole; /* owned: libdeflate's; NULL: there is none */
    bool has_asked;           /* for that */
} rill_member;

/* Begins a member for so many bytes; one that is not complete is forgotten. False: out of memory,
 * or zlib cannot be loaded, and `err` is filled in. */
bool rill_member_begin(rill_member *member, size_t length, rill_error *err);

/* Compresses more of it, and appends what is there to `out`. `last` ends it. False: out of memory,
 * or zlib failed, and the member is lost. */
bool rill_member_write(rill_member *member, rill_slab *slab, rill_bytes *out, rill_chars data,
                       bool last);

/* Makes all of one and appends it: by libdeflate, or where that is not installed by zlib. False: as
 * rill_member_begin(). */
bool rill_member_make(rill_member *member, rill_slab *slab, rill_bytes *out, rill_chars data,
                      rill_error *err);

void rill_member_dispose(rill_member *member);

#endif
