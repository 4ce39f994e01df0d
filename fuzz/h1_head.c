/* Heads of HTTP/1.1, whole and in pieces: both must come to the same fields, the same framing and
 * the same error. The first two bytes say how it is cut, and whether these are trailers. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "h1/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    rill_h1_head head;
    rill_stream stream;
    rill_error err;
    size_t taken;
    int64_t code;
} outcome;

static rill_turn turn;

/* Gives it in pieces of `step` bytes, as a session does. */
static void read_in(outcome *o, const rill_limits *limits, const uint8_t *data, size_t size,
                    size_t step, bool trailers)
{
    memset(o, 0, sizeof(*o));
    rill_error_clear(&o->err);
    rill_stream_init(&o->stream, &(rill_stream_setup){.turn = &turn, .limits = limits});
    rill_h1_head_init(&o->head, trailers);
    rill_stream_begin_head(&o->stream);
    while (o->taken < size && o->head.lines.state != LINES_DONE && o->code >= 0 &&
           o->stream.reason == RILL_OPEN) {
        size_t part = size - o->taken < step ? size - o->taken : step;
        char *exact = malloc(part); /* reading past the end is seen */
        memcpy(exact, data + o->taken, part);
        o->code = rill_h1_head_read(&o->head, exact, part, &o->stream, &o->err);
        assert(o->code <= (int64_t)part);
        o->taken += o->code > 0 ? (size_t)o->code : 0;
        assert(o->code < 0 || o->taken == o->head.lines.length);
        free(exact);
    }
    rill_bytes_dispose(&turn.slab, &o->head.lines.line);
}

static void check(const outcome *o, bool trailers)
{
    assert(o->code >= 0 || (o->code == -RILL_PROTOCOL_ERROR && o->err.message[0]));
    if (o->code < 0)
        return;
    assert(o->head.content_length >= -1);
    int status = o->head.lines.status;
    if (o->head.lines.state == LINES_DONE)
        assert(trailers ? !status : status >= 100 && status <= 999);
    const rill_bytes *block = &o->stream.head;
    for (size_t i = 0; i < block->length; i++) /* nothing in a value ends a line */
        if (block->data[i] == '\n')
            assert(i && block->data[i - 1] == '\r');
    assert(!block->length || !memchr(block->data, 0, block->length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    rill_account *account = rill_account_new(&turn, NULL);
    size_t step = 1 + data[0] % 31;
    bool trailers = data[1] & 1;
    outcome whole, cut;
    const rill_limits limits = {.account = account, .max_header_list = 4096};
    read_in(&whole, &limits, data + 2, size - 2, size, trailers);
    read_in(&cut, &limits, data + 2, size - 2, step, trailers);
    check(&whole, trailers);
    assert((whole.code < 0) == (cut.code < 0));
    assert(whole.stream.reason == cut.stream.reason);
    if (whole.code < 0) { /* in quotes stands what has come of a line that is no status line */
        size_t said = strcspn(whole.err.message, "\"");
        assert(said == strcspn(cut.err.message, "\""));
        assert(!memcmp(whole.err.message, cut.err.message, said));
    } else {
        bool open = whole.stream.reason == RILL_OPEN; /* a line too long shows as it comes */
        assert(!open ||
               (whole.taken == cut.taken && whole.head.lines.state == cut.head.lines.state));
        assert(whole.head.content_length == cut.head.content_length &&
               whole.head.chunked == cut.head.chunked && whole.head.close == cut.head.close &&
               whole.head.lines.status == cut.head.lines.status);
    }
    assert(whole.stream.head.length == cut.stream.head.length);
    if (whole.stream.head.length)
        assert(!memcmp(whole.stream.head.data, cut.stream.head.data, whole.stream.head.length));
    rill_stream_dispose(&whole.stream);
    rill_stream_dispose(&cut.stream);
    rill_account_release(account);
    assert(!rill_slab_bytes(&turn.slab));
    return 0;
}
