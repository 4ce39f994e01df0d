#include "http/body.h"

#include <stdlib.h>

struct rill_body {
    void *block;       /* what rill_slab_free_detached() takes */
    rill_shelf *shelf; /* one reference: where it goes; NULL: nowhere */
    const char *data;
    size_t length;
};

rill_body *rill_body_take(rill_slab *slab, rill_bytes *bytes)
{
    rill_body *body = malloc(sizeof(*body));
    if (!body)
        return NULL;
    body->data = bytes->data;
    body->length = bytes->length;
    body->block = rill_slab_detach(slab, bytes->data);
    body->shelf = rill_shelf_hold(slab->shelf);
    *bytes = (rill_bytes){0};
    return body;
}

const char *rill_body_data(const rill_body *body)
{
    return body ? body->data : NULL;
}

size_t rill_body_length(const rill_body *body)
{
    return body ? body->length : 0;
}

void rill_body_free(rill_body *body)
{
    if (!body)
        return;
    rill_slab_free_detached(body->shelf, body->block);
    rill_shelf_release(body->shelf);
    free(body);
}
