#include "html/foreign.h"

#include <stdlib.h>
#include <string.h>

/* Of an open element. HTML again: for all tags in it, or for most (text of formulas), or for <svg>.
 */
enum kind { KIND_PLAIN, KIND_HTML, KIND_TEXT, KIND_ANNOTATION, KIND_ONLY = 3, KIND_MATH = 4 };

/* Start tags that leave svg and math (13.2.6.5); sorted. <font> only with an attribute. */
static const char *const leaving[] = {
    "b",      "big",    "blockquote", "body",  "br",    "center", "code", "dd",      "div",
    "dl",     "dt",     "em",         "embed", "font",  "h1",     "h2",   "h3",      "h4",
    "h5",     "h6",     "head",       "hr",    "i",     "img",    "li",   "listing", "menu",
    "meta",   "nobr",   "ol",         "p",     "pre",   "ruby",   "s",    "small",   "span",
    "strike", "strong", "sub",        "sup",   "table", "tt",     "u",    "ul",      "var"};

/* Elements that HTML and svg both have: in HTML, an end tag of such a name is HTML's. */
static const char *const shared[] = {"a",      "audio", "canvas", "iframe",
                                     "script", "style", "title",  "video"};

static int compare(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

#define AMONG(names, name)                                                                         \
    (bsearch(name, names, sizeof(names) / sizeof(names[0]), sizeof(names[0]), compare) != NULL)

static uint32_t hash(const char *name)
{
    uint32_t value = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        value = (value ^ (uint8_t)*name) * 16777619u;
    return value;
}

static uint8_t top(const rill_foreign *f)
{
    return f->depth ? f->kinds[f->depth - 1] & KIND_ONLY : KIND_HTML;
}

static uint8_t kind_of(const rill_foreign *f, const rill_foreign_tag *tag)
{
    const char *name = tag->name;
    if (!strcmp(name, "svg"))
        return KIND_PLAIN;
    if (!strcmp(name, "math"))
        return KIND_MATH;
    if (!(f->kinds[f->depth - 1] & KIND_MATH)) {
        bool html =
            !strcmp(name, "foreignobject") || !strcmp(name, "desc") || !strcmp(name, "title");
        return html ? KIND_HTML : KIND_PLAIN;
    }
    if (!strcmp(name, "annotation-xml"))
        return (tag->html ? KIND_HTML : KIND_ANNOTATION) | KIND_MATH;
    bool text = name[0] == 'm' && (!strcmp(name, "mtext") || !strcmp(name, "ms") ||
                                   (name[1] && strchr("ino", name[1]) && !name[2]));
    return (text ? KIND_TEXT : KIND_PLAIN) | KIND_MATH;
}

static void push(rill_foreign *f, const char *name, uint8_t kind)
{
    if (f->depth == RILL_FOREIGN_DEPTH)
        return;
    f->names[f->depth] = hash(name);
    f->kinds[f->depth++] = kind;
}

static void leave(rill_foreign *f)
{
    while (f->depth && top(f) != KIND_HTML && top(f) != KIND_TEXT)
        f->depth--;
}

static void close(rill_foreign *f, const char *name, bool only_top)
{
    uint32_t wanted = hash(name);
    for (uint32_t i = f->depth; i-- > 0;) {
        if (f->names[i] == wanted) {
            f->depth = i;
            return;
        }
        if (only_top)
            return;
    }
}

bool rill_foreign_inside(const rill_foreign *f)
{
    return f->depth > 0 && top(f) != KIND_HTML && top(f) != KIND_TEXT;
}

void rill_foreign_enter(rill_foreign *f, const char *name)
{
    push(f, name, strcmp(name, "math") ? KIND_PLAIN : KIND_MATH);
}

/* A start tag where all or most of them are HTML's. */
static bool starts_html(const rill_foreign *f, const char *name)
{
    switch (top(f)) {
    case KIND_HTML:
        return true;
    case KIND_TEXT:
        return strcmp(name, "mglyph") && strcmp(name, "malignmark");
    case KIND_ANNOTATION:
        return !strcmp(name, "svg");
    }
    return false;
}

static bool end_tag(rill_foreign *f, const char *name)
{
    bool inside = rill_foreign_inside(f);
    if (inside && (!strcmp(name, "p") || !strcmp(name, "br"))) {
        leave(f);
        return true;
    }
    close(f, name, !inside && AMONG(shared, name));
    return !inside;
}

bool rill_foreign_tag_is_html(rill_foreign *f, const rill_foreign_tag *tag)
{
    if (tag->closing)
        return end_tag(f, tag->name);
    if (starts_html(f, tag->name))
        return true;
    if (AMONG(leaving, tag->name) && (tag->styled || strcmp(tag->name, "font"))) {
        leave(f);
        return true;
    }
    if (!tag->self_closing)
        push(f, tag->name, kind_of(f, tag));
    return false;
}
