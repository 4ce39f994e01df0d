#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

static const char *const reason_names[RILL_REASONS] = {
    [RILL_OPEN] = "open",
    [RILL_ENDED] = "ended",
    [RILL_RESET] = "reset",
    [RILL_CONNECTION_LOST] = "connection_lost",
    [RILL_MAXSIZE_EXCEEDED] = "maxsize_exceeded",
    [RILL_MAXSIZE_EXCEEDED_ACTUAL] = "maxsize_exceeded_actual",
    [RILL_CANCELLED] = "cancelled",
    [RILL_INACTIVE] = "inactive",
    [RILL_INVALID_HOSTNAME] = "invalid_hostname",
    [RILL_STOPPED] = "stopped",
    [RILL_TIMEOUT] = "timeout",
    [RILL_PROTOCOL_ERROR] = "protocol_error",
    [RILL_GOAWAY] = "goaway",
    [RILL_CONNECT_FAILED] = "connect_failed",
    [RILL_DECODE_ERROR] = "decode_error",
    [RILL_FILE_ERROR] = "file_error",
    [RILL_BODY_ERROR] = "body_error",
    [RILL_INVALID_URL] = "invalid_url",
    [RILL_ARGUMENT] = "argument",
    [RILL_CLOSED] = "closed",
    [RILL_ERROR] = "error",
};

static const char *const kind_names[RILL_KINDS] = {
    [RILL_KIND_NONE] = "",           [RILL_KIND_DNS] = "dns",       [RILL_KIND_TCP] = "tcp",
    [RILL_KIND_TLS] = "tls",         [RILL_KIND_ALPN] = "alpn",     [RILL_KIND_PROXY] = "proxy",
    [RILL_KIND_PREFACE] = "preface", [RILL_KIND_DENIED] = "denied",
};

static const char *const phase_names[RILL_PHASES] = {
    [RILL_PHASE_NONE] = "",
    [RILL_PHASE_QUEUE] = "queue",
    [RILL_PHASE_DNS] = "dns",
    [RILL_PHASE_CONNECT] = "connect",
    [RILL_PHASE_PROXY] = "proxy",
    [RILL_PHASE_TLS] = "tls",
    [RILL_PHASE_SETTINGS] = "settings",
    [RILL_PHASE_HEADERS] = "headers",
    [RILL_PHASE_BODY] = "body",
    [RILL_PHASE_IDLE] = "idle",
};

/* RFC 9113 section 7, in the order of their numbers. */
static const char *const code_names[] = {
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
};
enum { CODES = sizeof(code_names) / sizeof(code_names[0]) };

static const char *name_of(const char *const *names, int32_t count, int32_t index)
{
    return index >= 0 && index < count ? names[index] : "";
}

const char *rill_reason_name(int32_t reason)
{
    return name_of(reason_names, RILL_REASONS, reason);
}

const char *rill_kind_name(int32_t kind)
{
    return name_of(kind_names, RILL_KINDS, kind);
}

const char *rill_phase_name(int32_t phase)
{
    return name_of(phase_names, RILL_PHASES, phase);
}

const char *rill_code_name(int32_t code)
{
    return name_of(code_names, CODES, code);
}

const char *rill_code_text(char room[CODE_TEXT], int32_t code, bool numbered)
{
    const char *name = rill_code_name(code);
    if (!name[0])
        snprintf(room, CODE_TEXT, "%u", (unsigned)code);
    else
        snprintf(room, CODE_TEXT, numbered ? "%s (%u)" : "%s", name, (unsigned)code);
    return room;
}

int32_t rill_code_number(const char *name)
{
    for (int32_t i = 0; name && i < CODES; i++)
        if (!strcmp(code_names[i], name))
            return i;
    return -1;
}

void rill_error_clear(rill_error *err)
{
    err->reason = err->kind = err->phase = err->processed = err->status = 0;
    err->code = -1;
    err->expected = err->limit = 0;
    err->message[0] = 0; /* what follows is not read, and not worth writing for each request */
}

void rill_error_write(rill_error *err, const char *format, va_list args)
{
    rill_escape_print(err->message, sizeof(err->message), format, args);
}

static int32_t fill(rill_error *err, enum rill_reason reason, enum rill_kind kind,
                    const char *format, va_list args)
{
    if (err && err->reason == RILL_OPEN) {
        rill_error_clear(err);
        err->reason = (int32_t)reason;
        err->kind = (int32_t)kind;
        rill_error_write(err, format, args);
    }
    return -(int32_t)reason;
}

int32_t rill_error_set(rill_error *err, enum rill_reason reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int32_t code = fill(err, reason, RILL_KIND_NONE, format, args);
    va_end(args);
    return code;
}

const rill_error rill_error_no_memory = {
    .reason = RILL_ERROR, .code = -1, .message = "out of memory"};

int32_t rill_error_memory(rill_error *err)
{
    return rill_error_set(err, RILL_ERROR, "out of memory");
}

int32_t rill_error_connect(rill_error *err, enum rill_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int32_t code = fill(err, RILL_CONNECT_FAILED, kind, format, args);
    va_end(args);
    return code;
}
