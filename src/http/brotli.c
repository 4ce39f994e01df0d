/* br, by libbrotlidec. Its large-window form is not part of the coding and is refused there. */
#include <brotli/decode.h>

#include "base/library.h"
#include "http/coding.h"

static const char *const names[] = {"BrotliDecoderCreateInstance", "BrotliDecoderDecompressStream",
                                    "BrotliDecoderGetErrorCode", "BrotliDecoderErrorString",
                                    "BrotliDecoderDestroyInstance"};
static struct {
    __typeof__(BrotliDecoderCreateInstance) *create;
    __typeof__(BrotliDecoderDecompressStream) *decompress;
    __typeof__(BrotliDecoderGetErrorCode) *code_of;
    __typeof__(BrotliDecoderErrorString) *text_of;
    __typeof__(BrotliDecoderDestroyInstance) *destroy;
} lib;
static rill_library library = {"libbrotlidec.so.1", "libbrotli1", names,
                               sizeof(names) / sizeof(*names), LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

typedef struct decoder {
    BrotliDecoderState *brotli;
    coding_memory memory;
    bool any, over;
} decoder;

static void *open_brotli(rill_slab *slab, rill_error *err)
{
    if (rill_library_load(&library, &lib, err))
        return NULL;
    decoder *d = rill_slab_zalloc(slab, sizeof(*d));
    if (!d)
        return NULL;
    d->memory.slab = slab;
    d->brotli = lib.create(rill_coding_alloc, rill_coding_free, &d->memory);
    if (d->brotli)
        return d;
    rill_slab_free(slab, d);
    return NULL;
}

static bool is_memory(BrotliDecoderErrorCode code)
{
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
           code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static enum coding_result write_flow(void *decoder_, rill_flow *flow, const char **why)
{
    decoder *d = decoder_;
    d->any = d->any || flow->in_left;
    if (!d->over) {
        BrotliDecoderResult result =
            lib.decompress(d->brotli, &flow->in_left, &flow->in, &flow->out_left, &flow->out, NULL);
        d->over = result == BROTLI_DECODER_RESULT_SUCCESS;
        if (result == BROTLI_DECODER_RESULT_ERROR) {
            BrotliDecoderErrorCode code = lib.code_of(d->brotli);
            *why = lib.text_of(code);
            return is_memory(code) ? CODING_MEMORY : CODING_BROKEN;
        }
    }
    if (d->over)
        flow->in_left = 0;
    return CODING_OK;
}

static bool finished(const void *decoder_)
{
    const decoder *d = decoder_;
    return !d->any || d->over;
}

static size_t held(const void *decoder_)
{
    const decoder *d = decoder_;
    return d->memory.held + sizeof(*d);
}

static void close_decoder(void *decoder_)
{
    decoder *d = decoder_;
    lib.destroy(d->brotli);
    rill_slab_free(d->memory.slab, d);
}

const rill_coding rill_coding_brotli = {"br", &library,      open_brotli, write_flow, finished,
                                        held, close_decoder, NULL,        NULL};
