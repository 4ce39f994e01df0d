/* zstd, by libzstd. */
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/library.h"
#include "http/coding.h"

static const char *const names[] = {
    "ZSTD_createDStream", "ZSTD_DCtx_setParameter", "ZSTD_decompressStream", "ZSTD_isError",
    "ZSTD_getErrorName",  "ZSTD_getErrorCode",      "ZSTD_sizeof_DStream",   "ZSTD_freeDStream"};
static struct {
    __typeof__(ZSTD_createDStream) *create;
    __typeof__(ZSTD_DCtx_setParameter) *set;
    __typeof__(ZSTD_decompressStream) *decompress;
    __typeof__(ZSTD_isError) *is_error;
    __typeof__(ZSTD_getErrorName) *text_of;
    __typeof__(ZSTD_getErrorCode) *code_of;
    __typeof__(ZSTD_sizeof_DStream) *size_of;
    __typeof__(ZSTD_freeDStream) *free;
} lib;
static rill_library library = {"libzstd.so.1", "libzstd1", names, sizeof(names) / sizeof(*names),
                               LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

/* Of the window, in bits: RFC 8878 section 3.1.1.1.2 asks for 8 MiB, and RFC 9659 allows no more in
 * this coding. */
enum { ZSTD_WINDOW_BITS = 23 };

enum zstd_state {
    ZSTD_BEFORE, /* nothing has come */
    ZSTD_FRAME,  /* in the middle of one */
    ZSTD_BEHIND, /* a frame has ended; another may follow (RFC 8878 section 3) */
    ZSTD_OVER    /* whatever comes is ignored, as behind gzip's members */
};

typedef struct decoder {
    ZSTD_DStream *zstd;
    rill_slab *slab;
    enum zstd_state state;
    uint8_t lead[4]; /* in front of a frame: read apart, so that libzstd never takes a frame in one
                        piece, where it judges otherwise than in several */
    uint32_t lead_length;
} decoder;

static void *open_zstd(rill_slab *slab, rill_error *err)
{
    if (rill_library_load(&library, &lib, err))
        return NULL;
    decoder *d = rill_slab_zalloc(slab, sizeof(*d));
    if (!d)
        return NULL;
    d->slab = slab;
    d->zstd = lib.create();
    size_t code = d->zstd ? lib.set(d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS) : 0;
    if (d->zstd && !lib.is_error(code))
        return d;
    lib.free(d->zstd);
    rill_slab_free(slab, d);
    return NULL;
}

/* Of the four bytes in front of a frame or of one that is to be skipped (RFC 8878 section 3.1). */
static bool is_magic(const uint8_t *lead, uint32_t length)
{
    static const uint8_t frame[4] = {0x28, 0xb5, 0x2f, 0xfd}, skip[4] = {0x50, 0x2a, 0x4d, 0x18};
    bool skippable = (lead[0] & 0xf0) == skip[0] && !memcmp(lead + 1, skip + 1, length - 1);
    return skippable || !memcmp(lead, frame, length);
}

static enum coding_result decompress(decoder *d, rill_flow *flow, bool *moved, const char **why)
{
    ZSTD_inBuffer in = {flow->in, flow->in_left, 0};
    ZSTD_outBuffer out = {flow->out, flow->out_left, 0};
    size_t code = lib.decompress(d->zstd, &out, &in);
    *moved = in.pos || out.pos;
    flow->in += in.pos;
    flow->in_left -= in.pos;
    flow->out += out.pos;
    flow->out_left -= out.pos;
    if (lib.is_error(code)) {
        *why = lib.text_of(code);
        return lib.code_of(code) == ZSTD_error_memory_allocation ? CODING_MEMORY : CODING_BROKEN;
    }
    if (*moved)
        d->state = code ? ZSTD_FRAME : ZSTD_BEHIND;
    return CODING_OK;
}

static enum coding_result decide(decoder *d, rill_flow *flow, const char **why)
{
    uint8_t none;
    bool moved;
    d->lead[d->lead_length++] = *flow->in++;
    flow->in_left--;
    if (!is_magic(d->lead, d->lead_length)) {
        if (d->state == ZSTD_BEFORE) {
            *why = "no frame of zstd begins like this";
            return CODING_BROKEN;
        }
        d->state = ZSTD_OVER;
    } else if (d->lead_length == sizeof(d->lead)) {
        rill_flow lead = {d->lead, sizeof(d->lead), &none, 0};
        d->lead_length = 0;
        return decompress(d, &lead, &moved, why);
    }
    return CODING_OK;
}

static enum coding_result write_flow(void *decoder_, rill_flow *flow, const char **why)
{
    decoder *d = decoder_;
    enum coding_result result = CODING_OK;
    bool moved = true;
    while (result == CODING_OK && moved && d->state != ZSTD_OVER) {
        if (d->state == ZSTD_FRAME)
            result = decompress(d, flow, &moved, why);
        else if (flow->in_left)
            result = decide(d, flow, why);
        else
            break;
    }
    if (d->state == ZSTD_OVER)
        flow->in_left = 0;
    return result;
}

static bool finished(const void *decoder_)
{
    const decoder *d = decoder_;
    return d->state != ZSTD_FRAME && !(d->state == ZSTD_BEFORE && d->lead_length);
}

static size_t held(const void *decoder_)
{
    const decoder *d = decoder_;
    return lib.size_of(d->zstd) + sizeof(*d);
}

static void close_decoder(void *decoder_)
{
    decoder *d = decoder_;
    lib.free(d->zstd);
    rill_slab_free(d->slab, d);
}

const rill_coding rill_coding_zstd = {"zstd", &library,      open_zstd, write_flow, finished,
                                      held,   close_decoder, NULL,      NULL};
