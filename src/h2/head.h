/* Header fields as nghttp2 takes them. */
#ifndef RILL_H2_HEAD_H
#define RILL_H2_HEAD_H

#include <nghttp2/nghttp2.h>

#include "base/turn.h"
#include "http/head.h"

/* A request's fields, pseudo-fields first, `*count` of them; they point into the head and its
 * defaults. The array is the turn's scratch. NULL when out of memory. */
nghttp2_nv *rill_h2_fields(rill_turn *turn, const rill_head *head, size_t *count);

/* The fields of a clean block, `*count` of them; they point into it. Free the array with
 * rill_slab_free(). NULL when out of memory. */
nghttp2_nv *rill_h2_split(rill_slab *slab, const char *block, size_t length, size_t *count);

#endif
