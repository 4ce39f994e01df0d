/* A page as the tokenizer reads it: bytes in some encoding, given out in windows.
 *
 * Markup is ASCII. So a page in UTF-8 or an encoding of single bytes is read where it stands,
 * without a copy, and only the values that matter are decoded. Others are decoded in pieces, to a
 * buffer that holds one window. */
#ifndef RILL_PAGE_H
#define RILL_PAGE_H

#include "html/charset.h"
#include "html/decoder.h"
#include "html/tokenizer.h"
#include "html/utf8.h"

/* So many bytes are decoded at once. */
enum { RILL_PAGE_PIECE = 64 << 10 };

/* Zeroed: before the first page. */
typedef struct rill_page {
    const char *at, *end;       /* the caller's: what is neither decoded nor given out */
    const char *body, *checked; /* where it begins; how far it was found to be UTF-8 */
    const rill_charset *declared, *charset; /* NULL: not known, or not yet */
    rill_utf8 utf8;
    bool stands; /* it is read where it stands; else the decoder is in use */
    int stuck;   /* windows in which the tokenizer could not go on */
    rill_slab slab;
    rill_decoder decoder;
    rill_bytes window, value; /* decoded */
} rill_page;

void rill_page_begin(rill_page *page, const char *body, size_t length, const char *content_type,
                     size_t content_type_length);

/* Reads on until it is known what encoding the page is in. Returns 1 while that needs more steps,
 * 0 when it is known, -1: out of memory. */
int32_t rill_page_detect(rill_page *page, size_t budget);

/* Gives the tokenizer a window: what it has left of the last one, and up to `size` more bytes of
 * the page. False: out of memory. Values of a tag that is not complete are lost if they were in
 * the last window, and rill_page_moves() says so. */
bool rill_page_window(rill_page *page, rill_tokenizer *tokens, size_t size);
bool rill_page_moves(const rill_page *page);

/* A text of a window in UTF-8: itself if it is that, else in `value`. False: out of memory. */
bool rill_page_decode(rill_page *page, rill_slice *text);

/* Whether `at` is in the page itself, and so stays where it is. */
bool rill_page_holds(const rill_page *page, const void *at);

void rill_page_dispose(rill_page *page);

#endif
