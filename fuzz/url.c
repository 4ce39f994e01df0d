/* Feeds any bytes to the three URL functions and checks what must hold for each. The input is a
 * base and a reference with a NUL between them; without one it is both. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rill.h"
#include "url/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct result {
    int32_t code;
    rill_url url;
    char *text; /* exactly url.length bytes, so that a read beyond them is seen */
} result;

static void check_part(const result *r, int32_t at, int32_t length)
{
    assert(length >= -1 && at >= 0);
    assert(length == -1 || at + length <= r->url.length);
}

static void check(const result *r)
{
    const rill_url *url = &r->url;
    check_part(r, url->scheme, url->scheme_length);
    check_part(r, url->userinfo, url->userinfo_length);
    check_part(r, url->authority, url->authority_length);
    check_part(r, url->host, url->host_length);
    check_part(r, url->path, url->path_length);
    check_part(r, url->query, url->query_length);
    check_part(r, url->fragment, url->fragment_length);
    assert(url->scheme_length > 0 && url->path_length >= 0);
    assert(url->port >= -1 && url->port <= 65535);
    assert((url->host_length < 0) == (url->authority_length < 0));
    assert(url->length <= RILL_URL_MAX);
    for (int32_t i = 0; i < url->length; i++)
        assert(r->text[i] > ' ' && r->text[i] < 0x7f);
    /* the parts cover the text, but for its delimiters */
    int32_t end = url->path + url->path_length;
    if (url->query_length >= 0) {
        assert(url->query == end + 1 && r->text[end] == '?');
        end = url->query + url->query_length;
    }
    if (url->fragment_length >= 0) {
        assert(url->fragment == end + 1 && r->text[end] == '#');
        end = url->fragment + url->fragment_length;
    }
    assert(end == url->length);
    if (url->authority_length >= 0)
        assert(url->path == url->authority + url->authority_length);
    else
        assert(url->path == url->scheme_length + 1);
}

static void take(result *r, char *out, uint32_t room, const rill_error *err)
{
    r->text = NULL;
    if (r->code) {
        assert(r->code == -RILL_INVALID_URL && err->reason == RILL_INVALID_URL);
        assert(err->message[0] && strlen(err->message) < sizeof(err->message));
    } else {
        assert((uint32_t)r->url.length <= room);
        r->text = malloc((size_t)r->url.length + 1);
        memcpy(r->text, out, (size_t)r->url.length);
        check(r);
    }
    free(out);
}

typedef int32_t one_text(const char *, uint32_t, char *, uint32_t, rill_url *, rill_error *);

static result apply(one_text *function, const char *text, uint32_t length, uint32_t room)
{
    result r;
    rill_error err = {0};
    char *out = malloc(room + !room);
    r.code = function(text, length, out, room, &r.url, &err);
    take(&r, out, room, &err);
    return r;
}

static result resolve(const char *base, uint32_t base_length, const char *reference,
                      uint32_t length, uint32_t room)
{
    result r;
    rill_error err = {0};
    char *out = malloc(room + !room);
    r.code = rill_url_resolve(base, base_length, reference, length, out, room, &r.url, &err);
    take(&r, out, room, &err);
    return r;
}

/* A result is itself when it is read again, and so are its parts. */
static void check_stable(one_text *function, const result *r)
{
    if (r->code)
        return;
    result again = apply(function, r->text, (uint32_t)r->url.length, RILL_URL_ROOM);
    assert(!again.code);
    assert(again.url.length == r->url.length);
    assert(!memcmp(again.text, r->text, (size_t)r->url.length));
    assert(!memcmp(&again.url, &r->url, sizeof(again.url)));
    free(again.text);
}

/* The short way for a page's links leads where the long one does. */
static void check_link(const result *base, const char *reference, uint32_t length,
                       const result *resolved)
{
    result link;
    rill_error err = {.reason = RILL_INVALID_URL, .message = "-"};
    char *out = malloc(RILL_URL_ROOM);
    link.code =
        rill_url_link(base->text, &base->url, reference, length, out, RILL_URL_ROOM, &link.url);
    take(&link, out, RILL_URL_ROOM, &err);
    if (!resolved->code) {
        result normal = apply(rill_url_normalize, resolved->text, (uint32_t)resolved->url.length,
                              RILL_URL_ROOM);
        assert(!link.code && link.url.length == normal.url.length);
        assert(!memcmp(link.text, normal.text, (size_t)link.url.length));
        free(normal.text);
    }
    free(link.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > RILL_URL_MAX)
        return 0;
    /* copies of exact size: reading past the end of either is seen */
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    uint32_t base_length = (uint32_t)(nul ? (size_t)(nul - data) : size);
    uint32_t length = (uint32_t)(nul ? size - base_length - 1 : size);
    char *base = malloc(base_length + 1), *reference = malloc(length + 1);
    memcpy(base, data, base_length);
    if (length)
        memcpy(reference, nul ? nul + 1 : data, length);
    base = realloc(base, base_length + !base_length);
    reference = realloc(reference, length + !length);

    result parsed = apply(rill_url_parse, base, base_length, RILL_URL_ROOM);
    check_stable(rill_url_parse, &parsed);
    result normal = apply(rill_url_normalize, base, base_length, RILL_URL_ROOM);
    check_stable(rill_url_normalize, &normal);
    check_stable(rill_url_parse, &normal);
    assert(parsed.code == normal.code);
    if (!normal.code)
        assert(normal.url.fragment_length < 0);

    result resolved = resolve(base, base_length, reference, length, RILL_URL_ROOM);
    check_stable(rill_url_parse, &resolved);
    if (parsed.code)
        assert(resolved.code);
    if (!resolved.code) {
        /* an absolute reference means itself on any page */
        result same =
            resolve(base, base_length, resolved.text, (uint32_t)resolved.url.length, RILL_URL_ROOM);
        assert(!same.code && same.url.length == resolved.url.length);
        assert(!memcmp(same.text, resolved.text, (size_t)same.url.length));
        free(same.text);
    }
    /* too little room is an error and no overflow; just enough is enough for a clean text */
    if (!parsed.code) {
        uint32_t room = (uint32_t)parsed.url.length;
        result tight = apply(rill_url_parse, parsed.text, room, room);
        assert(!tight.code);
        free(tight.text);
        tight = apply(rill_url_parse, base, base_length, room - 1);
        assert(tight.code);
        tight = apply(rill_url_normalize, base, base_length, room / 2);
        free(tight.text);
        tight = resolve(base, base_length, reference, length, room);
        free(tight.text);
    }
    char shown[40];
    uint32_t written = rill_url_redact(reference, length, shown, sizeof(shown));
    assert(written <= sizeof(shown));

    if (!normal.code)
        check_link(&normal, reference, length, &resolved);
    free(parsed.text);
    free(normal.text);
    free(resolved.text);
    free(base);
    free(reference);
    return 0;
}
