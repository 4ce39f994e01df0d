#include "html/detect.h"

#include <string.h>
#include <strings.h>

#include "html/prescan.h"
#include "html/utf8.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static const rill_charset *named(const char *label)
{
    return rill_charset_find(label, strlen(label));
}

static const rill_charset *marked(const char *page, size_t length, size_t *bom)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *label;
    } marks[] = {
        {"\xEF\xBB\xBF", 3, "utf-8"}, {"\xFE\xFF", 2, "utf-16be"}, {"\xFF\xFE", 2, "utf-16le"}};
    *bom = 0;
    for (int i = 0; i < 3; i++) {
        if (length >= marks[i].length && !memcmp(page, marks[i].bytes, marks[i].length)) {
            *bom = marks[i].length;
            return named(marks[i].label);
        }
    }
    return NULL;
}

/* Where a parameter ends: at the next ";" outside of quotes. */
static const char *parameter_end(const char *at, const char *end)
{
    for (bool quoted = false; at < end && (quoted || *at != ';'); at++)
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && quoted && at + 1 < end)
            at++;
    return at;
}

/* The value of a parameter, without the quotes that may stand around it. */
static const rill_charset *read_value(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    if (at < end && (*at == '"' || *at == '\'')) {
        const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
        return rill_charset_find(at + 1, (size_t)((close ? close : end) - at - 1));
    }
    const char *comma = memchr(at, ',', (size_t)(end - at)); /* two fields in one line */
    return rill_charset_find(at, (size_t)((comma ? comma : end) - at));
}

/* The first charset parameter of a content-type field. */
static const rill_charset *of_content_type(const char *at, size_t length)
{
    static const char name[] = "charset";
    const char *end = at + length;
    while ((at = parameter_end(at, end)) < end) {
        at++;
        while (at < end && is_blank(*at))
            at++;
        if ((size_t)(end - at) < sizeof(name) || strncasecmp(at, name, sizeof(name) - 1) != 0)
            continue;
        const char *value = at + sizeof(name) - 1;
        while (value < end && is_blank(*value))
            value++;
        if (value < end && *value == '=')
            return read_value(value + 1, parameter_end(value, end));
    }
    return NULL;
}

const rill_charset *rill_detect_declared(const char *page, size_t length, const char *content_type,
                                         size_t content_type_length, size_t *bom)
{
    const rill_charset *found = marked(page, length, bom);
    if (!found && content_type)
        found = of_content_type(content_type, content_type_length);
    return found ? found : rill_prescan(page, length);
}

const rill_charset *rill_detect_charset(const char *page, size_t length, const char *content_type,
                                        size_t content_type_length, size_t *bom)
{
    const rill_charset *found =
        rill_detect_declared(page, length, content_type, content_type_length, bom);
    if (found)
        return found;
    rill_utf8 check = {0};
    bool good = rill_utf8_check(&check, page, length) && rill_utf8_ended(&check);
    return named(good ? "utf-8" : "windows-1252");
}
