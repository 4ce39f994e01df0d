/* Reads a chunked body up to its last chunk (RFC 9112 section 7.1); trailers are a head's business.
 * Holds no bytes. */
#ifndef RILL_H1_CHUNKS_H
#define RILL_H1_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "rill.h"

/* Chunk extensions are ignored: so many bytes of them at first, and so many more for each KiB of
 * data. */
enum { H1_EXTENSIONS = 16 << 10, H1_EXTENSIONS_PER_KIB = 8 };

enum h1_chunk_state {
    H1_CHUNK_SIZE,      /* hex digits */
    H1_CHUNK_BEHIND,    /* blanks behind them */
    H1_CHUNK_EXTENSION, /* from ';' to the line's end */
    H1_CHUNK_LF,        /* of a size's line */
    H1_CHUNK_DATA,
    H1_CHUNK_DATA_CR,
    H1_CHUNK_DATA_LF,
    H1_CHUNK_LAST /* the last chunk's line was read: trailers follow */
};

typedef struct rill_h1_chunks { /* zeroed: before the first chunk */
    enum h1_chunk_state state;
    uint32_t digits;
    uint64_t left;       /* of this chunk; its size, while that is read */
    uint64_t data;       /* bytes of data read so far */
    uint64_t extensions; /* bytes of extensions read so far */
} rill_h1_chunks;

/* Takes bytes up to the end of a run of data, of the body, or of what there is. `*data` (NULL:
 * none) and `*data_length` are the run, which lies in `in`. Returns how many bytes were taken, or
 * -RILL_PROTOCOL_ERROR with the rule that was broken. */
int64_t rill_h1_chunks_read(rill_h1_chunks *chunks, const char *in, size_t length,
                            const char **data, size_t *data_length, rill_error *err);

#endif
