/* Text that others have written, as it may be shown: on a terminal, in a log. */
#ifndef RILL_ESCAPE_H
#define RILL_ESCAPE_H

#include <stddef.h>

/* UTF-8 with what a reader does not see, or sees wrong, as "\xNN": control characters (C0, C1,
 * DEL), those that change the direction of text, line separators, and bytes that are no UTF-8.
 * `out` has room for `room` bytes with the final NUL; what does not fit is cut, between characters.
 * Returns the length. */
size_t rill_escape_text(char *out, size_t room, const char *text, size_t length);

#endif
