/* Reads what lies between the data of a chunked body, up to its last chunk (RFC 9112 section 7.1);
 * trailers are a head's business. Holds no bytes. */
#ifndef RILL_H1_CHUNKS_H
#define RILL_H1_CHUNKS_H

#include "rill.h"

/* Chunk extensions are ignored: so many bytes of them at first, and so many more for each KiB of
 * data. */
enum { H1_EXTENSIONS = 16 << 10, H1_EXTENSIONS_PER_KIB = 8 };

enum h1_chunk_state {
    H1_CHUNK_BROKEN,
    H1_CHUNK_START,     /* a size follows */
    H1_CHUNK_SIZE,      /* in its hex digits */
    H1_CHUNK_BEHIND,    /* blanks behind them */
    H1_CHUNK_EXTENSION, /* from ';' to the line's end */
    H1_CHUNK_LF,        /* of a size's line */
    H1_CHUNK_DATA,
    H1_CHUNK_DATA_CR, /* behind the data */
    H1_CHUNK_DATA_LF,
    H1_CHUNK_LAST, /* the last chunk's line was read: trailers follow */
    H1_CHUNK_STATES
};

typedef struct rill_h1_chunks { /* zeroed but for `state`, H1_CHUNK_START: before the first chunk */
    enum h1_chunk_state state;
    uint32_t digits;
    uint64_t size;       /* of this chunk */
    uint64_t data;       /* bytes of all chunks so far */
    uint64_t extensions; /* and of their extensions */
} rill_h1_chunks;

/* Takes bytes up to a chunk's data (H1_CHUNK_DATA; called again, they have been taken), to the end
 * of the body, or of what there is. Returns how many, or -RILL_PROTOCOL_ERROR with the rule that
 * was broken. */
int64_t rill_h1_chunks_read(rill_h1_chunks *chunks, const char *data, size_t length,
                            rill_error *err);

#endif
