/* The text of a body, in slices. The interface is in rill.h. */
#include <stdlib.h>

#include "rill.h"

#include "html/charset.h"
#include "html/detect.h"
#include "html/decoder.h"
#include "html/utf8.h"

struct rill_text {
    const char *at, *end; /* borrowed: what was not read yet */
    const rill_charset *charset;
    rill_slab slab;
    rill_bytes out; /* the last slice */
    rill_decoder decoder;
};

rill_text *rill_text_new(const char *body, uint64_t length, const char *content_type,
                         uint32_t content_type_length)
{
    rill_text *text = body || !length ? calloc(1, sizeof(*text)) : NULL;
    size_t bom;
    if (!text)
        return NULL;
    body = body ? body : "";
    content_type_length = content_type ? content_type_length : 0;
    text->charset = rill_detect_charset(body, length, content_type, content_type_length, &bom);
    text->at = body + bom;
    text->end = body + length;
    if (rill_decoder_init(&text->decoder, &text->slab, text->charset))
        return text;
    rill_text_free(text);
    return NULL;
}

void rill_text_free(rill_text *text)
{
    if (!text)
        return;
    rill_decoder_dispose(&text->decoder);
    rill_bytes_dispose(&text->slab, &text->out);
    rill_slab_dispose(&text->slab);
    free(text);
}

const char *rill_text_charset(const rill_text *text)
{
    return text ? text->charset->name : "";
}

/* Whether a slice can be handed out as it stands: UTF-8, and nothing is held back before it. */
static bool is_plain(const rill_text *text, const uint8_t *at, size_t length)
{
    return text->charset->code == RILL_CODE_UTF8 && !text->decoder.held_count &&
           rill_utf8_run(at, at + length) == length;
}

int32_t rill_text_read(rill_text *text, uint32_t slice, const char **data, uint64_t *length)
{
    if (!text || !data || !length)
        return -1;
    size_t left = (size_t)(text->end - text->at);
    size_t count = left < slice ? left : slice;
    if (!left || !slice)
        return 0;
    const char *at = text->at;
    text->at += count;
    if (is_plain(text, (const uint8_t *)at, count)) {
        *data = at;
        *length = count;
        return 1;
    }
    text->out.length = 0;
    if (!rill_decoder_write(&text->decoder, at, count, count == left, &text->out))
        return -1;
    *data = text->out.data;
    *length = text->out.length;
    return 1;
}
