/* Header blocks as callers give them: what is let through must be what HTTP/2 may carry (RFC 9113
 * section 8.2), and splitting it again must find it all. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "http/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const rill_field *field)
{
    static const char *const forbidden[] = {
        "connection",        "keep-alive", "proxy-connection", "upgrade",
        "transfer-encoding", "host",       "content-length"};
    assert(field->name.length);
    assert(nghttp2_check_header_name((const uint8_t *)field->name.data, field->name.length));
    assert(field->name.data[0] != ':');
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
        assert(field->name.length != strlen(forbidden[i]) ||
               memcmp(field->name.data, forbidden[i], field->name.length) != 0);
}

static void check_value(const rill_field *field)
{
    const char *value = field->value.data;
    size_t length = field->value.length;
    assert(!memchr(value, 0, length) && !memchr(value, '\r', length) &&
           !memchr(value, '\n', length));
    if (length)
        assert(!memchr(" \t", value[0], 2) && !memchr(" \t", value[length - 1], 2));
}

static void check_found(const rill_fields_found *found, const char *block, size_t length)
{
    assert(!found->host ||
           (found->host >= block && found->host + found->host_length <= block + length));
    int64_t number = rill_fields_number(found->content_length, found->content_length_length);
    assert(number >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rill_slab slab = {0};
    rill_bytes clean = {0};
    rill_fields_found found;
    rill_error err = {0};
    char *block = malloc(size ? size : 1); /* of exact size: reading past the end is seen */
    if (size)
        memcpy(block, data, size);
    int32_t code = rill_fields_clean(&slab, block, size, &clean, &found, &err);
    if (code) {
        assert(code == -RILL_ARGUMENT && err.reason == RILL_ARGUMENT);
        assert(err.message[0] && memchr(err.message, 0, sizeof(err.message)));
    } else {
        size_t count = 0, length = 0;
        const char *rest = clean.data, *end = clean.length ? rest + clean.length : rest;
        rill_field field;
        for (; rill_fields_next(&rest, end, &field); count++) {
            check_name(&field);
            check_value(&field);
            length += field.name.length + field.value.length + 4;
        }
        assert(count == rill_fields_count(clean.data, clean.length));
        assert(length == clean.length); /* nothing lies between the fields */
        check_found(&found, block, size);
        rill_bytes again = {0};
        rill_fields_found none;
        assert(!rill_fields_clean(&slab, clean.data, clean.length, &again, &none, &err));
        assert(again.length == clean.length &&
               (!clean.length || !memcmp(again.data, clean.data, clean.length)));
        rill_bytes_dispose(&slab, &again);
    }
    rill_fields_check_method(block, size, NULL);
    rill_bytes_dispose(&slab, &clean);
    assert(!rill_slab_bytes(&slab));
    rill_slab_dispose(&slab);
    free(block);
    return 0;
}
