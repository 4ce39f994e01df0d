/* Feeds any bytes to the detection of encodings, to every decoder in one piece and in several, and
 * what comes out back to the encoder. The first byte chooses the encoding, the second the pieces.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "html/charset.h"
#include "html/detect.h"
#include "html/decoder.h"
#include "html/encoder.h"
#include "html/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const labels[] = {"utf-8",          "utf-16le",    "utf-16be",  "windows-1252",
                                     "x-user-defined", "replacement", "gbk",       "gb18030",
                                     "iso-2022-jp",    "euc-jp",      "shift_jis", "euc-kr",
                                     "big5",           "koi8-r"};
enum { LABELS = sizeof(labels) / sizeof(labels[0]) };

/* Decodes in pieces of `piece` bytes, each a copy of its own: reading beyond it is seen. */
static rill_bytes decode(rill_slab *slab, const rill_charset *charset, const char *at, size_t left,
                         size_t piece)
{
    rill_decoder decoder;
    rill_bytes out = {0};
    assert(rill_decoder_init(&decoder, slab, charset));
    do {
        size_t count = left < piece ? left : piece;
        char *copy = malloc(count + !count);
        memcpy(copy, at, count);
        at += count;
        left -= count;
        assert(rill_decoder_write(&decoder, copy, count, !left, &out));
        free(copy);
    } while (left);
    rill_decoder_dispose(&decoder);
    return out;
}

static bool is_utf8(const char *text, size_t length, size_t piece)
{
    rill_utf8 check = {0};
    for (; length; text += piece, length -= piece) {
        if (piece > length)
            piece = length;
        if (!rill_utf8_check(&check, text, piece))
            return false;
    }
    return rill_utf8_ended(&check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    rill_slab slab = {0};
    const rill_charset *charset =
        rill_charset_find(labels[data[0] % LABELS], strlen(labels[data[0] % LABELS]));
    size_t piece = data[1] % 16 + 1, length = size - 2, bom;
    char *text = malloc(length + !length);
    memcpy(text, data + 2, length);

    const rill_charset *found = rill_detect_charset(text, length, text, length, &bom);
    assert(found && bom <= 3 && rill_charset_find(found->name, strlen(found->name)) == found);
    rill_detect_charset(text, length, NULL, 0, &bom);

    rill_bytes whole = decode(&slab, charset, text, length, length + !length);
    rill_bytes split = decode(&slab, charset, text, length, piece);
    assert(whole.length == split.length);
    assert(!whole.length || !memcmp(whole.data, split.data, whole.length));
    assert(is_utf8(whole.data, whole.length, whole.length) && whole.length <= 3 * length + 16);
    assert(is_utf8(text, length, length) == is_utf8(text, length, piece));

    rill_bytes query = {0};
    assert(rill_charset_encode(&slab, charset, text, length, &query));
    rill_bytes_dispose(&slab, &query);
    rill_bytes_dispose(&slab, &whole);
    rill_bytes_dispose(&slab, &split);
    rill_slab_dispose(&slab);
    free(text);
    return 0;
}
