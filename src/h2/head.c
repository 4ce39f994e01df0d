#include "h2/head.h"

#include <string.h>

#include "http/fields.h"

/* What defaults->prepared is: their fields, made once. */
typedef struct prepared {
    size_t count;
    nghttp2_nv fields[];
} prepared;

static nghttp2_nv field(rill_chars name, rill_chars value)
{
    nghttp2_nv nv = {
        .name = (uint8_t *)name.data,
        .value = (uint8_t *)value.data,
        .namelen = name.length,
        .valuelen = value.length,
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
    };
    return nv;
}

/* Points `fields` into a clean block; credentials are marked never to be indexed (RFC 7541 section
 * 7.1.3). */
static size_t split(const char *block, size_t length, nghttp2_nv *fields)
{
    const char *rest = block, *end = block + length;
    rill_field next;
    size_t count = 0;
    while (rill_fields_next(&rest, end, &next)) {
        nghttp2_nv *nv = &fields[count++];
        *nv = field(next.name, next.value);
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
    const rill_chars *block = &head->block;
    const prepared *defaults = block->data ? NULL : prepare(&turn->slab, head->defaults);
    if (!block->data && !defaults)
        return NULL;
    size_t more = defaults ? defaults->count : rill_fields_count(block->data, block->length);
    if (!rill_bytes_reserve(&turn->slab, &turn->scratch, (more + 6) * sizeof(nghttp2_nv)))
        return NULL;
    nghttp2_nv *fields = (nghttp2_nv *)turn->scratch.data;
    size_t n = 0;
    fields[n++] = field(RILL_CHARS(":method"), head->method);
    if (!head->connect)
        fields[n++] = field(RILL_CHARS(":scheme"), head->scheme);
    fields[n++] = field(RILL_CHARS(":authority"), head->authority);
    if (!head->connect)
        fields[n++] = field(RILL_CHARS(":path"), head->target);
    if (defaults)
        memcpy(fields + n, defaults->fields, more * sizeof(*fields));
    else
        split(block->data, block->length, fields + n);
    n += more;
    if (head->length.length)
        fields[n++] = field(RILL_CHARS("content-length"), head->length);
    if (head->expect)
        fields[n++] = field(RILL_CHARS("expect"), RILL_CHARS("100-continue"));
    *count = n;
    return fields;
}
