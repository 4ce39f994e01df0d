/* A content coding that can be undone (RFC 9110 section 8.4.1): what each of gzip.c, brotli.c and
 * zstd.c offers. A coding works on spans of bytes, never holds input, and produces output only into
 * the room it is given, so that a body that explodes costs no more than that. */
#ifndef RILL_CODING_H
#define RILL_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rill.h"

#include "base/library.h"
#include "base/slab.h"

/* What is left of an input, and of the room for output; a coding advances both. */
typedef struct rill_flow {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
} rill_flow;

enum coding_result {
    CODING_OK,     /* went on until the input or the room was used up */
    CODING_BROKEN, /* the data are not of this coding */
    CODING_MEMORY  /* out of memory */
};

/* What a library allocates for a decoder, which is given to it with these two. */
typedef struct coding_memory {
    rill_slab *slab;
    size_t held; /* bytes */
} coding_memory;

static inline void *rill_coding_alloc(void *memory_, size_t size)
{
    coding_memory *memory = memory_;
    size_t before = rill_slab_bytes(memory->slab);
    void *block = rill_slab_alloc(memory->slab, size);
    memory->held += rill_slab_bytes(memory->slab) - before;
    return block;
}

static inline void rill_coding_free(void *memory_, void *block)
{
    coding_memory *memory = memory_;
    size_t before = rill_slab_bytes(memory->slab);
    rill_slab_free(memory->slab, block);
    memory->held -= before - rill_slab_bytes(memory->slab);
}

typedef struct rill_coding {
    const char *name;      /* as in content-encoding */
    rill_library *library; /* loaded by the first decoder */
    /* Makes a decoder. NULL: its library cannot be loaded, and `err` is filled in; or there is no
     * memory, and `err` is left alone. */
    void *(*open)(rill_slab *slab, rill_error *err);
    /* Takes input and gives output. What stands behind the end of the coded data is taken and
     * ignored. `*why` is set where the result is CODING_BROKEN; it lives as long as the decoder. */
    enum coding_result (*write)(void *decoder, rill_flow *flow, const char **why);
    /* Whether the data may end here: complete, or nothing came at all. */
    bool (*finished)(const void *decoder);
    /* Bytes of memory that it holds now, its window included. */
    size_t (*held)(const void *decoder);
    void (*close)(void *decoder);
    /* A short body that is all here may be undone in one call, without a decoder; NULL: never.
     * `announced`: how many bytes it says come out; 0: it is for a decoder. `whole`: makes just so
     * many, out of all of the data; false: it did not, what stands in `out` is nothing, and a
     * decoder is to say what is wrong, if anything is. */
    size_t (*announced)(const uint8_t *data, size_t length);
    bool (*whole)(const uint8_t *data, size_t length, uint8_t *out, size_t size);
} rill_coding;

/* Bytes that are made in one call: they take less time than a step of a decoder does. */
enum { CODING_WHOLE_MOST = 512 << 10 };

extern const rill_coding rill_coding_gzip; /* RFC 1952 */

/* Loads zlib if it is there: most bodies need it, and when the first of them comes a process may be
 * out of descriptors. */
void rill_coding_prepare(void);

/* As described above. Where libdeflate is not installed nothing is undone; some malformed trees of
 * codes that zlib refuses are undone where the checksum of what comes out is right. */
size_t rill_gzip_announced(const uint8_t *data, size_t length);
bool rill_gzip_whole(const uint8_t *data, size_t length, uint8_t *out, size_t size);

extern const rill_coding
    rill_coding_deflate;                     /* RFC 1950, and RFC 1951 alone as some servers send */
extern const rill_coding rill_coding_brotli; /* RFC 7932 */
extern const rill_coding rill_coding_zstd;   /* RFC 8878 */

#endif
