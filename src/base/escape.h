/* Text that others have written, as it may be shown: on a terminal, in a log. */
#ifndef RILL_ESCAPE_H
#define RILL_ESCAPE_H

#include <stdarg.h>
#include <stddef.h>

/* UTF-8 with what a reader does not see, or sees wrong, as "\xNN": control characters (C0, C1,
 * DEL), those that change the direction of text, line separators, and bytes that are no UTF-8.
 * `out` has room for `room` bytes with the final NUL; what does not fit is cut, between characters.
 * Returns the length. */
size_t rill_escape_text(char *out, size_t room, const char *text, size_t length);

/* The same of a sentence that is made as by vprintf(); `room` is at most ESCAPE_ROOM. */
enum { ESCAPE_ROOM = 512 };
size_t rill_escape_print(char *out, size_t room, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
