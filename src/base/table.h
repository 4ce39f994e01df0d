/* A hash table of what is embedded: it grows with what it holds, and its hash starts from a secret,
 * so that nobody outside can choose names that meet in one bucket. */
#ifndef RILL_TABLE_H
#define RILL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slab.h"

typedef struct rill_item {
    struct rill_item *next; /* in its bucket */
    uint32_t hash;
} rill_item;

typedef struct rill_table {
    rill_slab *slab;     /* borrowed */
    rill_item **buckets; /* owned; NULL until the first is added */
    uint32_t bucket_count, count;
    uint32_t seed;
} rill_table;

void rill_table_init(rill_table *table, rill_slab *slab);

/* It must be empty. */
void rill_table_dispose(rill_table *table);

/* The hash of a key: bytes, and what else tells keys apart. */
uint32_t rill_table_hash(const rill_table *table, const char *bytes, size_t length, uint32_t more);

/* The first item of the hash's bucket, whose others follow by `next`; NULL: none. */
rill_item *rill_table_bucket(const rill_table *table, uint32_t hash);

/* False: out of memory. */
bool rill_table_add(rill_table *table, rill_item *item, uint32_t hash);

void rill_table_remove(rill_table *table, rill_item *item);

/* All items one after the other, NULL before the first and behind the last. The next one is to be
 * asked for before an item is removed, and none is to be added meanwhile. To ask for the first one
 * again and again walks over all that is empty before it. */
rill_item *rill_table_next(const rill_table *table, const rill_item *item);

#endif
