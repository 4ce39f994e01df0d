#include "net/names.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 64 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* FNV-1a from a secret start. */
static uint32_t hash_of(const rill_names *names, const char *host, int family)
{
    uint32_t hash = names->seed ^ (uint32_t)family;
    for (; *host; host++)
        hash = (hash ^ (unsigned char)lower(*host)) * 16777619u;
    return hash ^ (hash >> 15); /* buckets are chosen by the low bits */
}

static bool grow(rill_names *names)
{
    uint32_t count = names->bucket_count ? names->bucket_count * 2 : FIRST_BUCKETS;
    rill_name **buckets = rill_slab_zalloc(names->slab, count * sizeof(*buckets));
    if (!buckets)
        return false;
    for (uint32_t i = 0; i < names->bucket_count; i++) {
        rill_name *next;
        for (rill_name *name = names->buckets[i]; name; name = next) {
            next = name->next;
            name->next = buckets[name->hash & (count - 1)];
            buckets[name->hash & (count - 1)] = name;
        }
    }
    rill_slab_free(names->slab, names->buckets);
    names->buckets = buckets;
    names->bucket_count = count;
    return true;
}

static void free_name(rill_names *names, rill_name *name)
{
    rill_slab_free(names->slab, name->addresses);
    rill_slab_free(names->slab, name);
    names->count--;
}

static void drop_oldest(rill_names *names)
{
    rill_name *name = RILL_OWNER(names->used.first, rill_name, used);
    rill_list_leave(&name->used);
    rill_name **link = &names->buckets[name->hash & (names->bucket_count - 1)];
    while (*link != name)
        link = &(*link)->next;
    *link = name->next;
    free_name(names, name);
}

void rill_names_init(rill_names *names, rill_slab *slab, uint32_t most)
{
    *names = (rill_names){.slab = slab, .most = most};
    if (getrandom(&names->seed, sizeof(names->seed), GRND_NONBLOCK) < 0)
        names->seed = 2166136261u; /* early at boot */
}

void rill_names_dispose(rill_names *names)
{
    for (uint32_t i = 0; i < names->bucket_count; i++) {
        rill_name *next;
        for (rill_name *name = names->buckets[i]; name; name = next) {
            next = name->next;
            free_name(names, name);
        }
    }
    rill_slab_free(names->slab, names->buckets);
    assert(!names->count);
    *names = (rill_names){.slab = names->slab};
}

rill_name *rill_names_find(const rill_names *names, const char *host, int family)
{
    if (!names->bucket_count)
        return NULL;
    uint32_t hash = hash_of(names, host, family);
    rill_name *name = names->buckets[hash & (names->bucket_count - 1)];
    while (name && (name->hash != hash || name->family != family || strcasecmp(name->host, host)))
        name = name->next;
    return name;
}

rill_name *rill_names_add(rill_names *names, const char *host, int family)
{
    while (names->count >= names->most && names->used.first)
        drop_oldest(names);
    if (names->count >= names->bucket_count && !grow(names))
        return NULL;
    size_t length = strlen(host);
    rill_name *name = rill_slab_zalloc(names->slab, sizeof(*name) + length + 1);
    if (!name)
        return NULL;
    for (size_t i = 0; i < length; i++)
        name->host[i] = lower(host[i]);
    name->family = family;
    name->hash = hash_of(names, host, family);
    name->pending = true;
    name->next = names->buckets[name->hash & (names->bucket_count - 1)];
    names->buckets[name->hash & (names->bucket_count - 1)] = name;
    names->count++;
    return name;
}

void rill_names_forget(rill_names *names, rill_name *name)
{
    assert(!name->pending);
    rill_list_leave(&name->used);
    rill_slab_free(names->slab, name->addresses);
    name->addresses = NULL;
    name->count = 0;
    name->pending = true;
}

void rill_names_use(rill_names *names, rill_name *name)
{
    name->pending = false;
    rill_list_leave(&name->used);
    rill_list_push(&names->used, &name->used);
}
