#include "base/sparse.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* A mapping stands in its first place, which is otherwise as the others are. */
typedef struct sparse_mapping mapping;

struct sparse_mapping {
    mapping *next, *prev; /* in sparse->open, while a block is free */
    uint32_t used;        /* a bit for each */
};

typedef struct place {
    mapping own;   /* of the first one alone */
    mapping *home; /* whose block it is */
    _Alignas(64) char block[SPARSE_BLOCK];
} place;
_Static_assert(sizeof(place) == 20 << 10, "a place is made of whole pages");

enum { ALL_USED = (1 << SPARSE_BLOCKS) - 1 };

static void open_up(rill_sparse *sparse, mapping *home)
{
    home->next = sparse->open;
    home->prev = NULL;
    if (home->next)
        home->next->prev = home;
    sparse->open = home;
}

static void leave(rill_sparse *sparse, mapping *home)
{
    *(home->prev ? &home->prev->next : &sparse->open) = home->next;
    if (home->next)
        home->next->prev = home->prev;
}

static mapping *map(rill_sparse *sparse)
{
    place *places = mmap(NULL, SPARSE_BLOCKS * sizeof(*places), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (places == MAP_FAILED)
        return NULL;
    open_up(sparse, &places->own);
    return &places->own;
}

static void unmap(rill_sparse *sparse, mapping *home)
{
    leave(sparse, home);
    munmap(home, SPARSE_BLOCKS * sizeof(place));
}

void *rill_sparse_alloc(rill_sparse *sparse)
{
    mapping *home = sparse->open;
    if (!home && !(home = map(sparse)))
        return NULL;
    int index = __builtin_ctz(~home->used);
    home->used |= 1u << index;
    if (home->used == ALL_USED)
        leave(sparse, home);
    place *of = (place *)home + index;
    of->home = home;
    return of->block;
}

void rill_sparse_free(rill_sparse *sparse, void *block)
{
    place *of = (place *)((char *)block - offsetof(place, block));
    mapping *home = of->home;
    if (home->used == ALL_USED)
        open_up(sparse, home);
    home->used &= ~(1u << (of - (place *)home));
    if (!home->used && (sparse->open != home || home->next))
        unmap(sparse, home);
}

void rill_sparse_dispose(rill_sparse *sparse)
{
    for (mapping *home = sparse->open, *next; home; home = next) {
        next = home->next;
        if (!home->used)
            unmap(sparse, home);
    }
}
