/* The HTML Standard's tokenizer (section 13.2.5), with what links need: tags that matter with their
 * attributes that matter, and the text of titles. It builds no tree; elements that switch it to raw
 * text do so by their start tags, and svg and math are followed as far as that depends on them.
 *
 * A page is given in windows: pieces that follow each other, of any length. What cannot be decided
 * before more of the page is there stays unread, and is given again. No more than
 * RILL_TOKENIZER_HELD bytes of a window are left so. */
#ifndef RILL_TOKENIZER_H
#define RILL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "html/foreign.h"
#include "html/names.h"

/* A longer value is no URL, in whatever way it is written: it is not kept. */
enum { RILL_TOKENIZER_VALUE = 128 << 10 };
enum { RILL_TOKENIZER_HELD = RILL_TOKENIZER_VALUE + 64 };

enum rill_token {
    RILL_TOKEN_TAG,   /* a start tag: `tag` and its values */
    RILL_TOKEN_TITLE, /* a piece of a title's text: `text` */
    RILL_TOKEN_END    /* of the window */
};

typedef struct rill_slice {
    const uint8_t *at;
    size_t length;
} rill_slice;

typedef struct rill_tokenizer {
    uint64_t wanted;  /* tags, a bit each */
    uint32_t letters; /* with which tags begin that are, or switch to raw text, svg or math */
    const uint8_t *at, *end; /* the window that is left: the caller's */
    bool last;               /* no other window follows */

    uint8_t tag;      /* of enum rill_html_tag, RILL_TAG_... */
    bool foreign;     /* in svg or math: only <a> is reported */
    uint32_t present; /* attributes, a bit each */
    uint32_t huge;    /* those whose value is longer than RILL_TOKENIZER_VALUE: it is empty here */
    rill_slice values[RILL_ATTRIBUTES]; /* as they stand in the window */
    rill_slice text;

    uint8_t state;
    uint8_t raw;           /* the tag whose end tag ends raw text */
    uint8_t dashes;        /* before `at`, in a script's comment; at most 2 */
    bool fresh;            /* nothing of the comment has been read */
    uint8_t quote;         /* around the value; 0: none */
    uint8_t attribute;     /* of enum rill_attribute; RILL_ATTRIBUTES: does not matter */
    uint32_t mask;         /* attributes that matter on this tag */
    rill_foreign_tag name; /* while in svg or math, or about to be */
    rill_foreign open;
} rill_tokenizer;

/* Before the first window. `wanted`: which tags are reported, a bit each. */
void rill_tokenizer_init(rill_tokenizer *t, uint64_t wanted);

/* The next token. After RILL_TOKEN_END the caller gives another window, which begins with what is
 * left from `at` on, unless this was the last. Values are valid while the window is, and until the
 * next call. */
enum rill_token rill_tokenizer_next(rill_tokenizer *t);

/* Whether a tag goes on behind this window: its values so far are still wanted. */
bool rill_tokenizer_in_tag(const rill_tokenizer *t);

#endif
