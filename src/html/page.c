#include "html/page.h"

#include <string.h>

#include "html/detect.h"

/* What a page keeps of its buffers for the next. */
enum { KEEP = 1 << 20 };

static bool is_in_bytes(const rill_charset *charset)
{
    return charset->code == RILL_CODE_UTF8 || charset->code == RILL_CODE_SINGLE_BYTE ||
           charset->code == RILL_CODE_USER_DEFINED;
}

static void drop_decoder(rill_page *page)
{
    if (page->charset && !page->stands)
        rill_decoder_dispose(&page->decoder);
    page->charset = NULL;
}

static void trim(rill_page *page, rill_bytes *bytes)
{
    if (bytes->room > KEEP)
        rill_bytes_dispose(&page->slab, bytes);
    bytes->length = 0;
}

void rill_page_begin(rill_page *page, const char *body, size_t length, const char *content_type,
                     size_t content_type_length)
{
    size_t bom;
    drop_decoder(page);
    trim(page, &page->window);
    trim(page, &page->value);
    page->declared = rill_detect_declared(body, length, content_type, content_type_length, &bom);
    page->body = body;
    page->at = page->checked = body + bom;
    page->end = body + length;
    page->utf8 = (rill_utf8){0};
    page->stuck = 0;
}

/* The encoding is known. */
static int32_t choose(rill_page *page, const rill_charset *charset)
{
    page->stands = is_in_bytes(charset);
    if (!page->stands && !rill_decoder_init(&page->decoder, &page->slab, charset))
        return -1;
    page->charset = charset;
    return 0;
}

int32_t rill_page_detect(rill_page *page, size_t budget)
{
    if (page->declared)
        return choose(page, page->declared);
    size_t left = (size_t)(page->end - page->checked), length = left < budget ? left : budget;
    bool good = rill_utf8_check(&page->utf8, page->checked, length);
    page->checked += length;
    if (good && length < left)
        return 1;
    const char *name = good && rill_utf8_ended(&page->utf8) ? "utf-8" : "windows-1252";
    return choose(page, rill_charset_find(name, strlen(name)));
}

/* A window of the page as it stands; twice as large where the tokenizer could not go on. */
static void open_window(rill_page *page, rill_tokenizer *tokens, size_t size)
{
    const uint8_t *end = (const uint8_t *)page->end;
    if (!tokens->end)
        tokens->at = tokens->end = (const uint8_t *)page->at;
    const char *at = (const char *)tokens->at;
    page->stuck = at == page->at && tokens->end > tokens->at ? page->stuck + 1 : 0;
    page->at = at;
    size <<= page->stuck;
    tokens->last = (size_t)(end - tokens->at) <= size;
    tokens->end = tokens->last ? end : tokens->at + size;
}

static bool decode_piece(rill_page *page, size_t size)
{
    size_t left = (size_t)(page->end - page->at), length = left < size ? left : size;
    const char *piece = page->at;
    page->at += length;
    return rill_decoder_write(&page->decoder, piece, length, length == left, &page->window);
}

bool rill_page_window(rill_page *page, rill_tokenizer *tokens, size_t size)
{
    if (page->stands) {
        open_window(page, tokens, size);
        return true;
    }
    if (page->window.length)
        rill_bytes_consume(&page->window, page->window.length - (size_t)(tokens->end - tokens->at));
    if (!decode_piece(page, size < RILL_PAGE_PIECE ? size : RILL_PAGE_PIECE))
        return false;
    tokens->at = (const uint8_t *)page->window.data;
    tokens->end = tokens->at + page->window.length;
    tokens->last = page->at == page->end;
    return true;
}

bool rill_page_moves(const rill_page *page)
{
    return !page->stands;
}

bool rill_page_decode(rill_page *page, rill_slice *text)
{
    const uint8_t *end = text->at + text->length;
    if (!page->stands || rill_utf8_ascii(text->at, end) == end)
        return true;
    if (page->charset->code == RILL_CODE_UTF8 && rill_utf8_run(text->at, end) == text->length)
        return true;
    rill_decoder decoder; /* these are without a state */
    page->value.length = 0;
    bool good =
        rill_decoder_init(&decoder, &page->slab, page->charset) &&
        rill_decoder_write(&decoder, (const char *)text->at, text->length, true, &page->value);
    rill_decoder_dispose(&decoder);
    *text = (rill_slice){(const uint8_t *)page->value.data, good ? page->value.length : 0};
    return good;
}

bool rill_page_holds(const rill_page *page, const void *at)
{
    return (const char *)at >= page->body && (const char *)at < page->end;
}

void rill_page_dispose(rill_page *page)
{
    drop_decoder(page);
    rill_bytes_dispose(&page->slab, &page->window);
    rill_bytes_dispose(&page->slab, &page->value);
    rill_slab_dispose(&page->slab);
}
