#include "pool/call.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "http/body.h"
#include "http/coding.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/trace.h"
#include "pool/report.h"

/* --- states ---------------------------------------------------------------------------------- */

#define TO(state) (1u << (state))
static const unsigned next_states[] = {
    [CALL_WAITING] = TO(CALL_WAITING) | TO(CALL_ASSIGNED) | TO(CALL_ENDED),
    [CALL_ASSIGNED] = TO(CALL_WAITING) | TO(CALL_SENT) | TO(CALL_ENDED),
    [CALL_SENT] = TO(CALL_ASSIGNED) | TO(CALL_ENDED), /* assigned: it is repeated */
    [CALL_ENDED] = 0,
};

void rill_call_move(rill_call *call, enum call_state to)
{
    assert(next_states[call->state] & TO(to));
    call->state = to;
}

void rill_call_stop_clock(rill_call *call)
{
    if (!rill_timer_running(&call->timer))
        return;
    *(call->state == CALL_WAITING ? &call->queue_ms : &call->timeout_ms) = rill_call_left_ms(call);
    rill_wheel_stop(&call->turn->wheel, &call->timer);
}

/* --- the request ----------------------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

static size_t percent_decode(const char *text, size_t length, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%' && i + 2 < length && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out[n++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
            i += 2;
        } else {
            out[n++] = text[i];
        }
    }
    return n;
}

/* RFC 7617: what stands before the host of a URL. */
static bool add_basic(rill_slab *slab, rill_bytes *block, const char *userinfo, size_t length)
{
    size_t start = 6, room = start + 4 * ((length + 3) / 3) + 1;
    char *value = rill_slab_alloc(slab, room + length + 1);
    if (!value)
        return false;
    char *plain = value + room;
    size_t plain_length = percent_decode(userinfo, length, plain);
    if (!memchr(userinfo, ':', length))
        plain[plain_length++] = ':'; /* a user without a password */
    memcpy(value, "Basic ", start);
    int coded =
        EVP_EncodeBlock((unsigned char *)value + start, (unsigned char *)plain, (int)plain_length);
    bool added = rill_fields_add(slab, block, "authorization", value, start + (size_t)coded);
    OPENSSL_cleanse(value, room + length + 1);
    rill_slab_free(slab, value);
    return added;
}

/* Those that mean something here, the usual one first. */
enum method { GET, HEAD, OPTIONS, POST, PUT, PATCH, CONNECT, OTHER };

static enum method method_of(const rill_request *request)
{
    static const struct {
        const char *text;
        size_t length;
    } names[] = {[GET] = {"GET", 3},        [HEAD] = {"HEAD", 4}, [OPTIONS] = {"OPTIONS", 7},
                 [POST] = {"POST", 4},      [PUT] = {"PUT", 3},   [PATCH] = {"PATCH", 5},
                 [CONNECT] = {"CONNECT", 7}};
    enum method method = GET;
    while (method < OTHER && (request->method_length != names[method].length ||
                              memcmp(request->method, names[method].text, names[method].length)))
        method++;
    return method;
}

static bool may_repeat(const rill_call_setup *setup, enum method method)
{
    if (setup->idempotent >= 0)
        return setup->idempotent;
    return method == GET || method == HEAD || method == OPTIONS;
}

/* The header block of a call that does not send just the client's. */
static int32_t build_block(const rill_call_setup *setup, rill_bytes *block,
                           rill_fields_found *found, rill_error *err)
{
    const rill_request *request = setup->request;
    const rill_defaults *defaults = setup->defaults;
    rill_slab *slab = &setup->turn->slab;
    bool copied = true;
    if (request->headers) {
        int32_t code =
            rill_fields_clean(slab, request->headers, request->headers_length, block, found, err);
        if (code)
            return code;
        if (!found->user_agent && defaults->user_agent[0])
            copied = rill_fields_add(slab, block, "user-agent", defaults->user_agent,
                                     strlen(defaults->user_agent));
    } else {
        copied = rill_bytes_append(slab, block, defaults->block.data, defaults->block.length);
    }
    if (copied && setup->url->userinfo_length > 0 && !found->authorization)
        copied = add_basic(slab, block, setup->text + setup->url->userinfo,
                           (size_t)setup->url->userinfo_length);
    return copied ? 0 : rill_error_memory(err);
}

/* RFC 9110 section 8.6: a length goes with every body where it is known, and says 0 where a body
 * was to be expected. What a caller announces for a fed body is held against it. */
static void set_content_length(rill_call *call, const rill_request *request, enum method method,
                               const rill_fields_found *found)
{
    int64_t length = 0;
    if (call->source) {
        if (call->source->length < 0)
            call->source->length =
                rill_fields_number(found->content_length, found->content_length_length);
        length = call->source->length;
    } else if (!request->has_body && method != POST && method != PUT && method != PATCH) {
        return;
    }
    rill_source *source = call->source;
    call->says_empty = !source;
    if (source && length >= 0)
        source->length_digits = (uint32_t)snprintf(source->length_text, sizeof(source->length_text),
                                                   "%lld", (long long)length);
}

static int32_t make_source(rill_slab *slab, rill_call *call, const rill_request *request,
                           rill_error *err)
{
    rill_fields_found found;
    int32_t code = rill_source_new(slab, request, &call->source, err);
    if (call->source)
        call->source->call = call;
    if (code || !request->trailers)
        return code;
    return rill_fields_clean(slab, request->trailers, request->trailers_length,
                             &call->source->trailers, &found, err);
}

/* Path and query; "/" for an empty path, "*" for OPTIONS (RFC 9113 section 8.3.1). */
static size_t target_of(const rill_call_setup *setup, const char **target, const char **lead)
{
    const rill_url *url = setup->url;
    *target = setup->text + url->path;
    *lead = "";
    if (url->path_length <= 0) {
        *target = setup->text + (url->query_length >= 0 ? url->query - 1 : url->path);
        *lead = method_of(setup->request) == OPTIONS && url->query_length < 0 ? "*" : "/";
    }
    size_t length = url->path_length > 0 ? (size_t)url->path_length : 0;
    return length + (url->query_length >= 0 ? (size_t)url->query_length + 1 : 0);
}

/* A call with its text, all else zero; NULL with `err`. */
static rill_call *new_call(const rill_call_setup *setup, const rill_bytes *block,
                           const rill_fields_found *found, rill_error *err)
{
    const rill_request *request = setup->request;
    const char *target, *lead;
    size_t rest = target_of(setup, &target, &lead), lead_length = strlen(lead);
    const char *authority = found->host ? found->host : setup->text + setup->url->authority;
    size_t authority_length =
        found->host ? found->host_length : (size_t)setup->url->authority_length;
    size_t target_length = lead_length + rest;
    if (block->length > CALL_FIELDS_MAX || authority_length > CALL_FIELDS_MAX ||
        request->method_length > CALL_FIELDS_MAX) {
        rill_error_set(err, RILL_ARGUMENT,
                       "the request's header fields have %zu bytes, more than %d", block->length,
                       CALL_FIELDS_MAX);
        return NULL;
    }
    size_t length = request->method_length + target_length + authority_length + block->length;
    rill_call *call = rill_slab_alloc(&setup->turn->slab, sizeof(*call) + length);
    if (!call) {
        rill_error_memory(err);
        return NULL;
    }
    memset(call, 0, sizeof(*call));
    call->turn = setup->turn;
    call->method_length = request->method_length;
    call->target_length = (uint32_t)target_length;
    call->authority_length = (uint32_t)authority_length;
    call->block_length = (uint32_t)block->length;
    char *out = call->text;
    memcpy(out, request->method, request->method_length);
    out += request->method_length;
    memcpy(out, lead, lead_length);
    memcpy(out + lead_length, target, rest);
    out += target_length;
    memcpy(out, authority, authority_length);
    out += authority_length;
    if (block->length)
        memcpy(out, block->data, block->length);
    return call;
}

/* NULL is copied as NULL. */
static int32_t copy_text(rill_slab *slab, const char *text, char **copy, rill_error *err)
{
    *copy = NULL;
    if (!text)
        return 0;
    size_t size = strlen(text) + 1;
    *copy = rill_slab_alloc(slab, size);
    if (!*copy)
        return rill_error_memory(err);
    memcpy(*copy, text, size);
    return 0;
}

/* Copies `save_path` and `types`. */
static int32_t copy_wishes(rill_slab *slab, rill_call *call, const rill_request *request,
                           rill_error *err)
{
    char *types;
    if (request->save_path && call->head)
        return rill_error_set(err, RILL_ARGUMENT, "save_path: a HEAD request has no body to save");
    int32_t code = copy_text(slab, request->types, &types, err);
    call->limits.types = types;
    return code ? code : copy_text(slab, request->save_path, &call->save_path, err);
}

rill_call *rill_call_new(const rill_call_setup *setup, rill_fields_found *found, rill_error *err)
{
    const rill_request *request = setup->request;
    rill_slab *slab = &setup->turn->slab;
    memset(found, 0, sizeof(*found));
    enum method method = method_of(request);
    if (method == OTHER && rill_fields_check_method(request->method, request->method_length, err))
        return NULL;
    rill_bytes block = {0};
    bool own_block = request->headers || setup->url->userinfo_length > 0;
    int32_t code = own_block ? build_block(setup, &block, found, err) : 0;
    rill_call *call = code ? NULL : new_call(setup, &block, found, err);
    rill_bytes_dispose(slab, &block);
    if (!call)
        return NULL;
    call->own_block = own_block;
    call->head = method == HEAD;
    call->limits = setup->limits;
    code = make_source(slab, call, request, err);
    if (!code)
        code = copy_wishes(slab, call, request, err);
    call->pieces = request->stream;
    call->decodes = setup->decompress;
    if (call->decodes)
        rill_coding_prepare();
    call->lenient_eof = setup->lenient_eof;
    call->head_first = request->head_first && request->stream;
    if (!code && call->pieces && !rill_call_begin(call)) /* its reader may come at once */
        code = rill_error_memory(err);
    if (code) {
        rill_call_free(call);
        return NULL;
    }
    call->connect = method == CONNECT;
    call->repeat = request->repeat;
    call->tls = setup->text[setup->url->scheme + 4] == 's';
    call->timeout_ms = setup->timeout_ms;
    call->queue_ms = setup->queue_ms;
    call->read_ms = setup->read_ms;
    call->retries = setup->retries;
    call->idempotent = setup->retry_idempotent && may_repeat(setup, method);
    call->started_us = call->since_us = setup->turn->now_us;
    set_content_length(call, request, method, found);
    return call;
}

/* The clocks of an attempt. */
static void stop_attempt(rill_call *call)
{
    rill_wheel *wheel = &call->turn->wheel;
    if (call->stream)
        rill_wheel_stop(wheel, &call->stream->silence);
    if (call->source)
        rill_wheel_stop(wheel, &call->source->expect);
}

void rill_call_free(rill_call *call)
{
    rill_turn *turn = call->turn;
    stop_attempt(call);
    rill_wheel_stop(&turn->wheel, &call->timer);
    rill_turn_forget(turn, &call->entry);
    rill_slab_free(&turn->slab, call->last);
    rill_peer_release(call->peer);
    rill_copy_release(&turn->slab, call->name);
    if (call->stream)
        rill_stream_dispose(call->stream);
    rill_slab_free(&turn->slab, call->stream);
    rill_source_free(&turn->slab, call->source);
    rill_slab_free(&turn->slab, call->save_path);
    rill_slab_free(&turn->slab, (char *)call->limits.types);
    rill_slab_free(&turn->slab, call);
}

const char *rill_call_length(const rill_call *call, uint32_t *digits)
{
    const rill_source *source = call->source;
    *digits = source ? source->length_digits : call->says_empty;
    return !*digits ? NULL : source ? source->length_text : "0";
}

void rill_call_head(const rill_call *call, rill_defaults *defaults, rill_head *head)
{
    uint32_t digits;
    const char *target = call->text + call->method_length;
    const char *authority = target + call->target_length;
    const char *length = rill_call_length(call, &digits);
    *head = (rill_head){
        .method = {call->text, call->method_length},
        .scheme = call->tls ? RILL_CHARS("https") : RILL_CHARS("http"),
        .target = {target, call->target_length},
        .authority = {authority, call->authority_length},
        .connect = call->connect,
        .block = {call->own_block ? authority + call->authority_length : NULL, call->block_length},
        .defaults = defaults,
        .length = {length, digits},
        .expect = call->source && call->source->held,
    };
}

void rill_call_url(const rill_call *call, char *text, size_t room)
{
    const char *target = call->text + call->method_length;
    int most = call->target_length < 120 ? (int)call->target_length : 120;
    int authority = call->authority_length < 80 ? (int)call->authority_length : 80;
    snprintf(text, room, "%s://%.*s%.*s", call->tls ? "https" : "http", authority,
             target + call->target_length, most, target);
}

void rill_call_trace(const rill_call *call, uint32_t connection, const char *what)
{
    const char *authority = call->text + call->method_length + call->target_length;
    int most = call->authority_length < 80 ? (int)call->authority_length : 80;
    rill_trace_write(call->turn, TRACE_POOL, connection, "call %llu (%.*s %.*s) %s",
                     (unsigned long long)call->number, (int)call->method_length, call->text, most,
                     authority, what);
}

/* --- attempts -------------------------------------------------------------------------------- */

static inline void init_stream(rill_call *call)
{
    rill_stream_init(call->stream, &(rill_stream_setup){
                                       .turn = call->turn,
                                       .entry = &call->entry,
                                       .pieces = call->pieces,
                                       .is_head = call->head,
                                       .limits = &call->limits,
                                       .source = call->source,
                                       .decodes = call->decodes,
                                       .narrow = call->head_first,
                                       .save_path = call->save_path,
                                       .lenient_eof = call->lenient_eof,
                                   });
}

bool rill_call_begin(rill_call *call)
{
    if (call->stream)
        return true;
    call->stream = rill_slab_alloc(&call->turn->slab, sizeof(*call->stream));
    if (!call->stream)
        return false;
    init_stream(call);
    return true;
}

void rill_call_close(rill_call *call, const rill_error *error)
{
    if (rill_call_begin(call))
        rill_stream_close_because(call->stream, error);
}

void rill_call_renew(rill_call *call)
{
    rill_turn *turn = call->turn;
    rill_stream *stream = call->stream;
    rill_turn_unreport(turn, &call->entry, RILL_EVENT_HEAD);
    stop_attempt(call);
    rill_slab_free(&turn->slab, call->last);
    call->last = stream->errors;
    stream->errors = NULL;
    rill_stream_dispose(stream);
    init_stream(call);
    call->since_us = turn->now_us;
    call->conn = NULL;
    if (call->state == CALL_SENT)
        rill_call_move(call, CALL_ASSIGNED); /* `timeout` goes on */
}

/* Its body has come, and waits coded because the client holds too much: `timeout` goes on. */
static bool waits_its_turn(const rill_call *call)
{
    return call->stream && call->stream->reason == RILL_OPEN &&
           call->stream->inlet.way != INLET_PIECES;
}

static void report_end(rill_call *call)
{
    enum rill_reason reason = rill_call_reason(call);
    bool well = reason == RILL_ENDED || reason == RILL_STOPPED;
    rill_turn_report(call->turn, &call->entry,
                     call->pieces ? RILL_EVENT_CLOSED
                     : well       ? RILL_EVENT_RESPONSE
                                  : RILL_EVENT_FAILED);
}

void rill_call_finish(rill_call *call)
{
    rill_turn *turn = call->turn;
    rill_stream *stream = call->stream;
    enum rill_reason reason = rill_call_reason(call);
    stop_attempt(call);
    if (!waits_its_turn(call))
        rill_call_stop_clock(call);
    if (stream) {
        if (stream->errors && call->processed > (enum rill_processed)stream->errors->processed)
            stream->errors->processed = (int32_t)call->processed; /* of all attempts together */
        rill_report_time(call, &stream->timings);
    }
    rill_call_move(call, CALL_ENDED);
    call->conn = NULL;
    call->origin = NULL;
    if (!call->entry.id.generation)
        rill_turn_free_later(turn, &call->entry); /* dropped: no event */
    else if (reason != RILL_OPEN) /* else the peer has ended it: see rill_call_decided() */
        report_end(call);
}

bool rill_call_undecided(const rill_call *call)
{
    return call->state == CALL_ENDED && call->stream && call->stream->reason == RILL_OPEN;
}

void rill_call_decided(rill_call *call)
{
    rill_call_stop_clock(call);
    call->stream->timings.left = (float)call->timeout_ms / 1000;
    report_end(call);
}
