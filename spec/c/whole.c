/* Stands in for libdeflate: every body it makes is so many x, and STAND_IN says what it says of
 * that. For spec/client/whole_spec.lua. */
#include <stdlib.h>
#include <string.h>

struct libdeflate_decompressor;
struct libdeflate_decompressor *libdeflate_alloc_decompressor(void);
void libdeflate_free_decompressor(struct libdeflate_decompressor *own);
int libdeflate_gzip_decompress_ex(struct libdeflate_decompressor *own, const void *in,
                                  size_t length, void *out, size_t room, size_t *taken,
                                  size_t *made);

static int is(const char *word)
{
    const char *said = getenv("STAND_IN");
    return said && !strcmp(said, word);
}

struct libdeflate_decompressor *libdeflate_alloc_decompressor(void)
{
    return is("out of memory") ? NULL : malloc(1);
}

void libdeflate_free_decompressor(struct libdeflate_decompressor *own)
{
    free(own);
}

int libdeflate_gzip_decompress_ex(struct libdeflate_decompressor *own, const void *in,
                                  size_t length, void *out, size_t room, size_t *taken,
                                  size_t *made)
{
    (void)own, (void)in;
    memset(out, 'x', room);
    *taken = length - is("not all taken");
    *made = room - is("too little made");
    return is("broken");
}
