/* A response body's way in: its content codings are undone, and what comes of them goes to where
 * the body is wanted. What a reader has not asked for yet waits as it came, coded, and so does what
 * would be too much for its client: so a body that explodes costs no more than one that does not.
 */
#ifndef RILL_INLET_H
#define RILL_INLET_H

#include "base/bytes.h"
#include "base/list.h"
#include "http/account.h"
#include "http/decode.h"
#include "http/sink.h"

/* Where a body goes. It begins in one of the first two; pieces may become memory when they are
 * collected after all, or a file when a script wants that, memory a file when the head allows
 * it. */
enum inlet_way { INLET_PIECES, INLET_MEMORY, INLET_FILE };

/* Decoded bytes that may wait for a reader; the rest waits coded. */
enum { INLET_AHEAD = 64 << 10 };

/* What only a body has whose head names codings. */
typedef struct inlet_coded {
    rill_bytes codings; /* what content-encoding says; once the chain is made, which it undoes */
    uint64_t most;      /* maxsize: bytes that may come out of decoding; 0: no limit */
    uint64_t made;      /* so many did */
    size_t held;        /* what the chain counts for in the inlet's `held` */
    rill_chunks ahead;  /* pieces: decoded, unread */
} inlet_coded;

typedef struct rill_inlet {
    rill_account *account; /* one reference: its client's */
    rill_member collected; /* among the account's collected bodies */
    inlet_coded *coded;    /* owned; NULL: no codings were named */
    rill_decode *chain;    /* owned: it undoes them; NULL: none, not yet, or done */
    rill_chunks chunks;    /* pieces: unread, as they came; else what waits coded */
    rill_bytes kept;       /* memory: the body */
    rill_sink *sink;       /* owned: the file; NULL: none */
    size_t held;           /* bytes that count in the account */
    uint32_t window;       /* its stream's receive window; 0: it has closed */
    uint32_t first;        /* what that was at first */
    uint32_t owed;         /* window kept back from the peer */
    uint32_t widened;      /* what it counts for among the account's */
    uint8_t spare;         /* bytes of room behind a body whose length is believed: see
                              rill_inlet_place() */
    enum inlet_way way : 8;
    bool began : 1;     /* a byte has come */
    bool drained : 1;   /* the chain has given out all that it was given */
    bool defers : 1;    /* memory: what has come waits coded for the rest, by choice */
    bool whole : 1;     /* that, and the rest has come: all of the body waits coded */
    bool held_back : 1; /* it counts among the account's */
    bool done : 1;      /* the same */
    bool narrow : 1;    /* none goes back before its reader has seen the head and wants more */
} rill_inlet;

/* The oldest of the account's collected bodies, and the one behind another; NULL: none. */
static inline rill_inlet *rill_inlet_oldest(const rill_account *account)
{
    return RILL_OWNER(account->collected.first, rill_inlet, collected);
}

static inline rill_inlet *rill_inlet_newer(const rill_inlet *inlet)
{
    return RILL_OWNER(inlet->collected.next, rill_inlet, collected);
}

/* It was zeroed. */
void rill_inlet_init(rill_inlet *inlet, rill_account *account, enum inlet_way way, uint32_t window);
void rill_inlet_dispose(rill_inlet *inlet);

/* Notes a content-encoding field; several are one list. False: out of memory. */
bool rill_inlet_encoding(rill_inlet *inlet, const char *value, size_t length);

/* The head that named them was none of the body's. */
static inline void rill_inlet_forget_encoding(rill_inlet *inlet)
{
    if (inlet->coded)
        inlet->coded->codings.length = 0;
}

/* The head is complete: no more than `most` bytes may come out of decoding; 0: no limit. */
static inline void rill_inlet_limit(rill_inlet *inlet, uint64_t most)
{
    if (inlet->coded)
        inlet->coded->most = most;
}

/* Takes bytes that have come. What is decoded for no reader is bounded by the step: the rest waits,
 * and the account's `relieve` acts in the next one. `believed` is how many are likely to come in
 * all. `*released` grows by the window that may go back for it: for pieces, only when a reader is
 * `hungry`; not for what waits coded. 0, or -RILL_DECODE_ERROR, -RILL_FILE_ERROR,
 * -RILL_MAXSIZE_EXCEEDED_ACTUAL, -RILL_ERROR: what was made before stays good. */
int32_t rill_inlet_write(rill_inlet *inlet, const void *data, size_t length, size_t believed,
                         bool hungry, size_t *released, rill_error *err);

/* Where the next of the `left` bytes that are still to come may be put before they are written:
 * rill_inlet_write() finds them in their place, and copies nothing. Only in a body that has begun,
 * is kept in memory and is not coded; NULL: it is not so, or there is no memory. `*room`: how many
 * at most; with `spare` one more than there are to come, so that a read that gets them all shows
 * whether anything else is there. */
char *rill_inlet_place(rill_inlet *inlet, uint64_t left, size_t *room);

/* The last byte has come. `*later`: whether the body is whole shows only when more is decoded.
 * 0, or negative as above: broken, or cut. */
int32_t rill_inlet_end_coded(rill_inlet *inlet, bool *later, rill_error *err);
static inline int32_t rill_inlet_end(rill_inlet *inlet, bool *later, rill_error *err)
{
    *later = false;
    return inlet->chain ? rill_inlet_end_coded(inlet, later, err) : 0; /* most have none */
}

/* Decodes what waits, as far as a reader is served ahead, or as what the client holds allows; with
 * `all`, all of it. */
int32_t rill_inlet_fill(rill_inlet *inlet, bool all, size_t *released, rill_error *err);

/* Decoded bytes that a reader in pieces has not taken. */
static inline size_t rill_inlet_ahead(const rill_inlet *inlet)
{
    return inlet->coded ? inlet->coded->ahead.length : 0;
}

/* Whether a reader finds something without decoding. */
static inline bool rill_inlet_ready(const rill_inlet *inlet)
{
    return rill_inlet_ahead(inlet) || (!inlet->chain && inlet->chunks.length);
}

/* Whether coded bytes wait, though not by choice. */
static inline bool rill_inlet_is_coded(const rill_inlet *inlet)
{
    return inlet->chain && !inlet->defers && (inlet->chunks.length || !inlet->drained);
}

/* Pieces: takes up to `max` bytes off the front of what is ready. */
size_t rill_inlet_take(rill_inlet *inlet, size_t max, const char **data, size_t *released);

/* Pieces become memory: what is unread is its start. 0 or negative as rill_inlet_write(); with
 * -RILL_ERROR nothing has changed unless codings are undone. */
int32_t rill_inlet_collect(rill_inlet *inlet, size_t believed, size_t *released, rill_error *err);

/* The head allows a file: the body, of which nothing has come, goes there. The sink is taken over.
 */
void rill_inlet_begin_file(rill_inlet *inlet, rill_sink *sink);

/* Pieces become a file: what is unread is written at once. The sink is taken over. 0 or negative as
 * rill_inlet_write(). */
int32_t rill_inlet_save(rill_inlet *inlet, rill_sink *sink, size_t *released, rill_error *err);

/* Nothing more comes: its window counts no more, and it holds no other body up. A body in pieces
 * can still be read. */
void rill_inlet_close(rill_inlet *inlet);

/* Its end was reported: whoever wants the body takes it before anything else happens. */
void rill_inlet_told(rill_inlet *inlet);

/* What is left was handed over, or nobody wants it. */
void rill_inlet_uncount(rill_inlet *inlet);
void rill_inlet_drop(rill_inlet *inlet);

/* Whether window may go back to the peer: always where the reader has found nothing or the body
 * goes to a file as it comes, to the oldest of the others, and to all as long as what the client
 * holds, with what windows have grown by, is no more than it may hold. */
bool rill_inlet_grants(const rill_inlet *inlet);

/* `length` bytes of window may go back as far as this body is concerned. Returns how much goes back
 * now; 0: it is owed. */
uint32_t rill_inlet_release(rill_inlet *inlet, size_t length);

/* Whether its window may become so wide: all windows and all that is held fit what may be held. */
bool rill_inlet_widen(rill_inlet *inlet, uint32_t window);

/* Which codings were undone, in that order, as text: "br, gzip"; "" for none. */
const char *rill_inlet_decoded(const rill_inlet *inlet);

#endif
