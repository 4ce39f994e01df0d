#include "warc/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "url/url.h"

enum { PARTS = 16, NUMBER_TEXT = 24 };

static const struct {
    int32_t status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

/* What is not as it was sent: the body is decoded. */
static const char *const as_sent[] = {"content-encoding", "content-length", "transfer-encoding"};

static const char *phrase_of(int32_t status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

static rill_chars chars_of(const char *text)
{
    return (rill_chars){text, text ? strlen(text) : 0};
}

/* A line, where it has a value. Returns how many parts that are. */
static size_t add_line(rill_chars *parts, rill_chars name, const char *value)
{
    if (!value || !value[0])
        return 0;
    parts[0] = name;
    parts[1] = chars_of(value);
    parts[2] = RILL_CHARS("\r\n");
    return 3;
}

static rill_chars scheme_of(const rill_warc_texts *texts)
{
    return (rill_chars){texts->url + texts->parts.scheme, (size_t)texts->parts.scheme_length};
}

/* In lower case, as it is kept. */
static bool is_http(rill_chars scheme)
{
    return scheme.length >= 4 && scheme.length <= 5 && !memcmp(scheme.data, "https", scheme.length);
}

/* Most URLs are of the same origin as the one before. */
static int32_t read_url(rill_slab *slab, rill_warc_texts *texts, const rill_warc_exchange *exchange,
                        rill_error *err)
{
    const char *text = exchange->url;
    uint32_t length = exchange->url_length;
    if (texts->url && rill_url_follow(text, length, texts->url, RILL_URL_ROOM, &texts->parts))
        return 0;
    if (!texts->url)
        texts->url = rill_slab_alloc(slab, RILL_URL_ROOM);
    if (!texts->url)
        return rill_error_memory(err);
    int32_t code = rill_url_parse(text, length, texts->url, RILL_URL_ROOM, &texts->parts, err);
    if (code == 0 && (!is_http(scheme_of(texts)) || texts->parts.host_length < 0))
        code = rill_error_set(err, RILL_INVALID_URL, "an exchange is of a URL of http or https");
    if (code < 0) { /* nothing that the next one could follow */
        rill_slab_free(slab, texts->url);
        texts->url = NULL;
    }
    return code;
}

/* Without user and password. */
static rill_chars authority_of(const rill_warc_texts *texts)
{
    return (rill_chars){texts->url + texts->parts.authority, (size_t)texts->parts.authority_length};
}

/* What was asked for: path and query, one behind the other. */
static size_t add_target(rill_chars *parts, const rill_warc_texts *texts)
{
    const rill_url *url = &texts->parts;
    size_t query = url->query_length < 0 ? 0 : (size_t)url->query_length + 1; /* with its "?" */
    parts[0] = url->path_length ? RILL_CHARS("") : RILL_CHARS("/");
    parts[1] = (rill_chars){texts->url + url->path, (size_t)url->path_length + query};
    return 2;
}

/* What the records of an exchange have in common. */
static bool write_common(rill_slab *slab, rill_warc_texts *texts,
                         const rill_warc_exchange *exchange)
{
    rill_chars parts[PARTS];
    size_t n = 0;
    parts[n++] = RILL_CHARS("WARC-Target-URI: ");
    parts[n++] = scheme_of(texts);
    parts[n++] = RILL_CHARS("://");
    parts[n++] = authority_of(texts);
    n += add_target(parts + n, texts);
    parts[n++] = RILL_CHARS("\r\n");
    n += add_line(parts + n, RILL_CHARS("WARC-IP-Address: "), exchange->ip_address);
    n += add_line(parts + n, RILL_CHARS("WARC-Protocol: "), exchange->protocol);
    texts->fields.length = texts->head.length = 0;
    return rill_bytes_join(slab, &texts->fields, parts, n);
}

static bool is_as_sent(rill_chars line)
{
    for (size_t i = 0; i < sizeof(as_sent) / sizeof(as_sent[0]); i++) {
        size_t length = strlen(as_sent[i]);
        if (line.length > length && line.data[length] == ':' &&
            !memcmp(line.data, as_sent[i], length))
            return true;
    }
    return false;
}

/* A header block, for each field CR LF and the field, with other names for what is not as it was
 * sent. */
static bool write_renamed(rill_slab *slab, rill_bytes *out, rill_chars block)
{
    const char *end = block.data + block.length, *written = block.data;
    for (const char *at = block.data; at && at + 2 < end;) {
        rill_chars line = {at + 2, (size_t)(end - at - 2)};
        if (is_as_sent(line)) {
            if (!rill_bytes_append(slab, out, written, (size_t)(line.data - written)) ||
                !rill_bytes_append(slab, out, "x-orig-", strlen("x-orig-")))
                return false;
            written = line.data;
        }
        at = memchr(line.data, '\r', line.length);
    }
    return rill_bytes_append(slab, out, written, (size_t)(end - written));
}

static bool write_response_head(rill_slab *slab, rill_bytes *out,
                                const rill_warc_exchange *exchange)
{
    char status[NUMBER_TEXT], length[NUMBER_TEXT];
    snprintf(status, sizeof(status), "%d", exchange->status);
    snprintf(length, sizeof(length), "%zu", exchange->payload_length);
    bool with_length = !exchange->without_payload;
    rill_chars first[] = {RILL_CHARS("HTTP/1.1 "), chars_of(status), RILL_CHARS(" "),
                          chars_of(phrase_of(exchange->status))};
    rill_chars last[] = {RILL_CHARS("\r\ncontent-length: "), chars_of(length)};
    return rill_bytes_join(slab, out, first, sizeof(first) / sizeof(first[0])) &&
           write_renamed(slab, out, (rill_chars){exchange->headers, exchange->headers_length}) &&
           (!with_length || rill_bytes_join(slab, out, last, sizeof(last) / sizeof(last[0]))) &&
           rill_bytes_append(slab, out, "\r\n\r\n", 4);
}

/* A field that the client adds to each request, unless the block has it. */
static size_t add_added(rill_chars *parts, const rill_warc_exchange *exchange, rill_chars needle,
                        const char *value)
{
    if (!value || !value[0] ||
        memmem(exchange->request, exchange->request_length, needle.data, needle.length))
        return 0;
    parts[0] = needle;
    parts[1] = chars_of(value);
    return 2;
}

static bool write_request_head(rill_slab *slab, rill_warc_texts *texts,
                               const rill_warc_exchange *exchange)
{
    rill_chars parts[PARTS];
    size_t n = 0;
    parts[n++] = RILL_CHARS("GET ");
    n += add_target(parts + n, texts);
    parts[n++] = RILL_CHARS(" HTTP/1.1\r\nhost: ");
    parts[n++] = authority_of(texts);
    parts[n++] = (rill_chars){exchange->request, exchange->request_length};
    n += add_added(parts + n, exchange, RILL_CHARS("\r\nuser-agent: "), exchange->user_agent);
    n += add_added(parts + n, exchange, RILL_CHARS("\r\naccept-encoding: "),
                   exchange->accept_encoding);
    parts[n++] = RILL_CHARS("\r\n\r\n");
    return rill_bytes_join(slab, &texts->head, parts, n);
}

static rill_warc_record record_of(const rill_warc_texts *texts, const rill_warc_exchange *exchange)
{
    return (rill_warc_record){
        .time = exchange->time,
        .fields = texts->fields.data,
        .fields_length = texts->fields.length,
        .head = texts->head.data,
        .head_length = texts->head.length,
    };
}

int32_t rill_warc_exchange_response(rill_slab *slab, rill_warc_texts *texts,
                                    const rill_warc_exchange *exchange, rill_warc_record *record,
                                    rill_error *err)
{
    static const char type[] = "Content-Type: application/http;msgtype=response\r\n";
    int32_t code = read_url(slab, texts, exchange, err);
    if (code < 0)
        return code;
    if (!write_common(slab, texts, exchange) ||
        !rill_bytes_append(slab, &texts->fields, exchange->fields, exchange->fields_length) ||
        !rill_bytes_append(slab, &texts->fields, type, strlen(type)) ||
        !write_response_head(slab, &texts->head, exchange))
        return rill_error_memory(err);
    *record = record_of(texts, exchange);
    record->type = exchange->without_payload ? "revisit" : "response";
    record->payload = exchange->payload;
    record->payload_length = exchange->payload_length;
    record->with_digest = !exchange->without_payload || exchange->payload_length;
    record->without_payload = exchange->without_payload;
    return 0;
}

int32_t rill_warc_exchange_request(rill_slab *slab, rill_warc_texts *texts,
                                   const rill_warc_exchange *exchange, rill_warc_record *record,
                                   rill_error *err)
{
    static const char type[] = "Content-Type: application/http;msgtype=request\r\n";
    int32_t code = read_url(slab, texts, exchange, err);
    if (code < 0)
        return code;
    if (!write_common(slab, texts, exchange) ||
        !rill_bytes_append(slab, &texts->fields, type, strlen(type)) ||
        !write_request_head(slab, texts, exchange))
        return rill_error_memory(err);
    *record = record_of(texts, exchange);
    record->type = "request";
    record->concurrent = 1;
    return 0;
}

void rill_warc_texts_dispose(rill_slab *slab, rill_warc_texts *texts)
{
    rill_slab_free(slab, texts->url);
    rill_bytes_dispose(slab, &texts->fields);
    rill_bytes_dispose(slab, &texts->head);
}
