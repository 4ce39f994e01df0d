/* Exchanges as records of WARC files: whatever stands in a URL, in header blocks and in a body, the
 * members are whole, each is one record, and a record says of its block what is so. */
#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "rill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TIMES = 4096,    /* a body is repeated so often, where it is to be made in steps */
    LONG_BODY = 600, /* KiB of it at most */
    GZIP = 16 + MAX_WBITS,
    DIGEST_TEXT = 32
};

/* What the first byte says. */
enum { REVISIT = 1, LONG = 2, WITH_PEER = 4, WITH_FIELDS = 8, WITH_AGENT = 16, TWICE = 32 };

static const char fields[] = "WARC-Profile: x\r\n";

typedef struct text {
    char *data; /* exactly as long: reading past the end is seen */
    size_t length;
} text;

/* The bytes up to the next NUL. */
static text take(const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, 0, *size);
    size_t length = end ? (size_t)(end - *data) : *size;
    text taken = {malloc(length ? length : 1), length};
    memcpy(taken.data, *data, length);
    *data += end ? length + 1 : length;
    *size -= end ? length + 1 : length;
    return taken;
}

static void lengthen(text *body)
{
    size_t times = body->length ? ((size_t)LONG_BODY << 10) / body->length : 0;
    times = times < TIMES ? times : TIMES;
    char *all = malloc(body->length * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(all + i * body->length, body->data, body->length);
    free(body->data);
    *body = (text){all, body->length * times};
}

static void write_digest(char out[DIGEST_TEXT + 1], const char *block, size_t length)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)block, length, digest);
    for (size_t i = 0; i < DIGEST_TEXT; i++) {
        size_t bit = i * 5, byte = bit / 8;
        unsigned pair = (unsigned)digest[byte] << 8;
        pair |= byte + 1 < sizeof(digest) ? digest[byte + 1] : 0;
        out[i] = letters[pair >> (11 - bit % 8) & 31];
    }
    out[DIGEST_TEXT] = 0;
}

/* The value of a field that stands exactly once in a head, which ends with NUL. */
static const char *value_of(const char *head, const char *name)
{
    const char *found = strstr(head, name);
    assert(found && !strstr(found + 1, name));
    return found + strlen(name);
}

static void check_record(char *record, size_t length, const char *type)
{
    assert(length > 4 && !memcmp(record, "WARC/1.1\r\n", 10));
    char *block = memmem(record, length, "\r\n\r\n", 4);
    assert(block);
    *block = 0;
    block += 4;
    assert(strlen(record) + 4 == (size_t)(block - record)); /* no NUL in a head */
    size_t room = length - (size_t)(block - record);
    assert(!strncmp(value_of(record, "\r\nWARC-Type: "), type, strlen(type)));
    size_t stated = strtoul(value_of(record, "\r\nContent-Length: "), NULL, 10);
    assert(room == stated + 4 && !memcmp(block + stated, "\r\n\r\n", 4));
    char digest[DIGEST_TEXT + 1];
    write_digest(digest, block, stated);
    assert(!strncmp(value_of(record, "\r\nWARC-Block-Digest: sha1:"), digest, DIGEST_TEXT));
    for (char *at = strchr(record, '\n'); at; at = strchr(at + 1, '\n')) { /* lines are lines */
        assert(at[-1] == '\r');
        assert(strcspn(at + 1, ":\r\n") < strcspn(at + 1, "\r\n"));
    }
}

/* Returns what follows the member. */
static const char *check_member(const char *data, size_t *length, const char *type)
{
    static char record[4 << 20];
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)data,
                       .avail_in = (uInt)*length,
                       .next_out = (unsigned char *)record,
                       .avail_out = sizeof(record)};
    assert(inflateInit2(&stream, GZIP) == Z_OK);
    assert(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    check_record(record, stream.total_out, type);
    *length = stream.avail_in;
    data = (const char *)stream.next_in;
    inflateEnd(&stream);
    return data;
}

static int32_t finish(rill_warc *warc, int32_t code)
{
    rill_error err = {0};
    while (code > 0)
        code = rill_warc_continue(warc, &err);
    return code;
}

static void add(rill_warc *warc, const rill_warc_exchange *exchange)
{
    rill_error err = {0};
    size_t length;
    int32_t code = finish(warc, rill_warc_add_response(warc, exchange, &err));
    assert(!code || (code == -RILL_INVALID_URL && err.message[0]));
    if (code)
        return;
    assert(!finish(warc, rill_warc_add_request(warc, exchange, &err)));
    const char *members = rill_warc_members(warc, &length);
    members = check_member(members, &length, exchange->without_payload ? "revisit" : "response");
    check_member(members, &length, "request");
    assert(!length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    unsigned how = data[0];
    int32_t status = 100 + data[1] * 4;
    data += 2, size -= 2;
    text url = take(&data, &size), request = take(&data, &size), headers = take(&data, &size);
    text body = {memcpy(malloc(size + 1), data, size), size};
    if (how & LONG)
        lengthen(&body);
    const rill_warc_exchange exchange = {
        .time = 1.5e9,
        .url = url.data,
        .url_length = (uint32_t)url.length,
        .request = request.data,
        .request_length = (uint32_t)request.length,
        .headers = headers.data,
        .headers_length = (uint32_t)headers.length,
        .fields = how & WITH_FIELDS ? fields : "",
        .fields_length = how & WITH_FIELDS ? strlen(fields) : 0,
        .ip_address = how & WITH_PEER ? "192.0.2.1" : NULL,
        .protocol = how & WITH_PEER ? "h2" : NULL,
        .user_agent = how & WITH_AGENT ? "rill" : NULL,
        .accept_encoding = "gzip",
        .payload = body.data,
        .payload_length = body.length,
        .status = status,
        .without_payload = how & REVISIT ? 1 : 0,
    };
    rill_warc *warc = rill_warc_new();
    for (int i = 0; i < (how & TWICE ? 2 : 1); i++) {
        add(warc, &exchange);
        rill_warc_clear(warc);
    }
    rill_warc_free(warc);
    free(url.data);
    free(request.data);
    free(headers.data);
    free(body.data);
    return 0;
}
