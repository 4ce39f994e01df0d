/* rill in a program that has a poll(2) loop of its own: URLs are read from standard input, a line
 * each, and fetched while more are read.
 *
 *   cc -o poll poll.c $(pkg-config --cflags --libs rill)
 *   printf 'https://example.com/\nhttps://example.com/missing\n' | ./poll
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rill.h>

enum { EVENTS = 16, LINE_MAX_BYTES = 4096 };

struct program {
    rill_loop *loop;
    rill_id client;
    int running; /* requests */
    char line[LINE_MAX_BYTES];
    size_t length; /* of what has come of a line */
};

static void die(const rill_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void start(struct program *program, const char *url, size_t length)
{
    rill_error err;
    rill_id id;
    rill_request request;
    rill_request_init(&request);
    request.url = url; /* borrowed for the call */
    request.url_length = (uint32_t)length;
    if (rill_request_start(program->loop, &program->client, &request, &id, &err))
        printf("%.*s: %s\n", (int)length, url, err.message);
    else
        program->running++;
}

/* False at the end of the input. */
static bool read_lines(struct program *program)
{
    ssize_t got = read(0, program->line + program->length, LINE_MAX_BYTES - program->length);
    if (got <= 0)
        return false;
    program->length += (size_t)got;
    char *end;
    while ((end = memchr(program->line, '\n', program->length))) {
        size_t length = (size_t)(end - program->line);
        start(program, program->line, length);
        program->length -= length + 1;
        memmove(program->line, end + 1, program->length);
    }
    if (program->length == LINE_MAX_BYTES)
        program->length = 0; /* no URL is that long */
    return true;
}

static void take(struct program *program, const rill_event *event)
{
    size_t length = event->large ? rill_body_length(event->large) : event->body_length;
    if (event->type == RILL_EVENT_RESPONSE)
        printf("%d, %zu bytes\n", (int)event->status, length);
    else if (event->type == RILL_EVENT_FAILED)
        printf("%s\n", event->errors->message);
    else
        return; /* a warning */
    rill_body_free(event->large);
    program->running--;
}

/* A bounded amount of work, without waiting; then everything that has happened. */
static void step(struct program *program)
{
    rill_event events[EVENTS];
    int32_t count;
    if (rill_loop_step(program->loop) < 0)
        exit(1);
    while ((count = rill_events(program->loop, events, EVENTS)) > 0)
        for (int32_t i = 0; i < count; i++)
            take(program, &events[i]);
}

int main(void)
{
    rill_error err;
    rill_options options;
    struct program program = {.loop = rill_loop_new(&err)};
    rill_options_init(&options);
    if (!program.loop || rill_client_new(program.loop, &options, &program.client, &err))
        die(&err);
    struct pollfd fds[] = {{.events = POLLIN, .fd = rill_loop_fd(program.loop, &err)},
                           {.events = POLLIN, .fd = 0}};
    if (fds[0].fd < 0)
        die(&err);
    while (program.running > 0 || fds[1].fd >= 0) {
        if (poll(fds, 2, -1) < 0)
            return 1;
        if (fds[1].revents && !read_lines(&program))
            fds[1].fd = -1; /* poll() passes over it */
        if (fds[0].revents)
            step(&program);
    }
    rill_loop_free(program.loop);
    return 0;
}
