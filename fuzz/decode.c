/* Content codings: arbitrary data decode to the same bytes and end the same way however they are
 * split and however little room there is, and never hold more than their windows. What is made in
 * one call is what comes out in steps. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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

/* The end of a gzip member becomes that of the output, so that chance need not find it. */
static void mend(uint8_t *data, size_t size, const outcome *out)
{
    uint32_t end[2] = {(uint32_t)crc32(0, out->output, (uInt)out->length), (uint32_t)out->length};
    for (size_t i = 0; i < sizeof(end); i++)
        data[size - sizeof(end) + i] = (uint8_t)(end[i / 4] >> i % 4 * 8);
}

/* What is made at once is the same, unless in steps it is refused: what came before that then is
 * the same. Returns whether something was made. */
static bool try_whole(const char *field, const uint8_t *data, size_t size, const outcome *steps)
{
    rill_slab slab = {0};
    rill_decode *chain;
    assert(!rill_decode_new(&slab, field, strlen(field), &chain, NULL));
    size_t room = rill_decode_announced(chain, data, size);
    uint8_t *output = room ? malloc(room) : NULL;
    bool made = room && rill_decode_whole(chain, data, size, output, room);
    if (made) {
        assert(steps->code ? steps->length <= room : steps->length == room);
        assert(!memcmp(output, steps->output, steps->length));
    }
    free(output);
    rill_decode_free(chain);
    rill_slab_dispose(&slab);
    return made;
}

static void check_whole(const char *field, const uint8_t *data, size_t size, const outcome *steps)
{
    if (size < 8 || try_whole(field, data, size, steps) || !steps->code)
        return;
    uint8_t *mended = malloc(size);
    memcpy(mended, data, size);
    mend(mended, size, steps);
    outcome again = decode(field, mended, size, size, OUTPUT_MAX);
    try_whole(field, mended, size, &again);
    free(again.output);
    free(mended);
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
    check_whole(field, data + 3, size - 3, &whole);
    free(whole.output);
    free(split.output);
    return 0;
}
