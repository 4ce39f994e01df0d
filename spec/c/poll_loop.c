/* Joins rill to a plain poll(2) loop that has a descriptor of its own to look after.
 *
 *   poll_loop CA_FILE URL...
 *
 * Fetches all URLs at once. For each it prints "URL-NUMBER STATUS LENGTH SUM-OF-BYTES" as it ends;
 * then "own N": bytes that came through its own pipe, one per response; then waits for one timer
 * and prints "timer MILLISECONDS WAKE-UPS". Exits with 1, and says why, when something is wrong. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rill.h>

#define MAX_EVENTS    16
#define STUCK_MS      5000
#define TIMER_SECONDS 0.2

struct fetch {
    rill_id id;
    const char *url;
};

struct program {
    rill_loop *loop;
    struct fetch *fetches;
    int count;
    int pending;      /* requests and timers not yet reported */
    int own[2];       /* a pipe: stands for whatever else the program waits for */
    int own_received; /* bytes read from it */
    int wakeups;
};

static void die(const char *what, const rill_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err ? err->message : "failed");
    exit(1);
}

static void print_response(struct program *program, const rill_event *event)
{
    const unsigned char *body = (const unsigned char *)event->body;
    size_t length = event->body_length;
    if (event->large) {
        body = (const unsigned char *)rill_body_data(event->large);
        length = rill_body_length(event->large);
    }
    unsigned long sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += body[i];
    for (int i = 0; i < program->count; i++) {
        const rill_id *id = &program->fetches[i].id;
        if (id->slot == event->slot && id->generation == event->generation)
            printf("%d %d %zu %lu\n", i + 1, (int)event->status, length, sum);
    }
    rill_body_free(event->large);
    if (write(program->own[1], "x", 1) != 1)
        die("own pipe", NULL);
}

static void take_event(struct program *program, const rill_event *event)
{
    switch (event->type) {
    case RILL_EVENT_RESPONSE:
        print_response(program, event);
        break;
    case RILL_EVENT_FAILED:
        die("request", event->errors);
        break;
    case RILL_EVENT_TIMER:
        break;
    default:
        return; /* warnings */
    }
    program->pending--;
}

static void read_own(struct program *program)
{
    char bytes[64];
    ssize_t length = read(program->own[0], bytes, sizeof(bytes));
    if (length <= 0)
        die("own pipe", NULL);
    program->own_received += (int)length;
}

/* One turn of a foreign loop: rill is a descriptor among others. */
static void turn(struct program *program, struct pollfd fds[2])
{
    rill_event events[MAX_EVENTS];
    int ready = poll(fds, 2, STUCK_MS);
    if (ready <= 0)
        die("poll", NULL); /* rill owes us something and is silent */
    program->wakeups++;
    if (fds[1].revents)
        read_own(program);
    if (!fds[0].revents)
        return;
    int32_t queued = rill_loop_step(program->loop);
    if (queued < 0)
        die(rill_reason_name(-queued), NULL);
    int32_t count;
    while ((count = rill_events(program->loop, events, MAX_EVENTS)) > 0)
        for (int32_t i = 0; i < count; i++)
            take_event(program, &events[i]);
}

static void start_fetches(struct program *program, const char *ca_file, char **urls)
{
    rill_error err;
    rill_options options;
    rill_options_init(&options);
    options.tls.ca_file = ca_file;
    rill_id client;
    if (rill_client_new(program->loop, &options, &client, &err) != 0)
        die("client", &err);
    for (int i = 0; i < program->count; i++) {
        struct fetch *fetch = &program->fetches[i];
        rill_request request;
        rill_request_init(&request);
        request.url = fetch->url = urls[i];
        request.url_length = (uint32_t)strlen(urls[i]);
        if (rill_request_start(program->loop, &client, &request, &fetch->id, &err) != 0)
            die(urls[i], &err);
        program->pending++;
    }
}

static void time_timer(struct program *program, struct pollfd fds[2])
{
    rill_error err;
    rill_id timer;
    double started = rill_now();
    program->wakeups = 0;
    if (rill_timer_start(program->loop, TIMER_SECONDS, &timer, &err) != 0)
        die("timer", &err);
    program->pending++;
    while (program->pending > 0)
        turn(program, fds);
    printf("timer %.0f %d\n", (rill_now() - started) * 1e3, program->wakeups);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: poll_loop CA_FILE URL...\n");
        return 2;
    }
    rill_error err;
    struct program program = {.count = argc - 2};
    program.loop = rill_loop_new(&err);
    if (!program.loop)
        die("loop", &err);
    int fd = rill_loop_fd(program.loop, &err);
    if (fd < 0)
        die("loop fd", &err);
    program.fetches = calloc((size_t)program.count, sizeof(*program.fetches));
    if (!program.fetches || pipe(program.own) != 0)
        die("start", NULL);
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = program.own[0], .events = POLLIN}};

    start_fetches(&program, argv[1], argv + 2);
    while (program.pending > 0 || program.own_received < program.count)
        turn(&program, fds);
    printf("own %d\n", program.own_received);
    time_timer(&program, fds);

    rill_loop_free(program.loop);
    free(program.fetches);
    return 0;
}
