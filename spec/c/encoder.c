/* Queries in a page's encoding, for spec/html/encoder_spec.lua: not exported by the library. */
#include <string.h>

#include "html/encoder.h"

__attribute__((visibility("default"))) int spec_encode(const char *label, const char *utf8,
                                                       size_t length, char *out, size_t room);

/* Returns the length written to `out`, -1 where the label is none or it does not fit. */
int spec_encode(const char *label, const char *utf8, size_t length, char *out, size_t room)
{
    rill_slab slab = {0};
    rill_bytes bytes = {0};
    const rill_charset *charset = rill_charset_find(label, strlen(label));
    bool good = charset && rill_charset_encode(&slab, charset, utf8, length, &bytes);
    int count = good && bytes.length <= room ? (int)bytes.length : -1;
    if (count > 0)
        memcpy(out, bytes.data, bytes.length);
    rill_bytes_dispose(&slab, &bytes);
    rill_slab_dispose(&slab);
    return count;
}
