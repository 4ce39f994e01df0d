#include "http/decode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

static const struct known {
    const char *name;
    const rill_coding *coding;
} known[] = {
    {"gzip", &rill_coding_gzip}, {"x-gzip", &rill_coding_gzip}, {"deflate", &rill_coding_deflate},
    {"br", &rill_coding_brotli}, {"zstd", &rill_coding_zstd},
};

typedef struct stage {
    const rill_coding *coding;
    void *decoder;   /* owned */
    uint8_t *output; /* owned: DECODE_BETWEEN bytes for the next stage; NULL: the last one */
    size_t start, end;
} stage;

struct rill_decode {
    rill_slab *slab;
    uint32_t count;
    stage stages[DECODE_CODINGS]; /* in the order in which they work */
    char names[DECODE_CODINGS * sizeof("deflate, ")];
};

static const rill_coding *find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strlen(known[i].name) == length && !strncasecmp(known[i].name, name, length))
            return known[i].coding;
    return NULL;
}

/* The last element of a comma-separated list; `*length` becomes that of what stands before it. */
static const char *last_name(const char *field, size_t *length, size_t *name_length)
{
    size_t end = *length;
    while (end && (field[end - 1] == ' ' || field[end - 1] == '\t'))
        end--;
    size_t start = end;
    while (start && field[start - 1] != ',')
        start--;
    *length = start ? start - 1 : 0;
    while (start < end && (field[start] == ' ' || field[start] == '\t'))
        start++;
    *name_length = end - start;
    return field + start;
}

/* Finds what is to be undone. Returns how many, or DECODE_CODINGS + 1. */
static uint32_t parse(const char *field, size_t length, const rill_coding **codings)
{
    uint32_t count = 0;
    while (length && count <= DECODE_CODINGS) {
        size_t name_length;
        const char *name = last_name(field, &length, &name_length);
        if (!name_length || (name_length == 8 && !strncasecmp(name, "identity", 8)))
            continue;
        const rill_coding *coding = find(name, name_length);
        if (!coding)
            break;
        if (count < DECODE_CODINGS)
            codings[count] = coding;
        count++;
    }
    return count;
}

void rill_decode_free(rill_decode *chain)
{
    if (!chain)
        return;
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->stages[i].decoder)
            chain->stages[i].coding->close(chain->stages[i].decoder);
        rill_slab_free(chain->slab, chain->stages[i].output);
    }
    rill_slab_free(chain->slab, chain);
}

static void add_stage(rill_decode *chain, const rill_coding *coding)
{
    if (chain->count)
        strcat(chain->names, ", ");
    strcat(chain->names, coding->name);
    chain->stages[chain->count++].coding = coding;
}

/* What has been made when it fails goes with the chain. */
static int32_t open_stages(rill_decode *chain, rill_error *err)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        stage *own = &chain->stages[i];
        bool last = i + 1 == chain->count;
        if (!own->decoder)
            own->decoder = own->coding->open(chain->slab, err);
        if (!last && !own->output)
            own->output = rill_slab_alloc(chain->slab, DECODE_BETWEEN);
        if (!own->decoder || !(last || own->output))
            return rill_error_memory(err);
    }
    return 0;
}

static bool is_open(const rill_decode *chain)
{
    return chain->stages[chain->count - 1].decoder != NULL;
}

int32_t rill_decode_new(rill_slab *slab, const char *field, size_t length, rill_decode **chain,
                        rill_error *err)
{
    const rill_coding *codings[DECODE_CODINGS];
    uint32_t count = parse(field, length, codings);
    *chain = NULL;
    if (!count)
        return 0;
    if (count > DECODE_CODINGS)
        return rill_error_set(err, RILL_DECODE_ERROR, "more than %d content codings in a row",
                              DECODE_CODINGS);
    rill_decode *made = rill_slab_zalloc(slab, sizeof(*made));
    if (!made)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    made->slab = slab;
    for (uint32_t i = 0; i < count; i++)
        add_stage(made, codings[i]);
    *chain = made;
    return 0;
}

/* One stage's turn: from its source into its output, or into the caller's room. */
static int32_t step(rill_decode *chain, uint32_t i, rill_flow *flow, bool *moved, rill_error *err)
{
    stage *own = &chain->stages[i], *before = i ? &chain->stages[i - 1] : NULL;
    bool last = i + 1 == chain->count;
    if (!last && own->start == own->end)
        own->start = own->end = 0;
    rill_flow part = {before ? before->output + before->start : flow->in,
                      before ? before->end - before->start : flow->in_left,
                      last ? flow->out : own->output + own->end,
                      last ? flow->out_left : DECODE_BETWEEN - own->end};
    size_t in_left = part.in_left, out_left = part.out_left;
    const char *why = NULL;
    enum coding_result result = own->coding->write(own->decoder, &part, &why);
    *moved = *moved || part.in_left != in_left || part.out_left != out_left;
    if (before)
        before->start += in_left - part.in_left;
    else
        flow->in = part.in, flow->in_left = part.in_left;
    if (last)
        flow->out = part.out, flow->out_left = part.out_left;
    else
        own->end += out_left - part.out_left;
    if (result == CODING_MEMORY)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    if (result == CODING_BROKEN)
        return rill_error_set(err, RILL_DECODE_ERROR,
                              "content-encoding %s: the data are broken: %s", own->coding->name,
                              why ? why : "unknown");
    return 0;
}

int32_t rill_decode_write(rill_decode *chain, rill_flow *flow, rill_error *err)
{
    int32_t code = is_open(chain) ? 0 : open_stages(chain, err);
    bool moved = true;
    while (!code && moved && flow->out_left) {
        moved = false;
        for (uint32_t i = 0; i < chain->count && !code; i++)
            code = step(chain, i, flow, &moved, err);
    }
    return code;
}

/* What could undo a whole body at once; NULL: nothing, or a part of it was undone. Without the
 * library of its decoders that is not tried: bodies fail alike then, whatever their size. */
static const rill_coding *whole_coding(const rill_decode *chain)
{
    const rill_coding *coding = chain->stages[0].coding;
    bool can = chain->count == 1 && !is_open(chain) && coding->whole &&
               rill_library_is_there(coding->library);
    return can ? coding : NULL;
}

size_t rill_decode_announced(const rill_decode *chain, const void *data, size_t length)
{
    const rill_coding *coding = whole_coding(chain);
    return coding ? coding->announced(data, length) : 0;
}

bool rill_decode_whole(const rill_decode *chain, const void *data, size_t length, void *out,
                       size_t size)
{
    return chain->stages[0].coding->whole(data, length, out, size);
}

int32_t rill_decode_finish(const rill_decode *chain, rill_error *err)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        const stage *own = &chain->stages[i];
        if (own->decoder && !own->coding->finished(own->decoder))
            return rill_error_set(err, RILL_DECODE_ERROR,
                                  "content-encoding %s: the data end before they are complete",
                                  own->coding->name);
    }
    return 0;
}

size_t rill_decode_held(const rill_decode *chain)
{
    size_t bytes = sizeof(*chain);
    for (uint32_t i = 0; i < chain->count; i++) {
        const stage *own = &chain->stages[i];
        bytes += own->decoder ? own->coding->held(own->decoder) : 0;
        bytes += own->output ? (size_t)DECODE_BETWEEN : 0;
    }
    return bytes;
}

const char *rill_decode_accept(void)
{
    static const char *const offers[] = {
        "identity", "gzip, deflate",       "br",       "gzip, deflate, br",
        "zstd",     "gzip, deflate, zstd", "br, zstd", "gzip, deflate, br, zstd"};
    unsigned gzip = rill_library_is_there(rill_coding_gzip.library),
             brotli = rill_library_is_there(rill_coding_brotli.library),
             zstd = rill_library_is_there(rill_coding_zstd.library);
    return offers[gzip | brotli << 1 | zstd << 2];
}

const char *rill_decode_names(const rill_decode *chain)
{
    return chain->names;
}
