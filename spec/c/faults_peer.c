#include "faults_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PREFACE = 24 };

/* TLS that reads from and writes to memory: cuts fall anywhere in a record. */
struct layer {
    SSL *ssl; /* NULL: clear text */
    BIO *in, *out;
};

/* How far it is as a proxy. */
enum hop { HOP_CONNECT, HOP_METHODS, HOP_PASSWORD, HOP_TARGET, HOP_OPEN };

struct visit {
    peer_plan *plan;
    int fd;
    enum hop hop;
    struct layer proxy, origin;
    bool gone;
    uint8_t asked[1 << 10]; /* of the proxy, not answered yet */
    size_t asked_length;
    uint8_t heard[1 << 17];
    size_t length;
    bool greeted;
};

/* --- bytes ----------------------------------------------------------------------------------- */

static void hang_up(struct visit *visit)
{
    char rest[4096];
    struct linger now = {.l_onoff = 1};
    visit->gone = true;
    if (visit->plan->cut & 1) {
        setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        return; /* close() resets */
    }
    shutdown(visit->fd, SHUT_WR);
    while (recv(visit->fd, rest, sizeof(rest), 0) > 0)
        ;
}

static void put_wire(struct visit *visit, const uint8_t *bytes, size_t length)
{
    int64_t left = visit->plan->cut - visit->plan->sent;
    bool cut = visit->plan->cut >= 0 && (int64_t)length >= left;
    if (cut)
        length = (size_t)left;
    while (length && !visit->gone) {
        ssize_t n = send(visit->fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0)
            visit->gone = true;
        else
            bytes += n, length -= (size_t)n, visit->plan->sent += n;
    }
    if (cut && !visit->gone)
        hang_up(visit);
}

static void put_pending(struct visit *visit, const struct layer *layer);

static void put_layer(struct visit *visit, const struct layer *layer, const uint8_t *bytes,
                      size_t length)
{
    if (layer->ssl) {
        SSL_write(layer->ssl, bytes, (int)length);
        put_pending(visit, layer);
    } else if (layer == &visit->origin) {
        put_layer(visit, &visit->proxy, bytes, length);
    } else {
        put_wire(visit, bytes, length);
    }
}

/* What its TLS has to send goes to what is below. */
static void put_pending(struct visit *visit, const struct layer *layer)
{
    uint8_t wire[1 << 15];
    int n;
    while (!visit->gone && (n = BIO_read(layer->out, wire, sizeof(wire))) > 0)
        if (layer == &visit->origin)
            put_layer(visit, &visit->proxy, wire, (size_t)n);
        else
            put_wire(visit, wire, (size_t)n);
}

static void put(struct visit *visit, const uint8_t *bytes, size_t length)
{
    put_layer(visit, &visit->origin, bytes, length);
}

/* --- frames ---------------------------------------------------------------------------------- */

static void say(struct visit *visit, uint8_t type, uint8_t flags, uint32_t stream,
                const void *payload, size_t length)
{
    uint8_t frame[9 + (1 << 14)] = {
        (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, type, flags, 0,
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    if (length)
        memcpy(frame + 9, payload, length);
    put(visit, frame, 9 + length);
}

static void answer(struct visit *visit, uint32_t stream)
{
    static const char head[] = "\x88\x0f\x10\x0atext/plain"; /* :status 200, content-type */
    static const char trailers[] = "\x00\x05x-sum\x01"
                                   "1";
    static const char piece[1 << 14];
    visit->plan->requests++;
    say(visit, HEADERS, END_HEADERS, stream, head, sizeof(head) - 1);
    if (stream % 4 == 1) {
        say(visit, DATA, END_STREAM, stream, "hello\n", 6);
        return;
    }
    for (int i = 0; i < 3; i++)
        say(visit, DATA, 0, stream, piece, visit->plan->piece);
    say(visit, HEADERS, END_HEADERS | END_STREAM, stream, trailers, sizeof(trailers) - 1);
}

static void give_window(struct visit *visit, uint32_t stream, uint32_t length)
{
    uint8_t bytes[4] = {0, (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};
    if (length)
        say(visit, WINDOW_UPDATE, 0, stream, bytes, 4);
}

static void take_frame(struct visit *visit, const uint8_t *frame, uint32_t length)
{
    uint8_t type = frame[3], flags = frame[4];
    uint32_t stream = (uint32_t)frame[6] << 16 | (uint32_t)frame[7] << 8 | frame[8];
    bool ends = (type == HEADERS || type == DATA) && flags & END_STREAM;
    if (type == SETTINGS && !(flags & ACK))
        say(visit, SETTINGS, ACK, 0, NULL, 0);
    if (type == PING && !(flags & ACK))
        say(visit, PING, ACK, 0, frame + 9, length);
    if (type == DATA)
        give_window(visit, 0, length);
    if (type == DATA && !ends)
        give_window(visit, stream, length);
    if (ends)
        answer(visit, stream);
}

static void take(struct visit *visit)
{
    static const uint8_t settings[] = {0, 3, 0, 0, 0, 100};
    size_t at = 0;
    if (!visit->greeted && visit->length >= PREFACE) {
        visit->greeted = true;
        at = PREFACE;
        say(visit, SETTINGS, 0, 0, settings, sizeof(settings));
    }
    while (visit->greeted && !visit->gone && visit->length - at >= 9) {
        const uint8_t *frame = visit->heard + at;
        uint32_t length = (uint32_t)frame[0] << 16 | (uint32_t)frame[1] << 8 | frame[2];
        if (visit->length - at < 9 + length)
            break;
        take_frame(visit, frame, length);
        at += 9 + length;
    }
    visit->length -= at;
    memmove(visit->heard, visit->heard + at, visit->length);
}

/* --- the proxy that it may be first ---------------------------------------------------------- */

static size_t of_connect(struct visit *visit)
{
    static const char opened[] = "HTTP/1.1 200 opened\r\nvia: none\r\n\r\n";
    const uint8_t *end = memmem(visit->asked, visit->asked_length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    visit->hop = HOP_OPEN;
    put_layer(visit, &visit->proxy, (const uint8_t *)opened, sizeof(opened) - 1);
    return (size_t)(end - visit->asked) + 4;
}

/* So many bytes, then an answer and the next step. */
static size_t of_socks(struct visit *visit, size_t wanted, const char *answer, size_t length,
                       enum hop next)
{
    if (visit->asked_length < wanted)
        return 0;
    visit->hop = next;
    put_layer(visit, &visit->proxy, (const uint8_t *)answer, length);
    return wanted;
}

/* RFC 1928 and 1929. How many bytes of what was asked were taken. */
static size_t take_hop(struct visit *visit)
{
    const uint8_t *asked = visit->asked;
    size_t length = visit->asked_length;
    switch (visit->hop) {
    case HOP_CONNECT:
        return of_connect(visit);
    case HOP_METHODS:
        return length < 2 ? 0 : of_socks(visit, 2u + asked[1], "\x05\x02", 2, HOP_PASSWORD);
    case HOP_PASSWORD: {
        size_t name = length < 2 ? 0 : 2u + asked[1];
        return length < 2 || length <= name
                   ? 0
                   : of_socks(visit, name + 1 + asked[name], "\x01\x00", 2, HOP_TARGET);
    }
    case HOP_TARGET: {
        static const char opened[] = "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x01";
        size_t host = length < 5 ? 0 : asked[3] == 3 ? 1u + asked[4] : asked[3] == 4 ? 16 : 4;
        return length < 5 ? 0 : of_socks(visit, 6 + host, opened, sizeof(opened) - 1, HOP_OPEN);
    }
    case HOP_OPEN:
        break;
    }
    return 0;
}

/* --- connections ----------------------------------------------------------------------------- */

static void hear(struct visit *visit, const struct layer *layer, const uint8_t *bytes,
                 size_t length);

static void hear_origin(struct visit *visit, const uint8_t *bytes, size_t length)
{
    memcpy(visit->heard + visit->length, bytes, length);
    visit->length += length;
    take(visit);
}

static void hear_proxy(struct visit *visit, const uint8_t *bytes, size_t length)
{
    size_t taken = 1, room = sizeof(visit->asked) - visit->asked_length;
    if (visit->hop == HOP_OPEN) {
        hear(visit, &visit->origin, bytes, length);
        return;
    }
    size_t part = length < room ? length : room;
    memcpy(visit->asked + visit->asked_length, bytes, part);
    visit->asked_length += part;
    while (visit->hop != HOP_OPEN && !visit->gone && (taken = take_hop(visit))) {
        visit->asked_length -= taken;
        memmove(visit->asked, visit->asked + taken, visit->asked_length);
    }
}

/* What a layer has made plain goes to what is above it. */
static void hear(struct visit *visit, const struct layer *layer, const uint8_t *bytes,
                 size_t length)
{
    void (*up)(struct visit *, const uint8_t *, size_t) =
        layer == &visit->origin ? hear_origin : hear_proxy;
    uint8_t plain[1 << 14];
    int n;
    if (!layer->ssl) {
        up(visit, bytes, length);
        return;
    }
    BIO_write(layer->in, bytes, (int)length);
    do {
        n = SSL_read(layer->ssl, plain, sizeof(plain));
        put_pending(visit, layer);
        if (n > 0)
            up(visit, plain, (size_t)n);
    } while (n > 0 && !visit->gone);
}

static void secure(struct layer *layer, SSL_CTX *context)
{
    layer->ssl = SSL_new(context);
    layer->in = BIO_new(BIO_s_mem());
    layer->out = BIO_new(BIO_s_mem());
    SSL_set_bio(layer->ssl, layer->in, layer->out);
    SSL_set_accept_state(layer->ssl);
}

static void serve(struct visit *visit, SSL_CTX *context)
{
    static const enum hop first[] = {
        [PEER_ORIGIN] = HOP_OPEN,
        [PEER_CONNECT] = HOP_CONNECT,
        [PEER_CONNECT_TLS] = HOP_CONNECT,
        [PEER_SOCKS] = HOP_METHODS,
    };
    static uint8_t bytes[1 << 14];
    ssize_t n;
    int on = 1;
    setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    visit->hop = first[visit->plan->way];
    if (visit->plan->way == PEER_CONNECT_TLS)
        secure(&visit->proxy, context);
    if (context)
        secure(&visit->origin, context);
    if (visit->plan->cut == 0)
        hang_up(visit);
    while (!visit->gone && (n = recv(visit->fd, bytes, sizeof(bytes), 0)) > 0)
        hear(visit, &visit->proxy, bytes, (size_t)n);
    SSL_free(visit->proxy.ssl);
    SSL_free(visit->origin.ssl);
    close(visit->fd);
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                   const unsigned char *in, unsigned int length, void *arg)
{
    (void)ssl, (void)arg;
    if (!memmem(in, length, "\002h2", 3)) /* of a proxy HTTP/1.1 is asked */
        return SSL_TLSEXT_ERR_NOACK;
    *out = (const unsigned char *)"h2";
    *out_length = 2;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_context(const char *cert, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        exit(3);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    return context;
}

peer_plan *peer_start(enum peer_way way, const char *cert, const char *key, uint16_t *port,
                      pid_t *pid)
{
    static struct visit visit;
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(local);
    peer_plan *plan =
        mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (plan == MAP_FAILED || bind(listener, (struct sockaddr *)&local, sizeof(local)) ||
        listen(listener, 64) || getsockname(listener, (struct sockaddr *)&local, &length)) {
        perror("peer");
        exit(3);
    }
    *port = ntohs(local.sin_port);
    plan->cut = -1;
    plan->way = way;
    *pid = fork();
    if (*pid < 0) {
        perror("fork");
        exit(3);
    }
    if (*pid) {
        close(listener);
        return plan;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    SSL_CTX *context = cert ? make_context(cert, key) : NULL;
    for (;;) {
        memset(&visit, 0, sizeof(visit));
        visit.plan = plan;
        visit.fd = accept(listener, NULL, NULL);
        plan->sent = 0;
        if (visit.fd >= 0)
            serve(&visit, context);
    }
}
