/* A server that speaks in frames: the input is a list of steps, each a frame with a type, flags,
 * stream and payload, or something that the client's owner does. So mutations meet what lies behind
 * the framing: HPACK that decodes, streams that are open, windows that move. */
#include <string.h>

#include "support/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FRAME_MOST = 40000, /* bytes of one frame: more than may be sent */
    STEPS_MOST = 200,
    FLAG_PADDED = 8,
    FLAG_PRIORITY = 0x20
};

enum frame_type {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION
};

typedef struct input {
    const uint8_t *at, *end;
} input;

typedef struct frame {
    uint8_t bytes[9 + FRAME_MOST];
    size_t length; /* of the payload */
} frame;

static uint32_t take(input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static void put(frame *out, const void *bytes, size_t length)
{
    if (length > FRAME_MOST - out->length)
        length = FRAME_MOST - out->length;
    memcpy(out->bytes + 9 + out->length, bytes, length);
    out->length += length;
}

static void put_number(frame *out, uint32_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        uint8_t byte = (uint8_t)(number >> 8 * i);
        put(out, &byte, 1);
    }
}

/* Numbers at which something changes. */
static uint32_t number(input *in)
{
    static const uint32_t numbers[] = {
        0,     1,     2,       3,       100,        255,        16383,      16384,     16385,
        65535, 65536, 1 << 20, 1 << 24, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff};
    uint32_t pick = take(in);
    return pick < sizeof(numbers) / sizeof(*numbers) ? numbers[pick] : pick;
}

/* Pieces of header blocks (RFC 7541): with the static table only, so that any order decodes. */
/* A piece may be two strings, lest a digit belongs to the escape before it. */
/* clang-format off */
#define NEW(name_length, name, value_length, value) "\x00" name_length name value_length value
static const char *const blocks[] = {
    "\x88",                                           /* :status 200 */
    "\x89",                                           /* 204 */
    "\x8b",                                           /* 304 */
    "\x8d",                                           /* 404 */
    "\x08\x03" "103",                                 /* :status, literal */
    "\x08\x03" "100",
    "\x08\x03" "999",
    "\x08\x02" "20",
    "\x0f\x0d\x01" "5",                               /* content-length */
    "\x0f\x0d\x04" "1000",
    "\x0f\x0d\x05" "99999",
    "\x0f\x0d\x01" "-",
    NEW("\x01", "a", "\x02", "bc"),
    NEW("\x01", "A", "\x01", "x"),                    /* not in lower case */
    NEW("\x0a", "connection", "\x05", "close"),
    NEW("\x01", "n", "\x02", "\r\n"),
    NEW("\x07", ":method", "\x03", "GET"),
    NEW("\x0a", "set-cookie", "\x03", "a=b"),
    NEW("\x01", "s", "\x02", " x"),
    NEW("\x01", "e", "\x01", "\xff"),
    "\x40\x01" "i" "\x03" "dyn",                      /* goes into the dynamic table */
    "\xbe",                                           /* its newest entry, if there is one */
    "\xbf",
    "\xff\xff\xff\x7f",                               /* an index that does not exist */
    "\x20",                                           /* table size 0 */
    "\x3f\xe1\x1f",                                   /* table size 4096 */
    "\x3f\xe1\xff\x03",                               /* more than was allowed */
    "\x40\x01" "h" "\x83\x00\x00\x00",                /* Huffman */
    "\x00\x01" "l" "\x7f\x81\x01",                    /* a length that goes beyond the block */
    "\x80",                                           /* index 0 */
};
/* A value of a few thousand bytes that costs one byte each time. */
static const char big[] = "\x40\x01" "B" "\x7f\xa1\x1f";
/* clang-format on */

static void put_block(frame *out, input *in)
{
    uint32_t count = take(in) % 24;
    while (count--) {
        uint32_t pick = take(in);
        const char *piece = blocks[pick % (sizeof(blocks) / sizeof(*blocks))];
        size_t length = strlen(piece);
        if (!length) /* begins with a zero byte */
            length = 1 + strlen(piece + 1);
        if (pick >= 240) {
            put(out, big, sizeof(big) - 1);
            for (int i = 0; i < 4128; i++)
                put(out, "v", 1);
        } else {
            put(out, piece, length);
        }
    }
}

static void put_payload(frame *out, input *in, uint32_t type)
{
    static const char filler[256];
    switch (type) {
    case FRAME_DATA:
        for (uint32_t left = number(in) % FRAME_MOST; left;) {
            size_t part = left < sizeof(filler) ? left : sizeof(filler);
            put(out, filler, part);
            left -= (uint32_t)part;
        }
        break;
    case FRAME_PUSH_PROMISE:
        put_number(out, number(in), 4);
        put_block(out, in);
        break;
    case FRAME_HEADERS:
    case FRAME_CONTINUATION:
        put_block(out, in);
        break;
    case FRAME_PRIORITY:
        put_number(out, number(in), 4);
        put_number(out, take(in), 1);
        break;
    case FRAME_RST_STREAM:
    case FRAME_WINDOW_UPDATE:
        put_number(out, number(in), 4);
        break;
    case FRAME_SETTINGS:
        for (uint32_t count = take(in) % 8; count; count--) {
            put_number(out, take(in) % 10, 2);
            put_number(out, number(in), 4);
        }
        break;
    case FRAME_PING:
        put(out, filler, 8);
        break;
    case FRAME_GOAWAY:
        put_number(out, number(in), 4);
        put_number(out, number(in), 4);
        put(out, "why\x01\r\n%s", take(in) % 9);
        break;
    default:
        put(out, filler, take(in));
        break;
    }
}

static uint32_t stream_of(input *in)
{
    static const uint32_t ids[] = {1, 3, 5, 7, 9, 11, 0, 2, 0x7fffffff, 0x80000001};
    return ids[take(in) % (sizeof(ids) / sizeof(*ids))];
}

static void say_frame(input *in, uint32_t type)
{
    static frame out;
    uint32_t flags = take(in), id = stream_of(in), spoil = 0;
    out.length = 0;
    if (flags & 0x40)
        spoil = take(in); /* the frame is not as long as it says, or bytes of it change */
    if (flags & FLAG_PADDED && type <= FRAME_PUSH_PROMISE)
        put_number(&out, flags >> 6 & 3, 1);
    if (flags & FLAG_PRIORITY && type == FRAME_HEADERS)
        put_number(&out, 0x00000000, 4), put_number(&out, 16, 1);
    put_payload(&out, in, type);
    if (flags & FLAG_PADDED && type <= FRAME_PUSH_PROMISE)
        put(&out, "\0\0\0", flags >> 6 & 3);
    size_t told = out.length;
    if (spoil & 1)
        told += (spoil >> 1 & 7) - 4;
    else if (spoil && out.length)
        out.bytes[9 + spoil % out.length] ^= (uint8_t)spoil;
    uint8_t *head = out.bytes;
    head[0] = (uint8_t)(told >> 16), head[1] = (uint8_t)(told >> 8), head[2] = (uint8_t)told;
    head[3] = (uint8_t)type;
    head[4] = (uint8_t)(flags & 0x2f);
    for (int i = 0; i < 4; i++)
        head[5 + i] = (uint8_t)(id >> 8 * (3 - i));
    world_say(out.bytes, 9 + out.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, data + size};
    uint32_t choice = take(&in);
    choice |= take(&in) << 8;
    choice |= take(&in) << 16;
    uint32_t way_out = take(&in);
    world_begin(choice ? choice : 0x4320);
    for (int steps = 0; in.at < in.end && steps < STEPS_MOST; steps++) {
        uint32_t step = take(&in);
        if (step >= 128)
            world_do(step, take(&in));
        else
            say_frame(&in, step % 13);
    }
    world_end(way_out);
    return 0;
}
