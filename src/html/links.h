/* The links of a page: values as they are found, each once; then the URLs they mean, each once.
 *
 * A value is resolved when the whole page is known: the <base> of a page may come last. Most values
 * are repeats, so those are dropped before anything costly is done with them. */
#ifndef RILL_LINKS_H
#define RILL_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "html/encoder.h"
#include "html/seen.h"
#include "rill.h"

typedef struct rill_links_value {
    const char *at; /* in the page, or in `copies` */
    const char *rel;
    uint32_t length, rel_length;
    uint8_t tag;
    bool nofollow;
} rill_links_value;

typedef struct rill_links_block rill_links_block;

/* Zeroed but for `seed`: empty. */
typedef struct rill_links {
    uint64_t seed;
    rill_seen seen_values, seen_urls;
    rill_links_value *values;
    uint32_t count, room;
    uint32_t resolved; /* how many of them */
    rill_html_link *found;
    uint32_t found_count, found_room;
    rill_html_link *refused; /* values that are no URL of http or https, where `keeps_refused` */
    uint32_t refused_count, refused_room;
    bool keeps_refused;
    uint32_t looked, left; /* leaving out: entries of the list that were looked at; that stay */
    bool found_done;       /* it has come to `refused` */
    char *text;            /* what `found` points into, and other texts of the page */
    size_t text_length, text_room;
    rill_links_block *copies;    /* of values that do not stand in the page */
    double work;                 /* bytes that may be read and written yet */
    const rill_charset *charset; /* of the page: what queries are written in; NULL: UTF-8 */
    rill_slab slab;
    rill_bytes encoded; /* a reference whose query was */
    bool cut;           /* by that bound, or the number of links */
    const char *base;   /* in `copies`; NULL: there is none, and so no links */
    rill_url base_parts;
    char out[RILL_URL_ROOM];
} rill_links;

/* Empties it for a page of that many bytes. */
void rill_links_clear(rill_links *links, size_t page);
void rill_links_dispose(rill_links *links);

/* A copy that stays where it is until the list is cleared; NULL: out of memory. */
const char *rill_links_copy(rill_links *links, const void *bytes, size_t length);

/* Adds a value unless it is there already; `stays`: it need not be copied, nor need its rel ever.
 * False: out of memory. */
bool rill_links_add(rill_links *links, const rill_links_value *value, bool stays);

/* Keeps an address that is no link, its first RILL_HTML_REFUSED bytes. False: out of memory. */
bool rill_links_refuse(rill_links *links, const rill_links_value *value, const char *text,
                       size_t length, enum rill_html_refusal why);

/* From now on references are resolved by this URL, a normalized one. False: out of memory. */
bool rill_links_base(rill_links *links, const char *base, uint32_t length);

/* Writes the normalized URL of `reference` to `text`, if that is one of http or https; else length
 * is -1. False: out of memory. */
bool rill_links_url(rill_links *links, const char *reference, size_t length, rill_html_text *url);
bool rill_links_text(rill_links *links, const void *bytes, size_t length, rill_html_text *text);

/* Resolves some of the values. Returns 1 while others are left, 0, or -RILL_ERROR: out of memory.
 */
int32_t rill_links_resolve(rill_links *links, size_t budget);

/* Drops what is known of all that was found and refused, when all values are resolved: some of it,
 * true while there is more. */
bool rill_links_leave_out(rill_links *links, const rill_known *known, size_t budget);

#endif
