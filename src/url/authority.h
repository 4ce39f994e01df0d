/* The authority of a URL: [userinfo@]host[:port], RFC 3986 section 3.2. */
#ifndef RILL_AUTHORITY_H
#define RILL_AUTHORITY_H

#include "url/cleaner.h"

/* Reads an authority whose two slashes are behind c->in.at, and writes it with them; fills in its
 * parts of c->url, and url->path: where the path is to begin. False with c->why set: no host where
 * there must be one, a host or port that is none, a control character. */
bool rill_authority_read(rill_cleaner *c);

#endif
