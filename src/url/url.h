/* Short ways where much is known already: a URL of the same origin as the one before, links of one
 * page. The rest is in rill.h. */
#ifndef RILL_URL_H
#define RILL_URL_H

#include <stdbool.h>

#include "rill.h"

/* `out` holds a URL of http or https that rill_url_parse() has written, `url` says where its parts
 * stand. If `text` begins with the same bytes up to the path (and without a userinfo), only what
 * follows is read, to the same result as rill_url_parse() has. False: it does not, or the rest is
 * not clean; `out` and `url` may have changed then, and the text is to be parsed. */
bool rill_url_follow(const char *text, uint32_t length, char *out, uint32_t room, rill_url *url);

/* What rill_url_normalize() makes of what rill_url_resolve() makes of a reference. `base` is
 * normalized, and `parts` says where its parts stand. */
int32_t rill_url_link(const char *base, const rill_url *parts, const char *reference,
                      uint32_t reference_length, char *out, uint32_t room, rill_url *url);

#endif
