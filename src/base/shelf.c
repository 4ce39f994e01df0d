#include "base/shelf.h"

#include <stdatomic.h>
#include <stdlib.h>

/* In front of a block that lies here. */
typedef struct spare {
    struct spare *next;
    size_t size;
} spare;

struct rill_shelf {
    atomic_uint references;
    /* Somebody is at it. Nobody waits for that: who finds it so does without a shelf, so that a
     * child of fork(), in which that thread is not, does not wait for ever. */
    atomic_flag busy;
    _Atomic uint32_t asked; /* a bit for each class: since the last rill_shelf_age() */
    uint32_t before;        /* the same, in the time before that */
    size_t kept;            /* bytes in the lists */
    spare *first[SHELF_CLASSES];
};

static bool enter(rill_shelf *shelf)
{
    return !atomic_flag_test_and_set_explicit(&shelf->busy, memory_order_acquire);
}

static void leave(rill_shelf *shelf)
{
    atomic_flag_clear_explicit(&shelf->busy, memory_order_release);
}

rill_shelf *rill_shelf_new(void)
{
    rill_shelf *shelf = calloc(1, sizeof(*shelf));
    if (!shelf)
        return NULL;
    atomic_init(&shelf->references, 1);
    leave(shelf);
    return shelf;
}

rill_shelf *rill_shelf_hold(rill_shelf *shelf)
{
    if (shelf)
        atomic_fetch_add(&shelf->references, 1);
    return shelf;
}

static void empty(rill_shelf *shelf, uint32_t class_index)
{
    while (shelf->first[class_index]) {
        spare *block = shelf->first[class_index];
        shelf->first[class_index] = block->next;
        shelf->kept -= block->size;
        free(block);
    }
}

void rill_shelf_release(rill_shelf *shelf)
{
    if (!shelf || atomic_fetch_sub(&shelf->references, 1) > 1)
        return;
    for (uint32_t i = 0; i < SHELF_CLASSES; i++)
        empty(shelf, i);
    free(shelf);
}

void *rill_shelf_take(rill_shelf *shelf, uint32_t class_index)
{
    atomic_fetch_or(&shelf->asked, UINT32_C(1) << class_index);
    if (!enter(shelf))
        return NULL;
    spare *block = shelf->first[class_index];
    if (block) {
        shelf->first[class_index] = block->next;
        shelf->kept -= block->size;
    }
    leave(shelf);
    return block;
}

bool rill_shelf_put(rill_shelf *shelf, uint32_t class_index, void *block, size_t size)
{
    if (!enter(shelf))
        return false;
    bool wanted = (shelf->asked | shelf->before) >> class_index & 1;
    bool fits = size <= SHELF_KEEP_BYTES - shelf->kept;
    if (wanted && fits) {
        spare *put = block;
        put->next = shelf->first[class_index];
        put->size = size;
        shelf->first[class_index] = put;
        shelf->kept += size;
    }
    leave(shelf);
    return wanted && fits;
}

bool rill_shelf_age(rill_shelf *shelf)
{
    if (!enter(shelf))
        return true;
    uint32_t asked = atomic_exchange(&shelf->asked, 0);
    for (uint32_t i = 0; i < SHELF_CLASSES; i++)
        if (!(asked >> i & 1))
            empty(shelf, i);
    shelf->before = asked;
    leave(shelf);
    return asked;
}

void rill_shelf_close(rill_shelf *shelf)
{
    if (!shelf)
        return;
    rill_shelf_age(shelf); /* what was asked for in this time counts as before it, */
    rill_shelf_age(shelf); /* and now no more */
}

bool rill_shelf_is_asked(const rill_shelf *shelf)
{
    return shelf->asked;
}
