/* Sites without files, over h2c: every page is made as it is asked for, on every host alike.
 *
 *     site PORT PAGES LINKS [WIDTH [TEXT]]
 *
 * Page n of PAGES names LINKS others: the next ones of a tree, and where that has no more, known
 * ones. With WIDTH, page 1 names WIDTH of them, and every other names one new page and LINKS-1
 * known ones, so that the last page brings as much as the first; 0 is none. A page has TEXT bytes
 * of paragraphs beside its links, or some more. /least answers the shortest time between two
 * requests to one host so far, in ms, which is forgotten then: the times are the kernel's, at which
 * the bytes have come, whenever this process gets to read them. The port behind PORT accepts and
 * never answers. */
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NAME = 256, PIECE = 65536, HOSTS = 1 << 16, BACKLOG = 4096, EVENTS = 256, LINK_ROOM = 64 };

struct page {
    char host[NAME], path[NAME];
    char *body;
    size_t length, sent;
};

struct host {
    char name[NAME];
    double last;
};

static struct {
    uint64_t pages, links, width, text;
    struct host *hosts[HOSTS];
    double least;
    double came; /* when the bytes that are being read have come, on the monotonic clock */
    int epoll;
} site = {.least = -1};

static double ms_of(const struct timespec *time)
{
    return (double)time->tv_sec * 1e3 + (double)time->tv_nsec / 1e6;
}

static double now_ms(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return ms_of(&time);
}

static void *need(void *memory)
{
    if (!memory) {
        perror("site");
        exit(1);
    }
    return memory;
}

/* --- pages ----------------------------------------------------------------------------------- */

static struct host *host_of(const char *name)
{
    uint32_t at = 5381;
    for (const char *c = name; *c; c++)
        at = at * 33 + (unsigned char)*c;
    for (at %= HOSTS; site.hosts[at]; at = (at + 1) % HOSTS)
        if (!strcmp(site.hosts[at]->name, name))
            return site.hosts[at];
    site.hosts[at] = need(calloc(1, sizeof(struct host)));
    snprintf(site.hosts[at]->name, NAME, "%s", name);
    return site.hosts[at];
}

static void note(const char *name)
{
    struct host *host = host_of(name);
    if (host->last > 0 && (site.least < 0 || site.came - host->last < site.least))
        site.least = site.came - host->last;
    host->last = site.came;
}

static void forget(void)
{
    site.least = -1;
    for (int i = 0; i < HOSTS; i++)
        if (site.hosts[i])
            site.hosts[i]->last = 0;
}

/* What the i-th link of page n leads to. */
static uint64_t target(uint64_t n, uint64_t i)
{
    if (!site.width) {
        uint64_t next = site.links * (n - 1) + 2 + i;
        return next <= site.pages ? next : next * 7919 % (site.pages - 1) + 2;
    }
    if (n == 1)
        return i + 2;
    if (i == 0 && n + site.width <= site.pages)
        return n + site.width;
    return n * (7919 + i) % (n - 1) + 1;
}

/* What a reader comes for. */
static const char PARAGRAPH[] = "<p>Most of a page is <em>text</em>: a crawler passes over it, and "
                                "a script that asks for parts has a tree of all of it.</p>\n";

static void make_body(struct page *page)
{
    uint64_t n = !strncmp(page->path, "/p/", 3) ? strtoull(page->path + 3, NULL, 10) : 1;
    uint64_t count = site.width && n == 1 ? site.width : site.links;
    uint64_t paragraphs = (site.text + sizeof(PARAGRAPH) - 2) / (sizeof(PARAGRAPH) - 1);
    size_t room = 2 * NAME + count * LINK_ROOM + paragraphs * (sizeof(PARAGRAPH) - 1);
    page->body = need(malloc(room));
    int at = snprintf(page->body, room, "<title>page %llu of %s</title>", (unsigned long long)n,
                      page->host);
    for (uint64_t i = 0; i < count; i++) {
        unsigned long long to = target(n, i);
        at +=
            snprintf(page->body + at, room - (size_t)at, "<a href=\"/p/%llu\">%llu</a>\n", to, to);
    }
    page->length = (size_t)at;
    for (uint64_t i = 0; i < paragraphs; i++) {
        memcpy(page->body + page->length, PARAGRAPH, sizeof(PARAGRAPH) - 1);
        page->length += sizeof(PARAGRAPH) - 1;
    }
}

static void answer_least(struct page *page)
{
    page->body = need(malloc(LINK_ROOM));
    page->length = (size_t)snprintf(page->body, LINK_ROOM, "%.3f", site.least);
    forget();
}

/* --- HTTP/2 ---------------------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    (void)arg;
    struct page *page = need(calloc(1, sizeof(*page)));
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, page);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                     void *arg)
{
    (void)flags, (void)arg;
    struct page *page = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (page && name_length == 5 && !memcmp(name, ":path", 5))
        snprintf(page->path, NAME, "%.*s", (int)length, (const char *)value);
    if (page && name_length == 10 && !memcmp(name, ":authority", 10))
        snprintf(page->host, NAME, "%.*s", (int)length, (const char *)value);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    (void)session, (void)id, (void)arg;
    struct page *page = source->ptr;
    size_t size = page->length - page->sent < room ? page->length - page->sent : room;
    memcpy(to, page->body + page->sent, size);
    page->sent += size;
    if (page->sent == page->length)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    (void)arg;
    struct page *page = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!page || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (!strcmp(page->path, "/least")) {
        answer_least(page);
    } else {
        note(page->host);
        make_body(page);
    }
    const nghttp2_nv head[] = {field(":status", "200"), field("content-type", "text/html")};
    nghttp2_data_provider body = {.source.ptr = page, .read_callback = read_body};
    return nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &body);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    (void)code, (void)arg;
    struct page *page = nghttp2_session_get_stream_user_data(session, id);
    if (page)
        free(page->body);
    free(page);
    return 0;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t length, int flags,
                       void *arg)
{
    (void)session, (void)flags;
    ssize_t sent = send(*(int *)arg, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EINTR ? NGHTTP2_ERR_WOULDBLOCK
                                             : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static nghttp2_session_callbacks *callbacks(void)
{
    nghttp2_session_callbacks *all;
    if (nghttp2_session_callbacks_new(&all))
        need(NULL);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, on_stream_close);
    nghttp2_session_callbacks_set_send_callback(all, on_send);
    return all;
}

/* --- connections ----------------------------------------------------------------------------- */

struct connection {
    int fd;
    nghttp2_session *session;
};

static void watch(int fd, void *what, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    epoll_ctl(site.epoll, operation, fd, &event);
}

static void take_connection(int listener, const nghttp2_session_callbacks *all)
{
    int one = 1, fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)))
        need(NULL);
    struct connection *connection = need(calloc(1, sizeof(*connection)));
    connection->fd = fd;
    if (nghttp2_session_server_new(&connection->session, all, &connection->fd))
        need(NULL);
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, NULL, 0);
    watch(fd, connection, EPOLLIN, EPOLL_CTL_ADD);
}

/* The kernel's time is that of the world's clock. */
static void note_time(struct msghdr *message)
{
    struct timespec came;
    site.came = now_ms(CLOCK_MONOTONIC);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&came, CMSG_DATA(part), sizeof(came));
        site.came -= now_ms(CLOCK_REALTIME) - ms_of(&came);
    }
}

static ssize_t receive(int fd, uint8_t *bytes, size_t room)
{
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec piece = {.iov_base = bytes, .iov_len = room};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
    if (got > 0)
        note_time(&message);
    return got;
}

static bool serve(struct connection *connection)
{
    static uint8_t bytes[PIECE];
    ssize_t got = receive(connection->fd, bytes, sizeof(bytes));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (got > 0 && nghttp2_session_mem_recv(connection->session, bytes, (size_t)got) < 0)
        return false;
    if (nghttp2_session_send(connection->session))
        return false;
    bool more = nghttp2_session_want_write(connection->session);
    watch(connection->fd, connection, more ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    return more || nghttp2_session_want_read(connection->session);
}

static void end(struct connection *connection)
{
    nghttp2_session_del(connection->session); /* pages of open streams go with the process */
    close(connection->fd);
    free(connection);
}

static int listen_at(uint16_t port)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, BACKLOG))
        need(NULL);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: site PORT PAGES LINKS [WIDTH [TEXT]]\n");
        return 2;
    }
    uint16_t port = (uint16_t)atoi(argv[1]);
    site.pages = strtoull(argv[2], NULL, 10);
    site.links = strtoull(argv[3], NULL, 10);
    site.width = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    site.text = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    signal(SIGPIPE, SIG_IGN);
    site.epoll = epoll_create1(0);
    nghttp2_session_callbacks *all = callbacks();
    listen_at((uint16_t)(port + 1));
    int listener = listen_at(port);
    watch(listener, &listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(site.epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &listener)
                take_connection(listener, all);
            else if (!serve(events[i].data.ptr))
                end(events[i].data.ptr);
        }
    }
}
