/* URLs: RFC 3986, as forgiving as browsers are with what pages link to.
 *
 * One pass over the text, a table of what each part may hold, no memory of its own: a clean URL
 * costs little more than a copy. Where browsers and the RFC disagree:
 * - a backslash in the authority or path of http and https is a slash; elsewhere it is escaped;
 * - "http:page" on an http page is a relative link (section 5.2.2, not strict);
 * - "%2e" counts as a dot where dot segments are removed;
 * - a host of http or https that ends in a number is an IPv4 address in any spelling, or wrong;
 * - any number of slashes, also none, stands between "http:" and its host;
 * - but "[", "]" and "|" are escaped: there the RFC wins. doc/url.md lists all of that. */
#include "url/url.h"

#include <stdlib.h>
#include <string.h>

#include "url/authority.h"
#include "url/cleaner.h"
#include "base/error.h"

/* The first two are c->http. */
static const struct {
    const char *name;
    int32_t port;
} schemes[] = {{"https", 443}, {"http", 80}, {"wss", 443}, {"ws", 80}, {"ftp", 21}};
enum { HTTP_SCHEMES = 2, SCHEMES = sizeof(schemes) / sizeof(schemes[0]) };

/* --- from the path on ------------------------------------------------------------------------ */

static bool read_fragment(rill_cleaner *c)
{
    uint32_t before = c->length;
    c->url->fragment = 0;
    c->url->fragment_length = -1;
    if (c->in.at < c->in.end) {
        c->in.at++;
        rill_cleaner_put(c, "#", 1);
        c->url->fragment = (int32_t)c->length;
        if (!rill_cleaner_copy(c, RILL_PART_FRAGMENT))
            return false;
        c->url->fragment_length = (int32_t)c->length - c->url->fragment;
    }
    if (c->normalize) { /* read all the same: normalizing takes what parsing takes */
        c->length = before;
        c->url->fragment = 0;
        c->url->fragment_length = -1;
    }
    c->url->length = (int32_t)c->length;
    return !c->full;
}

static bool read_query(rill_cleaner *c)
{
    c->url->query = 0;
    c->url->query_length = -1;
    if (c->in.at < c->in.end && *c->in.at == '?') {
        c->in.at++;
        rill_cleaner_put(c, "?", 1);
        c->url->query = (int32_t)c->length;
        if (!rill_cleaner_copy(c, RILL_PART_QUERY))
            return false;
        c->url->query_length = (int32_t)c->length - c->url->query;
    }
    return read_fragment(c);
}

/* url->path says where the path begins; what stands there already belongs to it. */
static bool read_path(rill_cleaner *c)
{
    if (!rill_cleaner_copy(c, RILL_PART_PATH))
        return false;
    if (c->no_dots)
        rill_cleaner_remove_dots(c);
    if (c->normalize && c->url->host_length >= 0 && (int32_t)c->length == c->url->path)
        rill_cleaner_put(c, "/", 1);
    c->url->path_length = (int32_t)c->length - c->url->path;
    return read_query(c);
}

/* --- a URL, a reference ---------------------------------------------------------------------- */

/* Length of the scheme that `in` begins with, without its colon; 0: none (section 3.1). */
static uint32_t scheme_length(rill_span in)
{
    const uint8_t *at = in.at;
    if (at == in.end || rill_cleaner_lower(*at) < 'a' || rill_cleaner_lower(*at) > 'z')
        return 0;
    while (at < in.end && rill_cleaner_allows(RILL_PART_SCHEME, *at))
        at++;
    return at < in.end && *at == ':' ? (uint32_t)(at - in.at) : 0;
}

static bool is_slash(const rill_cleaner *c, const uint8_t *at)
{
    return at < c->in.end && (*at == '/' || (*at == '\\' && c->http));
}

/* Whether an authority follows; skips the slashes before it, of http and https however many. */
static bool skip_slashes(rill_cleaner *c)
{
    if (!is_slash(c, c->in.at) || !is_slash(c, c->in.at + 1))
        return false;
    c->in.at += 2;
    while (c->http && is_slash(c, c->in.at))
        c->in.at++;
    return true;
}

static void know_scheme(rill_cleaner *c, uint32_t length)
{
    c->http = false;
    c->default_port = -1;
    for (int i = 0; i < SCHEMES; i++) {
        if (strlen(schemes[i].name) == length && !memcmp(schemes[i].name, c->out, length)) {
            c->default_port = schemes[i].port;
            c->http = i < HTTP_SCHEMES;
            return;
        }
    }
}

static bool read_absolute(rill_cleaner *c)
{
    uint32_t length = scheme_length(c->in);
    if (!length)
        return rill_cleaner_fail(c, "it has no scheme");
    *c->url = (rill_url){.scheme_length = (int32_t)length,
                         .userinfo_length = -1,
                         .authority_length = -1,
                         .host_length = -1,
                         .port = -1};
    c->length = 0;
    rill_cleaner_put_lower(c, c->in.at, length + 1);
    if (c->full)
        return false;
    c->in.at += length + 1;
    know_scheme(c, length);
    c->url->path = (int32_t)c->length;
    while (c->http && is_slash(c, c->in.at))
        c->in.at++;
    if (c->http || skip_slashes(c))
        return rill_authority_read(c) && read_path(c);
    return read_path(c);
}

/* Whether the reference repeats the base's "http:" and goes on without a host; skips that. */
static bool skip_own_scheme(rill_cleaner *c, uint32_t length)
{
    if (!c->http || (int32_t)length != c->url->scheme_length)
        return false;
    for (uint32_t i = 0; i < length; i++)
        if (rill_cleaner_lower(c->in.at[i]) != (uint8_t)c->out[i])
            return false;
    const uint8_t *rest = c->in.at + length + 1;
    if (is_slash(c, rest) && is_slash(c, rest + 1))
        return false;
    c->in.at = rest;
    return true;
}

/* Section 5.2.2: cuts the base, which stands in `out`, where the reference goes on. */
static bool read_reference(rill_cleaner *c)
{
    rill_url *url = c->url;
    uint32_t length = scheme_length(c->in);
    if (length && !skip_own_scheme(c, length))
        return read_absolute(c);
    if (skip_slashes(c)) {
        c->length = (uint32_t)url->scheme_length + 1;
        return rill_authority_read(c) && read_path(c);
    }
    int32_t path_end = url->path + url->path_length;
    if (c->in.at == c->in.end || *c->in.at == '#') {
        c->length = (uint32_t)(url->query_length < 0 ? path_end : url->query + url->query_length);
        return read_fragment(c);
    }
    if (url->host_length < 0 && (!url->path_length || c->out[url->path] != '/'))
        return rill_cleaner_fail(c, "it is relative, and its base is not made of path segments");
    if (*c->in.at == '?') {
        c->length = (uint32_t)path_end;
        return read_query(c);
    }
    if (is_slash(c, c->in.at))
        path_end = url->path;
    while (path_end > url->path && c->out[path_end - 1] != '/')
        path_end--;
    c->length = (uint32_t)path_end;
    if (path_end == url->path && !is_slash(c, c->in.at))
        rill_cleaner_put(c, "/", 1);
    return read_path(c);
}

/* --- sentences ------------------------------------------------------------------------------- */

static bool is_blank(uint8_t byte)
{
    return byte == '\t' || byte == '\n' || byte == '\r';
}

/* Without white space and controls at both ends. */
static rill_span trimmed(const char *text, uint32_t length)
{
    rill_span in = {(const uint8_t *)text, (const uint8_t *)text + length};
    while (in.at < in.end && *in.at <= ' ')
        in.at++;
    while (in.at < in.end && in.end[-1] <= ' ')
        in.end--;
    return in;
}

/* Cuts what may be userinfo, in a text that may be anything. A password that nobody escaped holds
 * slashes and the like, so where there seems to be one, the last "@" of all ends it. */
static rill_span after_userinfo(rill_span in)
{
    const uint8_t *rest = in.at;
    bool likely = false;
    for (; in.at < in.end && *in.at != '/' && *in.at != '?' && *in.at != '#'; in.at++)
        likely |= *in.at == ':' || *in.at == '@';
    in.at = rest;
    for (; likely && in.at < in.end; in.at++)
        if (*in.at == '@')
            rest = in.at + 1;
    return (rill_span){rest, in.end};
}

/* Copies printable ASCII and escapes the rest, as far as there is room. */
static uint32_t show(rill_span in, char *out, uint32_t room)
{
    uint32_t length = 0;
    for (; in.at < in.end && room - length >= 3; in.at++) {
        if (*in.at < 0x80 && !rill_cleaner_is_control(*in.at))
            out[length++] = (char)*in.at;
        else
            length += rill_cleaner_escape(out + length, *in.at);
    }
    return length;
}

uint32_t rill_url_redact(const char *text, uint32_t length, char *out, uint32_t room)
{
    if (!text || !out)
        return 0;
    rill_span in = trimmed(text, length), head = {in.at, in.at};
    uint32_t scheme = scheme_length(in);
    if (scheme)
        head.end += scheme + 1;
    while (head.end < in.end && (*head.end == '/' || *head.end == '\\' || is_blank(*head.end)))
        head.end++;
    in = after_userinfo((rill_span){head.end, in.end});
    uint32_t written = show(head, out, room);
    return written + show(in, out + written, room - written);
}

static int32_t explain(const char *text, uint32_t length, const char *why, rill_error *err)
{
    char shown[160];
    uint32_t written = rill_url_redact(text, length, shown, sizeof(shown));
    if (err)
        rill_error_clear(err);
    return rill_error_set(err, RILL_INVALID_URL, "invalid URL \"%.*s%s\": %s", (int)written, shown,
                          written + 3 > sizeof(shown) ? "..." : "", why);
}

/* --- the interface --------------------------------------------------------------------------- */

/* Reads a URL, or a base and then a reference. On failure *which is the one to blame. */
static bool read_texts(rill_cleaner *c, const rill_span *texts, int count, int *which)
{
    c->why = NULL;
    c->full = false;
    for (*which = 0; *which < count; ++*which) {
        c->in = texts[*which];
        if (!(*which ? read_reference(c) : read_absolute(c))) {
            if (c->full)
                c->why = "it is too long";
            return false;
        }
    }
    return true;
}

static int32_t fail(enum rill_reason reason, const char *why, rill_error *err)
{
    if (err)
        rill_error_clear(err);
    return rill_error_set(err, reason, "%s", why);
}

/* Writes a text to `to` without tabs and line ends. Returns the end of that. */
static uint8_t *strip(rill_span *in, uint8_t *to)
{
    uint8_t *start = to;
    for (; in->at < in->end; in->at++)
        if (!is_blank(*in->at))
            *to++ = *in->at;
    *in = (rill_span){start, to};
    return to;
}

static int32_t clean(rill_cleaner *c, const char *const *texts, const uint32_t *lengths, int count,
                     rill_error *err)
{
    rill_span in[2];
    int which = 0;
    if (!c->out || !c->url)
        return fail(RILL_ARGUMENT, "out or url is NULL", err);
    for (int i = 0; i < count; i++) {
        if (!texts[i])
            return fail(RILL_ARGUMENT, "a text is NULL", err);
        if (lengths[i] > RILL_URL_MAX)
            return explain(texts[i], lengths[i], "it is too long", err);
        in[i] = trimmed(texts[i], lengths[i]);
    }
    bool good = read_texts(c, in, count, &which);
    if (!good) { /* no part may hold tabs and line ends: if there are any, they led here */
        uint8_t *stripped = malloc(2 * RILL_URL_MAX), *to = stripped;
        if (!stripped)
            return fail(RILL_ERROR, "out of memory", err);
        for (int i = 0; i < count; i++)
            to = strip(&in[i], to);
        good = read_texts(c, in, count, &which);
        free(stripped);
    }
    return good ? 0 : explain(texts[which], lengths[which], c->why, err);
}

static uint32_t limit_of(uint32_t room)
{
    return room < RILL_URL_MAX ? room : RILL_URL_MAX;
}

int32_t rill_url_parse(const char *text, uint32_t length, char *out, uint32_t room, rill_url *url,
                       rill_error *err)
{
    rill_cleaner c = {.out = out, .limit = limit_of(room), .url = url};
    return clean(&c, &text, &length, 1, err);
}

bool rill_url_follow(const char *text, uint32_t length, char *out, uint32_t room, rill_url *url)
{
    uint32_t start = (uint32_t)url->path;
    rill_span rest = {(const uint8_t *)text + start, (const uint8_t *)text + length};
    if (url->host_length <= 0 || url->userinfo_length >= 0 || length > RILL_URL_MAX ||
        length <= start || text[start] != '/' || rest.end[-1] <= ' ' ||
        memcmp(text, out, start) != 0)
        return false; /* a space at the end is trimmed, other controls are not clean */
    rill_cleaner c = {
        .in = rest, .out = out, .length = start, .limit = limit_of(room), .http = true, .url = url};
    return read_path(&c);
}

int32_t rill_url_resolve(const char *base, uint32_t base_length, const char *reference,
                         uint32_t reference_length, char *out, uint32_t room, rill_url *url,
                         rill_error *err)
{
    rill_cleaner c = {.out = out, .limit = limit_of(room), .url = url, .no_dots = true};
    const char *texts[] = {base, reference};
    return clean(&c, texts, (uint32_t[]){base_length, reference_length}, 2, err);
}

int32_t rill_url_normalize(const char *text, uint32_t length, char *out, uint32_t room,
                           rill_url *url, rill_error *err)
{
    rill_cleaner c = {
        .out = out, .limit = limit_of(room), .url = url, .normalize = true, .no_dots = true};
    return clean(&c, &text, &length, 1, err);
}

int32_t rill_url_link(const char *base, const rill_url *parts, const char *reference,
                      uint32_t reference_length, char *out, uint32_t room, rill_url *url)
{
    const char *texts[] = {base, reference};
    rill_cleaner c = {.out = out,
                      .limit = limit_of(room),
                      .length = (uint32_t)parts->length,
                      .url = url,
                      .normalize = true,
                      .no_dots = true};
    if (c.length <= c.limit && reference_length <= RILL_URL_MAX) {
        memcpy(out, base, c.length);
        *url = *parts;
        know_scheme(&c, (uint32_t)parts->scheme_length);
        c.in = trimmed(reference, reference_length);
        if (read_reference(&c))
            return 0;
    }
    return clean(&c, texts, (uint32_t[]){(uint32_t)parts->length, reference_length}, 2, NULL);
}
