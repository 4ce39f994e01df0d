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
} rill_coding;

extern const rill_coding rill_coding_gzip; /* RFC 1952 */

/* Loads zlib if it is there: most bodies need it, and when the first of them comes a process may be
 * out of descriptors. */
void rill_coding_prepare(void);

extern const rill_coding
    rill_coding_deflate;                     /* RFC 1950, and RFC 1951 alone as some servers send */
extern const rill_coding rill_coding_brotli; /* RFC 7932 */
extern const rill_coding rill_coding_zstd;   /* RFC 8878 */

#endif
