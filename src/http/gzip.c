/* gzip and deflate, by zlib. */
#include <string.h>
#include <zlib.h>

#include "base/library.h"
#include "http/coding.h"

static const char *const names[] = {"inflateInit2_", "inflate", "inflateReset2", "inflateEnd"};
static struct {
    __typeof__(inflateInit2_) *init;
    __typeof__(inflate) *inflate;
    __typeof__(inflateReset2) *reset;
    __typeof__(inflateEnd) *end;
} lib;
static rill_library library = {"libz.so.1", "zlib1g", names, sizeof(names) / sizeof(*names),
                               LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

enum {
    GZIP_WINDOW_BITS = 15 + 16, /* 32 KiB, and a gzip header must stand in front */
    ZLIB_WINDOW_BITS = 15,
    RAW_WINDOW_BITS = -15
};

/* Two bytes decide what comes next: whether another gzip member follows, and whether deflate has
 * zlib's header. */
enum gzip_state {
    GZIP_FIRST, /* waits for the first two bytes */
    GZIP_DATA,
    GZIP_BEHIND, /* a member has ended; another may follow */
    GZIP_OVER    /* whatever comes is ignored */
};

typedef struct decoder {
    z_stream z;
    coding_memory memory;
    enum gzip_state state;
    bool is_gzip, any; /* any: a byte has come */
    uint8_t lead[2];
    uint32_t lead_length;
} decoder;

static void *allocate(void *memory, unsigned count, unsigned size)
{
    return rill_coding_alloc(memory, (size_t)count * size);
}

static decoder *open_decoder(rill_slab *slab, bool is_gzip, rill_error *err)
{
    if (rill_library_load(&library, &lib, err))
        return NULL;
    decoder *d = rill_slab_zalloc(slab, sizeof(*d));
    if (!d)
        return NULL;
    d->memory.slab = slab;
    d->is_gzip = is_gzip;
    d->z.zalloc = allocate;
    d->z.zfree = rill_coding_free;
    d->z.opaque = &d->memory;
    d->state = is_gzip ? GZIP_DATA : GZIP_FIRST;
    int window_bits = is_gzip ? GZIP_WINDOW_BITS : ZLIB_WINDOW_BITS;
    if (lib.init(&d->z, window_bits, ZLIB_VERSION, (int)sizeof(d->z)) == Z_OK)
        return d;
    rill_slab_free(slab, d);
    return NULL;
}

static void *open_gzip(rill_slab *slab, rill_error *err)
{
    return open_decoder(slab, true, err);
}

static void *open_deflate(rill_slab *slab, rill_error *err)
{
    return open_decoder(slab, false, err);
}

static enum coding_result inflate_flow(decoder *d, rill_flow *flow, const char **why)
{
    z_stream *z = &d->z;
    z->next_in = (Bytef *)flow->in; /* zlib 1.2 has no const there, and writes nothing */
    z->avail_in = flow->in_left < UINT32_MAX ? (uInt)flow->in_left : UINT32_MAX;
    z->next_out = flow->out;
    z->avail_out = flow->out_left < UINT32_MAX ? (uInt)flow->out_left : UINT32_MAX;
    int code = lib.inflate(z, Z_NO_FLUSH);
    flow->in_left -= (size_t)(z->next_in - flow->in);
    flow->in = z->next_in;
    flow->out_left -= (size_t)(z->next_out - flow->out);
    flow->out = z->next_out;
    if (code == Z_STREAM_END) {
        d->state = d->is_gzip ? GZIP_BEHIND : GZIP_OVER;
        d->lead_length = 0;
        return CODING_OK;
    }
    if (code == Z_OK || code == Z_BUF_ERROR)
        return CODING_OK;
    *why = code == Z_NEED_DICT ? "a preset dictionary is needed" : z->msg ? z->msg : "bad data";
    return code == Z_MEM_ERROR ? CODING_MEMORY : CODING_BROKEN;
}

/* The two bytes that have decided go in front of the rest. */
static enum coding_result start(decoder *d, int window_bits, const char **why)
{
    uint8_t none;
    rill_flow lead = {d->lead, d->lead_length, &none, 0};
    d->state = GZIP_DATA;
    if (lib.reset(&d->z, window_bits) != Z_OK)
        return CODING_MEMORY;
    enum coding_result result = inflate_flow(d, &lead, why);
    if (result == CODING_OK && lead.in_left) { /* zlib reads ahead of its output, always */
        *why = "bad data";
        return CODING_BROKEN;
    }
    return result;
}

/* RFC 1950 section 2.2. A stored block of raw deflate begins like this only with bits set that
 * nobody sets. */
static bool is_zlib(const uint8_t *lead)
{
    return (lead[0] & 0x0f) == 8 && lead[0] >> 4 <= 7 && (lead[0] << 8 | lead[1]) % 31 == 0;
}

static enum coding_result decide(decoder *d, rill_flow *flow, const char **why)
{
    d->lead[d->lead_length++] = *flow->in++;
    flow->in_left--;
    if (d->state == GZIP_BEHIND) { /* RFC 1952 section 2.2: members follow each other */
        if (d->lead[d->lead_length - 1] != (d->lead_length == 1 ? 0x1f : 0x8b))
            d->state = GZIP_OVER;
        else if (d->lead_length == 2)
            return start(d, GZIP_WINDOW_BITS, why);
    } else if (d->lead_length == 2) {
        return start(d, is_zlib(d->lead) ? ZLIB_WINDOW_BITS : RAW_WINDOW_BITS, why);
    }
    return CODING_OK;
}

static enum coding_result write_flow(void *decoder_, rill_flow *flow, const char **why)
{
    decoder *d = decoder_;
    enum coding_result result = CODING_OK;
    d->any = d->any || flow->in_left;
    while (result == CODING_OK && flow->in_left && d->state != GZIP_DATA && d->state != GZIP_OVER)
        result = decide(d, flow, why);
    while (result == CODING_OK && d->state == GZIP_DATA && flow->out_left) {
        const uint8_t *in = flow->in, *out = flow->out;
        result = inflate_flow(d, flow, why);
        while (result == CODING_OK && flow->in_left && d->state == GZIP_BEHIND)
            result = decide(d, flow, why);
        if (in == flow->in && out == flow->out)
            break;
    }
    if (d->state == GZIP_OVER)
        flow->in_left = 0;
    return result;
}

static bool finished(const void *decoder_)
{
    const decoder *d = decoder_;
    return !d->any || d->state == GZIP_BEHIND || d->state == GZIP_OVER;
}

static size_t held(const void *decoder_)
{
    const decoder *d = decoder_;
    return d->memory.held + sizeof(*d);
}

static void close_decoder(void *decoder_)
{
    decoder *d = decoder_;
    lib.end(&d->z);
    rill_slab_free(d->memory.slab, d);
}

void rill_coding_prepare(void)
{
    if (rill_library_is_there(&library))
        rill_library_load(&library, &lib, NULL);
}

const rill_coding rill_coding_gzip = {"gzip",         &library, open_gzip,     write_flow,
                                      finished,       held,     close_decoder, rill_gzip_announced,
                                      rill_gzip_whole};
const rill_coding rill_coding_deflate = {
    "deflate", &library, open_deflate, write_flow, finished, held, close_decoder, NULL, NULL};
