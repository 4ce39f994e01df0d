/* The names a resolver knows or is asking for: a hash table whose answered names stand in the order
 * of their last use, so that the table stays within its bound. */
#ifndef RILL_NAMES_H
#define RILL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"

struct rill_resolver;
struct rill_lookup_half;

typedef struct rill_name rill_name;

/* An IPv4 address uses the first four bytes. */
typedef struct rill_name_address {
    int family;
    unsigned char bytes[16];
} rill_name_address;

struct rill_name {
    rill_name *next;                /* in its bucket */
    rill_member used;               /* in names->used; not while it is asked for */
    struct rill_resolver *resolver; /* borrowed: owns the names; for c-ares's callback */
    rill_list waiting;              /* halves of lookups that wait for the answer */
    rill_name_address *addresses;   /* owned: `count` of them */
    uint64_t expires_ms;            /* when the answer must be asked for again */
    uint32_t hash, count;
    int family;   /* AF_UNSPEC, AF_INET or AF_INET6: what was asked for */
    int status;   /* of the answer: ARES_SUCCESS or why there is none */
    bool pending; /* asked for, no answer yet */
    char host[];  /* lower case */
};

/* Embedded in the resolver. */
typedef struct rill_names {
    rill_slab *slab; /* borrowed */
    rill_name **buckets;
    uint32_t bucket_count; /* a power of two, or 0 */
    uint32_t count, most;
    uint32_t seed;  /* so that nobody can choose names that meet in one bucket */
    rill_list used; /* by last use, the oldest first */
} rill_names;

void rill_names_init(rill_names *names, rill_slab *slab, uint32_t most);
void rill_names_dispose(rill_names *names); /* with all names, waited for or not */

/* The one for `host` (case does not matter) and `family`; NULL: none. */
rill_name *rill_names_find(const rill_names *names, const char *host, int family);

/* A new one, pending; answered ones go, least recently used first, as long as there are too many.
 * NULL: out of memory. */
rill_name *rill_names_add(rill_names *names, const char *host, int family);

/* Makes an answered one pending again: its answer is forgotten. */
void rill_names_forget(rill_names *names, rill_name *name);

/* Makes a pending one answered, or notes that an answered one was used. */
void rill_names_use(rill_names *names, rill_name *name);

#endif
