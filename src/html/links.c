#include "html/links.h"

#include <stdlib.h>
#include <string.h>

#include "html/utf8.h"
#include "url/url.h"

struct rill_links_block {
    rill_links_block *next;
    size_t used, room;
    char data[];
};

/* A block of copies; what a list keeps of each kind from one page to the next. */
enum { BLOCK = 64 << 10, KEEP = 1 << 20 };

/* What a value costs beside its bytes and those of its base; so many times its bytes where they are
 * not all ASCII: its query may be put into the page's encoding, its host into Punycode. */
enum { WORK_VALUE = 64, WORK_LETTERS = 8 };

/* --- memory ---------------------------------------------------------------------------------- */

static void free_copies(rill_links *links)
{
    while (links->copies) {
        rill_links_block *block = links->copies;
        links->copies = block->next;
        free(block);
    }
}

/* Forgets a list that has become large. */
static void trim(void **list, size_t bytes, uint32_t *room)
{
    if (bytes <= KEEP)
        return;
    free(*list);
    *list = NULL;
    *room = 0;
}

static void clear_seen(rill_seen *seen)
{
    if (seen->room * sizeof(*seen->slots) > KEEP)
        rill_seen_dispose(seen);
    else
        rill_seen_clear(seen);
}

void rill_links_clear(rill_links *links, size_t page)
{
    clear_seen(&links->seen_values);
    clear_seen(&links->seen_urls);
    trim((void **)&links->values, links->room * sizeof(*links->values), &links->room);
    trim((void **)&links->found, links->found_room * sizeof(*links->found), &links->found_room);
    trim((void **)&links->refused, links->refused_room * sizeof(*links->refused),
         &links->refused_room);
    if (links->text_room > KEEP) {
        free(links->text);
        links->text = NULL;
        links->text_room = 0;
    }
    free_copies(links);
    links->count = links->resolved = links->found_count = links->refused_count = 0;
    links->looked = links->left = 0;
    links->found_done = false;
    links->text_length = 0;
    links->cut = false;
    links->charset = NULL;
    links->base = NULL;
    links->base_parts = (rill_url){0};
    links->work = RILL_HTML_WORK + (double)page * RILL_HTML_WORK_PER_BYTE;
    if (links->work > INT32_MAX) /* offsets of texts are 32 bits */
        links->work = INT32_MAX;
}

void rill_links_dispose(rill_links *links)
{
    rill_seen_dispose(&links->seen_values);
    rill_seen_dispose(&links->seen_urls);
    free(links->values);
    free(links->found);
    free(links->refused);
    free(links->text);
    free_copies(links);
    rill_bytes_dispose(&links->slab, &links->encoded);
    rill_slab_dispose(&links->slab);
}

const char *rill_links_copy(rill_links *links, const void *bytes, size_t length)
{
    rill_links_block *block = links->copies;
    if (!block || block->room - block->used < length) {
        size_t room = length > BLOCK ? length : BLOCK;
        block = malloc(sizeof(*block) + room);
        if (!block)
            return NULL;
        *block = (rill_links_block){.next = links->copies, .room = room};
        links->copies = block;
    }
    char *copy = block->data + block->used;
    if (length)
        memcpy(copy, bytes, length);
    block->used += length;
    return copy;
}

/* Makes room for one more element. */
static bool reserve(void **list, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return true;
    uint32_t wanted = *room ? *room * 2 : 64;
    void *grown = realloc(*list, wanted * size);
    if (!grown)
        return false;
    *list = grown;
    *room = wanted;
    return true;
}

bool rill_links_text(rill_links *links, const void *bytes, size_t length, rill_html_text *text)
{
    size_t wanted = links->text_length + length;
    if (wanted > links->text_room) {
        size_t room = 2 * wanted > 4096 ? 2 * wanted : 4096;
        char *grown = realloc(links->text, room);
        if (!grown)
            return false;
        links->text = grown;
        links->text_room = room;
    }
    if (length)
        memcpy(links->text + links->text_length, bytes, length);
    *text = (rill_html_text){(uint32_t)links->text_length, (int32_t)length};
    links->text_length = wanted;
    return true;
}

/* --- values ---------------------------------------------------------------------------------- */

/* The rel of a <link> says what its URL is, so it belongs to what makes it one of its kind. */
static bool same_kind(uint8_t tag, const char *rel, uint32_t rel_length, uint8_t other_tag,
                      const char *other, uint32_t other_length)
{
    if (tag != other_tag)
        return false;
    return tag != RILL_HTML_LINK ||
           (rel_length == other_length && (!rel_length || !memcmp(rel, other, rel_length)));
}

static rill_links_value *find_value(rill_links *links, const rill_links_value *value, uint32_t hash)
{
    uint32_t cursor = hash, number;
    while ((number = rill_seen_next(&links->seen_values, hash, &cursor)) != RILL_SEEN_NONE) {
        rill_links_value *known = &links->values[number];
        if (known->length == value->length && !memcmp(known->at, value->at, value->length) &&
            same_kind(known->tag, known->rel, known->rel_length, value->tag, value->rel,
                      value->rel_length))
            return known;
    }
    return NULL;
}

bool rill_links_add(rill_links *links, const rill_links_value *value, bool stays)
{
    uint32_t hash = rill_seen_hash(links->seed + value->tag, value->at, value->length);
    rill_links_value *known = find_value(links, value, hash);
    if (known) {
        known->nofollow &= value->nofollow;
        return true;
    }
    if (links->count == RILL_HTML_LINKS) {
        links->cut = true;
        return true;
    }
    if (!reserve((void **)&links->values, links->count, &links->room, sizeof(*links->values)))
        return false;
    rill_links_value *added = &links->values[links->count];
    *added = *value;
    if (!stays && !(added->at = rill_links_copy(links, value->at, value->length)))
        return false;
    if (value->rel && !(added->rel = rill_links_copy(links, value->rel, value->rel_length)))
        return false;
    return rill_seen_add(&links->seen_values, hash, links->count++);
}

/* --- URLs ------------------------------------------------------------------------------------ */

static bool is_web(const char *text, const rill_url *url)
{
    return (url->scheme_length == 5 && !memcmp(text, "https", 5)) ||
           (url->scheme_length == 4 && !memcmp(text, "http", 4));
}

/* Puts the query of a reference into the page's encoding, in `encoded`, where that changes it.
 * False: out of memory. */
static bool encode_query(rill_links *links, const char **reference, size_t *length)
{
    const char *text = *reference, *end = text + *length;
    if (!links->charset || links->charset->code == RILL_CODE_UTF8)
        return true;
    const char *query = *length ? memchr(text, '?', *length) : NULL;
    if (!query ||
        rill_utf8_ascii((const uint8_t *)query, (const uint8_t *)end) == (const uint8_t *)end)
        return true;
    links->encoded.length = 0;
    if (!rill_bytes_append(&links->slab, &links->encoded, text, (size_t)(query + 1 - text)) ||
        !rill_charset_encode(&links->slab, links->charset, query + 1, (size_t)(end - query - 1),
                             &links->encoded))
        return false;
    *reference = links->encoded.data;
    *length = links->encoded.length;
    return true;
}

bool rill_links_base(rill_links *links, const char *base, uint32_t length)
{
    const char *copy = rill_links_copy(links, base, length);
    if (!copy)
        return false;
    bool good = !rill_url_parse(copy, length, links->out, RILL_URL_ROOM, &links->base_parts, NULL);
    links->base = good ? copy : NULL;
    return true;
}

/* Writes the URL of a reference to `out`. Returns its length, -1: it is no link, and `why`, or
 * -RILL_ERROR: out of memory. */
static int32_t resolve(rill_links *links, const char *reference, size_t length,
                       enum rill_html_refusal *why)
{
    rill_url url;
    if (!encode_query(links, &reference, &length))
        return -RILL_ERROR;
    *why = length > RILL_URL_MAX ? RILL_HTML_LONG : RILL_HTML_INVALID;
    if (length > RILL_URL_MAX || !links->base)
        return -1;
    int32_t code = rill_url_link(links->base, &links->base_parts, reference, (uint32_t)length,
                                 links->out, RILL_URL_ROOM, &url);
    if (code == -RILL_ERROR)
        return code;
    if (!code && is_web(links->out, &url))
        return url.length;
    if (!code)
        *why = RILL_HTML_SCHEME;
    return -1;
}

bool rill_links_url(rill_links *links, const char *reference, size_t length, rill_html_text *url)
{
    enum rill_html_refusal why;
    int32_t written = resolve(links, reference, length, &why);
    *url = (rill_html_text){0, -1};
    return written < 0 ? written == -1 : rill_links_text(links, links->out, (size_t)written, url);
}

static rill_html_link *find_url(rill_links *links, const rill_links_value *value, uint32_t length,
                                uint32_t hash)
{
    uint32_t cursor = hash, number;
    while ((number = rill_seen_next(&links->seen_urls, hash, &cursor)) != RILL_SEEN_NONE) {
        rill_html_link *known = &links->found[number];
        if ((uint32_t)known->url.length == length &&
            !memcmp(links->text + known->url.at, links->out, length) &&
            same_kind(known->tag, known->rel, known->rel_length, value->tag, value->rel,
                      value->rel_length))
            return known;
    }
    return NULL;
}

/* Adds the URL in `out` unless it is there already. */
static bool add_url(rill_links *links, const rill_links_value *value, uint32_t length)
{
    uint32_t hash = rill_seen_hash(links->seed + value->tag, links->out, length);
    rill_html_link *known = find_url(links, value, length, hash);
    if (known) {
        known->nofollow &= value->nofollow;
        return true;
    }
    if (!reserve((void **)&links->found, links->found_count, &links->found_room,
                 sizeof(*links->found)))
        return false;
    rill_html_link *link = &links->found[links->found_count];
    *link = (rill_html_link){.rel = value->rel,
                             .rel_length = value->rel_length,
                             .tag = value->tag,
                             .nofollow = value->nofollow};
    return rill_links_text(links, links->out, length, &link->url) &&
           rill_seen_add(&links->seen_urls, hash, links->found_count++);
}

bool rill_links_refuse(rill_links *links, const rill_links_value *value, const char *text,
                       size_t length, enum rill_html_refusal why)
{
    if (!links->keeps_refused || !links->base || links->refused_count == RILL_HTML_LINKS)
        return true;
    bool cut = length > RILL_HTML_REFUSED;
    if (cut)
        length = rill_utf8_run((const uint8_t *)text, (const uint8_t *)text + RILL_HTML_REFUSED);
    if (!reserve((void **)&links->refused, links->refused_count, &links->refused_room,
                 sizeof(*links->refused)))
        return false;
    rill_html_link *link = &links->refused[links->refused_count];
    *link = (rill_html_link){.rel = value->rel,
                             .rel_length = value->rel_length,
                             .tag = value->tag,
                             .nofollow = value->nofollow,
                             .refusal = (uint8_t)why,
                             .cut = cut};
    links->refused_count++;
    links->work -= (double)length;
    return rill_links_text(links, text, length, &link->url);
}

/* What it costs to resolve a value. */
static double work_of(const rill_links *links, const rill_links_value *value)
{
    const uint8_t *at = (const uint8_t *)value->at, *end = at + value->length;
    double times = rill_utf8_ascii(at, end) == end ? 1 : WORK_LETTERS;
    return links->base_parts.length + WORK_VALUE + times * value->length;
}

/* A value becomes a link, or is refused. False: out of memory. */
static bool resolve_value(rill_links *links, const rill_links_value *value)
{
    enum rill_html_refusal why;
    int32_t length = resolve(links, value->at, value->length, &why);
    if (length >= 0) {
        links->work -= length;
        return add_url(links, value, (uint32_t)length);
    }
    return length == -1 && rill_links_refuse(links, value, value->at, value->length, why);
}

int32_t rill_links_resolve(rill_links *links, size_t budget)
{
    double stop = links->work - (double)budget;
    while (links->resolved < links->count) {
        const rill_links_value *value = &links->values[links->resolved++];
        links->work -= work_of(links, value);
        if (links->work < 0) {
            links->cut = true;
            return 0;
        }
        if (!resolve_value(links, value))
            return -RILL_ERROR;
        if (links->work < stop)
            return links->resolved < links->count;
    }
    return 0;
}

/* Looks at some of a list, for as many bytes as `budget` has. False: there are more. */
static bool leave_out(rill_links *links, rill_html_link *list, uint32_t *count,
                      const rill_known *known, double *budget)
{
    while (links->looked < *count) {
        if (*budget <= 0)
            return false;
        const rill_html_link *link = &list[links->looked++];
        *budget -= WORK_VALUE + link->url.length;
        if (!rill_known_has(known, links->text + link->url.at, (uint32_t)link->url.length))
            list[links->left++] = *link;
    }
    *count = links->left;
    links->looked = links->left = 0;
    return true;
}

bool rill_links_leave_out(rill_links *links, const rill_known *known, size_t budget)
{
    double left = (double)budget;
    if (!links->found_done)
        links->found_done = leave_out(links, links->found, &links->found_count, known, &left);
    if (!links->found_done ||
        !leave_out(links, links->refused, &links->refused_count, known, &left))
        return true;
    links->found_done = false;
    return false;
}
