#include "doc/trim.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Work until the caller's tick is called, in units of some 3 ns; units of a tick. */
enum { UNITS = 4096, UNITS_PER_TICK = 64 };

/* Bytes that are copied at a time. */
enum { COPIED = 256 << 10 };

/* Of an element's or an attribute's name, as libxml2 has it; the rest is another attribute. */
enum { NAME_MAX_BYTES = 100 };

typedef struct reader {
    const char *at, *end, *kept; /* up to `kept` it was copied */
    rill_trim *trim;
    size_t units;  /* of work since the last tick */
    bool stopped;  /* out of memory, or no more is wanted */
    bool prologue; /* nothing but blanks, comments and declarations was seen */
} reader;

/* --- work and the copy ----------------------------------------------------------------------- */

static void work(reader *r, size_t units)
{
    r->units += units;
    if (r->units < UNITS)
        return;
    if (r->trim->tick && !r->trim->tick(r->trim->arg, (int32_t)(r->units / UNITS_PER_TICK)))
        r->stopped = true;
    r->units = 0;
}

static void write_bytes(reader *r, const char *bytes, size_t length)
{
    while (length && !r->stopped) {
        size_t piece = length < COPIED ? length : COPIED;
        memcpy(r->trim->page + r->trim->length, bytes, piece);
        r->trim->length += piece;
        bytes += piece;
        length -= piece;
        work(r, piece / 32);
    }
}

/* Copies up to `from`, writes `instead`, and goes on behind `to`. What is written must be at most
 * half as long again as the page up to there. */
static void replace(reader *r, const char *from, const char *to, const char *instead)
{
    write_bytes(r, r->kept, (size_t)(from - r->kept));
    write_bytes(r, instead, strlen(instead));
    r->kept = to;
}

/* A blank stays, so that what stands before and behind makes no markup together. */
static void take_out(reader *r, const char *from, const char *to)
{
    r->trim->too_long = true;
    replace(r, from, to, " ");
}

/* --- bytes ----------------------------------------------------------------------------------- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_letter(char byte)
{
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'z';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_in_name(char byte)
{
    return is_letter(byte) || is_digit(byte) || byte == '_' || byte == ':' || byte == '.' ||
           byte == '-';
}

static bool starts_attribute(char byte)
{
    return is_letter(byte) || byte == '_' || byte == ':' || byte == '.';
}

static const char *find(reader *r, const char *at, char byte)
{
    const char *found = at < r->end ? memchr(at, byte, (size_t)(r->end - at)) : NULL;
    found = found ? found : r->end;
    work(r, 4 + (size_t)(found - at) / 64);
    return found;
}

/* Behind the first `byte` from `at` on. */
static const char *find_behind(reader *r, const char *at, char byte)
{
    const char *found = find(r, at, byte);
    return found < r->end ? found + 1 : found;
}

static const char *skip_blanks(reader *r, const char *at)
{
    const char *from = at;
    while (at < r->end && is_blank(*at))
        at++;
    work(r, (size_t)(at - from) / 4);
    return at;
}

static const char *skip_name(reader *r, const char *at)
{
    const char *end = r->end - at > NAME_MAX_BYTES ? at + NAME_MAX_BYTES : r->end, *from = at;
    while (at < end && is_in_name(*at))
        at++;
    work(r, (size_t)(at - from));
    return at;
}

/* --- tags ------------------------------------------------------------------------------------ */

static bool ends_tag(const reader *r, const char *at)
{
    return at == r->end || *at == '>' || (*at == '/' && r->end - at > 1 && at[1] == '>');
}

static const char *skip_value(reader *r, const char *at)
{
    if (at < r->end && (*at == '"' || *at == '\''))
        return find_behind(r, at + 1, *at);
    const char *from = at;
    while (at < r->end && !is_blank(*at) && *at != '>')
        at++;
    work(r, (size_t)(at - from) / 2);
    return at;
}

/* What is no attribute, up to a blank or the tag's end. */
static const char *skip_rubbish(reader *r, const char *at)
{
    const char *from = at;
    while (!ends_tag(r, at) && !is_blank(*at))
        at++;
    work(r, 2 + (size_t)(at - from) / 2);
    return at;
}

/* An attribute, or whatever stands at `at`. */
static const char *skip_attribute(reader *r, const char *at)
{
    if (!starts_attribute(*at))
        return skip_rubbish(r, at);
    at = skip_blanks(r, skip_name(r, at));
    if (at < r->end && *at == '=')
        return skip_value(r, skip_blanks(r, at + 1));
    return at;
}

/* The attributes of a tag, up to its ">" and behind it. Returns whether it closes itself. */
static bool read_attributes(reader *r)
{
    size_t count = 0, bytes = 0;
    const char *at = r->at;
    while (!r->stopped) {
        const char *from = at;
        at = skip_blanks(r, at);
        if (!ends_tag(r, at))
            at = skip_attribute(r, at);
        else if (bytes + (size_t)(at - from) <= r->trim->value)
            break;
        work(r, 8);
        bool many = ++count > r->trim->attributes;
        if (many || bytes + (size_t)(at - from) > r->trim->value) {
            r->trim->too_many |= many;
            r->trim->too_long |= !many;
            replace(r, from, at, " ");
        } else {
            bytes += (size_t)(at - from);
        }
        if (ends_tag(r, at))
            break;
    }
    bool closed = at < r->end && *at == '/';
    r->at = at < r->end ? at + 1 + closed : at;
    return closed;
}

static bool begins(const reader *r, const char *at, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(r->end - at) >= length && !strncasecmp(at, text, length);
}

/* Elements that end a script or a style, to libxml2, where they stand directly behind its tag. */
static bool ends_raw_text(const reader *r, const char *at)
{
    return begins(r, at, "</") || begins(r, at, "<noscript") || begins(r, at, "<body") ||
           begins(r, at, "<frameset");
}

/* Goes to the end tag of a script or a style. What libxml2 takes for the end and what is none to
 * the Standard gets a blank behind its "<". */
static void skip_raw_text(reader *r, const char *name, size_t length)
{
    const char *beginning = r->at;
    for (; !r->stopped; r->at++) {
        const char *at = r->at = find(r, r->at, '<'), *behind = at + 2 + length;
        if (at == r->end)
            return;
        bool ends = begins(r, at, "</") && r->end - at >= 2 + (ptrdiff_t)length &&
                    !strncasecmp(at + 2, name, length);
        if (ends && (behind == r->end || !is_in_name(*behind)))
            return;
        if (ends || (at == beginning && ends_raw_text(r, at)))
            replace(r, at + 1, at + 1, " ");
    }
}

/* `at` is at the name. */
static void read_tag(reader *r)
{
    const char *name = r->at;
    r->at = skip_name(r, name);
    size_t length = (size_t)(r->at - name);
    if (read_attributes(r))
        return;
    if ((length == 6 && !strncasecmp(name, "script", 6)) ||
        (length == 5 && !strncasecmp(name, "style", 5)))
        skip_raw_text(r, name, length);
}

/* --- other markup ---------------------------------------------------------------------------- */

/* From `from` to the next ">" from `at` on. */
static void read_declaration(reader *r, const char *from, const char *at)
{
    r->at = find_behind(r, at, '>');
    if ((size_t)(r->at - from) > r->trim->value)
        take_out(r, from, r->at);
}

/* `at` is behind "</". Without a name that is nothing; libxml2 reads any number of them at one go.
 */
static void read_end_tag(reader *r)
{
    if (r->at < r->end && starts_attribute(*r->at)) {
        const char *behind = skip_name(r, r->at), *at = find(r, behind, '>');
        r->at = at < r->end ? at + 1 : at;
        if ((size_t)(at - behind) > r->trim->value)
            take_out(r, behind, at); /* its name stays: a script ends there */
    } else if (begins(r, r->at, "</")) {
        replace(r, r->at - 2, r->at, "");
    }
}

/* `at` is behind "<?". libxml2 knows letters beyond ASCII as well; they get a blank in front of
 * them, and make a text. */
static void read_instruction(reader *r)
{
    if (r->at < r->end && *r->at & 0x80)
        replace(r, r->at, r->at, " ");
    else if (r->at < r->end && (is_letter(*r->at) || *r->at == '_' || *r->at == ':'))
        read_declaration(r, r->at - 2, r->at);
}

static const char *skip_literal(reader *r, const char *at)
{
    at = skip_blanks(r, at);
    return at < r->end && (*at == '"' || *at == '\'') ? find_behind(r, at + 1, *at) : at;
}

/* `at` is behind "<!DOCTYPE". */
static void read_doctype(reader *r)
{
    const char *from = r->at - 9, *at = skip_blanks(r, r->at);
    if (at < r->end && !is_digit(*at) && *at != '.' && *at != '-')
        while (at < r->end && is_in_name(*at))
            at++;
    work(r, (size_t)(at - r->at));
    if (at < r->end && *at & 0x80) { /* of letters beyond ASCII, see above */
        r->at = find_behind(r, at, '>');
        replace(r, from, r->at, " ");
        return;
    }
    at = skip_blanks(r, at);
    bool public = begins(r, at, "PUBLIC");
    if (public || begins(r, at, "SYSTEM"))
        at = skip_literal(r, at + 6);
    if (public)
        at = skip_literal(r, at);
    read_declaration(r, from, at);
    if (begins(r, r->at, "</") || begins(r, r->at, "<!D"))
        replace(r, r->at, r->at, " "); /* libxml2 would take that for a text */
}

/* `at` is behind "<!--". Comments that end at once are given the dashes that libxml2 misses. */
static void read_comment(reader *r)
{
    const char *from = r->at - 4, *text = r->at, *at = text;
    if (at < r->end && *at == '-')
        at++;
    if (at < r->end && *at == '>') {
        replace(r, at, at, at == text ? "--" : "-");
        r->at = at + 1;
        return;
    }
    for (at = text; !r->stopped; at++) {
        at = find(r, at, '>');
        if (at == r->end)
            break;
        size_t before = (size_t)(at - text);
        if ((before >= 2 && at[-1] == '-' && at[-2] == '-') ||
            (before >= 3 && at[-1] == '!' && at[-2] == '-' && at[-3] == '-')) {
            at++;
            break;
        }
    }
    r->at = at;
    if ((size_t)(at - from) > r->trim->value)
        take_out(r, from, at);
}

/* A text up to `end`. libxml2 reads it in pieces, but for blanks before anything else and for
 * references: what follows their "&" is a text then. */
static void read_text(reader *r, const char *end)
{
    const char *at = r->at;
    if (r->prologue) {
        at = skip_blanks(r, at);
        if ((size_t)(at - r->at) > r->trim->value)
            take_out(r, r->at, at);
        r->prologue = at == end;
    }
    if ((size_t)(end - at) <= r->trim->value)
        return;
    while (!r->stopped && (at = find(r, at, '&')) < end) {
        const char *from = at++;
        while (at < end && (is_in_name(*at) || *at & 0x80 || (*at == '#' && at == from + 1)))
            at++;
        work(r, 4 + (size_t)(at - from));
        if ((size_t)(at - from) > r->trim->value)
            take_out(r, from, from[1] == '#' ? at : from + 1);
    }
}

/* --- pages ----------------------------------------------------------------------------------- */

/* At a "<". */
static void read_markup(reader *r)
{
    if (begins(r, r->at, "<!--")) {
        r->at += 4;
        read_comment(r);
        return;
    }
    if (begins(r, r->at, "<!DOCTYPE")) {
        r->at += 9;
        read_doctype(r);
        return;
    }
    char next = r->end - r->at > 1 ? r->at[1] : ' ';
    r->at += 1 + (next == '/' || next == '?');
    r->prologue &= next == '?';
    if (is_letter(next))
        read_tag(r);
    else if (next == '/')
        read_end_tag(r);
    else if (next == '?')
        read_instruction(r);
}

static bool trim_markup(const char *page, size_t length, rill_trim *trim)
{
    reader r = {.at = page, .end = page + length, .kept = page, .trim = trim, .prologue = true};
    trim->length = 0;
    trim->page = malloc(length + length / 2 + 8); /* pages are taken as they are touched */
    r.stopped = !trim->page;
    while (r.at < r.end && !r.stopped) {
        const char *next = find(&r, r.at, '<');
        read_text(&r, next);
        r.at = next;
        if (next < r.end)
            read_markup(&r);
    }
    replace(&r, r.end, r.end, "");
    if (r.stopped) {
        free(trim->page);
        trim->page = NULL;
        return false;
    }
    trim->page[trim->length] = '\0';
    return true;
}

/* Copies the page without NULs. False: out of memory, or no more was wanted. */
static bool leave_out_nuls(const char *page, size_t *length, rill_trim *trim)
{
    char *copy = trim->copy = malloc(*length);
    size_t kept = 0;
    for (size_t i = 0; copy && i < *length; i++) {
        copy[kept] = page[i];
        kept += page[i] != '\0';
        if (i % UNITS == 0 && trim->tick && !trim->tick(trim->arg, UNITS / UNITS_PER_TICK / 2))
            return false;
    }
    *length = kept;
    return copy;
}

bool rill_trim_page(const char *page, size_t length, rill_trim *trim)
{
    trim->page = trim->copy = NULL;
    if (!length || !memchr(page, '\0', length))
        return trim_markup(page, length, trim);
    bool good = leave_out_nuls(page, &length, trim) && trim_markup(trim->copy, length, trim);
    free(trim->copy);
    trim->copy = NULL;
    return good;
}
