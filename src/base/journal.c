#include "base/journal.h"

enum { ROOM_AT_FIRST = 64, ROOM_KEPT = 1024 }; /* notes: of a ring, and of one that is empty */

/* --- what notes point into ------------------------------------------------------------------- */

rill_copy *rill_copy_new(rill_slab *slab, size_t size)
{
    rill_copy *copy = rill_slab_alloc(slab, sizeof(*copy) + size);
    if (copy)
        *copy = (rill_copy){.references = 1, .length = (uint32_t)size};
    return copy;
}

void rill_copy_release(rill_slab *slab, rill_copy *copy)
{
    if (copy && !--copy->references)
        rill_slab_free(slab, copy);
}

/* Of what a note points to; NULL is fine. */
static void release(rill_slab *slab, const void *bytes)
{
    if (bytes)
        rill_copy_release(slab, (rill_copy *)((char *)bytes - offsetof(rill_copy, bytes)));
}

static void release_note(rill_slab *slab, const rill_note *note)
{
    release(slab, note->text);
    release(slab, note->error);
}

/* --- a ring ---------------------------------------------------------------------------------- */

static rill_note *note_at(const rill_batch *batch, uint32_t index)
{
    return &batch->ring[(batch->first + index) & (batch->room - 1)];
}

static void drop_oldest(rill_slab *slab, rill_batch *batch)
{
    release_note(slab, note_at(batch, 0));
    batch->first = (batch->first + 1) & (batch->room - 1);
    batch->count--;
}

static void free_ring(rill_slab *slab, rill_batch *batch)
{
    rill_slab_free(slab, batch->ring);
    *batch = (rill_batch){0};
}

static void empty(rill_slab *slab, rill_batch *batch)
{
    const rill_note *note = batch->ring + batch->first, *end = batch->ring + batch->room;
    for (uint32_t left = batch->count; left; left--) {
        release_note(slab, note);
        if (++note == end)
            note = batch->ring;
    }
    batch->first = batch->count = 0;
    if (batch->room > ROOM_KEPT) /* a storm is over */
        free_ring(slab, batch);
}

static bool grow(rill_slab *slab, rill_batch *batch)
{
    uint32_t room = batch->room ? 2 * batch->room : ROOM_AT_FIRST;
    rill_note *ring = rill_slab_alloc(slab, room * sizeof(*ring));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < batch->count; i++)
        ring[i] = *note_at(batch, i);
    rill_slab_free(slab, batch->ring);
    batch->ring = ring;
    batch->room = room;
    batch->most = room < JOURNAL_NOTES ? room : JOURNAL_NOTES;
    batch->first = 0;
    return true;
}

/* --- adding ---------------------------------------------------------------------------------- */

rill_journal *rill_journal_new(rill_turn *turn, rill_entry *entry)
{
    rill_journal *journal = rill_slab_zalloc(&turn->slab, sizeof(*journal));
    if (!journal)
        return NULL;
    journal->turn = turn;
    journal->entry = entry;
    journal->client = ++turn->journals;
    return journal;
}

void rill_journal_free(rill_journal *journal)
{
    if (!journal)
        return;
    rill_slab *slab = &journal->turn->slab;
    empty(slab, &journal->lent);
    empty(slab, &journal->waiting);
    free_ring(slab, &journal->lent);
    free_ring(slab, &journal->waiting);
    rill_list_leave(&journal->member);
    rill_slab_free(slab, journal);
}

bool rill_journal_make_room(rill_journal *journal)
{
    rill_slab *slab = &journal->turn->slab;
    rill_batch *batch = &journal->waiting;
    if (!journal->entry->id.generation)
        return false;
    if (!journal->member.list)
        rill_list_push(&journal->turn->news, &journal->member);
    if (batch->count == JOURNAL_NOTES) {
        drop_oldest(slab, batch);
        journal->dropped++;
    }
    if (batch->count < batch->most || grow(slab, batch))
        return true;
    journal->dropped++;
    return false;
}

bool rill_journal_write(rill_journal *journal, rill_note *note, const char *text, size_t length,
                        size_t url_length, char **url)
{
    rill_copy *copy = rill_copy_new(&journal->turn->slab, length + url_length);
    if (!copy)
        return false;
    memcpy(copy->bytes, text, length);
    rill_journal_share(note, copy, (uint32_t)length);
    copy->references--; /* it is the note's alone */
    if (url)
        *url = copy->bytes + length;
    return true;
}

void rill_journal_write_error(rill_journal *journal, rill_note *note, const rill_error *error)
{
    rill_copy *copy = error ? rill_copy_new(&journal->turn->slab, sizeof(*error)) : NULL;
    if (copy)
        note->error = memcpy(copy->bytes, error, sizeof(*error));
}

/* --- taking ---------------------------------------------------------------------------------- */

static int32_t take_lost(rill_journal *journal, const rill_note **notes)
{
    bool more = journal->waiting.count;
    journal->lost = (rill_note){.type = RILL_NOTE_DROPPED,
                                .code = -1,
                                .number = journal->dropped,
                                .client = journal->client,
                                .time = more ? note_at(&journal->waiting, 0)->time
                                             : (double)(int64_t)journal->turn->now_us / 1e6};
    journal->dropped = 0;
    *notes = &journal->lost;
    return 1;
}

/* Those that wait are lent, in their ring; what is written from now on comes to the other one. */
static void lend(rill_journal *journal)
{
    rill_batch *lent = &journal->lent, former = *lent;
    *lent = journal->waiting;
    lent->left = lent->count;
    journal->waiting = former;
}

int32_t rill_journal_take(rill_journal *journal, const rill_note **notes)
{
    rill_batch *lent = &journal->lent;
    if (!lent->left) {
        empty(&journal->turn->slab, lent);
        if (journal->dropped)
            return take_lost(journal, notes);
        lend(journal);
    }
    if (!lent->left)
        return 0;
    uint32_t start = (lent->first + lent->count - lent->left) & (lent->room - 1);
    uint32_t run = lent->room - start; /* up to the end of the ring */
    run = run < lent->left ? run : lent->left;
    lent->left -= run;
    *notes = &lent->ring[start];
    return (int32_t)run;
}

rill_entry *rill_journal_next(rill_turn *turn)
{
    rill_journal *journal = RILL_OWNER(turn->news.first, rill_journal, member);
    if (!journal)
        return NULL;
    rill_list_leave(&journal->member);
    return journal->entry;
}
