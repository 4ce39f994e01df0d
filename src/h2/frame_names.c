#include "h2/frame_names.h"

#include <stdio.h>

#include <nghttp2/nghttp2.h>

static const char *const types[] = {
    [NGHTTP2_DATA] = "DATA",
    [NGHTTP2_HEADERS] = "HEADERS",
    [NGHTTP2_PRIORITY] = "PRIORITY",
    [NGHTTP2_RST_STREAM] = "RST_STREAM",
    [NGHTTP2_SETTINGS] = "SETTINGS",
    [NGHTTP2_PUSH_PROMISE] = "PUSH_PROMISE",
    [NGHTTP2_PING] = "PING",
    [NGHTTP2_GOAWAY] = "GOAWAY",
    [NGHTTP2_WINDOW_UPDATE] = "WINDOW_UPDATE",
    [NGHTTP2_CONTINUATION] = "CONTINUATION",
};

#define ON(type) (1u << NGHTTP2_##type)
static const struct {
    uint8_t flag;
    uint32_t types; /* that it means something on */
    const char *name;
} flags_known[] = {
    {NGHTTP2_FLAG_ACK, ON(SETTINGS) | ON(PING), "ACK"},
    {NGHTTP2_FLAG_END_STREAM, ON(DATA) | ON(HEADERS), "END_STREAM"},
    {NGHTTP2_FLAG_END_HEADERS, ON(HEADERS) | ON(PUSH_PROMISE) | ON(CONTINUATION), "END_HEADERS"},
    {NGHTTP2_FLAG_PADDED, ON(DATA) | ON(HEADERS) | ON(PUSH_PROMISE), "PADDED"},
    {NGHTTP2_FLAG_PRIORITY, ON(HEADERS), "PRIORITY"},
};

/* Names of the flags, each behind a blank; the rest as a number. */
static void name_flags(char *out, size_t room, uint8_t type, uint8_t flags)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < sizeof(flags_known) / sizeof(*flags_known); i++) {
        uint8_t flag = flags_known[i].flag;
        if (!(flags & flag) || type > NGHTTP2_CONTINUATION || !(flags_known[i].types & 1u << type))
            continue;
        used += (size_t)snprintf(out + used, room - used, " %s", flags_known[i].name);
        flags &= (uint8_t)~flag;
    }
    if (flags)
        snprintf(out + used, room - used, " 0x%02x", flags);
}

void rill_frame_names(const rill_frame *frame, char *name, char *flags)
{
    if (frame->type <= NGHTTP2_CONTINUATION)
        snprintf(name, FRAME_NAME, "%s", types[frame->type]);
    else
        snprintf(name, FRAME_NAME, "type 0x%02x", frame->type);
    name_flags(flags, FRAME_FLAGS, frame->type, frame->flags);
}
