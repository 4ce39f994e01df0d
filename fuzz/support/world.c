#include "world.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api/loop.h"
#include "net/tls.h"

enum {
    BODY_BYTES = 300000,  /* of an upload: more than the socket takes */
    STEPS_MOST = 3000,    /* of the loop until all is quiet: more is spinning */
    BYTES_FIRST = 8 << 20 /* of memory that may be in use, whatever the server says */
};

struct fetch {
    rill_id id; /* generation 0: not in use */
    bool pieces, told;
    rill_body *large;
};

static struct world {
    rill_loop *loop;
    rill_id client;
    bool bound, closed;
    char directory[40], path[64], address[80];
    int listener, peer; /* peer -1: nobody is connected */
    bool deaf;
    struct fetch fetches[WORLD_FETCHES];
    uint32_t started, ended, dropped; /* requests */
    size_t said;                      /* bytes */
    double bytes_before;
    uint64_t now_us;
    void (*show)(const rill_event *event); /* or NULL */
    char body[BODY_BYTES];
} world = {.listener = -1, .peer = -1, .now_us = 1000000000};

/* The core's clock (see .ci/fuzz): it stands still while the loop runs. */
int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    (void)id;
    now->tv_sec = (time_t)(world.now_us / 1000000);
    now->tv_nsec = (long)(world.now_us % 1000000) * 1000;
    return 0;
}

/* All clients share one TLS context, which none of them uses: making it is most of the work. */
rill_tls *__real_rill_tls_new(const rill_tls_options *options, const uint8_t *offer,
                              uint32_t offer_length, X509_STORE **system, rill_error *err);
rill_tls *__wrap_rill_tls_new(const rill_tls_options *options, const uint8_t *offer,
                              uint32_t offer_length, X509_STORE **system, rill_error *err);
rill_tls *__wrap_rill_tls_new(const rill_tls_options *options, const uint8_t *offer,
                              uint32_t offer_length, X509_STORE **system, rill_error *err)
{
    static rill_tls *tls;
    (void)system;
    if (!tls)
        tls = __real_rill_tls_new(options, offer, offer_length, NULL, err);
    return tls;
}

void __wrap_rill_tls_free(rill_tls *tls);
void __wrap_rill_tls_free(rill_tls *tls)
{
    (void)tls;
}

/* --- the server's socket --------------------------------------------------------------------- */

static void remove_socket(void)
{
    unlink(world.path);
    rmdir(world.directory);
}

static void open_world(void)
{
    rill_error err;
    world.loop = rill_loop_new(&err);
    assert(world.loop);
    memset(world.body, 'b', sizeof(world.body));
    snprintf(world.directory, sizeof(world.directory), "/tmp/rill-fuzz-XXXXXX");
    if (!mkdtemp(world.directory))
        abort();
    snprintf(world.path, sizeof(world.path), "%s/socket", world.directory);
    snprintf(world.address, sizeof(world.address), "unix:%s", world.path);
    atexit(remove_socket);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    memcpy(local.sun_path, world.path, strlen(world.path));
    world.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(world.listener, (struct sockaddr *)&local, sizeof(local)) ||
        listen(world.listener, 64))
        abort();
}

/* The newest connection is the one that is spoken to. */
static bool take_connections(void)
{
    bool taken = false;
    int fd;
    while ((fd = accept4(world.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (world.peer >= 0)
            close(world.peer);
        world.peer = fd;
        taken = true;
    }
    return taken;
}

static bool hear(void)
{
    static char heard[1 << 16];
    bool any = false;
    while (world.peer >= 0 && !world.deaf && recv(world.peer, heard, sizeof(heard), 0) > 0)
        any = true;
    return any;
}

static void hang_up(void)
{
    if (world.peer >= 0)
        close(world.peer);
    world.peer = -1;
}

/* --- requests -------------------------------------------------------------------------------- */

static struct fetch *find_fetch(uint32_t slot, uint32_t generation)
{
    for (int i = 0; i < WORLD_FETCHES; i++) {
        struct fetch *fetch = &world.fetches[i];
        if (fetch->id.generation && fetch->id.slot == slot && fetch->id.generation == generation)
            return fetch;
    }
    return NULL;
}

static void start(uint32_t kind)
{
    static const char trailers[] = "\r\nx-check: 1";
    struct fetch *fetch = world.fetches;
    while (fetch < world.fetches + WORLD_FETCHES && fetch->id.generation)
        fetch++;
    if (fetch == world.fetches + WORLD_FETCHES)
        return;
    rill_request request;
    rill_error err;
    rill_request_init(&request);
    request.url = kind & 8 ? "http://h.test/a?b" : "http://h.test/";
    request.url_length = (uint32_t)strlen(request.url);
    switch (kind % 8) {
    case 0:
        break;
    case 1:
        request.stream = true;
        break;
    case 2:
        request.method = "POST";
        request.has_body = true;
        request.body = world.body;
        request.body_length = sizeof(world.body);
        break;
    case 3:
        request.method = "PUT";
        request.stream = request.has_body = true;
        break;
    case 4:
        request.method = "HEAD";
        break;
    case 5:
        request.method = "POST";
        request.stream = request.has_body = true;
        request.headers = "\r\ncontent-length: 5000\r\ncookie: a=b";
        request.headers_length = (uint32_t)strlen(request.headers);
        break;
    case 6:
        request.method = "POST";
        request.has_body = request.expect_continue = true;
        request.body = world.body;
        request.body_length = 2000;
        request.trailers = trailers;
        request.trailers_length = sizeof(trailers) - 1;
        break;
    case 7:
        request.stream = true;
        request.maxsize = 1000;
        request.warnsize = 100;
        request.read_timeout = 5;
        break;
    }
    request.method_length = (uint32_t)strlen(request.method);
    if (rill_request_start(world.loop, &world.client, &request, &fetch->id, &err)) {
        assert(world.closed && err.reason == RILL_CLOSED);
        fetch->id = (rill_id){0, 0};
        return;
    }
    fetch->pieces = request.stream;
    fetch->told = false;
    world.started++;
}

static void forget(struct fetch *fetch)
{
    rill_body_free(fetch->large);
    memset(fetch, 0, sizeof(*fetch));
}

static void check_text(const char *text, uint32_t length)
{
    volatile char sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum = (char)(sum + text[i]);
}

static void check_outcome(const rill_event *event)
{
    assert(event->reason > RILL_OPEN && event->reason < RILL_REASONS);
    bool well = event->reason == RILL_ENDED || event->reason == RILL_STOPPED;
    assert(well || event->error_count >= 1);
    for (uint32_t i = 0; i < event->error_count; i++) {
        const rill_error *error = &event->errors[i];
        assert(error->reason > RILL_OPEN && error->reason < RILL_REASONS);
        assert(memchr(error->message, 0, sizeof(error->message)) && error->message[0]);
    }
    if (event->reason == RILL_ENDED)
        assert(event->status >= 200 && event->status <= 999);
    check_text(event->headers, event->headers_length);
    check_text(event->trailers, event->trailers_length);
    check_text(event->informational, event->informational_length);
    check_text(event->body, event->body_length);
}

static void take_event(const rill_event *event)
{
    struct fetch *fetch = find_fetch(event->slot, event->generation);
    switch (event->type) {
    case RILL_EVENT_RESPONSE:
    case RILL_EVENT_FAILED:
        assert(fetch && !fetch->pieces);
        check_outcome(event);
        if (world.show)
            world.show(event);
        rill_body_free(event->large);
        forget(fetch);
        world.ended++;
        break;
    case RILL_EVENT_CLOSED:
        if (!fetch)
            break; /* the connection */
        assert(fetch->pieces && !fetch->told);
        check_outcome(event);
        fetch->told = true;
        world.ended++;
        break;
    case RILL_EVENT_HEAD:
        assert(fetch && fetch->pieces && !fetch->told && event->status >= 200);
        break;
    case RILL_EVENT_READABLE:
    case RILL_EVENT_WRITABLE:
        assert(fetch && fetch->pieces);
        break;
    case RILL_EVENT_WARNING:
        check_text(event->text, (uint32_t)strlen(event->text));
        break;
    default:
        break;
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

static void settle(void)
{
    rill_event events[4];
    bool moved = true;
    for (int steps = 0; moved; steps++) {
        assert(steps < STEPS_MOST);
        moved = rill_loop_step(world.loop) > 0;
        int32_t count = rill_events(world.loop, events, 4);
        for (int32_t i = 0; i < count; i++)
            take_event(&events[i]);
        moved =
            take_connections() || hear() || moved || count || rill_turn_marked(&world.loop->turn);
    }
    rill_counters counters;
    rill_loop_counters(world.loop, &counters);
    assert(counters.bytes < BYTES_FIRST + 64.0 * (double)world.said);
}

static void sleep_for(uint64_t ms)
{
    world.now_us += ms * 1000;
    settle();
}

/* What the loop holds, without the room it keeps for the fields of the next request. */
static void count(rill_counters *counters)
{
    rill_turn *turn = &world.loop->turn;
    rill_events(world.loop, NULL, 0);
    rill_bytes_dispose(&turn->slab, &turn->scratch);
    rill_loop_counters(world.loop, counters);
}

void world_show(void (*show)(const rill_event *event))
{
    world.show = show;
}

void world_begin(uint32_t choice)
{
    static const char url[] = "http://h.test/";
    if (!world.loop)
        open_world();
    rill_counters counters;
    count(&counters);
    world.bytes_before = counters.bytes;
    world.started = world.ended = world.dropped = 0;
    world.said = 0;
    world.deaf = world.closed = false;

    rill_options options;
    rill_error err;
    rill_resolve resolve = {"h.test:80", world.address};
    rill_options_init(&options);
    options.h2c = !(choice & WORLD_HTTP1);
    options.resolve = &resolve;
    options.resolve_count = 1;
    options.tls.verify = false;
    options.retries = choice & 1;
    options.max_connections_per_origin = choice & 2 ? 2 : 1;
    options.max_streams = choice & 4 ? 2 : 100;
    options.maxsize = choice & 8 ? 50000 : 0;
    options.max_buffered = choice & 16 ? 1000 : 0;
    options.max_header_list = choice & 32 ? 300 : 64 << 10;
    options.window = 65535;
    world.bound = (choice & 64) != 0;
    int32_t code =
        world.bound ? rill_connect(world.loop, &options, url, sizeof(url) - 1, &world.client, &err)
                    : rill_client_new(world.loop, &options, &world.client, &err);
    assert(!code);
    for (uint32_t kinds = choice >> 8; kinds; kinds >>= 4)
        start((kinds & 15) - 1);
    settle();
}

void world_say(const void *data, size_t length)
{
    const char *rest = data;
    world.said += length;
    while (length && world.peer >= 0) {
        ssize_t n = send(world.peer, rest, length, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break; /* closed: what was said before is read first */
        if (n > 0) {
            rest += n;
            length -= (size_t)n;
        }
        int before = world.peer;
        settle();
        if (n < 0 && before == world.peer) {
            n = send(world.peer, rest, 1, MSG_NOSIGNAL);
            assert(n != -1 || errno != EAGAIN);
            if (n != 1)
                break;
            rest++;
            length--;
        }
    }
    settle();
}

static void read_some(struct fetch *fetch, uint32_t most, bool all)
{
    const char *data;
    int32_t length;
    do {
        length = rill_stream_read(world.loop, fetch->id.slot, fetch->id.generation, most, &data);
        assert(length >= 0 && (uint32_t)length <= most);
        check_text(data, length > 0 ? (uint32_t)length : 0);
    } while (all && length);
}

static void drop(struct fetch *fetch)
{
    rill_drop(world.loop, fetch->id.slot, fetch->id.generation);
    if (!fetch->told)
        world.dropped++;
    forget(fetch);
}

static void do_to_fetch(struct fetch *fetch, uint32_t deed, uint32_t argument)
{
    rill_loop *loop = world.loop;
    uint32_t slot = fetch->id.slot, generation = fetch->id.generation;
    rill_stream_info info;
    rill_error err;
    assert(!rill_stream_info_get(loop, slot, generation, &info));
    check_text(info.headers, info.headers_length);
    check_text(info.trailers, info.trailers_length);
    assert((info.reason != RILL_OPEN) || !fetch->told);
    switch (deed) {
    case DEED_READ:
    case DEED_READ_ALL:
        if (fetch->pieces)
            read_some(fetch, 1 + argument * 16, deed == DEED_READ_ALL);
        break;
    case DEED_COLLECT:
        if (fetch->pieces)
            assert(!rill_stream_collect(loop, slot, generation));
        break;
    case DEED_BODY:
        if (fetch->pieces && !fetch->large)
            rill_stream_body(loop, slot, generation, &fetch->large);
        break;
    case DEED_CANCEL:
        rill_stream_cancel(loop, slot, generation);
        break;
    case DEED_STOP:
        rill_stream_stop(loop, slot, generation);
        break;
    case DEED_RESET:
        rill_stream_reset(loop, slot, generation, argument);
        break;
    case DEED_DROP:
        drop(fetch);
        break;
    case DEED_WRITE:
        rill_stream_write(loop, slot, generation, world.body, argument * 8, &err);
        break;
    case DEED_WRITE_MUCH:
        rill_stream_write(loop, slot, generation, world.body, argument * 1000, &err);
        break;
    case DEED_FINISH:
        rill_stream_finish(loop, slot, generation, NULL, 0, &err);
        break;
    case DEED_FINISH_TRAILERS:
        rill_stream_finish(loop, slot, generation, "\r\na: b", 6, &err);
        break;
    case DEED_FAIL:
        rill_stream_fail(loop, slot, generation, "the producer failed");
        break;
    default:
        break;
    }
}

static void do_to_connection(uint32_t deed, uint32_t argument)
{
    rill_connection_state state;
    uint32_t slot = world.client.slot, generation = world.client.generation;
    if (!world.bound || rill_connection_get(world.loop, slot, generation, &state))
        return;
    check_text(state.goaway_debug, (uint32_t)strlen(state.goaway_debug));
    if (deed == DEED_PING)
        rill_connection_ping(world.loop, slot, generation);
    else if (deed == DEED_DRAIN)
        rill_connection_drain(world.loop, slot, generation);
    else
        rill_connection_close(world.loop, slot, generation, argument);
}

void world_do(uint32_t deed, uint32_t argument)
{
    deed %= DEED_DEEDS;
    struct fetch *fetch = &world.fetches[argument % WORLD_FETCHES];
    rill_stats stats;
    argument /= WORLD_FETCHES;
    if (deed < DEED_REQUEST && fetch->id.generation) {
        do_to_fetch(fetch, deed, argument);
    } else if (deed == DEED_REQUEST) {
        start(argument);
    } else if (deed == DEED_SLEEP) {
        sleep_for(argument * 10);
    } else if (deed == DEED_SLEEP_LONG) {
        sleep_for(argument * 2000);
    } else if (deed == DEED_PING || deed == DEED_DRAIN || deed == DEED_END_CONNECTION) {
        do_to_connection(deed, argument);
    } else if (deed == DEED_CLOSE_CLIENT) {
        rill_client_close(world.loop, world.client.slot, world.client.generation);
        world.closed = true;
    } else if (deed == DEED_DEAF) {
        world.deaf = !world.deaf;
    } else if (deed == DEED_END) {
        hang_up();
    }
    assert(!rill_client_stats(world.loop, world.client.slot, world.client.generation, &stats));
    settle();
}

/* --- the end --------------------------------------------------------------------------------- */

static bool any_open(void)
{
    for (int i = 0; i < WORLD_FETCHES; i++)
        if (world.fetches[i].id.generation && !world.fetches[i].told)
            return true;
    return false;
}

/* Nobody waits for ever: the server is gone, and the longest timeout is 180 s. */
static void wait_for_all(void)
{
    world.deaf = false;
    settle();
    for (int i = 0; i < 400 && any_open(); i++) {
        hang_up();
        sleep_for(1000);
    }
    assert(!any_open());
    for (int i = 0; i < WORLD_FETCHES; i++) {
        struct fetch *fetch = &world.fetches[i];
        if (!fetch->id.generation)
            continue;
        read_some(fetch, 5000, true); /* what was unread can still be read */
        drop(fetch);
    }
    assert(world.started == world.ended + world.dropped);
}

static void check_empty(void)
{
    rill_counters counters;
    count(&counters);
    assert(!counters.clients && !counters.origins && !counters.connections && !counters.dials);
    assert(!counters.requests && !counters.events && !counters.slots && !counters.timers);
    assert(world.started > 64 || !world.bytes_before || counters.bytes == world.bytes_before);
}

void world_end(uint32_t choice)
{
    if (choice & 1)
        wait_for_all();
    if (choice & 2)
        rill_client_close(world.loop, world.client.slot, world.client.generation);
    if (choice & 4)
        settle();
    rill_drop(world.loop, world.client.slot, world.client.generation);
    for (int i = 0; i < WORLD_FETCHES; i++)
        if (world.fetches[i].id.generation && (choice & 8 || world.fetches[i].pieces))
            drop(&world.fetches[i]);
    hang_up();
    if (choice & 16) { /* the loop goes while all is open */
        rill_loop_free(world.loop);
        rill_error err;
        world.loop = rill_loop_new(&err);
        assert(world.loop);
        for (int i = 0; i < WORLD_FETCHES; i++)
            forget(&world.fetches[i]);
        take_connections();
        hang_up();
        return;
    }
    settle();
    assert(!any_open()); /* a client that closes tells its requests at once */
    hang_up();
    settle();
    check_empty();
}
