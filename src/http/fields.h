/* Header fields of requests: checked once, then handed to nghttp2 as they stand. */
#ifndef RILL_FIELDS_H
#define RILL_FIELDS_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "rill.h"

/* What rill itself has to know about a block. */
typedef struct rill_fields_aside {
    const char *host, *content_length; /* borrowed from the block; NULL: not there */
    size_t host_length, content_length_length;
    bool user_agent, authorization;
} rill_fields_aside;

/* Checks a header block (rill.h's form) and appends it to `out` as it is to be sent: names in lower
 * case; `host` and `content-length` are left out and told in `aside`.
 * 0, or -RILL_ARGUMENT naming the field and showing the value: a name that is no token, begins with
 * a colon or belongs to the connection (RFC 9113 section 8.2.2; "te: trailers" passes), a value
 * with CR, LF, NUL or outer blanks; or -RILL_ERROR. */
int32_t rill_fields_clean(rill_slab *slab, const char *block, size_t length, rill_bytes *out,
                          rill_fields_aside *aside, rill_error *err);

/* Appends one field to a block. False: out of memory. */
bool rill_fields_add(rill_slab *slab, rill_bytes *out, const char *name, const char *value,
                     size_t value_length);

/* How many fields a clean block has. */
size_t rill_fields_count(const char *block, size_t length);

/* Points `fields` (as many as counted) into a clean block, which must stay as long as they are
 * used; credentials are marked never to be indexed (RFC 7541 section 7.1.3). Returns their number.
 */
size_t rill_fields_split(const char *block, size_t length, nghttp2_nv *fields);

/* One field that points to constant or longer-lived text. */
nghttp2_nv rill_field(const char *name, size_t name_length, const char *value, size_t value_length);

/* The number that a run of digits is; -1 when it is none, or too large. */
int64_t rill_fields_number(const char *text, size_t length);

/* 0 when `method` is a token (RFC 9110 section 9.1), else -RILL_ARGUMENT that shows it. */
int32_t rill_fields_check_method(const char *method, size_t length, rill_error *err);

#endif
