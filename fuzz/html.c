/* Feeds any bytes to the links of a page: the first byte says what is asked for and how long the
 * windows are, then a content type up to a line end, then the page. In windows of any length a page
 * gives what it gives as a whole; every link is normalized and stands in the page's text. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char URL[] = "http://host/dir/page?q";

static rill_html_found scan(rill_html *html, const rill_html_page *page)
{
    rill_html_found found;
    int32_t code;
    rill_html_begin(html, page);
    do {
        code = rill_html_step(html);
    } while (code > 0);
    assert(!code);
    rill_html_get(html, &found);
    return found;
}

static void check_link(const rill_html_found *found, const rill_html_link *link)
{
    char out[RILL_URL_ROOM];
    rill_url url;
    const char *text = found->text + link->url.at;
    uint32_t length = (uint32_t)link->url.length;
    assert(link->url.length > 8 && !memcmp(text, "http", 4));
    assert(!rill_url_normalize(text, length, out, sizeof(out), &url, NULL));
    assert((uint32_t)url.length == length && !memcmp(out, text, length));
    assert(rill_html_tag_name(link->tag));
}

static void check_same_text(const rill_html_found *a, rill_html_text one, const rill_html_found *b,
                            rill_html_text other)
{
    assert(one.length == other.length);
    assert(one.length <= 0 || !memcmp(a->text + one.at, b->text + other.at, (size_t)one.length));
}

static void check_same(const rill_html_found *a, const rill_html_found *b)
{
    assert(a->count == b->count && a->cut == b->cut);
    for (uint32_t i = 0; i < a->count; i++) {
        const rill_html_link *one = &a->links[i], *other = &b->links[i];
        check_link(a, one);
        check_same_text(a, one->url, b, other->url);
        assert(one->tag == other->tag && one->nofollow == other->nofollow);
        assert(one->rel_length == other->rel_length);
        assert(!one->rel_length || !memcmp(one->rel, other->rel, one->rel_length));
    }
    assert(a->refused_count == b->refused_count);
    for (uint32_t i = 0; i < a->refused_count; i++) {
        assert(a->refused[i].url.length <= RILL_HTML_REFUSED);
        check_same_text(a, a->refused[i].url, b, b->refused[i].url);
        assert(a->refused[i].refusal == b->refused[i].refusal);
    }
    check_same_text(a, a->base, b, b->base);
    check_same_text(a, a->canonical, b, b->canonical);
    check_same_text(a, a->robots, b, b->robots);
    check_same_text(a, a->refresh, b, b->refresh);
    check_same_text(a, a->title, b, b->title);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t choice = *data++;
    const uint8_t *line = memchr(data, '\n', --size);
    size_t type_length = line ? (size_t)(line - data) : 0, skip = line ? type_length + 1 : 0;
    size_t length = size - skip;
    char *body = malloc(length + !length); /* of exact size: a read beyond it is seen */
    memcpy(body, data + skip, length);
    rill_html_page page = {.body = body,
                           .length = length,
                           .url = URL,
                           .url_length = sizeof(URL) - 1,
                           .content_type = (const char *)data,
                           .content_type_length = (uint32_t)type_length,
                           .tags = choice & 0x40 ? 3 : (1u << RILL_HTML_TAGS) - 1,
                           .plain = choice & 0x80};
    rill_html *whole = rill_html_new(), *pieces = rill_html_new();
    rill_html_found found = scan(whole, &page);
    page.window = 1 + (choice & 0x3f);
    rill_html_found split = scan(pieces, &page);
    check_same(&found, &split);
    page.window = 0; /* memory that was used before makes no difference */
    split = scan(pieces, &page);
    check_same(&found, &split);
    rill_html_begin(pieces, &page);
    rill_html_step(pieces); /* left in the middle */
    rill_html_free(pieces);
    rill_html_free(whole);
    free(body);
    return 0;
}
