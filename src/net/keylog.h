/* A file that gets the secrets of TLS sessions, for tools that read captured traffic (NSS key log
 * format). */
#ifndef RILL_KEYLOG_H
#define RILL_KEYLOG_H

#include <stdbool.h>

typedef struct rill_keylog {
    int fd;      /* owned; -1: nothing is logged */
    char *path;  /* owned; NULL: none is wanted */
    bool untold; /* `warning` waits to be reported */
    char warning[256];
} rill_keylog;

/* Opens `path` for appending; a new file is its owner's alone. NULL: none is wanted; "env": the
 * path in $SSLKEYLOGFILE, if any. Failing is no error: see rill_keylog_warning(). The struct is
 * overwritten. False: out of memory. */
bool rill_keylog_open(rill_keylog *keylog, const char *path);
void rill_keylog_dispose(rill_keylog *keylog); /* a zeroed struct that was never opened is fine */

/* Appends a line (given without its end). The first failure ends the log. */
void rill_keylog_write(rill_keylog *keylog, const char *line);

/* Why nothing is logged, reported once; NULL: nothing new. The sentence is good until dispose. */
const char *rill_keylog_warning(rill_keylog *keylog);

#endif
