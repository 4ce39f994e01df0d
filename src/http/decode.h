/* The content codings of one response body, undone from the last one as bytes arrive (RFC 9110
 * section 8.4). It produces only into the room that it is given: a body that explodes waits, coded,
 * until somebody wants more of it. */
#ifndef RILL_DECODE_H
#define RILL_DECODE_H

#include "http/coding.h"
#include "rill.h"

/* Codings in a row; more are an error. */
enum { DECODE_CODINGS = 5 };

/* Between two codings. */
enum { DECODE_BETWEEN = 16 << 10 };

typedef struct rill_decode rill_decode;

/* The codings of a content-encoding field (its lines joined by commas) that can be undone: from
 * the last one to the first one that is unknown; "identity" is none. `*chain` is NULL where there
 * is nothing to undo. What the codings themselves need is made with the first byte. 0, or
 * -RILL_DECODE_ERROR: more than DECODE_CODINGS; -RILL_ERROR: memory. */
int32_t rill_decode_new(rill_slab *slab, const char *field, size_t length, rill_decode **chain,
                        rill_error *err);

/* Moves bytes on until the input or the room is used up. 0, or -RILL_DECODE_ERROR naming the
 * coding, or -RILL_ERROR. Output that has been produced stays good. With all input taken and room
 * left nothing waits inside. */
int32_t rill_decode_write(rill_decode *chain, rill_flow *flow, rill_error *err);

/* All of the body is here, and none of it was given to rill_decode_write(): how many bytes it says
 * come out, where that many can be made at once; 0: they cannot. */
size_t rill_decode_announced(const rill_decode *chain, const void *data, size_t length);

/* Makes so many out of all of it. False: what stands in `out` is nothing, and it is
 * rill_decode_write() that has to do it, from the start. */
bool rill_decode_whole(const rill_decode *chain, const void *data, size_t length, void *out,
                       size_t size);

/* The body has ended, and rill_decode_write() left room: 0, or -RILL_DECODE_ERROR naming the coding
 * whose data are cut. */
int32_t rill_decode_finish(const rill_decode *chain, rill_error *err);

/* Bytes of memory that it holds, windows included. */
size_t rill_decode_held(const rill_decode *chain);

/* Which codings it undoes, as text: "br, gzip" in the order in which they are undone. */
const char *rill_decode_names(const rill_decode *chain);

void rill_decode_free(rill_decode *chain); /* NULL is fine */

/* What accept-encoding offers: the codings whose libraries are there, so far as is known; static.
 */
const char *rill_decode_accept(void);

#endif
