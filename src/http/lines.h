/* Reads the lines of a head of HTTP/1.x as they come: a status line, then fields, up to the empty
 * line (RFC 9112 sections 2 to 5). Servers and proxies send them. Strict where a lax reading would
 * let two programs disagree, lenient where real servers need it: LF alone ends a line, one empty
 * line may stand first, a field may be folded. */
#ifndef RILL_LINES_H
#define RILL_LINES_H

#include "http/fields.h"

enum rill_lines_state { LINES_FIRST, LINES_FIELDS, LINES_DONE };

typedef struct rill_lines { /* zeroed: before a status line */
    enum rill_lines_state state;
    bool skipped;      /* an empty line */
    bool folded;       /* the line goes on on the next one */
    rill_bytes line;   /* owned, gone with LINES_DONE: a line, with those that fold it */
    size_t length;     /* bytes so far */
    int minor, status; /* of HTTP/1.x; 100 to 999 */
    rill_chars first;  /* the status line, also where it is none: good until the next call */
    rill_field field;  /* the same */
    const char *rule;  /* that was broken */
} rill_lines;

enum rill_lines_found {
    LINES_MORE, /* nothing: all was taken */
    LINES_STATUS,
    LINES_FIELD,
    LINES_END,
    LINES_TOO_LONG, /* a line, with those that fold it, of more than `most` bytes */
    LINES_BROKEN,
    LINES_NO_MEMORY
};

/* Takes bytes off the front of `in`, up to what is found first. */
enum rill_lines_found rill_lines_next(rill_lines *lines, rill_slab *slab, rill_chars *in,
                                      size_t most);

#endif
