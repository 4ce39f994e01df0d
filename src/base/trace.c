#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

static const struct {
    enum rill_trace_topic topic;
    const char *name;
} topics[] = {
    {TRACE_FRAMES, "frames"}, {TRACE_DIAL, "dial"}, {TRACE_POOL, "pool"}, {TRACE_TLS, "tls"}};

enum { TOPICS = sizeof(topics) / sizeof(*topics) };

/* In one piece, so that lines of several processes do not mix. */
static void write_line(const char *head, const char *text)
{
    char line[TRACE_LINE], shown[TRACE_LINE];
    rill_escape_text(shown, sizeof(shown), text, strlen(text));
    int length = snprintf(line, sizeof(line) - 1, "%s%s", head, shown);
    if (length < 0)
        return;
    if ((size_t)length > sizeof(line) - 2)
        length = (int)sizeof(line) - 2;
    line[length] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)length + 1);
    (void)written; /* there is nobody to report it to */
}

static enum rill_trace_topic topic_of(const char *word, size_t length)
{
    for (int i = 0; i < TOPICS; i++)
        if (strlen(topics[i].name) == length && !memcmp(topics[i].name, word, length))
            return topics[i].topic;
    return 0;
}

void rill_trace_init(rill_turn *turn)
{
    char unknown[200] = "";
    const char *word = secure_getenv("RILL_TRACE");
    for (; word && *word; word += strspn(word, ", ")) {
        size_t length = strcspn(word, ", "), used = strlen(unknown);
        enum rill_trace_topic topic = topic_of(word, length);
        turn->trace |= (uint8_t)topic;
        if (!topic && length)
            snprintf(unknown + used, sizeof(unknown) - used, "%s\"%.*s\"", used ? ", " : "",
                     (int)(length < sizeof(unknown) ? length : sizeof(unknown)), word);
        word += length;
    }
    if (unknown[0])
        write_line("rill: RILL_TRACE knows frames, dial, pool and tls, not ", unknown);
}

void rill_trace_write(const rill_turn *turn, enum rill_trace_topic topic, uint32_t number,
                      const char *format, ...)
{
    char head[80], text[TRACE_LINE];
    const char *name = "";
    for (int i = 0; i < TOPICS; i++)
        if (topics[i].topic == topic)
            name = topics[i].name;
    int length = snprintf(head, sizeof(head), "rill %.6f %s ", (double)turn->now_us / 1e6, name);
    if (number && length > 0)
        snprintf(head + length, sizeof(head) - (size_t)length, "conn %u ", number);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    write_line(head, text);
}
