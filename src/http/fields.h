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

/* A run of bytes; borrowed. */
typedef struct rill_text {
    const char *data;
    size_t length;
} rill_text;

/* Without the blanks around it. */
rill_text rill_fields_trim(rill_text text);

/* Whether it is `word`, upper and lower case aside. */
bool rill_fields_is(rill_text text, const char *word);

/* Cuts the first element off a comma-separated list, without blanks around it; it may be empty.
 * False: the list is. */
bool rill_fields_element(rill_text *list, rill_text *element);

/* Whether it is `name` "=" a number. */
bool rill_fields_parameter(rill_text element, const char *name, int64_t *number);

/* What a content-length says: a number, or a list of equal ones (RFC 9110 section 8.6). -1: that is
 * none. */
int64_t rill_fields_length(rill_text value);

/* Of what was received. A name to lower case; false: it holds a control byte. NUL and bare CR of a
 * value to blanks (RFC 9110 section 5.5). */
bool rill_fields_lower(char *name, size_t length);
void rill_fields_blank(char *value, size_t length);

/* The number that a run of digits is; -1 when it is none, or too large. */
int64_t rill_fields_number(const char *text, size_t length);

/* 0 when `method` is a token (RFC 9110 section 9.1), else -RILL_ARGUMENT that shows it. */
int32_t rill_fields_check_method(const char *method, size_t length, rill_error *err);

#endif
