#include "base/escape.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the character at `text`, and which; 0: no UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *text, size_t length, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = text[0];
    size_t size = first < 0x80                    ? 1
                  : first >= 0xc2 && first < 0xe0 ? 2
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xf0 && first < 0xf5 ? 4
                                                  : 0;
    if (!size || size > length)
        return 0;
    *character = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (text[i] & 0x3f);
    }
    bool surrogate = *character >= 0xd800 && *character < 0xe000;
    return *character < least[size] || *character > 0x10ffff || surrogate ? 0 : size;
}

static bool is_hidden(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool direction = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
                     (c >= 0x2066 && c <= 0x2069);
    return control || direction || c == 0x2028 || c == 0x2029;
}

size_t rill_escape_text(char *out, size_t room, const char *text, size_t length)
{
    enum { ESCAPE = 4 };
    size_t written = 0;
    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        const unsigned char *bytes = (const unsigned char *)text + at;
        size_t size = decode(bytes, length - at, &character);
        bool shown = size && !is_hidden(character);
        size = size ? size : 1;
        if (written + (shown ? size : size * ESCAPE) >= room)
            break;
        if (shown)
            memcpy(out + written, bytes, size);
        for (size_t i = 0; i < size && !shown; i++)
            snprintf(out + written + i * ESCAPE, ESCAPE + 1, "\\x%02X", (unsigned)bytes[i]);
        written += shown ? size : size * ESCAPE;
        at += size;
    }
    if (room)
        out[written] = 0;
    return written;
}

size_t rill_escape_print(char *out, size_t room, const char *format, va_list args)
{
    char text[ESCAPE_ROOM];
    assert(room && room <= sizeof(text));
    int length = vsnprintf(text, room, format, args);
    size_t kept = length > 0 ? (size_t)length : 0;
    if (kept >= room) { /* it was cut, and perhaps in the middle of a character */
        kept = room - 1;
        while (kept && ((unsigned char)text[kept - 1] & 0xc0) == 0x80)
            kept--;
        if (kept && (unsigned char)text[kept - 1] >= 0xc0)
            kept--;
    }
    return rill_escape_text(out, room, text, kept);
}
