/* Whether what a caller gives can be used at all. Lua refuses the same by itself, see
 * lua/rill/core/options.lua; a C program is checked here. */
#ifndef RILL_GIVEN_H
#define RILL_GIVEN_H

#include "rill.h"

typedef struct rill_turn rill_turn;

/* Each of these returns 0, or -RILL_ARGUMENT with a sentence that names what is wrong. */

/* A pointer that must be there. */
int32_t rill_given_pointer(const void *pointer, const char *name, rill_error *err);

/* A loop's turn: there is a loop, and it was not made before fork(), by another process. Clears
 * `err` (may be NULL) first. */
int32_t rill_given_turn(const rill_turn *turn, rill_error *err);

/* Bytes that are there: NULL has none, and nothing is longer than an object can be. */
int32_t rill_given_bytes(const void *data, size_t length, const char *name, rill_error *err);

/* What can be seen without acting on it: what names a file, an address or TLS's choices is checked
 * as it is used. */
int32_t rill_given_options(const rill_options *options, rill_error *err);
int32_t rill_given_request(const rill_request *request, rill_error *err);

/* A caller may pass NULL: what goes wrong is written all the same. */
#define RILL_OWN_ERROR(err)                                                                        \
    rill_error own;                                                                                \
    (err) = (err) ? (err) : &own

#endif
