/* Chunked bodies of HTTP/1.1, whole and in pieces: both must come to the same data, the same place
 * and the same error. The first byte says how it is cut. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "h1/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    rill_h1_chunks chunks;
    rill_error err;
    char *body;
    size_t length, taken;
    uint64_t left; /* of a chunk's data */
    int64_t code;
} outcome;

/* Data of a chunk, as a session counts it. */
static size_t read_data(outcome *o, const char *data, size_t length)
{
    size_t part = length < o->left ? length : (size_t)o->left;
    memcpy(o->body + o->length, data, part);
    o->length += part;
    o->left -= part;
    return part;
}

static int64_t read_line(outcome *o, const char *data, size_t length)
{
    int64_t taken = rill_h1_chunks_read(&o->chunks, data, length, &o->err);
    if (taken >= 0 && o->chunks.state == H1_CHUNK_DATA)
        o->left = o->chunks.size;
    return taken;
}

/* Whether it goes on. */
static bool read_piece(outcome *o, const char *piece, size_t length)
{
    for (size_t at = 0; at < length && o->chunks.state != H1_CHUNK_LAST;) {
        size_t rest = length - at;
        o->code =
            o->left ? (int64_t)read_data(o, piece + at, rest) : read_line(o, piece + at, rest);
        if (o->code < 0)
            return false;
        assert(o->code > 0 && o->code <= (int64_t)rest);
        at += (size_t)o->code;
        o->taken += (size_t)o->code;
    }
    return o->chunks.state != H1_CHUNK_LAST;
}

static void read_in(outcome *o, const uint8_t *data, size_t size, size_t step)
{
    bool more = true;
    memset(o, 0, sizeof(*o));
    rill_error_clear(&o->err);
    o->chunks.state = H1_CHUNK_START;
    o->body = malloc(size + 1);
    for (size_t given = 0; given < size && more; given += step) {
        size_t part = size - given < step ? size - given : step;
        char *exact = malloc(part); /* reading past the end is seen */
        memcpy(exact, data + given, part);
        more = read_piece(o, exact, part);
        free(exact);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    outcome whole, cut;
    read_in(&whole, data + 1, size - 1, size);
    read_in(&cut, data + 1, size - 1, 1 + data[0] % 31);
    assert((whole.code < 0) == (cut.code < 0));
    assert(whole.length == cut.length && !memcmp(whole.body, cut.body, whole.length));
    assert(whole.length + whole.left == whole.chunks.data && whole.left == cut.left);
    assert(whole.code < 0 || whole.chunks.size <= INT64_MAX);
    assert(whole.chunks.extensions <=
           H1_EXTENSIONS + whole.chunks.data / 1024 * H1_EXTENSIONS_PER_KIB + 1);
    if (whole.code < 0) {
        assert(whole.code == -RILL_PROTOCOL_ERROR);
        assert(whole.err.message[0] && !strcmp(whole.err.message, cut.err.message));
    } else {
        assert(whole.taken == cut.taken && whole.chunks.state == cut.chunks.state);
        assert(whole.taken == size - 1 || whole.chunks.state == H1_CHUNK_LAST);
    }
    free(whole.body);
    free(cut.body);
    return 0;
}
