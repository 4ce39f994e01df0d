/* A loop's shelf, and a slab that has one, for spec/limits/shelf_spec.lua: not exported by the
 * library. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"

#define EXPORT __attribute__((visibility("default")))

enum { THREADS = 4, BLOCK = 1000 };

EXPORT rill_slab *spec_slab_new(void);
EXPORT void spec_slab_free(rill_slab *slab);
EXPORT rill_shelf *spec_shelf_of(rill_slab *slab);
EXPORT void spec_shelf_release(rill_shelf *shelf);
EXPORT bool spec_shelf_age(rill_shelf *shelf);
EXPORT void *spec_leave(rill_slab *slab, size_t size);
EXPORT void *spec_grow(rill_slab *slab, size_t size, size_t larger);
EXPORT void spec_give(rill_shelf *shelf, void *block);
EXPORT int spec_share(rill_shelf *shelf, int rounds);

rill_slab *spec_slab_new(void)
{
    rill_slab *slab = calloc(1, sizeof(*slab));
    slab->shelf = rill_shelf_new();
    return slab;
}

void spec_slab_free(rill_slab *slab)
{
    rill_slab_dispose(slab);
    free(slab);
}

/* Held. */
rill_shelf *spec_shelf_of(rill_slab *slab)
{
    return rill_shelf_hold(slab->shelf);
}

void spec_shelf_release(rill_shelf *shelf)
{
    rill_shelf_release(shelf);
}

bool spec_shelf_age(rill_shelf *shelf)
{
    return rill_shelf_age(shelf);
}

/* A block that has left its slab, as a body does. */
void *spec_leave(rill_slab *slab, size_t size)
{
    return rill_slab_detach(slab, rill_slab_alloc(slab, size));
}

/* The same of one that has grown; NULL: what stood there did not stay. */
void *spec_grow(rill_slab *slab, size_t size, size_t larger)
{
    char *block = rill_slab_alloc(slab, size);
    memset(block, 'b', size);
    block = rill_slab_realloc(slab, block, larger);
    memset(block + size, 'c', larger - size);
    bool stays = block[0] == 'b' && !memcmp(block, block + 1, size - 1);
    void *left = rill_slab_detach(slab, block);
    return stays ? left : NULL;
}

void spec_give(rill_shelf *shelf, void *block)
{
    rill_slab_free_detached(shelf, block);
}

typedef struct giver {
    rill_shelf *shelf;
    int rounds;
    pthread_t thread;
} giver;

static void *give_all(void *argument)
{
    const giver *its = argument;
    for (int i = 0; i < its->rounds; i++) {
        void *block = malloc(BLOCK);
        if (!rill_shelf_put(its->shelf, 0, block, BLOCK))
            free(block);
    }
    rill_shelf_release(its->shelf);
    return NULL;
}

/* Threads give blocks while this one takes some, and has them age. Returns how many it has got;
 * negative: no thread. */
int spec_share(rill_shelf *shelf, int rounds)
{
    giver givers[THREADS];
    int got = 0;
    for (int i = 0; i < THREADS; i++) {
        givers[i] = (giver){.shelf = rill_shelf_hold(shelf), .rounds = rounds};
        if (pthread_create(&givers[i].thread, NULL, give_all, &givers[i]))
            return -1;
    }
    for (int i = 0; i < rounds; i++) {
        void *block = rill_shelf_take(shelf, 0);
        if (block)
            memset(block, 'x', BLOCK);
        got += block != NULL;
        free(block);
        if (i % 100 == 0)
            rill_shelf_age(shelf);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(givers[i].thread, NULL);
    return got;
}
