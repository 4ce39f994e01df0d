#include "http/upload.h"

int64_t rill_upload_read_file(rill_stream *stream, void *out, size_t room, bool *last,
                              rill_error *err)
{
    rill_source *source = stream->source;
    int64_t n = rill_source_read(source, out, room, err);
    *last = !n || (rill_source_is_sized(source) && source->taken == (uint64_t)source->length);
    return n;
}

void rill_upload_take(rill_stream *stream, void *out, size_t length)
{
    rill_source *source = stream->source;
    rill_source_take(&stream->turn->slab, source, out, length);
    if (!source->writer_waits || source->fed.length > SOURCE_HIGH_WATER)
        return;
    source->writer_waits = false;
    rill_turn_report(stream->turn, stream->entry, RILL_EVENT_WRITABLE);
}

int64_t rill_upload_read(rill_stream *stream, void *out, size_t room, bool *last, rill_error *err)
{
    if (rill_source_is_file(stream->source))
        return rill_upload_read_file(stream, out, room, last, err);
    uint64_t ready = rill_source_ready(stream->source, last);
    if (!ready && !*last)
        return SOURCE_LATER;
    size_t length = ready < room ? (size_t)ready : room;
    *last = *last && length == ready;
    rill_upload_take(stream, out, length);
    return (int64_t)length;
}

/* Ends a wait for the peer: the next one begins at `since_ms`, 0: there is none. */
static void count_wait(rill_stream *stream, uint64_t since_ms)
{
    if (stream->remote_since_ms)
        stream->stalled_remote_ms += (uint32_t)(stream->turn->now_ms - stream->remote_since_ms);
    stream->remote_since_ms = since_ms;
}

void rill_upload_begin(rill_stream *stream)
{
    bool last;
    const rill_source *source = stream->source;
    if (source && !source->held &&
        (rill_source_is_file(source) || rill_source_ready(source, &last) || last))
        stream->remote_since_ms = stream->turn->now_ms;
}

void rill_upload_starve(rill_stream *stream)
{
    stream->starved = true;
    stream->remote_since_ms = 0; /* it is not the peer that is waited for */
}

bool rill_upload_feed(rill_stream *stream)
{
    uint64_t now_ms = stream->turn->now_ms;
    if (stream->local == HALF_OPEN && !stream->remote_since_ms && !stream->source->held)
        stream->remote_since_ms = now_ms;
    if (!stream->starved)
        return false;
    stream->starved = false;
    stream->active_ms = now_ms; /* the pause was ours */
    return true;
}

void rill_upload_stop(rill_stream *stream)
{
    rill_stream_sent_end(stream);
    stream->starved = stream->blocked = false;
    count_wait(stream, 0);
}

void rill_upload_sent(rill_stream *stream, bool last)
{
    count_wait(stream, last ? 0 : stream->turn->now_ms);
    stream->active_ms = stream->turn->now_ms;
}
