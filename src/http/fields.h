/* Header fields: of requests, checked once, then sent as they stand; of responses, read. */
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
 * with control characters but TAB, or outer blanks; or -RILL_ERROR. Then `out` is as it was. */
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
    rill_chars name, value;
} rill_field;

/* Splits the next field off. False: there are no more, or what is left is no field. */
bool rill_fields_next(const char **rest, const char *end, rill_field *field);

/* Whether it holds credentials, by its name. */
bool rill_fields_is_secret(const rill_field *field);

/* Without the blanks around it. */
rill_chars rill_fields_trim(rill_chars text);

/* Whether it is `word`, upper and lower case aside. */
bool rill_fields_is(rill_chars text, const char *word);

/* Cuts the first element off a comma-separated list, without blanks around it; it may be empty.
 * False: the list is. */
bool rill_fields_element(rill_chars *list, rill_chars *element);

/* Whether it is `name` "=" a number. */
bool rill_fields_parameter(rill_chars element, const char *name, int64_t *number);

/* What a content-length says: a number, or a list of equal ones (RFC 9110 section 8.6). -1: that is
 * none. */
int64_t rill_fields_length(rill_chars value);

/* A field's line as it was received, without its end but with the ends of lines that are `folded`
 * into it. It is cleaned in place: the name to lower case; folds, NUL and bare CR of the value to
 * blanks (RFC 9110 section 5.5, RFC 9112 section 5.2). Where a blank stood before the colon, the
 * name is followed by that. NULL, or the rule that it breaks. */
const char *rill_fields_receive(char *line, size_t length, bool folded, rill_field *field);

/* Whether a field that HTTP/2's rules refuse is kept for the sake of robustness: nothing but its
 * value is at fault, and that for control characters other than NUL, CR and LF (RFC 9110 section
 * 5.5, RFC 9113 section 8.2.1), as in HTTP/1.1. Not one that says how the message is framed. */
bool rill_fields_is_kept(rill_chars name, rill_chars value);

/* The status in a status line, and `*minor` of its HTTP/1.x (RFC 9112 section 4); -1: it is none.
 */
int rill_fields_status(rill_chars line, int *minor);

/* The number that a run of digits is; -1 when it is none, or too large. */
int64_t rill_fields_number(const char *text, size_t length);

/* 0 when `method` is a token (RFC 9110 section 9.1), else -RILL_ARGUMENT that shows it. */
int32_t rill_fields_check_method(const char *method, size_t length, rill_error *err);

#endif
