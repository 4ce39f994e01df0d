#include "h2/head.h"

#include <string.h>

#include "http/fields.h"

/* What defaults->prepared is: their fields, made once. */
typedef struct prepared {
    size_t count;
    nghttp2_nv fields[];
} prepared;

static nghttp2_nv field(const char *name, size_t name_length, const char *value,
                        size_t value_length)
{
    nghttp2_nv nv = {
        .name = (uint8_t *)name,
        .value = (uint8_t *)value,
        .namelen = name_length,
        .valuelen = value_length,
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
    };
    return nv;
}

/* A constant name with its length. */
#define FIELD(name, value, length) field(name, sizeof(name) - 1, value, length)

/* Points `fields` into a clean block; credentials are marked never to be indexed (RFC 7541 section
 * 7.1.3). */
static size_t split(const char *block, size_t length, nghttp2_nv *fields)
{
    const char *rest = block, *end = block + length;
    rill_field next;
    size_t count = 0;
    while (rill_fields_next(&rest, end, &next)) {
        nghttp2_nv *nv = &fields[count++];
        *nv = field(next.name, next.name_length, next.value, next.value_length);
        if (rill_fields_is_secret(&next))
            nv->flags |= NGHTTP2_NV_FLAG_NO_INDEX;
    }
    return count;
}

nghttp2_nv *rill_h2_split(rill_slab *slab, const char *block, size_t length, size_t *count)
{
    *count = rill_fields_count(block, length);
    nghttp2_nv *fields = rill_slab_alloc(slab, (*count + 1) * sizeof(*fields));
    if (fields)
        split(block, length, fields);
    return fields;
}

static const prepared *prepare(rill_slab *slab, rill_defaults *defaults)
{
    if (defaults->prepared)
        return defaults->prepared;
    size_t count = rill_fields_count(defaults->block.data, defaults->block.length);
    prepared *made = rill_slab_alloc(slab, sizeof(*made) + count * sizeof(*made->fields));
    if (!made)
        return NULL;
    made->count = split(defaults->block.data, defaults->block.length, made->fields);
    defaults->prepared = made;
    return made;
}

nghttp2_nv *rill_h2_fields(rill_turn *turn, const rill_head *head, size_t *count)
{
    const prepared *defaults = head->block ? NULL : prepare(&turn->slab, head->defaults);
    if (!head->block && !defaults)
        return NULL;
    size_t more = defaults ? defaults->count : rill_fields_count(head->block, head->block_length);
    if (!rill_bytes_reserve(&turn->slab, &turn->scratch, (more + 6) * sizeof(nghttp2_nv)))
        return NULL;
    nghttp2_nv *fields = (nghttp2_nv *)turn->scratch.data;
    size_t n = 0;
    fields[n++] = FIELD(":method", head->method, head->method_length);
    if (!head->connect)
        fields[n++] = FIELD(":scheme", head->scheme, head->scheme_length);
    fields[n++] = FIELD(":authority", head->authority, head->authority_length);
    if (!head->connect)
        fields[n++] = FIELD(":path", head->target, head->target_length);
    if (defaults)
        memcpy(fields + n, defaults->fields, more * sizeof(*fields));
    else
        split(head->block, head->block_length, fields + n);
    n += more;
    if (head->length)
        fields[n++] = FIELD("content-length", head->length, head->length_digits);
    if (head->expect)
        fields[n++] = FIELD("expect", "100-continue", 12);
    *count = n;
    return fields;
}
