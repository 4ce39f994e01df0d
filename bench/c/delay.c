/* A TCP proxy that holds every byte back for a while, in both directions: a long way that is wide.
 *
 *     delay PORT TARGET-PORT MILLISECONDS [connect]
 *
 * With `connect` it is an HTTP proxy, which opens a tunnel to the target whatever it is asked for:
 * so what a tunnel costs can be held against the same way without one.
 *
 * Both ports are of 127.0.0.1. One thread, poll(2); a direction is a ring of bytes and a ring of
 * marks that say when which bytes are due. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RING = 1 << 26, MARKS = 1 << 16, PAIRS = 64, PIECE = 1 << 18 };
static const int64_t MARK_NS = 100000; /* what arrives within this is due together */

struct way {
    int from, to;
    char *ring;
    uint64_t in, out; /* bytes that came, that went on */
    struct {
        int64_t due;
        uint64_t end; /* up to this byte of the way */
    } marks[MARKS];
    uint32_t first, last; /* the marks between are in use */
    bool ended, told;     /* the sender ended; the receiver knows */
};

struct pair {
    bool used;
    struct way ways[2];
};

static struct pair *pairs[PAIRS];

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void set_options(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void way_init(struct way *way, int from, int to)
{
    memset(way, 0, sizeof(*way));
    way->from = from;
    way->to = to;
    /* pages that were never touched cost nothing */
    way->ring = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (way->ring == MAP_FAILED)
        fail("mmap");
}

/* Reads a CONNECT up to its empty line, and allows it. */
static bool take_connect(int client)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    char last[4] = "";
    while (memcmp(last, "\r\n\r\n", sizeof(last)) != 0) {
        memmove(last, last + 1, sizeof(last) - 1);
        if (recv(client, &last[sizeof(last) - 1], 1, 0) != 1)
            return false;
    }
    return send(client, answer, sizeof(answer) - 1, MSG_NOSIGNAL) == sizeof(answer) - 1;
}

static void open_pair(int client, const struct sockaddr_in *target, bool asks)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    int i = 0;
    while (i < PAIRS && pairs[i] && pairs[i]->used)
        i++;
    if (i == PAIRS || (asks && !take_connect(client)) ||
        connect(server, (const struct sockaddr *)target, sizeof(*target)) != 0) {
        close(server);
        close(client);
        return;
    }
    if (!pairs[i] && !(pairs[i] = calloc(1, sizeof(**pairs))))
        fail("calloc");
    set_options(client);
    set_options(server);
    way_init(&pairs[i]->ways[0], client, server);
    way_init(&pairs[i]->ways[1], server, client);
    pairs[i]->used = true;
}

static void close_pair(struct pair *pair)
{
    for (int i = 0; i < 2; i++)
        munmap(pair->ways[i].ring, RING);
    close(pair->ways[0].from);
    close(pair->ways[0].to);
    pair->used = false;
}

static bool has_room(const struct way *way)
{
    return !way->ended && way->in - way->out <= RING - PIECE && way->last - way->first < MARKS - 1;
}

static void mark(struct way *way, int64_t due)
{
    uint32_t newest = (way->last - 1) % MARKS;
    if (way->last != way->first && due - way->marks[newest].due < MARK_NS)
        way->marks[newest].end = way->in;
    else {
        way->marks[way->last % MARKS].due = due;
        way->marks[way->last++ % MARKS].end = way->in;
    }
}

/* Takes what the sender has. */
static void take(struct way *way, int64_t due)
{
    size_t at = way->in % RING, room = RING - at < PIECE ? RING - at : PIECE;
    ssize_t got = recv(way->from, way->ring + at, room, MSG_DONTWAIT);
    if (got > 0)
        way->in += (uint64_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        way->ended = true; /* the end takes its time as well */
    else
        return;
    mark(way, due);
}

static bool is_due(const struct way *way, int64_t now)
{
    return way->first != way->last && way->marks[way->first % MARKS].due <= now;
}

/* Passes on what is due. False: the receiver is gone. */
static bool give(struct way *way, int64_t now)
{
    while (is_due(way, now)) {
        uint64_t end = way->marks[way->first % MARKS].end;
        while (way->out < end) {
            size_t at = way->out % RING, left = (size_t)(end - way->out);
            ssize_t sent = send(way->to, way->ring + at, left < RING - at ? left : RING - at,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0)
                return errno == EAGAIN || errno == EINTR;
            way->out += (uint64_t)sent;
        }
        way->first++;
    }
    if (way->ended && way->first == way->last && !way->told) {
        shutdown(way->to, SHUT_WR);
        way->told = true;
    }
    return true;
}

/* What to wait for at both ends of a way; the nearest due time goes to `*next`. */
static void watch(const struct way *way, struct pollfd *from, struct pollfd *to, int64_t now,
                  int64_t *next)
{
    if (has_room(way))
        from->events |= POLLIN;
    if (is_due(way, now))
        to->events |= POLLOUT; /* it was due, and yet was not taken */
    else if (way->first != way->last && way->marks[way->first % MARKS].due < *next)
        *next = way->marks[way->first % MARKS].due;
}

static void turn(int listener, const struct sockaddr_in *target, int64_t delay, bool asks)
{
    struct pollfd fds[1 + 2 * PAIRS] = {{.fd = listener, .events = POLLIN}};
    struct pair *live[PAIRS];
    nfds_t count = 1;
    int64_t now = now_ns(), next = now + 1000000000;
    for (int i = 0; i < PAIRS; i++) {
        struct pair *pair = pairs[i];
        if (!pair || !pair->used)
            continue;
        live[(count - 1) / 2] = pair;
        struct pollfd *client = &fds[count++], *server = &fds[count++];
        *client = (struct pollfd){.fd = pair->ways[0].from};
        *server = (struct pollfd){.fd = pair->ways[0].to};
        watch(&pair->ways[0], client, server, now, &next);
        watch(&pair->ways[1], server, client, now, &next);
        /* an end that hung up would be told of for ever */
        client->fd = client->events ? client->fd : -1;
        server->fd = server->events ? server->fd : -1;
    }
    struct timespec wait = {.tv_sec = (next - now) / 1000000000,
                            .tv_nsec = (next - now) % 1000000000};
    if (ppoll(fds, count, &wait, NULL) < 0 && errno != EINTR)
        fail("poll");
    now = now_ns();
    for (nfds_t i = 1; i < count; i += 2) {
        struct pair *pair = live[(i - 1) / 2];
        if (fds[i].revents && has_room(&pair->ways[0]))
            take(&pair->ways[0], now + delay);
        if (fds[i + 1].revents && has_room(&pair->ways[1]))
            take(&pair->ways[1], now + delay);
        bool alive = give(&pair->ways[0], now) && give(&pair->ways[1], now);
        if (!alive || (pair->ways[0].told && pair->ways[1].told))
            close_pair(pair);
    }
    if (fds[0].revents & POLLIN) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0)
            open_pair(client, target, asks);
    }
}

int main(int argc, char **argv)
{
    bool asks = argc == 5 && !strcmp(argv[4], "connect");
    if (argc != 4 && !asks) {
        fprintf(stderr, "usage: delay PORT TARGET-PORT MILLISECONDS [connect]\n");
        return 2;
    }
    struct sockaddr_in own = loopback(argv[1]), target = loopback(argv[2]);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&own, sizeof(own)) != 0 || listen(listener, PAIRS) != 0)
        fail("listen");
    signal(SIGPIPE, SIG_IGN);
    for (;;)
        turn(listener, &target, (int64_t)atoi(argv[3]) * 1000000, asks);
}
