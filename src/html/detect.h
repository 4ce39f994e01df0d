/* Which encoding a page is in. */
#ifndef RILL_DETECT_H
#define RILL_DETECT_H

#include "html/charset.h"

/* What a page says it is in: by a byte order mark, else the charset of its content-type field, else
 * its first 1,024 bytes. NULL: nothing. `content_type` may be NULL; *bom gets the length of the
 * mark, which is no text. */
const rill_charset *rill_detect_declared(const char *page, size_t length, const char *content_type,
                                         size_t content_type_length, size_t *bom);

/* The same, and where nothing is said UTF-8 if the whole page is UTF-8, else windows-1252. Reads
 * all of such a page; to do that in slices, take rill_detect_declared() and rill_utf8_check(). */
const rill_charset *rill_detect_charset(const char *page, size_t length, const char *content_type,
                                        size_t content_type_length, size_t *bom);

#endif
