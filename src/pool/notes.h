/* What calls and connections write into their client's journal, where it has one. */
#ifndef RILL_NOTES_H
#define RILL_NOTES_H

#include "base/journal.h"
#include "pool/origin.h"

/* Of a pool or a call; NULL: nobody asks. */
static inline rill_journal *rill_notes_of(const rill_pool *pool)
{
    return pool->account->journal;
}

/* RILL_NOTE_REQUEST, SENT, HEAD or DONE, as the call is now. */
void rill_notes_write(rill_call *call, enum rill_note_type type);

/* The same where somebody asks. */
static inline void rill_notes_call(rill_call *call, enum rill_note_type type)
{
    if (call->limits.account->journal)
        rill_notes_write(call, type);
}

/* It is repeated, not before so many milliseconds. */
void rill_notes_retry(rill_call *call, uint64_t delay_ms);

/* RILL_NOTE_HEAD, once, where the stream has got one, unless RILL_NOTE_DONE or RETRY does the same;
 * of a connection's open streams. */
void rill_notes_head(rill_stream *stream);
void rill_notes_heads(const rill_conn *conn);

/* RILL_NOTE_DIAL, CONNECTED, or how it ended, once: FAILED, CLOSED. */
void rill_notes_dial(rill_journal *journal, const rill_conn *conn);
void rill_notes_connected(rill_journal *journal, const rill_conn *conn);
void rill_notes_ended(rill_journal *journal, rill_conn *conn);

/* GOAWAY has come since the last time. */
void rill_notes_goaway(rill_journal *journal, rill_conn *conn);

void rill_notes_warning(rill_journal *journal, const char *message);

#endif
