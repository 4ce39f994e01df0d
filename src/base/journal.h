/* What happened to a client's connections and requests, in order, until a script takes it:
 * on_event. There is one only where somebody asks for it. */
#ifndef RILL_JOURNAL_H
#define RILL_JOURNAL_H

#include "base/turn.h"

/* Notes that wait; then the oldest go, and a note says how many. */
enum { JOURNAL_NOTES = 10000 };

/* Bytes that several notes point into: the last reference frees them. */
typedef struct rill_copy {
    uint32_t references, length; /* of `bytes` */
    _Alignas(8) char bytes[];
} rill_copy;

/* With one reference. NULL: out of memory. */
rill_copy *rill_copy_new(rill_slab *slab, size_t size);
void rill_copy_release(rill_slab *slab, rill_copy *copy); /* NULL is fine */

struct journal_row;

typedef struct rill_journal {
    rill_turn *turn;          /* borrowed */
    rill_entry *entry;        /* borrowed: who is told of news; without an id nothing is noted */
    rill_member member;       /* in turn->news: there is something to take */
    struct journal_row *ring; /* owned: notes to be taken, the oldest at `first` */
    uint32_t room;            /* of the ring: 0, or a power of two */
    uint32_t first, count;
    rill_copy **lent; /* owned: what notes that were taken last point into, one reference each */
    uint32_t lent_room, lent_count;
    uint32_t dropped; /* since notes were taken last */
    uint32_t client;  /* its number */
} rill_journal;

/* NULL: out of memory. */
rill_journal *rill_journal_new(rill_turn *turn, rill_entry *entry);
void rill_journal_free(rill_journal *journal); /* NULL is fine */

/* Adds a note of this turn's time, to be filled in before the next one. NULL: nobody will take it,
 * or no memory, which counts as dropped. */
rill_note *rill_journal_add(rill_journal *journal, enum rill_note_type type);

/* A note that was added last points into `copy`: it takes a reference of its own. */
void rill_journal_share(rill_note *note, rill_copy *copy);

/* Gives a note that was added last a text of its own, and a URL after it that is written to where
 * `url` points. False: no memory. */
bool rill_journal_write(rill_journal *journal, rill_note *note, const char *text, size_t length,
                        size_t url_length, char **url);

/* The same of an error; NULL is fine. Without memory it has none. */
void rill_journal_write_error(rill_journal *journal, rill_note *note, const rill_error *error);

/* Takes up to `max` notes, the oldest first; what they point to is good until the next time. */
int32_t rill_journal_take(rill_journal *journal, rill_note *notes, int32_t max);

/* The entry of a journal with news, which is asked for once; NULL: there is none. */
rill_entry *rill_journal_next(rill_turn *turn);

#endif
