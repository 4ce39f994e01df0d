#include "base/table.h"

#include <assert.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 16 };

void rill_table_init(rill_table *table, rill_slab *slab)
{
    *table = (rill_table){.slab = slab};
    if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
        table->seed = 2166136261u; /* early at boot */
}

void rill_table_dispose(rill_table *table)
{
    assert(!table->count);
    rill_slab_free(table->slab, table->buckets);
    table->buckets = NULL;
    table->bucket_count = 0;
}

/* FNV-1a from a secret start. */
uint32_t rill_table_hash(const rill_table *table, const char *bytes, size_t length, uint32_t more)
{
    uint32_t hash = (table->seed ^ more) * 16777619u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
    return hash ^ (hash >> 15); /* buckets are chosen by the low bits */
}

static rill_item **bucket_of(rill_item **buckets, uint32_t count, uint32_t hash)
{
    return &buckets[hash & (count - 1)];
}

rill_item *rill_table_bucket(const rill_table *table, uint32_t hash)
{
    return table->buckets ? *bucket_of(table->buckets, table->bucket_count, hash) : NULL;
}

static bool grow(rill_table *table)
{
    uint32_t count = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
    rill_item **buckets = rill_slab_zalloc(table->slab, count * sizeof(rill_item *));
    if (!buckets)
        return false;
    rill_item *next;
    for (uint32_t i = 0; i < table->bucket_count; i++) {
        for (rill_item *item = table->buckets[i]; item; item = next) {
            rill_item **bucket = bucket_of(buckets, count, item->hash);
            next = item->next;
            item->next = *bucket;
            *bucket = item;
        }
    }
    rill_slab_free(table->slab, table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    return true;
}

bool rill_table_add(rill_table *table, rill_item *item, uint32_t hash)
{
    if (table->count >= table->bucket_count && !grow(table) && !table->buckets)
        return false; /* one that cannot grow only gets slower */
    rill_item **bucket = bucket_of(table->buckets, table->bucket_count, hash);
    item->hash = hash;
    item->next = *bucket;
    *bucket = item;
    table->count++;
    return true;
}

void rill_table_remove(rill_table *table, rill_item *item)
{
    rill_item **link = bucket_of(table->buckets, table->bucket_count, item->hash);
    while (*link != item)
        link = &(*link)->next;
    *link = item->next;
    table->count--;
}

rill_item *rill_table_next(const rill_table *table, const rill_item *item)
{
    uint32_t bucket = 0;
    if (item && item->next)
        return item->next;
    if (item)
        bucket = (item->hash & (table->bucket_count - 1)) + 1;
    for (; bucket < table->bucket_count; bucket++)
        if (table->buckets[bucket])
            return table->buckets[bucket];
    return NULL;
}
