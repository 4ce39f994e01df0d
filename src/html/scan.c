/* What a page links to, and what it says of itself. The interface is in rill.h. */
#include <stdlib.h>
#include <string.h>

#include "html/entities.h"
#include "html/links.h"
#include "html/page.h"
#include "html/tokenizer.h"
#include "html/utf8.h"
#include "html/values.h"
#include "rill.h"

enum phase { PHASE_CHARSET, PHASE_TOKENS, PHASE_FACTS, PHASE_LINKS, PHASE_DONE, PHASE_REFUSED };

/* What is known of the page beside its base and links; kept as values until the base is known. */
enum fact { FACT_CANONICAL, FACT_REFRESH, FACT_ROBOTS, FACT_TITLE, FACTS };

typedef struct fact_text {
    char *text; /* malloc; NULL: none yet */
    size_t length;
    bool closed; /* nothing is added any more */
} fact_text;

struct rill_html {
    rill_html_page asked; /* what it points to is borrowed */
    rill_page page;
    enum phase phase;
    bool failed; /* out of memory */
    rill_tokenizer tokens;
    size_t window;
    fact_text facts[FACTS];
    rill_html_text texts[FACTS]; /* in links.text, as `base` */
    rill_html_text base;
    uint32_t bases; /* <base> elements looked at */
    uint8_t *scratch;
    size_t scratch_room;
    rill_links links;
};

/* --- values ---------------------------------------------------------------------------------- */

/* `length` bytes of scratch, whose contents are lost; NULL: out of memory. */
static uint8_t *scratch(rill_html *h, size_t length)
{
    if (length > h->scratch_room) {
        free(h->scratch);
        h->scratch = malloc(length);
        h->scratch_room = h->scratch ? length : 0;
        h->failed |= !h->scratch;
    }
    return h->scratch;
}

/* A text in UTF-8 with its references decoded; in a buffer, if that changes anything. */
static rill_slice decode(rill_html *h, rill_slice text, bool attribute)
{
    const rill_slice nothing = {text.at, 0};
    if (!text.length)
        return text;
    if (!rill_page_decode(&h->page, &text)) {
        h->failed = true;
        return nothing;
    }
    if (!rill_entities_any(text.at, text.length))
        return text;
    uint8_t *out = scratch(h, text.length * RILL_ENTITIES_GROWTH);
    if (!out)
        return nothing;
    return (rill_slice){out, rill_entities_decode(text.at, text.length, attribute, out)};
}

static bool has(const rill_html *h, enum rill_attribute attribute)
{
    return h->tokens.present >> attribute & 1;
}

static rill_slice value(rill_html *h, enum rill_attribute attribute)
{
    return decode(h, h->tokens.values[attribute], true);
}

static bool value_is(rill_html *h, enum rill_attribute attribute, const char *name)
{
    if (!has(h, attribute))
        return false;
    rill_slice text = value(h, attribute);
    return rill_names_equal(name, text.at, text.length);
}

/* Appends to a fact, up to RILL_HTML_TEXT bytes of it. */
static void add_fact(rill_html *h, enum fact which, rill_slice text)
{
    fact_text *fact = &h->facts[which];
    if (!fact->text && !(fact->text = malloc(RILL_HTML_TEXT))) {
        h->failed = true;
        return;
    }
    size_t room = RILL_HTML_TEXT - fact->length, length = text.length < room ? text.length : room;
    if (length)
        memcpy(fact->text + fact->length, text.at, length);
    fact->length += length;
}

/* Keeps an address. The first one counts. */
static void set_fact(rill_html *h, enum fact which, rill_slice address)
{
    if (!h->facts[which].closed && address.length <= RILL_URL_MAX)
        add_fact(h, which, address);
    h->facts[which].closed = true;
}

/* --- links ----------------------------------------------------------------------------------- */

/* The words of rel, copied if there are any. */
static void add_rel(rill_html *h, rill_links_value *link)
{
    if (!has(h, RILL_ATTRIBUTE_REL))
        return;
    rill_slice text = value(h, RILL_ATTRIBUTE_REL);
    uint8_t *out = text.at == h->scratch ? h->scratch : scratch(h, text.length + 1);
    if (!out)
        return;
    rill_slice words = {out, rill_values_words(text, out)};
    link->nofollow = rill_values_has_word(words, "nofollow") ||
                     rill_values_has_word(words, "ugc") || rill_values_has_word(words, "sponsored");
    link->rel = rill_links_copy(&h->links, words.at, words.length);
    link->rel_length = (uint32_t)words.length;
    h->failed |= !link->rel;
}

/* Adds an address that is decoded. What follows "#" is no part of the page it leads to. */
static void add_address(rill_html *h, const rill_links_value *kind, rill_slice address)
{
    rill_links_value link = *kind;
    const uint8_t *fragment = address.length ? memchr(address.at, '#', address.length) : NULL;
    size_t length = fragment ? (size_t)(fragment - address.at) : address.length;
    if (length > RILL_URL_MAX) {
        h->failed |=
            !rill_links_refuse(&h->links, kind, (const char *)address.at, length, RILL_HTML_LONG);
        return;
    }
    link.at = (const char *)address.at;
    link.length = (uint32_t)length;
    h->failed |=
        !rill_links_add(&h->links, &link, h->page.stands && rill_page_holds(&h->page, address.at));
}

/* Adds the address in an attribute. An empty one counts where it means the page itself. */
static void add_link(rill_html *h, const rill_links_value *kind, enum rill_attribute attribute,
                     bool empty_counts)
{
    if (!has(h, attribute) || h->tokens.huge >> attribute & 1)
        return;
    rill_slice address = value(h, attribute);
    if (address.length || empty_counts)
        add_address(h, kind, address);
}

static void add_srcset(rill_html *h, const rill_links_value *kind)
{
    if (!has(h, RILL_ATTRIBUTE_SRCSET))
        return;
    rill_slice rest = value(h, RILL_ATTRIBUTE_SRCSET), address;
    while ((address = rill_values_srcset_next(&rest)).length)
        add_address(h, kind, address);
}

static void on_anchor(rill_html *h, const rill_links_value *kind)
{
    enum rill_attribute attribute = RILL_ATTRIBUTE_HREF;
    if (h->tokens.foreign && !has(h, attribute))
        attribute = RILL_ATTRIBUTE_XLINK_HREF;
    if (!has(h, attribute))
        return;
    rill_links_value link = *kind;
    if (!h->asked.plain)
        add_rel(h, &link);
    add_link(h, &link, attribute, true);
}

static void on_link(rill_html *h, const rill_links_value *kind, bool wanted)
{
    rill_links_value link = *kind;
    add_rel(h, &link);
    if (!has(h, RILL_ATTRIBUTE_HREF) || h->tokens.huge >> RILL_ATTRIBUTE_HREF & 1)
        return;
    rill_slice words = {(const uint8_t *)link.rel, link.rel_length};
    rill_slice address = value(h, RILL_ATTRIBUTE_HREF);
    if (link.rel && rill_values_has_word(words, "canonical") && address.length)
        set_fact(h, FACT_CANONICAL, address);
    if (wanted && address.length)
        add_address(h, &link, address);
}

static void on_robots(rill_html *h)
{
    rill_slice text = value(h, RILL_ATTRIBUTE_CONTENT);
    if (h->facts[FACT_ROBOTS].length)
        add_fact(h, FACT_ROBOTS, (rill_slice){(const uint8_t *)", ", 2});
    add_fact(h, FACT_ROBOTS, text);
}

static void on_meta(rill_html *h, const rill_links_value *kind, bool wanted)
{
    if (!has(h, RILL_ATTRIBUTE_CONTENT))
        return;
    if (value_is(h, RILL_ATTRIBUTE_NAME, "robots") ||
        (h->asked.agent && value_is(h, RILL_ATTRIBUTE_NAME, h->asked.agent)))
        on_robots(h);
    if (!value_is(h, RILL_ATTRIBUTE_HTTP_EQUIV, "refresh"))
        return;
    rill_slice address = rill_values_refresh(value(h, RILL_ATTRIBUTE_CONTENT));
    if (!address.length)
        return;
    set_fact(h, FACT_REFRESH, address);
    if (wanted)
        add_address(h, kind, address);
}

/* The first one with a URL of http or https counts. */
static void on_base(rill_html *h)
{
    if (!has(h, RILL_ATTRIBUTE_HREF) || h->tokens.huge >> RILL_ATTRIBUTE_HREF & 1 ||
        h->base.length >= 0 || h->bases == RILL_HTML_BASES)
        return;
    h->bases++;
    rill_slice href = value(h, RILL_ATTRIBUTE_HREF);
    h->failed |= !rill_links_url(&h->links, (const char *)href.at, href.length, &h->base);
}

static void on_tag(rill_html *h)
{
    int tag = h->tokens.tag;
    rill_links_value kind = {.tag = (uint8_t)tag};
    bool wanted = tag < RILL_HTML_TAGS && h->asked.tags >> tag & 1;
    switch (tag) {
    case RILL_HTML_A:
    case RILL_HTML_AREA:
        if (h->asked.plain)
            kind.tag = RILL_HTML_A;
        on_anchor(h, &kind);
        break;
    case RILL_TAG_BASE:
        on_base(h);
        break;
    case RILL_HTML_LINK:
        on_link(h, &kind, wanted);
        break;
    case RILL_HTML_META:
        on_meta(h, &kind, wanted);
        break;
    case RILL_TAG_TITLE:
        h->facts[FACT_TITLE].closed = h->facts[FACT_TITLE].text != NULL;
        if (!h->facts[FACT_TITLE].closed)
            add_fact(h, FACT_TITLE, (rill_slice){0});
        break;
    case RILL_HTML_FORM:
        add_link(h, &kind, RILL_ATTRIBUTE_ACTION, true);
        break;
    case RILL_HTML_OBJECT:
        add_link(h, &kind, RILL_ATTRIBUTE_DATA, false);
        break;
    default:
        add_link(h, &kind, RILL_ATTRIBUTE_SRC, false);
        add_srcset(h, &kind);
        add_link(h, &kind, RILL_ATTRIBUTE_POSTER, false);
    }
}

/* --- facts ----------------------------------------------------------------------------------- */

/* Until a <base> is found, addresses are resolved by the page's own URL. */
static bool use_own_url(rill_html *h)
{
    rill_url url;
    char *own = h->links.out;
    return rill_url_normalize(h->asked.url, h->asked.url_length, own, RILL_URL_ROOM, &url, NULL) ||
           rill_links_base(&h->links, own, (uint32_t)url.length);
}

/* From now on the page's base resolves addresses, if it has one. */
static bool keep_base(rill_html *h)
{
    rill_links *links = &h->links;
    if (h->base.length >= 0)
        return rill_links_base(links, links->text + h->base.at, (uint32_t)h->base.length);
    return !links->base ||
           rill_links_text(links, links->base, (size_t)links->base_parts.length, &h->base);
}

static bool keep_url(rill_html *h, enum fact which)
{
    const fact_text *fact = &h->facts[which];
    return !fact->text || rill_links_url(&h->links, fact->text, fact->length, &h->texts[which]);
}

/* References of a title are decoded when it is complete: a piece may end inside of one. */
static bool keep_text(rill_html *h, enum fact which)
{
    const fact_text *fact = &h->facts[which];
    if (!fact->text)
        return true;
    rill_slice text = {(uint8_t *)fact->text, fact->length};
    if (which == FACT_TITLE)
        text = decode(h, text, false);
    text.length = rill_utf8_run(text.at, text.at + text.length); /* the bound may cut a character */
    uint8_t *out = text.at == h->scratch ? h->scratch : scratch(h, text.length + 1);
    if (!out)
        return false;
    size_t length =
        which == FACT_TITLE ? rill_values_collapse(text, out) : rill_values_words(text, out);
    return rill_links_text(&h->links, out, length, &h->texts[which]);
}

static int32_t find_facts(rill_html *h)
{
    bool good = keep_base(h) && keep_url(h, FACT_CANONICAL) && keep_url(h, FACT_REFRESH) &&
                keep_text(h, FACT_ROBOTS) && keep_text(h, FACT_TITLE);
    h->phase = PHASE_LINKS;
    return good ? 1 : -RILL_ERROR;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Values of a tag that goes on in the next window, which would take their place. */
static bool keep_values(rill_html *h)
{
    rill_tokenizer *tokens = &h->tokens;
    const char *from = h->page.window.data, *to;
    if (!from)
        return true;
    to = from + h->page.window.length;
    for (int i = 0; i < RILL_ATTRIBUTES && rill_tokenizer_in_tag(tokens); i++) {
        rill_slice *kept = &tokens->values[i];
        const char *at = (const char *)kept->at;
        if (!(tokens->present >> i & 1) || !kept->length || at < from || at >= to)
            continue;
        kept->at = (const uint8_t *)rill_links_copy(&h->links, at, kept->length);
        if (!kept->at)
            return false;
    }
    return true;
}

/* Reads all tokens of a window. */
static int32_t read_window(rill_html *h)
{
    rill_tokenizer *tokens = &h->tokens;
    if ((rill_page_moves(&h->page) && !keep_values(h)) ||
        !rill_page_window(&h->page, tokens, h->window))
        return -RILL_ERROR;
    for (;;) {
        switch (rill_tokenizer_next(tokens)) {
        case RILL_TOKEN_TAG:
            on_tag(h);
            break;
        case RILL_TOKEN_TITLE:
            if (!h->facts[FACT_TITLE].closed)
                add_fact(h, FACT_TITLE, tokens->text);
            break;
        case RILL_TOKEN_END:
            if (tokens->last)
                h->phase = PHASE_FACTS;
            return h->failed ? -RILL_ERROR : 1;
        }
    }
}

/* As many windows as one step has time for. */
static int32_t read_windows(rill_html *h)
{
    int32_t code;
    size_t pieces = rill_page_moves(&h->page) ? 1 + h->window / RILL_PAGE_PIECE : 1;
    do {
        code = read_window(h);
    } while (code > 0 && h->phase == PHASE_TOKENS && --pieces);
    return code;
}

static int32_t find_charset(rill_html *h)
{
    int32_t code = rill_page_detect(&h->page, h->window);
    if (code < 0)
        return -RILL_ERROR;
    if (code)
        return 1;
    h->phase = PHASE_TOKENS;
    h->links.charset = h->page.charset;
    return use_own_url(h) ? 1 : -RILL_ERROR;
}

rill_html *rill_html_new(void)
{
    rill_html *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->links.seed = rill_seen_seed();
    h->phase = PHASE_DONE; /* until a page is begun */
    return h;
}

static void free_facts(rill_html *h)
{
    for (int i = 0; i < FACTS; i++) {
        free(h->facts[i].text);
        h->facts[i] = (fact_text){0};
        h->texts[i] = (rill_html_text){0, -1};
    }
    h->base = (rill_html_text){0, -1};
    h->bases = 0;
}

void rill_html_free(rill_html *h)
{
    if (!h)
        return;
    free_facts(h);
    rill_links_dispose(&h->links);
    rill_page_dispose(&h->page);
    free(h->scratch);
    free(h);
}

void rill_html_begin(rill_html *h, const rill_html_page *page)
{
    static const rill_html_page nothing = {.body = "", .plain = true};
    bool good = page && (page->body || !page->length) && (page->url || !page->url_length) &&
                (page->content_type || !page->content_type_length);
    if (!h)
        return;
    page = good ? page : &nothing;
    h->asked = *page;
    h->phase = good ? PHASE_CHARSET : PHASE_REFUSED;
    h->failed = false;
    h->window = page->window ? page->window : RILL_HTML_WINDOW;
    rill_page_begin(&h->page, page->body ? page->body : "", page->length, page->content_type,
                    page->content_type_length);
    uint64_t wanted = page->tags | 1ull << RILL_TAG_BASE;
    if (!page->plain)
        wanted |= 1ull << RILL_HTML_LINK | 1ull << RILL_HTML_META | 1ull << RILL_TAG_TITLE;
    rill_tokenizer_init(&h->tokens, wanted);
    free_facts(h);
    rill_links_clear(&h->links, page->length);
    h->links.keeps_refused = !page->plain;
}

int32_t rill_html_step(rill_html *h)
{
    int32_t code;
    if (!h)
        return -RILL_ERROR;
    switch (h->phase) {
    case PHASE_CHARSET:
        return find_charset(h);
    case PHASE_TOKENS:
        return read_windows(h);
    case PHASE_FACTS:
        return find_facts(h);
    case PHASE_LINKS:
        code = rill_links_resolve(&h->links, h->window);
        if (!code)
            h->phase = PHASE_DONE;
        return code;
    case PHASE_DONE:
        break;
    case PHASE_REFUSED:
        return -RILL_ARGUMENT;
    }
    return 0;
}

int32_t rill_html_leave_out(rill_html *h, const rill_known *known)
{
    return h && h->phase == PHASE_DONE && rill_links_leave_out(&h->links, known, h->window);
}

void rill_html_get(const rill_html *h, rill_html_found *found)
{
    if (found)
        *found = (rill_html_found){0};
    if (!h || !found)
        return;
    *found = (rill_html_found){.text = h->links.text,
                               .links = h->links.found,
                               .count = h->links.found_count,
                               .refused = h->links.refused,
                               .refused_count = h->links.refused_count,
                               .cut = h->links.cut,
                               .base = h->base,
                               .canonical = h->texts[FACT_CANONICAL],
                               .robots = h->texts[FACT_ROBOTS],
                               .refresh = h->texts[FACT_REFRESH],
                               .title = h->texts[FACT_TITLE]};
}

const char *rill_html_tag_name(uint32_t tag)
{
    return tag < RILL_HTML_TAGS ? rill_names_of_tag((int)tag) : NULL;
}
