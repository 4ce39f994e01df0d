/* From UTF-8 to a page's encoding, as a link's query needs it (URL Standard, section 2.1). */
#ifndef RILL_ENCODER_H
#define RILL_ENCODER_H

#include "base/bytes.h"
#include "html/charset.h"

/* Appends a query to `out`: ASCII as it stands (but for ISO-2022-JP's escapes between), the rest in
 * the page's encoding and percent-encoded, so that whoever cleans the URL leaves it as it is. What
 * cannot be encoded becomes "%26%23N%3B", a character reference. Pages in UTF-16 and `replacement`
 * send UTF-8, as it stands. At most 15 bytes a character. False: out of memory. */
bool rill_charset_encode(rill_slab *slab, const rill_charset *charset, const char *utf8,
                         size_t length, rill_bytes *out);

#endif
