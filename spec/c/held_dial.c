/* A TLS dial that waits at the gate for longer than connect_timeout: the gate is filled with visits
 * of nobody, which the loop lets in one after the other.
 *
 *   held_dial
 *
 * Prints what becomes of it: "waits: held", or how its request has ended; when it is let in whether
 * its server has received something; and how it ends then. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/client.h"
#include "api/loop.h"

enum {
    TIMEOUT_MS = 300, /* connect_timeout */
    OTHERS = 50000,   /* who wait before it: 100 seconds */
    TRIES = 50,       /* where the machine is slow it may fail before it comes to the gate */
    STEP_MS = 20,
    LONG_MS = 60000
};

typedef struct world {
    rill_loop *loop;
    int server, peer; /* what listens; the connection's other end */
    rill_visit others[OTHERS];
    rill_mark nobody;
} world;

static void die(const char *what)
{
    fprintf(stderr, "held_dial: %s\n", what);
    exit(2);
}

static void act_nobody(rill_mark *mark)
{
    (void)mark;
}

/* How the request ended; reason RILL_OPEN: it has not. */
static rill_error pass(world *w)
{
    rill_event event;
    rill_error error = {0};
    if (rill_poll(w->loop, &event, 1, STEP_MS) > 0 && event.error_count)
        error = event.errors[0];
    return error;
}

static void fill_gate(world *w)
{
    rill_gate *gate = &w->loop->turn.gate;
    gate->inside = GATE_MOST;
    w->nobody.act = act_nobody;
    for (int i = 0; i < OTHERS; i++)
        rill_gate_enter(&w->loop->turn, &w->others[i], &w->nobody);
}

static void ask(world *w, uint16_t port)
{
    rill_options options;
    rill_request request;
    rill_id id;
    rill_error err = {0};
    char url[64];
    rill_options_init(&options);
    options.connect_timeout = (double)TIMEOUT_MS / 1000;
    w->loop = rill_loop_new(&err);
    if (!w->loop || rill_client_new(w->loop, &options, &id, &err))
        die("no client");
    fill_gate(w);
    rill_endpoint *client = rill_endpoint_first(&w->loop->clients);
    rill_request_init(&request);
    request.url = url;
    request.url_length = (uint32_t)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
    if (rill_client_request(client, &request, &id, &err))
        die(err.message);
}

static rill_conn *find_conn(const world *w)
{
    rill_origin *origin = rill_origin_next(&rill_endpoint_first(&w->loop->clients)->pool, NULL);
    return origin ? rill_conn_first(&origin->conns) : NULL;
}

/* False: it has failed before that. */
static bool reaches_gate(world *w)
{
    for (;;) {
        if (pass(w).reason)
            return false;
        rill_conn *conn = find_conn(w);
        if (conn && conn->dial && conn->dial->visit.state == VISIT_WAITING)
            return true;
    }
}

static uint16_t listen_at(world *w)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    w->server = socket(AF_INET, SOCK_STREAM, 0);
    if (w->server < 0 || bind(w->server, (struct sockaddr *)&address, length) ||
        listen(w->server, 1) || getsockname(w->server, (struct sockaddr *)&address, &length))
        die("no port");
    return ntohs(address.sin_port);
}

static void empty_gate(world *w)
{
    for (int i = 0; i < OTHERS; i++)
        rill_gate_leave(&w->loop->turn, &w->others[i]);
}

static void make_world(world *w)
{
    for (int i = 0; i < TRIES; i++) {
        ask(w, listen_at(w));
        if (reaches_gate(w)) {
            w->peer = accept(w->server, NULL, NULL);
            return;
        }
        empty_gate(w);
        rill_loop_free(w->loop);
        close(w->server);
    }
    die("it does not come to the gate");
}

/* Whether its server has received something before it ends. */
static bool says_hello(world *w, rill_error *error)
{
    struct pollfd readable = {.fd = w->peer, .events = POLLIN};
    for (int i = 0; i < LONG_MS / STEP_MS; i++) {
        *error = pass(w);
        if (poll(&readable, 1, 0) > 0)
            return recv(w->peer, (char[1]){0}, 1, 0) == 1;
        if (error->reason)
            return false;
    }
    return false;
}

int main(void)
{
    static world w;
    rill_error error = {0};
    make_world(&w);
    uint64_t until_ms = rill_turn_clock_ms() + 2 * TIMEOUT_MS;
    while (!error.reason && rill_turn_clock_ms() < until_ms)
        error = pass(&w);
    printf("waits: %s\n", error.reason ? rill_reason_name(error.reason) : "held");
    empty_gate(&w);
    printf("let in: %s\n", says_hello(&w, &error) ? "says hello" : "silent");
    for (int i = 0; !error.reason && i < LONG_MS / STEP_MS; i++)
        error = pass(&w);
    printf("then: %s in phase %s\n", rill_reason_name(error.reason), rill_phase_name(error.phase));
    rill_loop_free(w.loop);
    close(w.peer);
    close(w.server);
    return 0;
}
