#include "h1/chunks.h"

#include "base/error.h"

enum { SIZE_DIGITS = 16 };

enum byte_kind { HEX, SEMICOLON, BLANK, CR, LF, TEXT, CONTROL, BYTE_KINDS };

/* What is broken where a byte leads nowhere, and where it leads. */
static const struct {
    const char *rule;
    uint8_t next[BYTE_KINDS];
} states[H1_CHUNK_STATES] = {
    [H1_CHUNK_START] = {"a chunk's size is no number", {[HEX] = H1_CHUNK_SIZE}},
    [H1_CHUNK_SIZE] = {"a chunk's size is no number",
                       {[HEX] = H1_CHUNK_SIZE,
                        [BLANK] = H1_CHUNK_BEHIND,
                        [SEMICOLON] = H1_CHUNK_EXTENSION,
                        [CR] = H1_CHUNK_LF}},
    [H1_CHUNK_BEHIND] =
        {"a chunk's size is no number",
         {[BLANK] = H1_CHUNK_BEHIND, [SEMICOLON] = H1_CHUNK_EXTENSION, [CR] = H1_CHUNK_LF}},
    [H1_CHUNK_EXTENSION] = {"a control byte in a chunk's line",
                            {[HEX] = H1_CHUNK_EXTENSION,
                             [SEMICOLON] = H1_CHUNK_EXTENSION,
                             [BLANK] = H1_CHUNK_EXTENSION,
                             [TEXT] = H1_CHUNK_EXTENSION,
                             [CR] = H1_CHUNK_LF}},
    [H1_CHUNK_LF] = {"a chunk's line does not end with CR LF", {[LF] = H1_CHUNK_DATA}},
    [H1_CHUNK_DATA_CR] = {"a chunk is longer than its size", {[CR] = H1_CHUNK_DATA_LF}},
    [H1_CHUNK_DATA_LF] = {"a chunk is longer than its size", {[LF] = H1_CHUNK_START}},
};

/* `*digit`: its value, where it is a hex digit. */
static enum byte_kind kind_of(char c, unsigned *digit)
{
    unsigned letter = (unsigned)(c | 0x20) - 'a', number = (unsigned)c - '0';
    *digit = number <= 9 ? number : letter + 10;
    if (number <= 9 || letter <= 5)
        return HEX;
    if (c == ' ' || c == '\t')
        return BLANK;
    if (c == '\r' || c == '\n')
        return c == '\r' ? CR : LF;
    if ((unsigned char)c < ' ' || c == 0x7f)
        return CONTROL;
    return c == ';' ? SEMICOLON : TEXT;
}

/* NULL, or the rule that is broken. */
static const char *step(rill_h1_chunks *chunks, char c)
{
    unsigned digit;
    enum h1_chunk_state from = chunks->state, to = states[from].next[kind_of(c, &digit)];
    if (to == H1_CHUNK_START)
        chunks->size = chunks->digits = 0;
    if (to == H1_CHUNK_SIZE)
        chunks->size = chunks->size << 4 | digit;
    if (to == H1_CHUNK_SIZE && (++chunks->digits > SIZE_DIGITS || chunks->size > INT64_MAX))
        return "a chunk's size is too large";
    chunks->extensions += to == H1_CHUNK_BEHIND || to == H1_CHUNK_EXTENSION;
    if (chunks->extensions > H1_EXTENSIONS + chunks->data / 1024 * H1_EXTENSIONS_PER_KIB)
        return "more chunk extensions than data";
    if (to == H1_CHUNK_DATA)
        chunks->data += chunks->size;
    chunks->state = to == H1_CHUNK_DATA && !chunks->size ? H1_CHUNK_LAST : to;
    return to ? NULL : states[from].rule;
}

int64_t rill_h1_chunks_read(rill_h1_chunks *chunks, const char *data, size_t length,
                            rill_error *err)
{
    size_t taken = 0;
    if (chunks->state == H1_CHUNK_DATA)
        chunks->state = H1_CHUNK_DATA_CR;
    while (taken < length && chunks->state != H1_CHUNK_DATA && chunks->state != H1_CHUNK_LAST) {
        const char *rule = step(chunks, data[taken++]);
        if (rule)
            return rill_error_set(err, RILL_PROTOCOL_ERROR,
                                  "the peer broke HTTP/1.1: %s (RFC 9112 section 7.1)", rule);
    }
    return (int64_t)taken;
}
