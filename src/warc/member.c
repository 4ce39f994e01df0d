#include "warc/member.h"

#include <stdint.h>

enum { LEVEL = 6, GZIP = 16 };
enum { LARGE_WINDOW = 15, LARGE_MEMORY = 8 }; /* zlib's defaults */
enum { SMALL_WINDOW = 12, SMALL_MEMORY = 5 };
enum { ROOM = 2048 }; /* made for output, at least: what most small members take */

bool rill_member_begin(rill_member *member, size_t length)
{
    bool small = length <= MEMBER_SMALL;
    z_stream *stream = small ? &member->small : &member->large;
    member->open = stream;
    if (stream->state)
        return deflateReset(stream) == Z_OK;
    return deflateInit2(stream, LEVEL, Z_DEFLATED, GZIP + (small ? SMALL_WINDOW : LARGE_WINDOW),
                        small ? SMALL_MEMORY : LARGE_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool make_room(rill_slab *slab, rill_bytes *out)
{
    if (out->room - out->length >= ROOM)
        return true;
    return rill_bytes_reserve(slab, out, out->room + (out->room > ROOM ? out->room : ROOM));
}

bool rill_member_write(rill_member *member, rill_slab *slab, rill_bytes *out, rill_chars data,
                       bool last)
{
    z_stream *stream = member->open;
    int code;
    stream->next_in = (unsigned char *)(uintptr_t)data.data; /* zlib only reads it */
    stream->avail_in = (uInt)data.length;
    do {
        if (!make_room(slab, out))
            return false;
        size_t room = out->room - out->length;
        stream->next_out = (unsigned char *)out->data + out->length;
        stream->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
        uInt before = stream->avail_out;
        code = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
        out->length += before - stream->avail_out;
    } while (!stream->avail_out);
    return last ? code == Z_STREAM_END : code != Z_STREAM_ERROR;
}

void rill_member_dispose(rill_member *member)
{
    deflateEnd(&member->small);
    deflateEnd(&member->large);
}
