#include "doc/output.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that are written for one operation; at a time. */
enum { BYTES_PER_OPERATION = 64, AT_ONCE = 256 << 10 };

void rill_output_begin(rill_doc *doc)
{
    doc->text.length = 0;
    doc->text.ended = doc->text.failed = false;
}

bool rill_output_work(rill_doc *doc, unsigned long operations)
{
    if (!rill_job_work(&doc->job, operations))
        doc->text.ended = true;
    return !doc->text.ended && !doc->text.failed;
}

/* Makes room for so many bytes more. */
static bool make_room(rill_doc *doc, size_t length)
{
    if (doc->text.length + length <= doc->text.room)
        return true;
    size_t room = 2 * (doc->text.length + length);
    char *data = realloc(doc->text.data, room);
    if (!data) {
        doc->text.failed = true;
        return false;
    }
    doc->text.data = data;
    doc->text.room = room;
    return true;
}

/* How many of these bytes have a place, so that no character is cut. */
static size_t fitting(rill_doc *doc, const char *bytes, size_t length)
{
    size_t left = RILL_DOC_TEXT - doc->text.length;
    if (length <= left)
        return length;
    for (length = left; length && (bytes[length] & 0xc0) == 0x80; length--)
        ;
    return length;
}

void rill_output_add(rill_doc *doc, const char *bytes, size_t length)
{
    if (doc->text.ended || doc->text.failed)
        return;
    size_t fits = fitting(doc, bytes, length);
    for (size_t at = 0, piece; at < fits; at += piece) {
        piece = fits - at < AT_ONCE ? fits - at : AT_ONCE;
        if (!make_room(doc, piece))
            return;
        memcpy(doc->text.data + doc->text.length, bytes + at, piece);
        doc->text.length += piece;
        if (!rill_output_work(doc, 1 + piece / BYTES_PER_OPERATION))
            return;
    }
    doc->text.ended |= fits < length; /* nothing that comes later stands behind a gap */
}

void rill_output_add_string(rill_doc *doc, const char *text)
{
    rill_output_add(doc, text, strlen(text));
}
