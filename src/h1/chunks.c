#include "h1/chunks.h"

#include "base/error.h"

enum { SIZE_DIGITS = 16 };

static int32_t broken(rill_error *err, const char *rule)
{
    return rill_error_set(err, RILL_PROTOCOL_ERROR,
                          "the peer broke HTTP/1.1: %s (RFC 9112 section 7.1)", rule);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int32_t read_digit(rill_h1_chunks *chunks, char c, rill_error *err)
{
    int digit = hex(c);
    if (digit >= 0) {
        chunks->left = chunks->left << 4 | (uint64_t)digit;
        if (++chunks->digits > SIZE_DIGITS || chunks->left > INT64_MAX)
            return broken(err, "a chunk's size is too large");
        return 0;
    }
    if (!chunks->digits)
        return broken(err, "a chunk's size is no number");
    chunks->state = H1_CHUNK_BEHIND;
    return 1; /* not taken */
}

/* Behind the size, up to CR. */
static int32_t read_extension(rill_h1_chunks *chunks, char c, rill_error *err)
{
    if (c == '\r') {
        chunks->state = H1_CHUNK_LF;
        return 0;
    }
    bool blank = c == ' ' || c == '\t';
    if (((unsigned char)c < ' ' && !blank) || c == 0x7f)
        return broken(err, "a control byte in a chunk's line");
    if (chunks->state == H1_CHUNK_BEHIND && !blank) {
        if (c != ';')
            return broken(err, "a chunk's size is no number");
        chunks->state = H1_CHUNK_EXTENSION;
    }
    if (++chunks->extensions > H1_EXTENSIONS + chunks->data / 1024 * H1_EXTENSIONS_PER_KIB)
        return broken(err, "more chunk extensions than data");
    return 0;
}

/* One byte that is not data. 0; 1: it was looked at, not taken; negative: broken. */
static int32_t read_byte(rill_h1_chunks *chunks, char c, rill_error *err)
{
    switch (chunks->state) {
    case H1_CHUNK_SIZE:
        return read_digit(chunks, c, err);
    case H1_CHUNK_BEHIND:
    case H1_CHUNK_EXTENSION:
        return read_extension(chunks, c, err);
    case H1_CHUNK_LF:
        chunks->state = chunks->left ? H1_CHUNK_DATA : H1_CHUNK_LAST;
        return c == '\n' ? 0 : broken(err, "a chunk's line does not end with CR LF");
    case H1_CHUNK_DATA_CR:
        chunks->state = H1_CHUNK_DATA_LF;
        return c == '\r' ? 0 : broken(err, "a chunk is longer than its size");
    case H1_CHUNK_DATA_LF:
        chunks->state = H1_CHUNK_SIZE;
        chunks->digits = 0;
        return c == '\n' ? 0 : broken(err, "a chunk is longer than its size");
    case H1_CHUNK_DATA:
    case H1_CHUNK_LAST:
        break;
    }
    return 1;
}

int64_t rill_h1_chunks_read(rill_h1_chunks *chunks, const char *in, size_t length,
                            const char **data, size_t *data_length, rill_error *err)
{
    size_t taken = 0;
    *data = NULL;
    *data_length = 0;
    while (taken < length && chunks->state != H1_CHUNK_DATA && chunks->state != H1_CHUNK_LAST) {
        int32_t code = read_byte(chunks, in[taken], err);
        if (code < 0)
            return code;
        taken += !code;
    }
    if (chunks->state != H1_CHUNK_DATA || taken == length)
        return (int64_t)taken;
    *data = in + taken;
    *data_length = length - taken < chunks->left ? length - taken : (size_t)chunks->left;
    chunks->left -= *data_length;
    chunks->data += *data_length;
    if (!chunks->left)
        chunks->state = H1_CHUNK_DATA_CR;
    return (int64_t)(taken + *data_length);
}
