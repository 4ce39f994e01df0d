#include "base/journal.h"

#include <string.h>

struct entry {
    rill_member member; /* first */
    rill_note note;
    rill_error error;
    char text[]; /* the note's, then its URL */
};

static struct entry *entry_of(rill_member *member)
{
    return RILL_OWNER(member, struct entry, member);
}

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

static void empty(rill_journal *journal, rill_list *list)
{
    while (list->first) {
        struct entry *entry = entry_of(list->first);
        rill_list_leave(&entry->member);
        rill_slab_free(&journal->turn->slab, entry);
    }
}

void rill_journal_free(rill_journal *journal)
{
    if (!journal)
        return;
    empty(journal, &journal->notes);
    empty(journal, &journal->taken);
    rill_list_leave(&journal->member);
    rill_slab_free(&journal->turn->slab, journal);
}

static void drop_oldest(rill_journal *journal)
{
    struct entry *entry = entry_of(journal->notes.first);
    rill_list_leave(&entry->member);
    rill_slab_free(&journal->turn->slab, entry);
    journal->count--;
    journal->dropped++;
}

char *rill_journal_add(rill_journal *journal, const rill_note *note, size_t url_length)
{
    rill_turn *turn = journal->turn;
    if (!journal->entry->id.generation)
        return NULL;
    if (!journal->member.list)
        rill_list_push(&turn->news, &journal->member);
    if (journal->count == JOURNAL_NOTES)
        drop_oldest(journal);
    /* the room for an error is left out where there is none, and text stands in its place */
    size_t error = note->error ? sizeof(rill_error) : 0;
    size_t size = offsetof(struct entry, error) + error + note->text_length + url_length;
    struct entry *entry = rill_slab_alloc(&turn->slab, size);
    if (!entry) {
        journal->dropped++;
        return NULL;
    }
    char *text = (char *)entry + offsetof(struct entry, error) + error;
    entry->note = *note;
    entry->note.time = (double)turn->now_us / 1e6;
    entry->note.client = journal->client;
    if (error) {
        entry->error = *note->error;
        entry->note.error = &entry->error;
    }
    if (note->text_length)
        memcpy(text, note->text, note->text_length);
    entry->note.text = text;
    entry->note.url = text + note->text_length;
    entry->note.url_length = (uint32_t)url_length;
    rill_list_push(&journal->notes, &entry->member);
    journal->count++;
    return url_length ? text + note->text_length : NULL;
}

static rill_note note_dropped(rill_journal *journal)
{
    rill_note note = {
        .type = RILL_NOTE_DROPPED, .number = journal->dropped, .client = journal->client};
    note.time = journal->notes.first ? entry_of(journal->notes.first)->note.time
                                     : (double)journal->turn->now_us / 1e6;
    journal->dropped = 0;
    return note;
}

int32_t rill_journal_take(rill_journal *journal, rill_note *notes, int32_t max)
{
    int32_t count = 0;
    empty(journal, &journal->taken);
    if (journal->dropped)
        notes[count++] = note_dropped(journal);
    while (count < max && journal->notes.first) {
        struct entry *entry = entry_of(journal->notes.first);
        notes[count++] = entry->note;
        rill_list_leave(&entry->member);
        rill_list_push(&journal->taken, &entry->member);
        journal->count--;
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
