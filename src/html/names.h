/* Names of tags and attributes that mean something to a crawler. */
#ifndef RILL_NAMES_HTML_H
#define RILL_NAMES_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rill.h"

/* Tags beyond those of enum rill_html_tag, whose links a script can have. */
enum {
    RILL_TAG_BASE = RILL_HTML_TAGS,
    RILL_TAG_TITLE,
    RILL_TAG_TEXTAREA,
    RILL_TAG_STYLE,
    RILL_TAG_XMP,
    RILL_TAG_NOEMBED,
    RILL_TAG_NOFRAMES,
    RILL_TAG_PLAINTEXT,
    RILL_TAG_SVG,
    RILL_TAG_MATH,
    RILL_TAG_FONT, /* leaves svg and math, if it has one of three attributes */
    RILL_TAG_OTHER,
    RILL_TAGS
};

enum rill_attribute {
    RILL_ATTRIBUTE_HREF,
    RILL_ATTRIBUTE_SRC,
    RILL_ATTRIBUTE_SRCSET,
    RILL_ATTRIBUTE_REL,
    RILL_ATTRIBUTE_CONTENT,
    RILL_ATTRIBUTE_HTTP_EQUIV,
    RILL_ATTRIBUTE_NAME,
    RILL_ATTRIBUTE_DATA,
    RILL_ATTRIBUTE_ACTION,
    RILL_ATTRIBUTE_POSTER,
    RILL_ATTRIBUTE_XLINK_HREF,
    RILL_ATTRIBUTE_ENCODING,
    RILL_ATTRIBUTE_COLOR,
    RILL_ATTRIBUTE_FACE,
    RILL_ATTRIBUTE_SIZE,
    RILL_ATTRIBUTES /* none of them */
};

enum { RILL_ATTRIBUTE_LONGEST = 10 };

/* Names in any case. RILL_TAG_OTHER, RILL_ATTRIBUTES: not one of these. */
int rill_names_tag(const uint8_t *name, size_t length);
enum rill_attribute rill_names_attribute(const uint8_t *name, size_t length);

/* The letters that tags begin with, a bit each from "a"; `wanted` has a bit for each tag. */
uint32_t rill_names_letters(uint64_t wanted);

/* Which attributes matter on a tag, a bit each. */
extern const uint32_t rill_names_wanted[RILL_TAGS];

/* The name in a script's words: "a". Static; for tags of enum rill_html_tag. */
const char *rill_names_of_tag(int tag);

/* Whether `name`, in lower case, equals `text`, in any case. */
bool rill_names_equal(const char *name, const uint8_t *text, size_t length);

static inline uint8_t rill_names_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static inline bool rill_names_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v');
}

#endif
