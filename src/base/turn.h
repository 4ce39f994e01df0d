/* What everything on one loop borrows: memory, deadlines, ids, the queue of events, the marks of
 * what wants to act before the turn ends, and the buffers that I/O passes through.
 *
 * A turn is one pass of the loop: callbacks of libraries record what happened and leave a mark;
 * then each marked thing acts, once, with no library's callback on the stack. */
#ifndef RILL_TURN_H
#define RILL_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/gate.h"
#include "base/list.h"
#include "base/process.h"
#include "rill.h"
#include "base/slab.h"
#include "base/timer.h"

struct event_base;

typedef struct rill_entry rill_entry;

enum rill_entry_kind {
    ENTRY_CLIENT = 1,
    ENTRY_CONNECTION,
    ENTRY_PEER,
    ENTRY_CALL,
    ENTRY_TIMER,
    ENTRY_SIGNAL,
    ENTRY_WATCH,
    ENTRY_QUESTION
};

/* What an id names: embedded in its object. Its events are bits: an object stands in the queue at
 * most once, so the queue needs no memory and cannot grow beyond what there is to report. */
struct rill_entry {
    rill_id id;
    uint8_t kind;
    uint32_t pending;   /* 1 << enum rill_event_type: happened, not handed over yet */
    rill_member member; /* in the turn's queue of events, or in `later` */
};

/* Embedded in what acts; `act` runs once in this turn for any number of marks. */
struct rill_mark {
    void (*act)(rill_mark *mark);
    rill_member member; /* in none: not marked */
};

enum {
    /* with so many events queued nothing more is read: what arrives waits in the sockets, not here
     * (measured with 1,000 connections of 10 streams) */
    TURN_EVENTS = 256,
    TURN_CIPHER_IN = 32 << 10,   /* one recv(): more costs cache misses (measured) */
    TURN_CIPHER_OUT = 256 << 10, /* one send() */
    TURN_PLAIN = 16 << 10,       /* one TLS record */
    TURN_READERS = 32,           /* sockets that are found without libevent */
    /* A step that a foreign loop asked for ends, and asks for another one, when it has
     *   sent, received, decoded so many bytes, of all bodies     TURN_STEP_BYTES
     *   lasted for so long                                       TURN_STEP_US
     * In each step one thing that is marked acts whatever the clock has to say. */
    TURN_STEP_BYTES = 256 << 10,
    TURN_STEP_US = 1000
};

struct rill_turn {
    rill_process process; /* that made the loop: in a child of it nothing is sent, or changed */
    struct event_base *base;
    rill_slab slab;
    rill_wheel wheel;
    rill_gate gate;   /* of TLS handshakes */
    rill_timer aging; /* of the slab's shelf: runs while something may lie there */
    uint64_t now_ms;  /* monotonic, as of the last rill_turn_tick(): deadlines */
    uint64_t now_us;  /* the same: for telling how long things took */

    struct turn_slot {
        rill_entry *entry;   /* NULL: free */
        uint32_t generation; /* of the entry, or of the next one */
        uint32_t next_free;  /* slot + 1; 0: none */
    } * slots;
    uint32_t slot_count, slot_room, free_slot, named;
    uint32_t first_slot; /* what ids call the first of them: see rill_loop_renew() */

    rill_list events;
    uint32_t event_count; /* entries in the queue */

    rill_list
        later; /* what ended, but events that were handed over point to: rill_turn_free_later() */
    struct turn_text *lent; /* owned: texts of events that were handed over */
    rill_list marks[2]; /* marked now, and those before, which act and are put off by TURN_EVENTS */
    uint8_t acting;     /* which of them acts */
    uint64_t random_state; /* state of rill_turn_random() */
    uint32_t submitted;    /* requests issued since marks last acted: see rill_poll() */
    struct {
        uint32_t first; /* connections that must be read before they are written to: while there are
                           any, the loop looks at I/O before what is marked acts */
        uint32_t ready; /* sockets that the last look has shown */
        bool done;      /* what no socket has shown has not come when this act began */
    } look;             /* one system call for all of them, instead of one for each */
    int wake_fd;        /* eventfd that tells a foreign loop of work left; -1: nobody asks */
    bool stepping;      /* the loop is at it: no need to wake it */
    bool quiet;         /* another step is sure to come: neither wake it nor set the timer */
    struct {
        bool bounded;   /* a foreign loop waits for the end of this step */
        bool acted;     /* something marked has acted in it */
        uint64_t bytes; /* sent and received in it */
        uint64_t end_us;
    } step;
    bool woken;
    uint8_t trace;          /* enum rill_trace_topic: what is written to stderr */
    rill_list news;         /* journals that have something to take */
    uint32_t journals;      /* so far: each has its number, from 1 */
    uint32_t dialled;       /* connections so far: each has its number, from 1 */
    bool handed_over;       /* events point to calls in `later`, and to lent texts */
    rill_bytes scratch;     /* of whoever fills it: good until the next one does */
    rill_counters counters; /* clients ... dials; the rest is filled in when asked for */
    uint32_t in_line;       /* calls that wait, and that no connection is coming for */

    /* Shared by all connections: empty whenever another one may use them. */
    void *cipher_owner; /* borrowed: whose bytes wait in cipher_out; NULL: nobody's */
    size_t cipher_in_start, cipher_in_end, cipher_out_length, plain_length;
    /* borrowed, by the lowest bits of their descriptors: sockets that were read; NULL: none, or it
     * is closed */
    struct rill_socket *readers[TURN_READERS];
    struct bio_method_st *bio_method;   /* owned; NULL until the first TLS connection */
    struct x509_store_st *system_trust; /* owned: the system's certificates; NULL until wanted */
    uint8_t cipher_in[TURN_CIPHER_IN];
    uint8_t cipher_out[TURN_CIPHER_OUT];
    uint8_t plain[TURN_PLAIN];
};

/* Whether the loop is this process's own. */
static inline bool rill_turn_is_own(const rill_turn *turn)
{
    return rill_process_is_own(&turn->process);
}

/* Gives `entry` an id. 0 or -RILL_ERROR (memory). */
int32_t rill_turn_name(rill_turn *turn, rill_entry *entry, enum rill_entry_kind kind,
                       rill_error *err);

/* Takes the id back, with the events that nobody will see. A slot whose generations are used up is
 * retired. Forgetting what has no id is fine. */
void rill_turn_forget(rill_turn *turn, rill_entry *entry);

/* The entry that an id names; NULL when it is stale, of another kind, or the loop is a parent's. */
rill_entry *rill_turn_find(const rill_turn *turn, uint32_t slot, uint32_t generation,
                           enum rill_entry_kind kind);

/* Queues one of the entry's events; the same twice is once. Without an id nothing happens. */
void rill_turn_report(rill_turn *turn, rill_entry *entry, enum rill_event_type type);

/* Takes an event back that was not handed over. */
void rill_turn_unreport(rill_turn *turn, rill_entry *entry, enum rill_event_type type);

/* Forgets the entry and keeps its object until the next poll, which frees it: events may point into
 * it. */
void rill_turn_free_later(rill_turn *turn, rill_entry *entry);

/* Memory for what an event points to: freed by the next poll. NULL: out of memory. */
void *rill_turn_lend(rill_turn *turn, size_t size);
void rill_turn_take_back(rill_turn *turn);

/* Takes the entry at the head of the queue and the lowest of its events; NULL: the queue is empty.
 */
rill_entry *rill_turn_take(rill_turn *turn, enum rill_event_type *type);

/* Chance for jitter; not for secrets. */
uint32_t rill_turn_random(rill_turn *turn);

void rill_turn_mark(rill_turn *turn, rill_mark *mark);
void rill_turn_unmark(rill_mark *mark);

/* Makes the loop's descriptor readable, for work given outside a step. */
void rill_turn_wake(rill_turn *turn);

/* The same when there is something to act on that a full queue of events does not put off: events
 * alone are no work. */
void rill_turn_wake_for_work(rill_turn *turn);

/* Lets every marked thing act, once each at most: what they mark acts the next time. When the queue
 * of events is full, or the step has done its share, the rest is put off. */
void rill_turn_act(rill_turn *turn);

/* Whether something is marked. */
static inline bool rill_turn_marked(const rill_turn *turn)
{
    return turn->marks[0].first || turn->marks[1].first;
}

/* From here on rill_turn_spend() counts, until rill_turn_end_step(). */
void rill_turn_begin_step(rill_turn *turn);
void rill_turn_end_step(rill_turn *turn);

/* So many bytes were sent, received, or decoded. */
static inline void rill_turn_spend(rill_turn *turn, size_t bytes)
{
    turn->step.bytes += bytes;
}

/* The step has done its share: the rest is for the next one. Never outside of steps. */
bool rill_turn_is_spent(const rill_turn *turn);

/* Whether so much can be done at once, without passing what a step does by more than `over`. */
bool rill_turn_bears(const rill_turn *turn, size_t bytes, size_t over);

/* Whether long work is left to a later step: this one has done its share, or a foreign loop steps,
 * and there is no step now. */
bool rill_turn_gives_way(const rill_turn *turn);

/* What lies on the slab's shelf is given back some time after the last block was asked for. */
void rill_turn_age_shelf(rill_turn *turn);

uint64_t rill_turn_clock_ms(void);

/* Reads the clock. */
void rill_turn_tick(rill_turn *turn);

/* Milliseconds for seconds, rounded up and bounded; for deadlines that are never early. */
uint64_t rill_turn_ms_of(double seconds);

/* The same for a limit: infinity is none, as 0 is. */
uint64_t rill_turn_limit_ms(double seconds);

#endif
