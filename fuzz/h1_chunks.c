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
    int64_t code;
} outcome;

/* Whether it goes on. */
static bool read_piece(outcome *o, const char *piece, size_t length)
{
    size_t at = 0;
    while (at < length && o->chunks.state != H1_CHUNK_LAST) {
        const char *data;
        size_t data_length;
        o->code =
            rill_h1_chunks_read(&o->chunks, piece + at, length - at, &data, &data_length, &o->err);
        if (o->code < 0)
            return false;
        assert(o->code > 0 || o->chunks.state == H1_CHUNK_LAST);
        assert(!data_length || (data >= piece + at && data + data_length == piece + at + o->code));
        if (data_length)
            memcpy(o->body + o->length, data, data_length);
        o->length += data_length;
        o->taken += (size_t)o->code;
        at += (size_t)o->code;
    }
    return o->chunks.state != H1_CHUNK_LAST;
}

static void read_in(outcome *o, const uint8_t *data, size_t size, size_t step)
{
    bool more = true;
    memset(o, 0, sizeof(*o));
    rill_error_clear(&o->err);
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
    assert(whole.length == whole.chunks.data);
    assert(whole.code < 0 || whole.chunks.left <= INT64_MAX);
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
