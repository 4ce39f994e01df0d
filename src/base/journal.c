#include "base/journal.h"

#include <string.h>

enum { ROOM_AT_FIRST = 64, ROOM_KEPT = 1024 }; /* notes: of a ring, and of one that is empty */

typedef struct journal_row {
    rill_note note;           /* first */
    rill_copy *texts, *error; /* what it points into; NULL: nothing */
} journal_row;

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

/* --- the ring -------------------------------------------------------------------------------- */

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

static journal_row *row_at(const rill_journal *journal, uint32_t index)
{
    return &journal->ring[(journal->first + index) & (journal->room - 1)];
}

static void release_lent(rill_journal *journal)
{
    for (uint32_t i = 0; i < journal->lent_count; i++)
        rill_copy_release(&journal->turn->slab, journal->lent[i]);
    journal->lent_count = 0;
}

static void drop_oldest(rill_journal *journal)
{
    journal_row *row = row_at(journal, 0);
    rill_copy_release(&journal->turn->slab, row->texts);
    rill_copy_release(&journal->turn->slab, row->error);
    journal->first = (journal->first + 1) & (journal->room - 1);
    journal->count--;
}

void rill_journal_free(rill_journal *journal)
{
    if (!journal)
        return;
    rill_slab *slab = &journal->turn->slab;
    release_lent(journal);
    while (journal->count)
        drop_oldest(journal);
    rill_slab_free(slab, journal->lent);
    rill_slab_free(slab, journal->ring);
    rill_list_leave(&journal->member);
    rill_slab_free(slab, journal);
}

static bool grow(rill_journal *journal)
{
    rill_slab *slab = &journal->turn->slab;
    uint32_t room = journal->room ? 2 * journal->room : ROOM_AT_FIRST;
    journal_row *ring = rill_slab_alloc(slab, room * sizeof(*ring));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < journal->count; i++)
        ring[i] = *row_at(journal, i);
    rill_slab_free(slab, journal->ring);
    journal->ring = ring;
    journal->room = room;
    journal->first = 0;
    return true;
}

/* --- adding ---------------------------------------------------------------------------------- */

rill_note *rill_journal_add(rill_journal *journal, enum rill_note_type type)
{
    rill_turn *turn = journal->turn;
    if (!journal->entry->id.generation)
        return NULL;
    if (!journal->member.list)
        rill_list_push(&turn->news, &journal->member);
    if (journal->count == JOURNAL_NOTES) {
        drop_oldest(journal);
        journal->dropped++;
    }
    if (journal->count == journal->room && !grow(journal)) {
        journal->dropped++;
        return NULL;
    }
    journal_row *row = row_at(journal, journal->count++);
    memset(row, 0, sizeof(*row));
    row->note.type = type;
    row->note.code = -1;
    row->note.client = journal->client;
    row->note.time = (double)turn->now_us / 1e6;
    return &row->note;
}

void rill_journal_share(rill_note *note, rill_copy *copy)
{
    journal_row *row = (journal_row *)note;
    row->texts = copy;
    copy->references++;
}

bool rill_journal_write(rill_journal *journal, rill_note *note, const char *text, size_t length,
                        size_t url_length, char **url)
{
    journal_row *row = (journal_row *)note;
    row->texts = rill_copy_new(&journal->turn->slab, length + url_length);
    if (!row->texts)
        return false;
    memcpy(row->texts->bytes, text, length);
    note->text = row->texts->bytes;
    note->text_length = (uint32_t)length;
    note->url = row->texts->bytes + length;
    note->url_length = (uint32_t)url_length;
    if (url)
        *url = row->texts->bytes + length;
    return true;
}

void rill_journal_write_error(rill_journal *journal, rill_note *note, const rill_error *error)
{
    journal_row *row = (journal_row *)note;
    if (!error)
        return;
    row->error = rill_copy_new(&journal->turn->slab, sizeof(*error));
    if (row->error)
        note->error = memcpy(row->error->bytes, error, sizeof(*error));
}

/* --- taking ---------------------------------------------------------------------------------- */

/* Each note points into two things at most. */
static bool make_room_to_lend(rill_journal *journal, uint32_t notes)
{
    if (notes * 2 <= journal->lent_room)
        return true;
    rill_copy **lent = rill_slab_realloc(&journal->turn->slab, journal->lent,
                                         (size_t)notes * 2 * sizeof(rill_copy *));
    if (!lent)
        return false;
    journal->lent = lent;
    journal->lent_room = notes * 2;
    return true;
}

static void take_dropped(rill_journal *journal, rill_note *note)
{
    *note = (rill_note){.type = RILL_NOTE_DROPPED,
                        .code = -1,
                        .number = journal->dropped,
                        .client = journal->client,
                        .time = (double)journal->turn->now_us / 1e6};
    if (journal->count)
        note->time = row_at(journal, 0)->note.time;
    journal->dropped = 0;
}

static void take_row(rill_journal *journal, rill_note *note)
{
    const journal_row *row = row_at(journal, 0);
    *note = row->note;
    if (row->texts)
        journal->lent[journal->lent_count++] = row->texts;
    if (row->error)
        journal->lent[journal->lent_count++] = row->error;
    journal->first = (journal->first + 1) & (journal->room - 1);
    journal->count--;
}

int32_t rill_journal_take(rill_journal *journal, rill_note *notes, int32_t max)
{
    int32_t count = 0;
    release_lent(journal);
    if (journal->dropped)
        take_dropped(journal, &notes[count++]);
    uint32_t most = (uint32_t)(max - count);
    most = journal->count < most ? journal->count : most;
    if (!make_room_to_lend(journal, most))
        return count;
    for (; most; most--)
        take_row(journal, &notes[count++]);
    if (!journal->count && journal->room > ROOM_KEPT) { /* a storm is over */
        rill_slab_free(&journal->turn->slab, journal->ring);
        journal->ring = NULL;
        journal->room = journal->first = 0;
    }
    return count;
}

rill_entry *rill_journal_next(rill_turn *turn)
{
    rill_journal *journal = RILL_OWNER(turn->news.first, rill_journal, member);
    if (!journal)
        return NULL;
    rill_list_leave(&journal->member);
    return journal->entry;
}
