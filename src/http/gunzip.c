/* A file that is gzip in itself, as sitemaps are. The interface is in rill.h. */
#include <stdlib.h>

#include "rill.h"

#include "base/error.h"
#include "http/decode.h"

struct rill_gunzip {
    rill_slab slab;
    rill_decode *chain; /* owned: one coding */
};

rill_gunzip *rill_gunzip_new(void)
{
    rill_gunzip *gunzip = calloc(1, sizeof(*gunzip));
    if (gunzip && !rill_decode_new(&gunzip->slab, "gzip", 4, &gunzip->chain, NULL))
        return gunzip;
    rill_gunzip_free(gunzip);
    return NULL;
}

void rill_gunzip_free(rill_gunzip *gunzip)
{
    if (!gunzip)
        return;
    rill_decode_free(gunzip->chain);
    rill_slab_dispose(&gunzip->slab);
    free(gunzip);
}

int32_t rill_gunzip_write(rill_gunzip *gunzip, rill_gunzip_step *step, rill_error *err)
{
    if (!gunzip || !step || (step->length && !step->data) || (step->room && !step->out))
        return rill_error_set(err, RILL_ARGUMENT, "rill_gunzip_write: a pointer is NULL");
    rill_flow flow = {(const uint8_t *)step->data, step->length, (uint8_t *)step->out, step->room};
    int32_t code = rill_decode_write(gunzip->chain, &flow, err);
    step->taken = step->length - flow.in_left;
    step->made = step->room - flow.out_left;
    return code;
}

int32_t rill_gunzip_finish(const rill_gunzip *gunzip, rill_error *err)
{
    if (!gunzip)
        return rill_error_set(err, RILL_ARGUMENT, "rill_gunzip_finish: gunzip is NULL");
    return rill_decode_finish(gunzip->chain, err);
}
