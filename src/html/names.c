#include "html/names.h"

#include <string.h>

typedef struct entry {
    char name[11];
    uint8_t length, value;
} entry;

#define NAME(text, value)                                                                          \
    {                                                                                              \
        text, sizeof(text) - 1, value                                                              \
    }

/* Sorted by first letter. */
static const entry tags[] = {
    NAME("a", RILL_HTML_A),
    NAME("area", RILL_HTML_AREA),
    NAME("audio", RILL_HTML_AUDIO),
    NAME("base", RILL_TAG_BASE),
    NAME("embed", RILL_HTML_EMBED),
    NAME("font", RILL_TAG_FONT),
    NAME("form", RILL_HTML_FORM),
    NAME("frame", RILL_HTML_FRAME),
    NAME("iframe", RILL_HTML_IFRAME),
    NAME("image", RILL_HTML_IMG), /* the Standard: "Don't ask." */
    NAME("img", RILL_HTML_IMG),
    NAME("link", RILL_HTML_LINK),
    NAME("math", RILL_TAG_MATH),
    NAME("meta", RILL_HTML_META),
    NAME("noembed", RILL_TAG_NOEMBED),
    NAME("noframes", RILL_TAG_NOFRAMES),
    NAME("object", RILL_HTML_OBJECT),
    NAME("plaintext", RILL_TAG_PLAINTEXT),
    NAME("script", RILL_HTML_SCRIPT),
    NAME("source", RILL_HTML_SOURCE),
    NAME("style", RILL_TAG_STYLE),
    NAME("svg", RILL_TAG_SVG),
    NAME("textarea", RILL_TAG_TEXTAREA),
    NAME("title", RILL_TAG_TITLE),
    NAME("video", RILL_HTML_VIDEO),
    NAME("xmp", RILL_TAG_XMP),
};

static const entry attributes[RILL_ATTRIBUTES] = {
    NAME("href", RILL_ATTRIBUTE_HREF),
    NAME("src", RILL_ATTRIBUTE_SRC),
    NAME("srcset", RILL_ATTRIBUTE_SRCSET),
    NAME("rel", RILL_ATTRIBUTE_REL),
    NAME("content", RILL_ATTRIBUTE_CONTENT),
    NAME("http-equiv", RILL_ATTRIBUTE_HTTP_EQUIV),
    NAME("name", RILL_ATTRIBUTE_NAME),
    NAME("data", RILL_ATTRIBUTE_DATA),
    NAME("action", RILL_ATTRIBUTE_ACTION),
    NAME("poster", RILL_ATTRIBUTE_POSTER),
    NAME("xlink:href", RILL_ATTRIBUTE_XLINK_HREF),
    NAME("encoding", RILL_ATTRIBUTE_ENCODING),
    NAME("color", RILL_ATTRIBUTE_COLOR),
    NAME("face", RILL_ATTRIBUTE_FACE),
    NAME("size", RILL_ATTRIBUTE_SIZE),
};

/* Of each letter from "a": the first tag that begins with it or a later one. */
static const uint8_t first_tags[28] = {0,  3,  4,  4,  4,  5,  8,  8,  8,  11, 11, 11, 12, 14,
                                       16, 17, 18, 18, 18, 22, 24, 24, 25, 25, 26, 26, 26, 26};

#define BIT(attribute) (1u << RILL_ATTRIBUTE_##attribute)

const uint32_t rill_names_wanted[RILL_TAGS] = {
    [RILL_HTML_A] = BIT(HREF) | BIT(REL) | BIT(XLINK_HREF),
    [RILL_HTML_AREA] = BIT(HREF) | BIT(REL),
    [RILL_HTML_IFRAME] = BIT(SRC),
    [RILL_HTML_FRAME] = BIT(SRC),
    [RILL_HTML_LINK] = BIT(HREF) | BIT(REL),
    [RILL_HTML_IMG] = BIT(SRC) | BIT(SRCSET),
    [RILL_HTML_SOURCE] = BIT(SRC) | BIT(SRCSET),
    [RILL_HTML_SCRIPT] = BIT(SRC),
    [RILL_HTML_VIDEO] = BIT(SRC) | BIT(POSTER),
    [RILL_HTML_AUDIO] = BIT(SRC),
    [RILL_HTML_EMBED] = BIT(SRC),
    [RILL_HTML_OBJECT] = BIT(DATA),
    [RILL_HTML_FORM] = BIT(ACTION) | BIT(REL),
    [RILL_HTML_META] = BIT(CONTENT) | BIT(HTTP_EQUIV) | BIT(NAME),
    [RILL_TAG_BASE] = BIT(HREF),
    [RILL_TAG_FONT] = BIT(COLOR) | BIT(FACE) | BIT(SIZE),
};

bool rill_names_equal(const char *name, const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (rill_names_lower(text[i]) != (uint8_t)name[i] || !name[i])
            return false;
    return !name[length];
}

static bool matches(const entry *known, const uint8_t *name, size_t length)
{
    return known->length == length && rill_names_equal(known->name, name, length);
}

int rill_names_tag(const uint8_t *name, size_t length)
{
    if (!length)
        return RILL_TAG_OTHER;
    unsigned letter = rill_names_lower(*name) - 'a';
    if (letter >= 26)
        return RILL_TAG_OTHER;
    for (int i = first_tags[letter]; i < first_tags[letter + 1]; i++)
        if (matches(&tags[i], name, length))
            return tags[i].value;
    return RILL_TAG_OTHER;
}

uint32_t rill_names_letters(uint64_t wanted)
{
    uint32_t letters = 0;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        if (wanted >> tags[i].value & 1)
            letters |= 1u << (tags[i].name[0] - 'a');
    return letters;
}

enum rill_attribute rill_names_attribute(const uint8_t *name, size_t length)
{
    for (int i = 0; i < RILL_ATTRIBUTES; i++)
        if (matches(&attributes[i], name, length))
            return attributes[i].value;
    return RILL_ATTRIBUTES;
}

const char *rill_names_of_tag(int tag)
{
    for (size_t i = sizeof(tags) / sizeof(tags[0]); i-- > 0;)
        if (tags[i].value == tag)
            return tags[i].name; /* backwards: "img", not "image" */
    return "";
}
