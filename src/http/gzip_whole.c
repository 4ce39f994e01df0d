/* One whole gzip member (RFC 1952), undone in one call by libdeflate, where that is installed: it
 * takes a third of zlib's time and less. */
#include "base/library.h"
#include "http/coding.h"

/* Its functions are declared here: so nothing of it is needed to build. */
struct decompressor;
static const char *const names[] = {"libdeflate_alloc_decompressor",
                                    "libdeflate_gzip_decompress_ex",
                                    "libdeflate_free_decompressor"};
static struct {
    struct decompressor *(*create)(void);
    int (*decompress)(struct decompressor *, const void *in, size_t length, void *out, size_t room,
                      size_t *taken, size_t *made);
    void (*destroy)(struct decompressor *);
} lib;
static rill_library library = {"libdeflate.so.0", "libdeflate0", names,
                               sizeof(names) / sizeof(*names), LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

enum {
    GZIP_FLAGS = 3,     /* where the header has them */
    GZIP_FHCRC = 2,     /* the header has a sum of its own, which libdeflate does not look at */
    GZIP_SHORTEST = 20, /* header, the shortest end of deflate's data, and what is behind it */
    DEFLATE_RATIO_MOST = 1032 /* two bits for 258 bytes */
};

size_t rill_gzip_announced(const uint8_t *data, size_t length)
{
    if (length < GZIP_SHORTEST || data[GZIP_FLAGS] & GZIP_FHCRC)
        return 0;
    const uint8_t *size = data + length - 4; /* section 2.3.1: ISIZE */
    size_t bytes = size[0] | size[1] << 8 | size[2] << 16 | (size_t)size[3] << 24;
    return bytes <= CODING_WHOLE_MOST && bytes / DEFLATE_RATIO_MOST <= length ? bytes : 0;
}

bool rill_gzip_whole(const uint8_t *data, size_t length, uint8_t *out, size_t size)
{
    size_t taken = 0, made = 0;
    if (!rill_library_is_there(&library) || rill_library_load(&library, &lib, NULL))
        return false;
    struct decompressor *own = lib.create(); /* costs a hundredth of what is saved */
    if (!own)
        return false;
    int code = lib.decompress(own, data, length, out, size, &taken, &made);
    lib.destroy(own);
    return !code && taken == length && made == size;
}
