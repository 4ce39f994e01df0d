/* Breaks one invariant of a loop at a time: rill_check() must abort in the pass that follows.
 *
 *   broken_loop
 *
 * For each fault a child makes a loop with requests that wait on a server which says nothing,
 * plants the fault, and goes on. Prints "NAME seen", or "NAME not seen"; "nothing" is the loop as
 * it is. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/client.h"
#include "api/loop.h"

enum { REQUESTS = 3, MAX_EVENTS = 8, PASSES = 4 };

typedef struct world {
    rill_loop *loop;
    rill_pool *pool;
    rill_origin *origin;
    rill_conn *conn;
} world;

static void die(const char *what)
{
    fprintf(stderr, "broken_loop: %s\n", what);
    exit(2);
}

/* --- faults ---------------------------------------------------------------------------------- */

static void nothing(world *w)
{
    (void)w;
}

static void waiting_count(world *w)
{
    w->loop->turn.counters.waiting++;
}

static void queue_count(world *w)
{
    w->origin->queue.count--;
}

static void queue_assigned(world *w)
{
    w->origin->queue.assigned = 0;
}

static void queue_order(world *w)
{
    rill_queue_first(&w->origin->queue)->number += REQUESTS;
}

static void queue_link(world *w)
{
    w->origin->queue.calls.last->prev = NULL;
}

static void call_state(world *w)
{
    rill_queue_first(&w->origin->queue)->state = CALL_SENT;
}

static void list_end(world *w)
{
    w->origin->conns.last = NULL;
}

static void member_of_no_list(world *w)
{
    w->conn->member.list = NULL;
}

static void place_in_pool(world *w)
{
    w->conn->pool.given_back = true;
}

static void granted_window(world *w)
{
    w->pool->granted++;
}

static void closed_connection(world *w)
{
    w->conn->state = CONN_CLOSED;
}

static void held_back_bodies(world *w)
{
    w->pool->account->held_back++;
}

static void held_bytes(world *w)
{
    w->pool->account->bytes++;
}

static void collected_bodies(world *w)
{
    w->pool->account->collected.last = &w->conn->member;
}

static void widened_windows(world *w)
{
    w->pool->account->widened++;
}

static void handshakes_inside(world *w)
{
    w->loop->turn.gate.inside++;
}

static void waits_at_open_gate(world *w)
{
    static rill_visit visit = {.state = VISIT_WAITING};
    visit.mark = w->conn->setup.mark;
    rill_list_push(&w->loop->turn.gate.waiting, &visit.member);
}

static const struct fault {
    const char *name;
    void (*plant)(world *w);
} faults[] = {
    {"nothing", nothing},
    {"waiting_count", waiting_count},
    {"queue_count", queue_count},
    {"queue_assigned", queue_assigned},
    {"queue_order", queue_order},
    {"queue_link", queue_link},
    {"call_state", call_state},
    {"list_end", list_end},
    {"member_of_no_list", member_of_no_list},
    {"place_in_pool", place_in_pool},
    {"granted_window", granted_window},
    {"closed_connection", closed_connection},
    {"held_back_bodies", held_back_bodies},
    {"held_bytes", held_bytes},
    {"collected_bodies", collected_bodies},
    {"widened_windows", widened_windows},
    {"handshakes_inside", handshakes_inside},
    {"waits_at_open_gate", waits_at_open_gate},
};

/* --- the loop -------------------------------------------------------------------------------- */

/* A port of this machine where nobody accepts. */
static int listen_at(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, 8) ||
        getsockname(fd, (struct sockaddr *)&address, &length))
        die("no port");
    *port = ntohs(address.sin_port);
    return fd;
}

static void pass(rill_loop *loop)
{
    rill_event events[MAX_EVENTS];
    if (rill_poll(loop, events, MAX_EVENTS, 0))
        die("an event");
}

static void make_world(world *w, uint16_t port)
{
    rill_options options;
    rill_request request;
    rill_id id;
    rill_error err = {0};
    char url[64];
    rill_options_init(&options);
    options.h2c = true;
    w->loop = rill_loop_new(&err);
    if (!w->loop || rill_client_new(w->loop, &options, &id, &err))
        die("no client");
    rill_endpoint *client = rill_endpoint_first(&w->loop->clients);
    rill_request_init(&request);
    request.url = url;
    request.url_length = (uint32_t)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
    for (int i = 0; i < REQUESTS; i++)
        if (rill_client_request(client, &request, &id, &err))
            die(err.message);
    for (int i = 0; i < PASSES; i++)
        pass(w->loop);
    w->pool = &client->pool;
    w->origin = rill_origin_next(w->pool, NULL);
    w->conn = rill_conn_first(&w->origin->conns);
    if (!w->conn || w->origin->queue.count != REQUESTS)
        die("nobody waits");
}

/* Returns whether the pass behind the fault has aborted. */
static bool is_seen(const struct fault *fault, uint16_t port)
{
    int status = 0;
    pid_t child = fork();
    if (!child) {
        world w;
        make_world(&w, port);
        fault->plant(&w);
        pass(w.loop);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        die("no child");
    if (WIFEXITED(status) && WEXITSTATUS(status))
        die(fault->name);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int main(void)
{
    uint16_t port;
    int fd = listen_at(&port);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        bool seen = is_seen(&faults[i], port);
        printf("%s %s\n", faults[i].name, seen ? "seen" : "not seen");
        fflush(stdout);
    }
    close(fd);
    return 0;
}
