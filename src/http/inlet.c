#include "http/inlet.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"

enum {
    INLET_STEP = 16 << 10, /* made at a time, before it goes to where it is wanted */
    /* made at a time where it is kept: in one piece, in which zlib finds what it repeats (less time
     * by a twelfth than in pieces of INLET_STEP, measured) */
    INLET_STEP_MOST = 128 << 10,
    /* a collected body waits coded until it is whole, or so large: decoded at once, by a decoder
     * that is in the caches and needs no window of its own */
    INLET_DEFER_MOST = 64 << 10,
    INLET_STEP_LEAST = 4 << 10,
    INLET_LIKELY = 4, /* text in gzip becomes so many times as large */
    INLET_PLACE_LEAST =
        16 << 10, /* a place is made larger where it is less than this, and too small */
    INLET_PLACE_MOST = 64 << 10 /* read at a time: as much as a socket has at first */
};

static rill_slab *slab_of(const rill_inlet *inlet)
{
    return &inlet->account->turn->slab;
}

/* --- what counts ----------------------------------------------------------------------------- */

/* Whether all that is held fits, and so much window beside the first ones. A window that has grown
 * cannot be taken back: without it in the sum, what it lets come later would be too much. */
static bool fits(const rill_account *account, uint64_t more)
{
    return account->bytes + account->widened + more <= account->most;
}

/* The oldest of the collected bodies may always go on, once the one before it was handed over. */
static bool is_first(const rill_inlet *inlet)
{
    return rill_inlet_oldest(inlet->account) == inlet && !inlet->account->done;
}

/* There is room, or another body has become the oldest: those held back are looked at soon. */
static void relieve(rill_account *account)
{
    if (account->held_back && account->relieve &&
        (fits(account, 0) || is_first(rill_inlet_oldest(account))))
        rill_turn_mark(account->turn, account->relieve);
}

static void count(rill_inlet *inlet, size_t length)
{
    inlet->held += length;
    inlet->account->bytes += length;
}

static void uncount(rill_inlet *inlet, size_t length)
{
    if (length > inlet->held)
        length = inlet->held; /* after rill_inlet_uncount() */
    if (!length)
        return;
    inlet->held -= length;
    inlet->account->bytes -= length;
    relieve(inlet->account);
}

static void set_done(rill_inlet *inlet, bool done)
{
    inlet->account->done += done;
    inlet->account->done -= inlet->done;
    inlet->done = done;
}

void rill_inlet_told(rill_inlet *inlet)
{
    set_done(inlet, false);
    relieve(inlet->account);
}

void rill_inlet_uncount(rill_inlet *inlet)
{
    set_done(inlet, false);
    uncount(inlet, inlet->held);
}

static void count_chain(rill_inlet *inlet)
{
    inlet_coded *coded = inlet->coded;
    size_t held = inlet->chain ? rill_decode_held(inlet->chain) : 0;
    if (held > coded->held)
        count(inlet, held - coded->held);
    else
        uncount(inlet, coded->held - held);
    coded->held = held;
}

/* What its window lets come beyond its first one while so much of it is owed. A file holds
 * nothing. */
static uint32_t beyond_first(const rill_inlet *inlet, uint32_t owed)
{
    bool counts = inlet->began && inlet->way != INLET_FILE && inlet->window > inlet->first;
    uint32_t most = counts ? inlet->window - inlet->first : 0;
    return owed < most ? most - owed : 0;
}

static void count_widened(rill_inlet *inlet)
{
    uint32_t before = inlet->widened;
    if (inlet->window <= inlet->first && !before)
        return; /* it has not grown, as most never do */
    inlet->widened = beyond_first(inlet, inlet->owed);
    inlet->account->widened += inlet->widened;
    inlet->account->widened -= before;
    if (inlet->widened < before)
        relieve(inlet->account);
}

/* Window that it is owed, or coded bytes: those of a body in pieces wait for their reader. */
static void note_held_back(rill_inlet *inlet)
{
    if (!inlet->collected.list && !inlet->held_back)
        return;
    bool now = inlet->collected.list && (inlet->owed || rill_inlet_is_coded(inlet));
    inlet->account->held_back += now;
    inlet->account->held_back -= inlet->held_back;
    inlet->held_back = now;
}

/* A body is collected from its first byte: one that has not begun holds up nobody. */
static inline void join_collected(rill_inlet *inlet)
{
    rill_account *account = inlet->account;
    if (inlet->collected.list || !inlet->window)
        return;
    rill_list_push(&account->collected, &inlet->collected);
    note_held_back(inlet);
}

static void leave_collected(rill_inlet *inlet)
{
    rill_account *account = inlet->account;
    if (!inlet->collected.list)
        return;
    rill_list_leave(&inlet->collected);
    note_held_back(inlet);
    relieve(account); /* another one may be the oldest */
}

bool rill_inlet_grants(const rill_inlet *inlet)
{
    const rill_account *account = inlet->account;
    if (inlet->narrow)
        return false;
    bool first = is_first(inlet) || (inlet->way == INLET_FILE && !inlet->collected.list) ||
                 (inlet->way == INLET_PIECES && !inlet->chunks.length);
    return first || fits(account, beyond_first(inlet, 0) - inlet->widened);
}

uint32_t rill_inlet_release(rill_inlet *inlet, size_t length)
{
    uint32_t due = inlet->owed + (uint32_t)length;
    inlet->owed = rill_inlet_grants(inlet) ? 0 : due;
    note_held_back(inlet);
    count_widened(inlet);
    return inlet->owed ? 0 : due;
}

bool rill_inlet_widen(rill_inlet *inlet, uint32_t window)
{
    rill_account *account = inlet->account;
    uint64_t more = window - inlet->window;
    if (account->bytes > account->most || more > account->most - account->bytes ||
        account->windows > account->most - account->bytes - more)
        return false;
    account->windows += inlet->began ? more : 0;
    inlet->window = window;
    count_widened(inlet);
    return true;
}

/* --- life ------------------------------------------------------------------------------------ */

void rill_inlet_init(rill_inlet *inlet, rill_account *account, enum inlet_way way, uint32_t window)
{
    inlet->account = rill_account_hold(account);
    inlet->way = way;
    inlet->window = inlet->first = window;
}

static const unsigned next_ways[] = {
    [INLET_PIECES] = 1u << INLET_MEMORY | 1u << INLET_FILE,
    [INLET_MEMORY] = 1u << INLET_FILE,
    [INLET_FILE] = 0,
};

/* The only writer of inlet->way, once it has begun. */
static void set_way(rill_inlet *inlet, enum inlet_way to)
{
    assert(next_ways[inlet->way] & 1u << to);
    inlet->way = to;
}

static void free_chain(rill_inlet *inlet)
{
    if (!inlet->chain)
        return;
    rill_decode_free(inlet->chain);
    inlet->chain = NULL;
    count_chain(inlet);
    note_held_back(inlet);
}

static RILL_APART void drop_all_coded(rill_inlet *inlet)
{
    uncount(inlet, inlet->chunks.length);
    rill_chunks_dispose(slab_of(inlet), &inlet->chunks);
    free_chain(inlet);
}

static inline void drop_coded(rill_inlet *inlet)
{
    if (inlet->chunks.length || inlet->chain) /* most have neither */
        drop_all_coded(inlet);
}

void rill_inlet_close(rill_inlet *inlet)
{
    if (inlet->collected.list && inlet->kept.length)
        set_done(inlet, true);
    leave_collected(inlet);
    if (inlet->began)
        inlet->account->windows -= inlet->window;
    inlet->window = 0;
    count_widened(inlet);
    if (inlet->way != INLET_PIECES)
        drop_coded(inlet);
}

void rill_inlet_drop(rill_inlet *inlet)
{
    free_chain(inlet);
    rill_inlet_uncount(inlet);
    rill_bytes_dispose(slab_of(inlet), &inlet->kept);
    rill_chunks_dispose(slab_of(inlet), &inlet->chunks);
    if (inlet->coded)
        rill_chunks_dispose(slab_of(inlet), &inlet->coded->ahead);
}

static void free_coded(rill_inlet *inlet)
{
    if (!inlet->coded)
        return;
    rill_bytes_dispose(slab_of(inlet), &inlet->coded->codings);
    rill_slab_free(slab_of(inlet), inlet->coded);
    inlet->coded = NULL;
}

void rill_inlet_dispose(rill_inlet *inlet)
{
    if (!inlet->account)
        return;
    rill_inlet_close(inlet);
    rill_inlet_drop(inlet);
    free_coded(inlet);
    rill_sink_free(slab_of(inlet), inlet->sink);
    inlet->sink = NULL;
    rill_account_release(inlet->account);
    inlet->account = NULL;
}

/* --- where bytes go -------------------------------------------------------------------------- */

static int32_t no_memory(rill_error *err)
{
    return rill_error_set(err, RILL_ERROR, "out of memory");
}

static int32_t keep(rill_inlet *inlet, const void *data, size_t length, size_t believed,
                    rill_error *err)
{
    rill_bytes *kept = &inlet->kept;
    size_t room = kept->room ? 0 : length;
    if (kept->length < kept->room && data == kept->data + kept->length) { /* it stands there */
        assert(length <= kept->room - kept->length);
        kept->length += length;
        count(inlet, length);
        return 0;
    }
    if (believed > length)
        room = believed + inlet->spare;
    if (!rill_bytes_reserve(slab_of(inlet), kept, room) ||
        !rill_bytes_append(slab_of(inlet), kept, data, length))
        return no_memory(err);
    count(inlet, length);
    return 0;
}

/* Bytes as the caller wants them: they came so, or were decoded. */
static inline int32_t deliver(rill_inlet *inlet, const void *data, size_t length, size_t believed,
                              rill_error *err)
{
    if (inlet->way == INLET_FILE)
        return rill_sink_write(inlet->sink, data, length, err);
    if (inlet->way == INLET_MEMORY)
        return keep(inlet, data, length, believed, err);
    rill_chunks *unread = inlet->chain ? &inlet->coded->ahead : &inlet->chunks;
    if (!rill_chunks_append(slab_of(inlet), unread, data, length))
        return no_memory(err);
    count(inlet, length);
    return 0;
}

/* --- decoding -------------------------------------------------------------------------------- */

static int32_t made_too_much(const rill_inlet *inlet, rill_error *err)
{
    return rill_error_set(err, RILL_MAXSIZE_EXCEEDED_ACTUAL,
                          "content-encoding %s: more than maxsize (%llu bytes) comes out",
                          inlet->coded->codings.data, (unsigned long long)inlet->coded->most);
}

/* Whether to decode more now: for a reader, unless it has enough ahead; else while it fits. */
static bool goes_on(const rill_inlet *inlet, bool all)
{
    if (all)
        return true;
    if (inlet->way == INLET_PIECES)
        return rill_inlet_ahead(inlet) < INLET_AHEAD;
    return is_first(inlet) || fits(inlet->account, 0);
}

/* How much may come out next. */
static size_t step_of(const rill_inlet *inlet, bool all)
{
    size_t left = INLET_AHEAD - rill_inlet_ahead(inlet);
    return inlet->way == INLET_PIECES && !all && left < INLET_STEP ? left : INLET_STEP;
}

/* Room in a collected body for what is likely to come out of `in_left` bytes; 0: out of memory. */
static size_t grow_kept(rill_inlet *inlet, size_t in_left, size_t believed)
{
    rill_bytes *kept = &inlet->kept;
    size_t most = INLET_STEP_MOST / INLET_LIKELY;
    size_t likely = (in_left < most ? in_left : most) * INLET_LIKELY + INLET_STEP_LEAST;
    if (kept->room - kept->length < INLET_STEP_LEAST) {
        size_t room = kept->room ? kept->room * 2 : believed;
        size_t wanted = kept->length + likely;
        if (!rill_bytes_reserve(slab_of(inlet), kept, room > wanted ? room : wanted))
            return 0;
    }
    size_t left = kept->room - kept->length;
    return left < INLET_STEP_MOST ? left : INLET_STEP_MOST;
}

/* Takes over what a step has made: in a collected body it stands already. */
static int32_t take_made(rill_inlet *inlet, const uint8_t *room, size_t length, rill_error *err)
{
    inlet->coded->made += length;
    if (!length)
        return 0;
    if (inlet->way != INLET_MEMORY)
        return deliver(inlet, room, length, 0, err);
    inlet->kept.length += length;
    count(inlet, length);
    return 0;
}

/* Whether the rest is for a later step. What is ahead of a reader is little. */
static bool gives_way(const rill_inlet *inlet, bool all)
{
    return !all && inlet->way != INLET_PIECES && inlet->account->relieve &&
           rill_turn_gives_way(inlet->account->turn);
}

/* So much was decoded. What could go on, and was put off, is looked at in the next step. */
static void leave_rest(rill_inlet *inlet, bool all)
{
    rill_account *account = inlet->account;
    note_held_back(inlet);
    if (inlet->held_back && gives_way(inlet, all) && goes_on(inlet, all))
        rill_turn_mark(account->turn, account->relieve);
}

/* Decodes until the input is used up, or as far as it may go; a piece at least. */
static int32_t undo(rill_inlet *inlet, rill_flow *flow, bool all, size_t believed, rill_error *err)
{
    uint8_t room[INLET_STEP];
    int32_t code = 0;
    inlet->drained = false;
    do {
        bool keeps = inlet->way == INLET_MEMORY;
        size_t most = keeps ? grow_kept(inlet, flow->in_left, believed) : step_of(inlet, all);
        if (!most)
            return no_memory(err);
        flow->out = keeps ? (uint8_t *)inlet->kept.data + inlet->kept.length : room;
        flow->out_left = most;
        code = rill_decode_write(inlet->chain, flow, err);
        size_t length = most - flow->out_left;
        int32_t failed = take_made(inlet, room, length, err);
        if (!failed && inlet->coded->most && inlet->coded->made > inlet->coded->most)
            failed = made_too_much(inlet, err);
        code = code ? code : failed;
        inlet->drained = !flow->in_left && flow->out_left;
        rill_turn_spend(inlet->account->turn, length);
        count_chain(inlet);
    } while (!code && !inlet->drained && !gives_way(inlet, all) && goes_on(inlet, all));
    return code;
}

/* Whether a body of so many bytes may be made in one call: as much less would be in several. */
static bool may_make(const rill_inlet *inlet, size_t size, bool all)
{
    const rill_account *account = inlet->account;
    if (!size || (inlet->coded->most && size > inlet->coded->most))
        return false;
    return all || ((is_first(inlet) || fits(account, size)) &&
                   rill_turn_bears(account->turn, size, INLET_STEP_MOST));
}

/* All of the body is made in one call, where that can be. */
static RILL_APART void undo_whole(rill_inlet *inlet, bool all, size_t *released)
{
    rill_slab *slab = slab_of(inlet);
    rill_bytes *kept = &inlet->kept;
    const char *data;
    inlet->whole = false;
    if (!rill_chunks_join(slab, &inlet->chunks))
        return;
    size_t length = rill_chunks_peek(slab, &inlet->chunks, &data);
    size_t size = rill_decode_announced(inlet->chain, data, length);
    if (!may_make(inlet, size, all) || !rill_bytes_reserve(slab, kept, size))
        return;
    rill_turn_spend(inlet->account->turn, size);
    if (!rill_decode_whole(inlet->chain, data, length, kept->data, size)) {
        rill_bytes_dispose(slab, kept);
        return;
    }
    inlet->coded->made = kept->length = size;
    count(inlet, size);
    uncount(inlet, length);
    rill_chunks_dispose(slab, &inlet->chunks);
    *released += length;
}

int32_t rill_inlet_fill(rill_inlet *inlet, bool all, size_t *released, rill_error *err)
{
    static const uint8_t none;
    int32_t code = 0;
    bool put_off = false;
    inlet->defers = false;
    if (inlet->whole && inlet->chain && goes_on(inlet, all))
        undo_whole(inlet, all, released);
    while (!code && !put_off && inlet->chain && (inlet->chunks.length || !inlet->drained) &&
           goes_on(inlet, all)) {
        const char *data;
        size_t length = rill_chunks_peek(slab_of(inlet), &inlet->chunks, &data);
        rill_flow flow = {length ? (const uint8_t *)data : &none, length, NULL, 0};
        code = undo(inlet, &flow, all, 0, err);
        length = rill_chunks_take(slab_of(inlet), &inlet->chunks, length - flow.in_left, &data);
        uncount(inlet, length);
        *released += length;
        put_off = gives_way(inlet, all);
    }
    if (code) { /* what was made before can still be read */
        *released += inlet->chunks.length;
        drop_coded(inlet);
    }
    leave_rest(inlet, all);
    return code;
}

/* The first byte is here: an empty body is empty, whatever it is coded with. */
static int32_t begin(rill_inlet *inlet, rill_error *err)
{
    inlet->began = inlet->drained = true;
    inlet->account->windows += inlet->window;
    count_widened(inlet);
    if (inlet->way == INLET_MEMORY)
        join_collected(inlet);
    rill_bytes *codings = inlet->coded ? &inlet->coded->codings : NULL;
    if (!codings || !codings->length)
        return 0;
    int32_t code =
        rill_decode_new(slab_of(inlet), codings->data, codings->length, &inlet->chain, err);
    codings->length = 0;
    if (code || !inlet->chain)
        return code;
    const char *names = rill_decode_names(inlet->chain);
    if (!rill_bytes_append(slab_of(inlet), codings, names, strlen(names) + 1))
        return no_memory(err);
    inlet->defers = inlet->way == INLET_MEMORY;
    if (inlet->way == INLET_FILE)
        join_collected(inlet); /* what it holds is its decoder */
    count_chain(inlet);
    return 0;
}

bool rill_inlet_encoding(rill_inlet *inlet, const char *value, size_t length)
{
    rill_slab *slab = slab_of(inlet);
    if (!inlet->coded)
        inlet->coded = rill_slab_zalloc(slab, sizeof(*inlet->coded));
    if (!inlet->coded)
        return false;
    rill_bytes *codings = &inlet->coded->codings;
    return (!codings->length || rill_bytes_append(slab, codings, ",", 1)) &&
           rill_bytes_append(slab, codings, value, length);
}

static int32_t write_pieces(rill_inlet *inlet, const void *data, size_t length, bool hungry,
                            size_t *released, rill_error *err)
{
    if (!rill_chunks_append(slab_of(inlet), &inlet->chunks, data, length))
        return no_memory(err);
    count(inlet, length);
    return hungry ? rill_inlet_fill(inlet, false, released, err) : 0;
}

/* Its window must not run out meanwhile: none of it is given back. */
static bool defers(const rill_inlet *inlet, size_t length)
{
    size_t quarter = inlet->window / 4;
    size_t most = quarter < INLET_DEFER_MOST ? quarter : INLET_DEFER_MOST;
    return inlet->defers && inlet->chunks.length + length <= most;
}

/* What may not be decoded now waits coded: so a window's worth of bytes that explode costs no more
 * than that. */
static int32_t write_coded(rill_inlet *inlet, const void *data, size_t length, size_t believed,
                           size_t *released, rill_error *err)
{
    if (defers(inlet, length)) {
        if (!rill_chunks_append(slab_of(inlet), &inlet->chunks, data, length))
            return no_memory(err);
        count(inlet, length);
        return 0;
    }
    inlet->defers = false;
    bool goes = goes_on(inlet, false) && !gives_way(inlet, false);
    bool waits = !goes || inlet->chunks.length || !inlet->drained;
    rill_flow flow = {data, length, NULL, 0};
    int32_t code = waits ? 0 : undo(inlet, &flow, false, believed, err);
    *released += length - flow.in_left;
    if (!code && flow.in_left) {
        if (!rill_chunks_append(slab_of(inlet), &inlet->chunks, flow.in, flow.in_left))
            return no_memory(err);
        count(inlet, flow.in_left);
    }
    if (!code && waits && goes)
        return rill_inlet_fill(inlet, false, released, err);
    leave_rest(inlet, false);
    return code;
}

int32_t rill_inlet_write(rill_inlet *inlet, const void *data, size_t length, size_t believed,
                         bool hungry, size_t *released, rill_error *err)
{
    int32_t code = inlet->began || !length ? 0 : begin(inlet, err);
    if (code || !length)
        return code;
    if (inlet->way == INLET_PIECES)
        return write_pieces(inlet, data, length, hungry, released, err);
    if (inlet->chain)
        return write_coded(inlet, data, length, believed, released, err);
    *released += length;
    return deliver(inlet, data, length, believed, err);
}

/* As rill_bytes_append() would, but for no more than is to come. */
static bool grow_place(rill_inlet *inlet, uint64_t wanted)
{
    rill_bytes *kept = &inlet->kept;
    size_t left = kept->room - kept->length, room = kept->room * 2;
    if (left >= INLET_PLACE_LEAST || left >= wanted)
        return true;
    if (wanted < room - kept->length)
        room = kept->length + (size_t)wanted;
    return rill_bytes_reserve(slab_of(inlet), kept, room);
}

char *rill_inlet_place(rill_inlet *inlet, uint64_t left, size_t *room)
{
    rill_bytes *kept = &inlet->kept;
    uint64_t wanted = left + inlet->spare;
    bool is_long =
        rill_bytes_is_long(kept) || rill_long_block_is_earned(kept->length, kept->length + left);
    if (inlet->way != INLET_MEMORY || inlet->chain || !kept->length || is_long ||
        !grow_place(inlet, wanted))
        return NULL;
    size_t most = kept->room - kept->length;
    most = most < INLET_PLACE_MOST ? most : INLET_PLACE_MOST;
    *room = wanted < most ? (size_t)wanted : most;
    return kept->data + kept->length;
}

int32_t rill_inlet_end_coded(rill_inlet *inlet, bool *later, rill_error *err)
{
    size_t released = 0;
    inlet->whole = inlet->whole || inlet->defers;
    bool ahead = inlet->defers || /* a reader in pieces: nobody waits for it */
                 (inlet->way == INLET_PIECES && fits(inlet->account, 0));
    if (ahead && gives_way(inlet, false)) {
        inlet->defers = ahead = false;
        leave_rest(inlet, false);
    }
    int32_t code = ahead ? rill_inlet_fill(inlet, false, &released, err) : 0;
    if (code)
        return code;
    *later = inlet->chunks.length || !inlet->drained;
    if (*later)
        return 0;
    code = rill_decode_finish(inlet->chain, err);
    free_chain(inlet);
    if (inlet->way == INLET_FILE)
        leave_collected(inlet); /* it may have to wait for its reader's answer */
    return code;
}

const char *rill_inlet_decoded(const rill_inlet *inlet)
{
    const inlet_coded *coded = inlet->coded;
    return inlet->began && coded && coded->codings.length ? coded->codings.data : "";
}

/* --- the reader ------------------------------------------------------------------------------ */

size_t rill_inlet_take(rill_inlet *inlet, size_t max, const char **data, size_t *released)
{
    bool decoded = rill_inlet_ahead(inlet);
    if (!rill_inlet_ready(inlet))
        return 0;
    rill_chunks *unread = decoded ? &inlet->coded->ahead : &inlet->chunks;
    size_t length = rill_chunks_take(slab_of(inlet), unread, max, data);
    uncount(inlet, length);
    if (!decoded)
        *released += length;
    return length;
}

/* What can be had without decoding moves over; there is room. */
static void move_unread(rill_inlet *inlet, size_t *released)
{
    const char *data;
    size_t length;
    while ((length = rill_inlet_take(inlet, CHUNK_ROOM, &data, released))) {
        rill_bytes_append(slab_of(inlet), &inlet->kept, data, length);
        count(inlet, length);
    }
}

void rill_inlet_begin_file(rill_inlet *inlet, rill_sink *sink)
{
    assert(!inlet->began);
    inlet->sink = sink;
    set_way(inlet, INLET_FILE);
}

int32_t rill_inlet_collect(rill_inlet *inlet, size_t believed, size_t *released, rill_error *err)
{
    size_t unread = rill_inlet_ahead(inlet) + (inlet->chain ? 0 : inlet->chunks.length);
    rill_bytes *kept = &inlet->kept;
    if (inlet->way != INLET_PIECES)
        return 0;
    size_t room = believed > unread ? believed : unread;
    if (unread && !rill_bytes_reserve(slab_of(inlet), kept, room))
        return no_memory(err);
    move_unread(inlet, released);
    set_way(inlet, INLET_MEMORY);
    if (inlet->began)
        join_collected(inlet);
    return rill_inlet_fill(inlet, !inlet->collected.list, released, err);
}

int32_t rill_inlet_save(rill_inlet *inlet, rill_sink *sink, size_t *released, rill_error *err)
{
    const char *data;
    size_t length;
    int32_t code = 0;
    inlet->sink = sink;
    while (!code && (length = rill_inlet_take(inlet, CHUNK_ROOM, &data, released)))
        code = rill_sink_write(sink, data, length, err);
    set_way(inlet, INLET_FILE);
    count_widened(inlet);
    code = code ? code : rill_inlet_fill(inlet, true, released, err);
    if (code)
        rill_inlet_drop(inlet);
    return code;
}
