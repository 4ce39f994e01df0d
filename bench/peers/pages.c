#include "pages.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "rill.h"

enum {
    FILES = 4096,
    VALUES = 1 << 16, /* distinct values of a page, and URLs */
    SLOTS = 2 * VALUES,
    ARENA = 16 << 20 /* bytes of them */
};

typedef struct text {
    const char *at;
    size_t length;
} text;

/* Texts, each once. */
typedef struct set {
    text texts[VALUES];
    uint32_t count, slots[SLOTS]; /* of texts, from 1 */
    uint32_t taken[VALUES];       /* slots, so that emptying a set costs what is in it */
    char arena[ARENA];
    size_t used;
} set;

typedef struct page {
    text bytes;
    char *url;
} page;

struct pages {
    page files[FILES];
    size_t count;
    set values, urls;
    char base[RILL_URL_ROOM];
    size_t base_length;
    size_t bytes, links; /* of all pages */
};

static void *stop(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void clear(set *all)
{
    while (all->count)
        all->slots[all->taken[--all->count]] = 0;
    all->used = 0;
}

static uint64_t hash_of(text one)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < one.length; i++)
        hash = (hash ^ (uint8_t)one.at[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static void add(set *all, text one)
{
    uint32_t slot = (uint32_t)hash_of(one) % SLOTS;
    for (; all->slots[slot]; slot = (slot + 1) % SLOTS) {
        text other = all->texts[all->slots[slot] - 1];
        if (other.length == one.length && !memcmp(other.at, one.at, one.length))
            return;
    }
    if (all->count == VALUES || ARENA - all->used < one.length)
        stop("too many links", "a page");
    all->taken[all->count] = slot;
    all->texts[all->count++] =
        (text){memcpy(all->arena + all->used, one.at, one.length), one.length};
    all->used += one.length;
    all->slots[slot] = all->count;
}

void pages_href(pages *all, const char *value, size_t length)
{
    const char *fragment = memchr(value, '#', length);
    add(&all->values, (text){value, fragment ? (size_t)(fragment - value) : length});
}

void pages_base(pages *all, const char *value, size_t length)
{
    char out[RILL_URL_ROOM];
    rill_url url;
    rill_error err = {0};
    if (rill_url_resolve(all->base, all->base_length, value, length, out, sizeof out, &url, &err) <
        0)
        return;
    memcpy(all->base, out, url.length);
    all->base_length = url.length;
}

bool pages_is_link(const char *name)
{
    return !strcasecmp(name, "a") || !strcasecmp(name, "area");
}

/* Makes URLs of the page's values. */
static void resolve(pages *all)
{
    char absolute[RILL_URL_ROOM], normal[RILL_URL_ROOM];
    rill_url url;
    rill_error err = {0};
    for (uint32_t i = 0; i < all->values.count; i++) {
        text value = all->values.texts[i];
        if (rill_url_resolve(all->base, all->base_length, value.at, value.length, absolute,
                             sizeof absolute, &url, &err) >= 0 &&
            !strncmp(absolute, "http", 4) &&
            rill_url_normalize(absolute, url.length, normal, sizeof normal, &url, &err) >= 0)
            add(&all->urls, (text){normal, url.length});
    }
    all->links += all->urls.count;
}

static void read_page(pages *all, const page *one, pages_parse *parse)
{
    clear(&all->values);
    clear(&all->urls);
    all->base_length = strlen(one->url);
    memcpy(all->base, one->url, all->base_length);
    parse(all, one->bytes.at, one->bytes.length);
    resolve(all);
    all->bytes += one->bytes.length;
}

static text load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        stop("cannot be read", path);
    size_t length = (size_t)ftell(file);
    char *bytes = malloc(length + 1);
    rewind(file);
    if (!bytes || fread(bytes, 1, length, file) != length)
        stop("cannot be read", path);
    fclose(file);
    bytes[length] = 0;
    return (text){bytes, length};
}

static void load_all(pages *all, const char *list)
{
    char *save = NULL, *lines = (char *)load(list).at;
    for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *tab = strchr(line, '\t');
        if (!tab || all->count == FILES)
            stop("a line without a URL, or too many", list);
        *tab = 0;
        all->files[all->count++] = (page){load(line), tab + 1};
    }
}

int pages_main(int argc, char **argv, pages_parse *parse)
{
    pages *all = calloc(1, sizeof *all);
    if (argc != 3 || !all)
        stop("LIST PASSES", argv[0]);
    load_all(all, argv[1]);
    clock_t began = clock();
    for (int pass = atoi(argv[2]); pass > 0; pass--)
        for (size_t i = 0; i < all->count; i++)
            read_page(all, &all->files[i], parse);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("mb_per_second %.3f\nlinks %zu\nunits %zu\n", (double)all->bytes / 1e6 / seconds,
           all->links / (size_t)atoi(argv[2]), all->count);
    return 0;
}
