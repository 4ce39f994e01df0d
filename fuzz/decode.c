/* Content codings: arbitrary data decode to the same bytes and end the same way however they are
 * split and however little room there is, and never hold more than their windows. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX = 1 << 20, HELD_MAX = 5 * (17 << 20) };

typedef struct outcome {
    uint8_t *output;
    size_t length;
    int32_t code;
} outcome;

/* Decodes in pieces of `piece` bytes into room for `room`. */
static outcome decode(const char *field, const uint8_t *data, size_t size, size_t piece,
                      size_t room)
{
    static uint8_t none;
    rill_slab slab = {0};
    rill_decode *chain;
    outcome out = {.output = malloc(OUTPUT_MAX)};
    out.code = rill_decode_new(&slab, field, strlen(field), &chain, NULL);
    assert(!out.code && chain);
    size_t taken = 0;
    bool full = false;
    while (!out.code && !full) {
        size_t part = size - taken < piece ? size - taken : piece;
        size_t left = OUTPUT_MAX - out.length < room ? OUTPUT_MAX - out.length : room;
        rill_flow flow = {part ? data + taken : &none, part, out.output + out.length, left};
        out.code = rill_decode_write(chain, &flow, NULL);
        taken += part - flow.in_left;
        out.length += left - flow.out_left;
        assert(rill_decode_held(chain) < HELD_MAX);
        full = out.length == OUTPUT_MAX;
        if (taken == size && flow.out_left)
            break;
    }
    if (!out.code && !full)
        out.code = rill_decode_finish(chain, NULL);
    if (full)
        out.code = 0;
    rill_decode_free(chain);
    assert(!rill_slab_bytes(&slab));
    rill_slab_dispose(&slab);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const fields[] = {"gzip",       "deflate",  "br",     "zstd",
                                         "gzip, gzip", "br, gzip", "X-GZIP", "zstd, br"};
    if (size < 3)
        return 0;
    const char *field = fields[data[0] % (sizeof(fields) / sizeof(*fields))];
    size_t piece = 1 + data[1] % 64, room = 1 + data[2];
    outcome whole = decode(field, data + 3, size - 3, size, OUTPUT_MAX);
    outcome split = decode(field, data + 3, size - 3, piece, room);
    if (whole.code == split.code)
        assert(whole.code || whole.length == split.length);
    size_t common = whole.length < split.length ? whole.length : split.length;
    assert(!memcmp(whole.output, split.output, common));
    assert(whole.code == split.code || whole.length == OUTPUT_MAX || split.length == OUTPUT_MAX);
    free(whole.output);
    free(split.output);
    return 0;
}
