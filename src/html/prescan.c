#include "html/prescan.h"

#include <string.h>
#include <strings.h>

typedef struct scan {
    const char *at, *end;
} scan;

typedef struct text {
    const char *at;
    size_t length;
} text;

/* What the attributes of a meta element have said so far. */
typedef struct meta {
    bool seen_equiv, seen_content, seen_charset; /* of equal names the first counts */
    bool pragma;                                 /* http-equiv is content-type */
    bool by_content;                             /* `charset` is content's: it needs the pragma */
    const rill_charset *charset;
} meta;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is(text word, const char *name)
{
    return word.length == strlen(name) && !strncasecmp(word.at, name, word.length);
}

static bool begins(const scan *s, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(s->end - s->at) >= length && !strncasecmp(s->at, word, length);
}

static void skip_blanks(scan *s)
{
    while (s->at < s->end && is_blank(*s->at))
        s->at++;
}

/* Goes to the next `c`. False: there is none. */
static bool skip_to(scan *s, char c)
{
    const char *found = memchr(s->at, c, (size_t)(s->end - s->at));
    s->at = found ? found : s->end;
    return found;
}

/* --- attributes ------------------------------------------------------------------------------ */

/* Reads what follows "=". False: the bytes end. */
static bool read_value(scan *s, text *value)
{
    skip_blanks(s);
    if (s->at == s->end)
        return false;
    value->at = s->at;
    if (*s->at == '"' || *s->at == '\'') {
        char quote = *s->at++;
        value->at = s->at;
        if (!skip_to(s, quote))
            return false;
        value->length = (size_t)(s->at++ - value->at);
        return true;
    }
    while (s->at < s->end && !is_blank(*s->at) && *s->at != '>')
        s->at++;
    value->length = (size_t)(s->at - value->at);
    return s->at < s->end;
}

/* "Get an attribute". False: there is none, at ">", or the bytes end (then s->at is s->end). */
static bool read_attribute(scan *s, text *name, text *value)
{
    while (s->at < s->end && (is_blank(*s->at) || *s->at == '/'))
        s->at++;
    if (s->at == s->end || *s->at == '>')
        return false;
    *name = (text){s->at, 0};
    *value = (text){s->at, 0};
    while (s->at < s->end && !is_blank(*s->at) && *s->at != '/' && *s->at != '>' &&
           (*s->at != '=' || s->at == name->at))
        s->at++;
    name->length = (size_t)(s->at - name->at);
    if (s->at < s->end && is_blank(*s->at))
        skip_blanks(s);
    if (s->at == s->end)
        return false;
    if (*s->at != '=')
        return true;
    s->at++;
    return read_value(s, value);
}

/* --- meta ------------------------------------------------------------------------------------ */

/* "Extracting a character encoding from a meta element": the charset in a content attribute. */
static const rill_charset *of_content(text content)
{
    scan s = {content.at, content.at + content.length};
    for (; s.at < s.end; s.at++) {
        if (!begins(&s, "charset"))
            continue;
        scan after = {s.at + 7, s.end};
        skip_blanks(&after);
        if (after.at == after.end || *after.at != '=')
            continue;
        after.at++;
        skip_blanks(&after);
        const char *start = after.at;
        if (start < after.end && (*start == '"' || *start == '\'')) {
            after.at++;
            return skip_to(&after, *start)
                       ? rill_charset_find(start + 1, (size_t)(after.at - start - 1))
                       : NULL;
        }
        while (after.at < after.end && !is_blank(*after.at) && *after.at != ';')
            after.at++;
        return rill_charset_find(start, (size_t)(after.at - start));
    }
    return NULL;
}

static void take_attribute(meta *m, text name, text value)
{
    if (is(name, "http-equiv") && !m->seen_equiv) {
        m->seen_equiv = true;
        m->pragma = is(value, "content-type");
    } else if (is(name, "content") && !m->seen_content) {
        m->seen_content = true;
        const rill_charset *found = m->seen_charset ? NULL : of_content(value);
        if (found) {
            m->charset = found;
            m->by_content = true;
        }
    } else if (is(name, "charset") && !m->seen_charset) {
        m->seen_charset = true;
        m->charset = rill_charset_find(value.at, value.length);
        m->by_content = false;
    }
}

static bool is_utf16(const rill_charset *charset)
{
    return charset->code == RILL_CODE_UTF16BE || charset->code == RILL_CODE_UTF16LE;
}

static const rill_charset *readable(const rill_charset *charset)
{
    return charset && is_utf16(charset) ? rill_charset_find("utf-8", 5) : charset;
}

/* Reads a meta element from behind its name. NULL: it declares nothing, or the bytes end. */
static const rill_charset *read_meta(scan *s)
{
    meta m = {0};
    text name, value;
    while (read_attribute(s, &name, &value))
        take_attribute(&m, name, value);
    if (s->at == s->end || !m.charset || (m.by_content && !m.pragma))
        return NULL;
    if (m.charset->code == RILL_CODE_USER_DEFINED)
        return rill_charset_find("windows-1252", 12);
    return readable(m.charset);
}

/* --- the page -------------------------------------------------------------------------------- */

/* "<!--": to a ">" behind two dashes, which may be those of the opening. */
static void skip_comment(scan *s)
{
    s->at += 2;
    while (s->at < s->end && !begins(s, "-->"))
        s->at++;
    if (s->at < s->end)
        s->at += 2;
}

/* A tag that is no meta, and its attributes: a ">" in a quoted value does not end it. */
static void skip_tag(scan *s)
{
    text name, value;
    while (s->at < s->end && !is_blank(*s->at) && *s->at != '>')
        s->at++;
    while (read_attribute(s, &name, &value))
        ;
}

/* Reads what begins with "<"; s->at is its last byte then. */
static const rill_charset *read_markup(scan *s)
{
    static const char meta_name[] = "<meta";
    size_t left = (size_t)(s->end - s->at);
    if (begins(s, "<!--")) {
        skip_comment(s);
    } else if (begins(s, meta_name) && left >= sizeof(meta_name) &&
               (is_blank(s->at[5]) || s->at[5] == '/')) {
        s->at += 5;
        return read_meta(s);
    } else if ((left > 1 && is_letter(s->at[1])) ||
               (left > 2 && s->at[1] == '/' && is_letter(s->at[2]))) {
        skip_tag(s);
    } else if (left > 1 && (s->at[1] == '!' || s->at[1] == '/' || s->at[1] == '?')) {
        skip_to(s, '>');
    }
    return NULL;
}

/* "Get an XML encoding": <?xml ... encoding="...">, at the very start. */
static const rill_charset *of_xml(const char *page, size_t length)
{
    scan s = {page, page + length};
    if (length < 5 || memcmp(page, "<?xml", 5) != 0 || !skip_to(&s, '>'))
        return NULL;
    s = (scan){page, s.at};
    const char *found = memmem(s.at, (size_t)(s.end - s.at), "encoding", 8);
    if (!found)
        return NULL;
    for (s.at = found + 8; s.at < s.end && (uint8_t)*s.at <= ' '; s.at++)
        ;
    if (s.at == s.end || *s.at++ != '=')
        return NULL;
    while (s.at < s.end && (uint8_t)*s.at <= ' ')
        s.at++;
    if (s.at == s.end || (*s.at != '"' && *s.at != '\''))
        return NULL;
    const char *start = s.at++;
    if (!skip_to(&s, *start))
        return NULL;
    for (const char *at = start + 1; at < s.at; at++)
        if ((uint8_t)*at <= ' ')
            return NULL;
    return readable(rill_charset_find(start + 1, (size_t)(s.at - start - 1)));
}

const rill_charset *rill_prescan(const char *page, size_t length)
{
    if (length >= 6 && !memcmp(page, "<\0?\0x", 6))
        return rill_charset_find("utf-16le", 8);
    if (length >= 6 && !memcmp(page, "\0<\0?\0x", 6))
        return rill_charset_find("utf-16be", 8);
    if (length > RILL_PRESCAN_MAX)
        length = RILL_PRESCAN_MAX;
    scan s = {page, page + length};
    for (; skip_to(&s, '<'); s.at += s.at < s.end) {
        const rill_charset *found = read_markup(&s);
        if (found)
            return found;
    }
    return of_xml(page, length);
}
