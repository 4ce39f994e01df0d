/* Header fields of requests: checked once, then sent as they stand. */
#ifndef RILL_FIELDS_H
#define RILL_FIELDS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "rill.h"

/* What rill itself has to know about a block. */
typedef struct rill_fields_found {
    const char *host, *content_length; /* borrowed from the block; NULL: not there */
    size_t host_length, content_length_length;
    bool user_agent, authorization;
} rill_fields_found;

/* Checks a header block (rill.h's form) and appends it to `out` as it is to be sent: names in lower
 * case; `host` and `content-length` are left out and stand in `found`.
 * 0, or -RILL_ARGUMENT naming the field and showing the value: a name that is no token, begins with
 * a colon or belongs to the connection (RFC 9113 section 8.2.2; "te: trailers" passes), a value
 * with CR, LF, NUL or outer blanks; or -RILL_ERROR. Then `out` is as it was. */
int32_t rill_fields_clean(rill_slab *slab, const char *block, size_t length, rill_bytes *out,
                          rill_fields_found *found, rill_error *err);

/* 0, or -RILL_ARGUMENT: the value is none that a field may have, as above. */
int32_t rill_fields_check_value(const char *name, const char *value, size_t length,
                                rill_error *err);

/* Appends one field to a block. False: out of memory. */
bool rill_fields_add(rill_slab *slab, rill_bytes *out, const char *name, const char *value,
                     size_t value_length);

/* How many fields a clean block has. */
size_t rill_fields_count(const char *block, size_t length);

/* One field of a block; borrowed from it. */
typedef struct rill_field {
    const char *name, *value;
    size_t name_length, value_length;
} rill_field;

/* Splits the next field off. False: there are no more, or what is left is no field. */
bool rill_fields_next(const char **rest, const char *end, rill_field *field);

/* Whether it holds credentials, by its name. */
bool rill_fields_is_secret(const rill_field *field);

/* The number that a run of digits is; -1 when it is none, or too large. */
int64_t rill_fields_number(const char *text, size_t length);

/* 0 when `method` is a token (RFC 9110 section 9.1), else -RILL_ARGUMENT that shows it. */
int32_t rill_fields_check_method(const char *method, size_t length, rill_error *err);

#endif
