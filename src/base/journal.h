/* What happened to a client's connections and requests, in order, until a script takes it:
 * on_event. There is one only where somebody asks for it. */
#ifndef RILL_JOURNAL_H
#define RILL_JOURNAL_H

#include <stddef.h>
#include <string.h>

#include "base/error.h"
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

/* Notes, and what they point into: a reference each to the copy that `text` stands at the start of,
 * and to that of `error`. */
typedef struct rill_batch {
    rill_note *ring;       /* owned: the oldest at `first` */
    uint32_t room;         /* of the ring: 0, or a power of two */
    uint32_t most;         /* in it: its room, or JOURNAL_NOTES */
    uint32_t first, count; /* first + count may go round its end */
    uint32_t left;         /* the last ones, to be taken */
} rill_batch;

typedef struct rill_journal {
    rill_turn *turn;    /* borrowed */
    rill_entry *entry;  /* borrowed: who is told of news; without an id nothing is noted */
    rill_member member; /* in turn->news: there is something to take */
    rill_batch waiting; /* written to */
    rill_batch lent;    /* taken: read in place, until the next ones are taken */
    rill_note lost;     /* lent as well: how many were dropped */
    uint32_t dropped;   /* since that was taken last */
    uint32_t client;    /* its number */
} rill_journal;

/* NULL: out of memory. */
rill_journal *rill_journal_new(rill_turn *turn, rill_entry *entry);
void rill_journal_free(rill_journal *journal); /* NULL is fine */

/* Makes room for a note, or drops one. False: nobody will take it, or no memory. */
RILL_COLD bool rill_journal_make_room(rill_journal *journal);

/* Adds a note of this turn's time, to be filled in before the next one: see rill_note for what is 0
 * in it. NULL: nobody will take it, or no memory, which counts as dropped. */
static inline rill_note *rill_journal_add(rill_journal *journal, enum rill_note_type type)
{
    rill_batch *batch = &journal->waiting;
    if ((batch->count == batch->most || !journal->member.list) && !rill_journal_make_room(journal))
        return NULL;
    rill_note *note = &batch->ring[(batch->first + batch->count++) & (batch->room - 1)];
    memset(note, 0, offsetof(rill_note, bytes_received));
    note->type = (int32_t)type;
    note->code = -1;
    note->client = journal->client;
    note->time = (double)(int64_t)journal->turn->now_us / 1e6;
    return note;
}

/* Gives a note that was added last its text and a URL, which stand one behind the other in `copy`:
 * it takes a reference of its own. */
static inline void rill_journal_share(rill_note *note, rill_copy *copy, uint32_t text_length)
{
    note->text = copy->bytes;
    note->text_length = (int32_t)text_length;
    note->url = copy->bytes + text_length;
    note->url_length = (int32_t)(copy->length - text_length);
    copy->references++;
}

/* Gives a note that was added last a text of its own, and a URL after it that is written to where
 * `url` points. False: no memory. */
bool rill_journal_write(rill_journal *journal, rill_note *note, const char *text, size_t length,
                        size_t url_length, char **url);

/* The same of an error; NULL is fine. Without memory it has none. */
void rill_journal_write_error(rill_journal *journal, rill_note *note, const rill_error *error);

/* Takes some of the oldest notes; they and what they point to are good until the next time, which
 * is asked for until it returns 0. */
int32_t rill_journal_take(rill_journal *journal, const rill_note **notes);

/* The entry of a journal with news, which is asked for once; NULL: there is none. */
rill_entry *rill_journal_next(rill_turn *turn);

#endif
