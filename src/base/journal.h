/* What happened to a client's connections and requests, in order, until a script takes it:
 * on_event. There is one only where somebody asks for it. */
#ifndef RILL_JOURNAL_H
#define RILL_JOURNAL_H

#include "base/turn.h"

/* Notes that wait; then the oldest go, and a note says how many. */
enum { JOURNAL_NOTES = 10000 };

typedef struct rill_journal {
    rill_turn *turn;        /* borrowed */
    rill_entry *entry;      /* borrowed: who is told of news; without an id nothing is noted */
    rill_member member;     /* in turn->news: there is something to take */
    rill_list notes, taken; /* owned: to be taken; taken last, and borrowed */
    uint32_t count;
    uint32_t dropped; /* since notes were taken last */
    uint32_t client;  /* its number */
} rill_journal;

/* NULL: out of memory. */
rill_journal *rill_journal_new(rill_turn *turn, rill_entry *entry);
void rill_journal_free(rill_journal *journal); /* NULL is fine */

/* Notes it, at this turn's time: its text, error and protocol are copied. Returns where to write
 * its URL, of `url_length` bytes; NULL: there is none, or no memory, which counts as dropped. */
char *rill_journal_add(rill_journal *journal, const rill_note *note, size_t url_length);

/* Takes up to `max` notes, the oldest first; what they point to is good until the next time. */
int32_t rill_journal_take(rill_journal *journal, rill_note *notes, int32_t max);

/* The entry of a journal with news, which is asked for once; NULL: there is none. */
rill_entry *rill_journal_next(rill_turn *turn);

#endif
