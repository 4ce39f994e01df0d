#include "http/retry_after.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/fields.h"

/* No date is longer. */
enum { DATE_MAX = 64 };

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (!strncmp(name, names + 3 * i, 3))
            return i;
    return -1;
}

/* Reads the three formats of RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday,
 * 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". */
static bool read_date(const char *text, struct tm *date, char month[4])
{
    int end = 0, year = 0;
    *date = (struct tm){0};
    int *day = &date->tm_mday, *hour = &date->tm_hour, *minute = &date->tm_min,
        *second = &date->tm_sec;
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", day, month, &year, hour,
               minute, second, &end) != 6 ||
        !end) {
        end = 0;
        if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", day, month, &year,
                   hour, minute, second, &end) == 6 &&
            end)
            year += year < 70 ? 2000 : 1900;
        else if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, day, hour,
                        minute, second, &year, &end) != 6)
            return false;
    }
    date->tm_year = year - 1900;
    return end && !text[end];
}

static bool is_sane(const struct tm *date)
{
    return date->tm_mon >= 0 && date->tm_mday >= 1 && date->tm_mday <= 31 && date->tm_year >= 0 &&
           date->tm_hour >= 0 && date->tm_hour < 24 && date->tm_min >= 0 && date->tm_min < 60 &&
           date->tm_sec >= 0 && date->tm_sec <= 60;
}

/* Milliseconds until a date; 0: it is over, or none. */
static uint64_t until(const char *text)
{
    struct tm date;
    struct timespec now;
    char month[4] = "";
    if (!read_date(text, &date, month))
        return 0;
    date.tm_mon = month_of(month);
    if (!is_sane(&date) || clock_gettime(CLOCK_REALTIME, &now))
        return 0;
    int64_t due_ms = (int64_t)timegm(&date) * 1000;
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0;
}

static bool is_number(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return length > 0;
}

static uint64_t pause_of(const char *value, size_t length, uint64_t most_ms)
{
    char text[DATE_MAX + 1];
    if (is_number(value, length)) { /* of any size */
        int64_t seconds = rill_fields_number(value, length);
        return seconds < 0 || (uint64_t)seconds > most_ms / 1000 ? most_ms
                                                                 : (uint64_t)seconds * 1000;
    }
    if (length > DATE_MAX || memchr(value, 0, length))
        return 0;
    memcpy(text, value, length);
    text[length] = 0;
    uint64_t pause_ms = until(text);
    return pause_ms < most_ms ? pause_ms : most_ms;
}

uint64_t rill_retry_after(const char *block, size_t length, uint64_t most_ms)
{
    rill_field field;
    const char *rest = block, *end = block + length;
    while (length && rill_fields_next(&rest, end, &field))
        if (field.name.length == 11 && !memcmp(field.name.data, "retry-after", 11))
            return pause_of(field.value.data, field.value.length, most_ms);
    return 0;
}
