#include "http/lines.h"

#include <string.h>

static enum rill_lines_found broken(rill_lines *lines, const char *rule)
{
    lines->rule = rule;
    return LINES_BROKEN;
}

/* Whether a status line may begin with what there is of it. Else its end may never come. */
static bool may_be_status(const rill_lines *lines)
{
    static const char begin[] = "HTTP/1.";
    const rill_bytes *line = &lines->line;
    size_t length = line->length < sizeof(begin) - 1 ? line->length : sizeof(begin) - 1;
    if (!lines->skipped && line->length == 1 && *line->data == '\r')
        return true;
    return !memcmp(line->data, begin, length);
}

static enum rill_lines_found no_status(rill_lines *lines)
{
    return broken(lines, "no HTTP/1.x and status of 100 to 999 (RFC 9112 section 4)");
}

/* One empty line is let pass: servers send it behind a former body. */
static enum rill_lines_found end_first(rill_lines *lines, rill_chars line)
{
    lines->first = line;
    lines->line.length = 0;
    if (!line.length && !lines->skipped) {
        lines->skipped = true;
        return LINES_MORE;
    }
    lines->status = rill_fields_status(line, &lines->minor);
    if (lines->status < 0)
        return no_status(lines);
    lines->state = LINES_FIELDS;
    return LINES_STATUS;
}

/* LF has come. A field's line may go on: what comes next shows that. */
static enum rill_lines_found end_line(rill_lines *lines, rill_slab *slab)
{
    const rill_bytes *line = &lines->line;
    size_t length = line->length - 1;
    length -= length && line->data[length - 1] == '\r';
    if (lines->state == LINES_FIRST)
        return end_first(lines, (rill_chars){line->data, length});
    if (length)
        return LINES_MORE;
    lines->state = LINES_DONE;
    rill_bytes_dispose(slab, &lines->line);
    return LINES_END;
}

/* Whether a field stands in the line, and does not go on with `next`. */
static bool has_field(rill_lines *lines, char next)
{
    const rill_bytes *line = &lines->line;
    if (!line->length || line->data[line->length - 1] != '\n')
        return false;
    lines->folded = lines->folded || next == ' ' || next == '\t';
    return next != ' ' && next != '\t';
}

static enum rill_lines_found read_field(rill_lines *lines)
{
    rill_bytes *line = &lines->line;
    const char *rule =
        rill_fields_receive(line->data, line->length - 1, lines->folded, &lines->field);
    line->length = 0;
    lines->folded = false;
    return rule ? broken(lines, rule) : LINES_FIELD;
}

enum rill_lines_found rill_lines_next(rill_lines *lines, rill_slab *slab, rill_chars *in,
                                      size_t most)
{
    enum rill_lines_found found = LINES_MORE;
    while (found == LINES_MORE && in->length && lines->state != LINES_DONE) {
        if (has_field(lines, *in->data))
            return read_field(lines);
        const char *lf = memchr(in->data, '\n', in->length);
        size_t part = lf ? (size_t)(lf - in->data) + 1 : in->length;
        if (!rill_bytes_append(slab, &lines->line, in->data, part))
            return LINES_NO_MEMORY;
        in->data += part;
        in->length -= part;
        lines->length += part;
        if (!lf && lines->state == LINES_FIRST && !may_be_status(lines)) {
            lines->first = (rill_chars){lines->line.data, lines->line.length};
            return no_status(lines);
        }
        if (lines->line.length > most)
            return LINES_TOO_LONG;
        if (lf)
            found = end_line(lines, slab);
    }
    return found;
}
