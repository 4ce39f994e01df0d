#include "doc/trim.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doc/doc.h"

typedef struct reader {
    const char *at, *end, *kept; /* up to `kept` it was copied */
    rill_trim *trim;
    const char *closing; /* the next ">", where it was looked for; what is before it has none */
    size_t room;         /* of the copy: the whole page */
    bool failed;
} reader;

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v');
}

static bool starts_name(char byte)
{
    char lower = (char)(byte | 0x20);
    return (lower >= 'a' && lower <= 'z') || byte == '_' || byte == ':' || byte == '.';
}

static const char *find(const char *at, const char *end, char byte)
{
    const char *found = at < end ? memchr(at, byte, (size_t)(end - at)) : NULL;
    return found ? found : end;
}

/* Copies up to `from` and goes on behind `to`. */
static void leave_out(reader *r, const char *from, const char *to)
{
    rill_trim *trim = r->trim;
    if (!trim->page && !r->failed) {
        trim->page = malloc(r->room);
        r->failed = !trim->page;
    }
    if (r->failed)
        return;
    memcpy(trim->page + trim->length, r->kept, (size_t)(from - r->kept));
    trim->length += (size_t)(from - r->kept);
    r->kept = to;
}

/* An end tag or a declaration, from its "<": libxml2 reads it at one go. */
static void read_other(reader *r)
{
    const char *from = r->at - 1;
    if (!r->closing || r->closing < r->at)
        r->closing = find(r->at, r->end, '>');
    if (r->closing - from <= RILL_DOC_VALUE)
        return; /* what is in it is read as though it were text */
    leave_out(r, from, r->closing);
    r->trim->values = true;
    r->at = r->closing;
}

/* `at` is behind "<!--". */
static void read_comment(reader *r)
{
    const char *from = r->at - 4, *at = r->at;
    size_t left = (size_t)(r->end - at);
    if (left && *at == '>')
        at++;
    else if (left > 1 && at[0] == '-' && at[1] == '>')
        at += 2;
    else
        for (;; at++) {
            at = find(at, r->end, '>');
            if (at == r->end)
                break;
            size_t before = (size_t)(at - r->at);
            if ((before >= 2 && at[-1] == '-' && at[-2] == '-') ||
                (before >= 3 && at[-1] == '!' && at[-2] == '-' && at[-3] == '-')) {
                at++;
                break;
            }
        }
    r->at = at;
    if (at - from > RILL_DOC_VALUE) {
        leave_out(r, from, at);
        r->trim->values = true;
    }
}

/* The end of the value at `at`, which is behind "=". */
static const char *skip_value(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    if (at < end && (*at == '"' || *at == '\'')) {
        const char *quote = find(at + 1, end, *at);
        return quote < end ? quote + 1 : end;
    }
    while (at < end && !is_blank(*at) && *at != '>')
        at++;
    return at;
}

/* Behind the attribute or whatever stands at `at`. */
static const char *skip_attribute(const char *at, const char *end)
{
    const char *name = at;
    while (at < end && !is_blank(*at) && *at != '=' && *at != '>' && *at != '/')
        at++;
    const char *after = at;
    while (after < end && is_blank(*after))
        after++;
    if (after < end && *after == '=')
        return skip_value(after + 1, end);
    return at == name ? at + 1 : at;
}

static bool ends_tag(const char *at, const char *end)
{
    return at == end || *at == '>' || (*at == '/' && end - at > 1 && at[1] == '>');
}

/* The attributes of a tag, up to its ">". Returns whether it closes itself. */
static bool read_attributes(reader *r)
{
    int count = 0;
    const char *extra = NULL, *at = r->at;
    for (;;) {
        while (at < r->end && is_blank(*at))
            at++;
        if (ends_tag(at, r->end))
            break;
        const char *from = at;
        at = skip_attribute(at, r->end);
        if (++count > RILL_DOC_ATTRIBUTES) {
            extra = extra ? extra : from;
        } else if (at - from > RILL_DOC_VALUE) {
            leave_out(r, from, at);
            r->trim->values = true;
        }
    }
    if (extra) {
        leave_out(r, extra, at);
        r->trim->attributes = true;
    }
    bool closed = at < r->end && *at == '/';
    r->at = at < r->end ? at + 1 + closed : at;
    return closed;
}

/* Goes to the end tag of a script or a style. */
static void skip_raw_text(reader *r, const char *name, size_t length)
{
    for (;; r->at++) {
        r->at = find(r->at, r->end, '<');
        if (r->at == r->end)
            return;
        if ((size_t)(r->end - r->at) >= 2 + length && r->at[1] == '/' &&
            !strncasecmp(r->at + 2, name, length))
            return;
    }
}

/* `at` is at the name. */
static void read_tag(reader *r)
{
    const char *name = r->at, *at = name;
    while (at < r->end && !is_blank(*at) && *at != '>' && *at != '/')
        at++;
    size_t length = (size_t)(at - name);
    r->at = at;
    if (read_attributes(r))
        return;
    if ((length == 6 && !strncasecmp(name, "script", 6)) ||
        (length == 5 && !strncasecmp(name, "style", 5)))
        skip_raw_text(r, name, length);
}

static bool trim_tags(const char *page, size_t length, rill_trim *trim)
{
    reader r = {.at = page, .end = page + length, .kept = page, .trim = trim, .room = length};
    *trim = (rill_trim){0};
    while ((r.at = find(r.at, r.end, '<')) < r.end) {
        size_t left = (size_t)(r.end - r.at);
        r.at++;
        if (left >= 4 && !memcmp(r.at, "!--", 3)) {
            r.at += 3;
            read_comment(&r);
        } else if (left >= 2 && starts_name(*r.at)) {
            read_tag(&r);
        } else if (left >= 2 && (*r.at == '/' || *r.at == '!' || *r.at == '?')) {
            read_other(&r);
        }
    }
    if (trim->page)
        leave_out(&r, r.end, r.end);
    if (r.failed)
        free(trim->page);
    return !r.failed;
}

/* The page without NULs. */
static char *without_nuls(const char *page, size_t *length)
{
    char *copy = malloc(*length);
    size_t kept = 0;
    for (size_t i = 0; copy && i < *length; i++) {
        copy[kept] = page[i];
        kept += page[i] != '\0';
    }
    *length = kept;
    return copy;
}

bool rill_trim_page(const char *page, size_t length, rill_trim *trim)
{
    *trim = (rill_trim){0};
    if (!length || !memchr(page, '\0', length))
        return trim_tags(page, length, trim);
    char *copy = without_nuls(page, &length);
    if (!copy || !trim_tags(copy, length, trim)) {
        free(copy);
        return false;
    }
    if (!trim->page) {
        trim->page = copy;
        trim->length = length;
    } else {
        free(copy);
    }
    return true;
}
