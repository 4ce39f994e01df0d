#include "warc/member.h"

#include <stdint.h>

#include "base/library.h"

enum { LEVEL = 6, GZIP = 16 };
enum { LARGE_WINDOW = 15, LARGE_MEMORY = 8 }; /* zlib's defaults */
enum { SMALL_WINDOW = 12, SMALL_MEMORY = 5 };
enum { ROOM = 2048 }; /* made for output, at least: what most small members take */

/* libdeflate takes half of zlib's time, but takes all of a member at once. Its functions are
 * declared here: so nothing of it is needed to build. */
struct compressor;
static const char *const names[] = {"libdeflate_alloc_compressor", "libdeflate_gzip_compress",
                                    "libdeflate_gzip_compress_bound", "libdeflate_free_compressor"};
static struct {
    struct compressor *(*create)(int level);
    size_t (*compress)(struct compressor *, const void *in, size_t length, void *out, size_t room);
    size_t (*bound)(struct compressor *, size_t length);
    void (*destroy)(struct compressor *);
} lib;
static rill_library library = {"libdeflate.so.0", "libdeflate0", names,
                               sizeof(names) / sizeof(*names), LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

static const char *const z_names[] = {"deflateInit2_", "deflateReset", "deflate", "deflateEnd"};
static struct {
    __typeof__(deflateInit2_) *init;
    __typeof__(deflateReset) *reset;
    __typeof__(deflate) *deflate;
    __typeof__(deflateEnd) *end;
} z;
static rill_library zlib = {"libz.so.1", "zlib1g", z_names, sizeof(z_names) / sizeof(*z_names),
                            LIBRARY_UNKNOWN};
_Static_assert(sizeof(z) == sizeof(z_names), "a name for each function");

bool rill_member_begin(rill_member *member, size_t length, rill_error *err)
{
    if (rill_library_load(&zlib, &z, err))
        return false;
    bool small = length <= MEMBER_SMALL;
    z_stream *stream = small ? &member->small : &member->large;
    member->open = stream;
    if (stream->state)
        return z.reset(stream) == Z_OK;
    return z.init(stream, LEVEL, Z_DEFLATED, GZIP + (small ? SMALL_WINDOW : LARGE_WINDOW),
                  small ? SMALL_MEMORY : LARGE_MEMORY, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                  (int)sizeof(*stream)) == Z_OK;
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
        code = z.deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
        out->length += before - stream->avail_out;
    } while (!stream->avail_out);
    return last ? code == Z_STREAM_END : code != Z_STREAM_ERROR;
}

/* NULL: there is none, zlib does it. */
static struct compressor *whole_of(rill_member *member)
{
    if (!member->has_asked && rill_library_load(&library, &lib, NULL) == 0)
        member->whole = lib.create(LEVEL);
    member->has_asked = true;
    return member->whole;
}

bool rill_member_make(rill_member *member, rill_slab *slab, rill_bytes *out, rill_chars data,
                      rill_error *err)
{
    struct compressor *whole = data.length <= MEMBER_WHOLE ? whole_of(member) : NULL;
    if (!whole)
        return rill_member_begin(member, data.length, err) &&
               rill_member_write(member, slab, out, data, true);
    size_t most = lib.bound(whole, data.length);
    if (out->room - out->length < most && !rill_bytes_reserve(slab, out, out->room + most))
        return false;
    size_t length = lib.compress(whole, data.data, data.length, out->data + out->length,
                                 out->room - out->length);
    out->length += length;
    return length > 0;
}

void rill_member_dispose(rill_member *member)
{
    if (member->whole)
        lib.destroy(member->whole);
    if (member->small.state)
        z.end(&member->small);
    if (member->large.state)
        z.end(&member->large);
}
