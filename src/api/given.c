#include "api/given.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/turn.h"

/* Bounds that HTTP/2 itself sets (RFC 9113 sections 6.5.2 and 6.9.2). */
enum { FRAME_SIZE_MIN = 16384, FRAME_SIZE_MAX = (1 << 24) - 1 };

#define SECONDS_MAX 1e9
#define BYTES_MAX   9007199254740992.0 /* 2^53: doubles are exact up to it */

/* A field of rill_options or rill_request. */
typedef struct {
    const char *name;
    size_t at;
} field;

#define OPTION(name)  #name, offsetof(rill_options, name)
#define REQUEST(name) #name, offsetof(rill_request, name)
#define COUNT(array)  (sizeof(array) / sizeof(*(array)))

static double number_at(const void *object, const field *at)
{
    double value;
    memcpy(&value, (const char *)object + at->at, sizeof(value));
    return value;
}

int32_t rill_given_pointer(const void *pointer, const char *name, rill_error *err)
{
    return pointer ? 0 : rill_error_set(err, RILL_ARGUMENT, "%s is NULL", name);
}

int32_t rill_given_turn(const rill_turn *turn, rill_error *err)
{
    if (err)
        rill_error_clear(err);
    if (turn && rill_turn_is_own(turn))
        return 0;
    if (!turn)
        return rill_given_pointer(turn, "loop", err);
    return rill_error_set(err, RILL_ARGUMENT,
                          "the loop belongs to another process, which has forked this one: "
                          "make a loop here");
}

int32_t rill_given_bytes(const void *data, size_t length, const char *name, rill_error *err)
{
    if (!data && length)
        return rill_error_set(err, RILL_ARGUMENT, "%s is NULL, but has a length of %zu", name,
                              length);
    if (length > PTRDIFF_MAX)
        return rill_error_set(err, RILL_ARGUMENT, "%s: nothing has a length of %zu", name, length);
    return 0;
}

static int32_t check_seconds(const char *name, double value, rill_error *err)
{
    if (value >= 0 && (value <= SECONDS_MAX || isinf(value)))
        return 0;
    return rill_error_set(err, RILL_ARGUMENT, "option %s: %g is no number of seconds, 0 or more",
                          name, value);
}

static int32_t check_size(const char *name, double value, rill_error *err)
{
    if (value >= 0 && value <= BYTES_MAX && floor(value) == value)
        return 0;
    return rill_error_set(err, RILL_ARGUMENT,
                          "option %s: %g is no whole number of bytes, 0 or more", name, value);
}

static int32_t check_range(const char *name, uint32_t value, uint32_t low, uint32_t high,
                           rill_error *err)
{
    if (value >= low && value <= high)
        return 0;
    return rill_error_set(err, RILL_ARGUMENT, "option %s: %u is not from %u to %u", name,
                          (unsigned)value, (unsigned)low, (unsigned)high);
}

static int32_t check_switch(const char *name, int32_t value, rill_error *err)
{
    if (value <= 1)
        return 0;
    return rill_error_set(err, RILL_ARGUMENT, "option %s: %d is not 0 or 1", name, (int)value);
}

static int32_t check_counts(const rill_options *options, rill_error *err)
{
    int32_t code = check_range("window", options->window, 1, INT32_MAX, err);
    if (!code)
        code = check_range("max_window", options->max_window, 1, INT32_MAX, err);
    if (!code)
        code = check_range("max_frame_size", options->max_frame_size, FRAME_SIZE_MIN,
                           FRAME_SIZE_MAX, err);
    if (!code &&
        (options->max_connections_per_origin > UINT32_MAX ||
         options->max_connections_per_origin != floor(options->max_connections_per_origin)))
        code = rill_error_set(err, RILL_ARGUMENT,
                              "option max_connections_per_origin: %g is not from 0 to 2^32-1",
                              options->max_connections_per_origin);
    if (!code)
        code = check_switch("idempotent", options->idempotent, err);
    if (!code)
        code = check_range("retries", options->retries, 0, INT32_MAX, err);
    if (!code && options->family && options->family != 4 && options->family != 6)
        code = rill_error_set(err, RILL_ARGUMENT, "option family: %d is not 4 or 6",
                              (int)options->family);
    return code;
}

/* "host:port" */
static bool names_port(const char *host)
{
    const char *colon = strrchr(host, ':');
    return colon && colon > host && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")];
}

static int32_t check_resolve(const rill_options *options, rill_error *err)
{
    if (options->resolve_count && !options->resolve)
        return rill_given_pointer(NULL, "option resolve", err);
    for (uint32_t i = 0; i < options->resolve_count; i++) {
        const rill_resolve *entry = &options->resolve[i];
        if (!entry->host || !entry->address)
            return rill_given_pointer(NULL, "option resolve: a host or its address", err);
        if (!names_port(entry->host))
            return rill_error_set(err, RILL_ARGUMENT,
                                  "option resolve: \"%.100s\" is not \"host:port\"", entry->host);
    }
    return 0;
}

static int32_t check_politeness(const rill_options *options, rill_error *err)
{
    if (options->per_origin_count && !options->per_origin)
        return rill_given_pointer(NULL, "option per_origin", err);
    for (uint32_t i = 0; i < options->per_origin_count; i++) {
        const rill_politeness *given = &options->per_origin[i];
        int32_t code = check_seconds("per_origin: delay", given->delay, err);
        if (code)
            return code;
        if (!(given->jitter >= 0 && given->jitter <= 1))
            return rill_error_set(err, RILL_ARGUMENT,
                                  "option per_origin: jitter: %g is not from 0 to 1",
                                  given->jitter);
    }
    return 0;
}

int32_t rill_given_options(const rill_options *options, rill_error *err)
{
    static const field seconds[] = {
        {OPTION(timeout)},      {OPTION(queue_timeout)}, {OPTION(connect_timeout)},
        {OPTION(read_timeout)}, {OPTION(idle_timeout)},  {OPTION(ping_after)},
        {OPTION(ping_timeout)},
    };
    static const field sizes[] = {{OPTION(maxsize)}, {OPTION(warnsize)}, {OPTION(max_buffered)}};
    int32_t code = rill_given_pointer(options, "options", err);
    if (code)
        return code;
    for (size_t i = 0; !code && i < COUNT(seconds); i++)
        code = check_seconds(seconds[i].name, number_at(options, &seconds[i]), err);
    for (size_t i = 0; !code && i < COUNT(sizes); i++)
        code = check_size(sizes[i].name, number_at(options, &sizes[i]), err);
    if (!code)
        code = check_counts(options, err);
    if (!code)
        code = rill_given_bytes(options->headers, options->headers_length, "option headers", err);
    if (!code)
        code = check_politeness(options, err);
    return code ? code : check_resolve(options, err);
}

static int32_t check_parts(const rill_request *request, rill_error *err)
{
    size_t total = 0;
    if (request->part_count && !request->parts)
        return rill_given_pointer(NULL, "parts", err);
    for (uint32_t i = 0; i < request->part_count; i++) {
        const rill_body_part *part = &request->parts[i];
        if (part->file)
            continue;
        int32_t code = rill_given_bytes(part->data, part->length, "a part", err);
        if (!code) /* no sum of two overflows */
            code = rill_given_bytes("", total += part->length, "all parts", err);
        if (code)
            return code;
    }
    return 0;
}

static int32_t check_bodies(const rill_request *request, rill_error *err)
{
    int32_t code = rill_given_bytes(request->headers, request->headers_length, "headers", err);
    if (!code)
        code = rill_given_bytes(request->body, request->body_length, "body", err);
    if (!code)
        code = rill_given_bytes(request->trailers, request->trailers_length, "trailers", err);
    return code ? code : check_parts(request, err);
}

static int32_t check_limits(const rill_request *request, rill_error *err)
{
    static const field seconds[] = {
        {REQUEST(timeout)}, {REQUEST(queue_timeout)}, {REQUEST(read_timeout)}};
    static const field sizes[] = {{REQUEST(maxsize)}, {REQUEST(warnsize)}};
    int32_t code = 0;
    for (size_t i = 0; !code && i < COUNT(seconds); i++) {
        double value = number_at(request, &seconds[i]);
        code = value < 0 ? 0 : check_seconds(seconds[i].name, value, err);
    }
    for (size_t i = 0; !code && i < COUNT(sizes); i++) {
        double value = number_at(request, &sizes[i]);
        code = value < 0 ? 0 : check_size(sizes[i].name, value, err);
    }
    return code;
}

/* Looked at for each request: what is as rill_request_init() left it costs a comparison. */
static bool has_limits(const rill_request *request)
{
    return !(request->timeout < 0 && request->queue_timeout < 0 && request->read_timeout < 0 &&
             request->maxsize < 0 && request->warnsize < 0);
}

static bool has_bodies(const rill_request *request)
{
    return request->headers_length || request->body_length || request->trailers_length ||
           request->part_count;
}

int32_t rill_given_request(const rill_request *request, rill_error *err)
{
    int32_t code = rill_given_pointer(request, "request", err);
    if (!code)
        code = rill_given_pointer(request->method, "method", err);
    if (!code)
        code = rill_given_pointer(request->url, "url", err);
    if (!code && has_limits(request))
        code = check_limits(request, err);
    if (!code)
        code = check_switch("retry_idempotent", request->retry_idempotent, err);
    if (!code)
        code = check_switch("idempotent", request->idempotent, err);
    if (!code)
        code = check_switch("lenient_eof", request->lenient_eof, err);
    if (!code)
        code = check_switch("decompress", request->decompress, err);
    return code || !has_bodies(request) ? code : check_bodies(request, err);
}
