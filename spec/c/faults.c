/* One recorded exchange, and everything that can go wrong in it:
 *
 *   faults [-t CERT KEY CA] [-p WAY] [-w] [-n FIRST] [-s STRIDE] MODE...
 *
 *   memory       the n-th allocation fails, for every n up to the last
 *   exhausted    the n-th and all after it fail
 *   descriptors  the n-th new descriptor is refused
 *   close        the server hangs up after n bytes, for every n
 *   send         the n-th send() and all after it find the connection reset
 *   abandon      the loop is freed after n polls, whatever is open or untold
 *   io           short writes and reads, EAGAIN, EINTR: all must end well
 *   impostor     as memory, with a certificate for another name: no request may end well
 *   pinned       as memory, with another key than the pinned one: the same
 *
 * WAY: through a proxy: connect, connect-tls, socks5, socks5h. FIRST: the first n. STRIDE: after
 * 300 only every so many n is tried. Prints one line per mode: how many n, and how the requests
 * ended. Exits with 1, and says which n, when a request has no outcome or two, when something is
 * left behind, or when it takes too long. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rill.h>

#include "faults_peer.h"
#include "shim.h"

enum {
    REQUESTS = 5,
    LAST = REQUESTS - 1,
    EVENTS = 8,
    ALL_FIRST = 300,   /* so many n are tried one by one, whatever the stride */
    LIVE_TOLERATED = 4 /* blocks that libraries keep for the next time */
};

#define STUCK_SECONDS 30.0 /* far more than any trial needs: a machine may stand still */

struct fetch {
    rill_id id;
    bool started, pieces, collected, ended;
    uint32_t reason;
    double received;
};

struct trial {
    const char *wrong; /* NULL: nothing */
    char detail[160];
    struct fetch fetches[REQUESTS];
    uint32_t ended_well;
    int32_t refused; /* what could not even be started; 0: all was */
    uint64_t polls;
    uint64_t noted; /* bytes of notes */
    bool abandoned;
    shim_count count;
};

static struct faults {
    const char *ca;
    char url[64];
    uint16_t port;
    pid_t peer_pid;
    peer_plan *peer;
    uint64_t first, stride;
    uint64_t abandon;       /* after so many polls, counted from 1; 0: never */
    char proxy[64];         /* its URL; "": none */
    bool watched;           /* limits for origins, shared connections, and notes of what happens */
    const char *name, *pin; /* of the server that is expected; NULL: the one that is there */
    char body[40000];
} faults;

static void fail(struct trial *trial, const char *what, double number)
{
    if (trial->wrong)
        return;
    trial->wrong = what;
    snprintf(trial->detail, sizeof(trial->detail), "%.0f", number);
}

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

/* --- the exchange ---------------------------------------------------------------------------- */

/* Stream 1: a whole GET; 3: a GET that is collected when its head is there; 5: a POST from memory;
 * 7: a PUT that is fed and read in pieces; 9: another GET, when the connection has become idle. */
static int32_t start(struct trial *trial, rill_loop *loop, const rill_id *client, int index,
                     rill_error *err)
{
    struct fetch *fetch = &trial->fetches[index];
    rill_request request;
    rill_request_init(&request);
    request.url = faults.url;
    request.url_length = (uint32_t)strlen(faults.url);
    request.stream = index == 1 || index == 3;
    request.has_body = index == 2 || index == 3;
    if (index == 2) {
        request.method = "POST";
        request.method_length = 4;
        request.body = faults.body;
        request.body_length = sizeof(faults.body);
        request.headers = "\r\nx-own: block";
        request.headers_length = 14;
    } else if (index == 3) {
        request.method = "PUT";
        request.method_length = 3;
    }
    int32_t code = rill_request_start(loop, client, &request, &fetch->id, err);
    if (code)
        return code;
    fetch->started = true;
    fetch->pieces = request.stream;
    fetch->collected = index == 1;
    return 0;
}

/* A fed body: what cannot be taken for want of memory ends the stream. */
static void feed(rill_loop *loop, struct fetch *fetch)
{
    rill_error err;
    uint32_t slot = fetch->id.slot, generation = fetch->id.generation;
    if (rill_stream_write(loop, slot, generation, faults.body, 10000, &err) < 0 ||
        rill_stream_finish(loop, slot, generation, "\r\nx-sum: 1", 10, &err))
        rill_stream_fail(loop, slot, generation, "no memory for the body");
}

static void read_all(struct trial *trial, rill_loop *loop, struct fetch *fetch)
{
    const char *data;
    int32_t length;
    while ((length = rill_stream_read(loop, fetch->id.slot, fetch->id.generation, 1 << 16, &data)) >
           0)
        fetch->received += length;
    if (length < 0)
        fail(trial, "rill_stream_read() said", length);
}

/* What fails for want of memory loses nothing, and may be tried again. */
static void collect(rill_loop *loop, struct fetch *fetch)
{
    uint32_t slot = fetch->id.slot, generation = fetch->id.generation;
    if (rill_stream_collect(loop, slot, generation) && rill_stream_collect(loop, slot, generation))
        rill_stream_cancel(loop, slot, generation);
}

static void take_body(struct trial *trial, rill_loop *loop, struct fetch *fetch)
{
    uint32_t slot = fetch->id.slot, generation = fetch->id.generation;
    rill_body *body = NULL;
    int32_t code = rill_stream_body(loop, slot, generation, &body);
    if (code == -RILL_ERROR)
        code = rill_stream_body(loop, slot, generation, &body);
    if (code == -RILL_ERROR && !body)
        fetch->reason = RILL_ERROR; /* memory is short for good */
    else if (code)
        fail(trial, "rill_stream_body() said", code);
    fetch->received = body ? (double)rill_body_length(body) : 0;
    rill_body_free(body);
}

/* What has gone wrong, and not that all is well: an errno that nothing has set. */
static void check_sentence(struct trial *trial, const rill_error *err)
{
    if (!err->message[0] || strstr(err->message, "Success"))
        fail(trial, "an error whose sentence says nothing, reason:", err->reason);
}

static void end(struct trial *trial, struct fetch *fetch, const rill_event *event)
{
    if (fetch->ended)
        fail(trial, "a second outcome of request", (double)(fetch - trial->fetches));
    fetch->ended = true;
    fetch->reason = event->reason;
    if (event->reason == RILL_OPEN || event->reason >= RILL_REASONS)
        fail(trial, "an outcome without a reason:", event->reason);
    for (uint32_t i = 0; i < event->error_count; i++)
        check_sentence(trial, &event->errors[i]);
    bool well = event->reason == RILL_ENDED;
    if (!well && event->type == RILL_EVENT_RESPONSE)
        fail(trial, "a response that is none:", event->reason);
    if (well && event->status != 200)
        fail(trial, "a status that nobody sent:", event->status);
    trial->ended_well += well;
}

static void take(struct trial *trial, rill_loop *loop, const rill_event *event)
{
    struct fetch *fetch = NULL;
    for (int i = 0; i < REQUESTS; i++)
        if (trial->fetches[i].started && trial->fetches[i].id.slot == event->slot &&
            trial->fetches[i].id.generation == event->generation)
            fetch = &trial->fetches[i];
    if (!fetch)
        return; /* a warning */
    switch (event->type) {
    case RILL_EVENT_RESPONSE:
        fetch->received =
            event->large ? (double)rill_body_length(event->large) : event->body_length;
        rill_body_free(event->large);
        /* fall through */
    case RILL_EVENT_FAILED:
        end(trial, fetch, event);
        break;
    case RILL_EVENT_CLOSED:
        end(trial, fetch, event);
        if (fetch->collected)
            take_body(trial, loop, fetch);
        else
            read_all(trial, loop, fetch);
        break;
    case RILL_EVENT_HEAD:
    case RILL_EVENT_READABLE:
        if (fetch->collected)
            collect(loop, fetch);
        else
            read_all(trial, loop, fetch);
        break;
    default:
        break;
    }
    if (fetch->ended && fetch->reason == RILL_ENDED &&
        fetch->received != (double)event->bytes_received && event->type != RILL_EVENT_HEAD)
        fail(trial, "a body that is not whole:", fetch->received);
}

static bool pending(const struct trial *trial)
{
    for (int i = 0; i < REQUESTS; i++)
        if (trial->fetches[i].started && !trial->fetches[i].ended)
            return true;
    return false;
}

/* Reads all that they point to. */
static void take_notes(struct trial *trial, rill_loop *loop, const rill_event *event)
{
    const rill_note *notes;
    int32_t count;
    while ((count = rill_notes_take(loop, event->slot, event->generation, &notes)) > 0)
        for (int32_t i = 0; i < count; i++) {
            trial->noted += (uint32_t)(notes[i].text_length + notes[i].url_length);
            if (notes[i].error)
                trial->noted += strlen(notes[i].error->message);
        }
}

static void poll_once(struct trial *trial, rill_loop *loop, int32_t timeout_ms)
{
    rill_event events[EVENTS];
    trial->abandoned = faults.abandon && ++trial->polls >= faults.abandon;
    if (trial->abandoned)
        return;
    int32_t count = rill_poll(loop, events, faults.abandon ? 1 : EVENTS, timeout_ms);
    for (int32_t i = 0; i < count; i++)
        if (events[i].type == RILL_EVENT_NOTES)
            take_notes(trial, loop, &events[i]);
        else
            take(trial, loop, &events[i]);
}

static void wait_for_all(struct trial *trial, rill_loop *loop)
{
    double end_s = rill_now() + STUCK_SECONDS;
    while (pending(trial) && !trial->abandoned && rill_now() < end_s)
        poll_once(trial, loop, 100);
}

static bool holds(rill_loop *loop, rill_counters *held)
{
    rill_loop_counters(loop, held);
    return held->clients || held->origins || held->connections || held->dials || held->requests ||
           held->events || held->slots;
}

static void watch(rill_options *options)
{
    static const rill_politeness politeness = {
        .concurrency = 2, .delay = 0.001, .retry_after = true};
    options->per_origin = &politeness;
    options->per_origin_count = 1;
    options->coalesce = options->notes = true;
}

/* Asks a name server that is not there: requests need none, their host is localhost. */
static void look_up(struct trial *trial, rill_loop *loop, rill_id *question)
{
    rill_error err = {0};
    if (rill_lookup_start(loop, "name.test", "127.0.0.1:9", question, &err))
        check_sentence(trial, &err);
}

static void exchange(struct trial *trial, rill_loop *loop)
{
    rill_options options;
    rill_id client, question = {0};
    rill_error err = {0};
    rill_counters held;
    rill_options_init(&options);
    options.h2c = true;
    options.retries = 0;
    options.retry_idempotent = false;
    options.tls.ca_file = faults.ca;
    options.tls.verify = faults.ca && !faults.pin;
    options.tls.server_name = faults.name;
    options.tls.pin_sha256 = faults.pin;
    options.proxy = faults.proxy[0] ? faults.proxy : NULL;
    if (faults.watched)
        watch(&options);
    trial->refused = rill_client_new(loop, &options, &client, &err);
    if (trial->refused)
        return;
    for (int i = 0; i < LAST && !trial->refused; i++)
        trial->refused = start(trial, loop, &client, i, &err);
    if (trial->fetches[3].started)
        feed(loop, &trial->fetches[3]);
    look_up(trial, loop, &question);
    wait_for_all(trial, loop);
    if (!trial->refused && !trial->abandoned && trial->ended_well < LAST) {
        rill_drop(loop, client.slot, client.generation); /* its origin backs off */
        trial->refused = rill_client_new(loop, &options, &client, &err);
    }
    if (!trial->refused && !trial->abandoned)
        trial->refused = start(trial, loop, &client, LAST, &err);
    wait_for_all(trial, loop);
    if (trial->abandoned)
        return;
    if (pending(trial))
        fail(trial, "without an outcome: requests of", REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        if (trial->fetches[i].pieces)
            rill_drop(loop, trial->fetches[i].id.slot, trial->fetches[i].id.generation);
    rill_drop(loop, client.slot, client.generation);
    rill_drop(loop, question.slot, question.generation);
    double end_s = rill_now() + STUCK_SECONDS;
    while (holds(loop, &held) && !trial->abandoned && rill_now() < end_s)
        poll_once(trial, loop, 1); /* nothing will be told */
    if (trial->abandoned)
        return;
    if (holds(loop, &held))
        fail(trial, "left on the loop, connections:", held.connections);
    if (held.bytes > 2048)
        fail(trial, "left on the loop, bytes:", held.bytes);
    if (trial->refused)
        check_sentence(trial, &err);
}

static void run(struct trial *trial, const shim_plan *plan)
{
    int before = open_descriptors();
    int64_t requests = faults.peer->requests;
    rill_error err = {0};
    memset(trial, 0, sizeof(*trial));
    shim_arm(plan);
    rill_loop *loop = rill_loop_new(&err);
    if (loop)
        exchange(trial, loop);
    else
        trial->refused = -err.reason;
    if (!loop && err.reason != RILL_ERROR)
        fail(trial, "no loop, and no reason:", err.reason);
    if (!loop)
        check_sentence(trial, &err);
    rill_loop_free(loop);
    trial->count = shim_disarm();
    if ((faults.name || faults.pin) && (trial->ended_well || faults.peer->requests != requests))
        fail(trial, "an impostor was believed, responses:", trial->ended_well);
    int more = open_descriptors() - before;
    if (more)
        fail(trial, "descriptors left open:", more);
    if (trial->count.live > LIVE_TOLERATED)
        fail(trial, "blocks of memory left:", (double)trial->count.live);
}

/* --- modes ----------------------------------------------------------------------------------- */

struct summary {
    uint64_t trials, ended[RILL_REASONS], not_started;
    bool wrong;
};

static void add(struct summary *summary, const struct trial *trial, const char *mode, uint64_t n)
{
    summary->trials++;
    for (int i = 0; i < REQUESTS; i++) {
        const struct fetch *fetch = &trial->fetches[i];
        if (!fetch->started)
            summary->not_started++;
        else if (fetch->reason < RILL_REASONS)
            summary->ended[fetch->reason]++;
    }
    if (!trial->wrong)
        return;
    printf("%s %llu: %s %s\n", mode, (unsigned long long)n, trial->wrong, trial->detail);
    summary->wrong = true;
}

static bool tell(const struct summary *summary, const char *mode)
{
    printf("%s %llu trials:", mode, (unsigned long long)summary->trials);
    for (int i = 1; i < RILL_REASONS; i++)
        if (summary->ended[i])
            printf(" %s %llu", rill_reason_name(i), (unsigned long long)summary->ended[i]);
    if (summary->not_started)
        printf(" not_started %llu", (unsigned long long)summary->not_started);
    printf("\n");
    return !summary->wrong;
}

static uint64_t next(uint64_t n)
{
    return n < ALL_FIRST ? n + 1 : n + faults.stride;
}

/* Until the n-th thing to fail does not come any more. */
static bool try_each(const char *mode, shim_plan (*plan_of)(uint64_t n),
                     uint64_t (*happened)(const shim_count *count))
{
    struct summary summary = {0};
    for (uint64_t n = faults.first;; n = next(n)) {
        struct trial trial;
        shim_plan plan = plan_of(n);
        run(&trial, &plan);
        if (happened(&trial.count) < n)
            break;
        add(&summary, &trial, mode, n);
    }
    return tell(&summary, mode);
}

static shim_plan one_fails(uint64_t n)
{
    return (shim_plan){.fail_from = n, .fail_to = n};
}

static shim_plan rest_fails(uint64_t n)
{
    return (shim_plan){.fail_from = n, .fail_to = UINT64_MAX};
}

static shim_plan one_refused(uint64_t n)
{
    return (shim_plan){.refuse = n};
}

static shim_plan sends_break(uint64_t n)
{
    return (shim_plan){.send = SHIM_BROKEN, .io_from = n};
}

static uint64_t allocations(const shim_count *count)
{
    return count->allocations;
}

static uint64_t descriptors(const shim_count *count)
{
    return count->descriptors;
}

static uint64_t sends(const shim_count *count)
{
    return count->sends;
}

static bool try_closes(const char *mode)
{
    static const shim_plan none = {0};
    struct summary summary = {0};
    struct trial trial;
    faults.peer->piece = 100;
    run(&trial, &none);
    uint64_t most = (uint64_t)faults.peer->sent;
    for (uint64_t n = 0; n < most; n = next(n)) {
        faults.peer->cut = (int64_t)n;
        run(&trial, &none);
        add(&summary, &trial, mode, n);
    }
    faults.peer->cut = -1;
    faults.peer->piece = 16000;
    return tell(&summary, mode);
}

static bool try_abandon(const char *mode)
{
    static const shim_plan none = {0};
    struct summary summary = {0};
    struct trial trial = {.abandoned = true};
    for (uint64_t n = 1; trial.abandoned; n++) {
        faults.abandon = n;
        run(&trial, &none);
        add(&summary, &trial, mode, n);
    }
    faults.abandon = 0;
    return tell(&summary, mode);
}

static bool try_io(const char *mode)
{
    static const shim_plan plans[] = {
        {.send = SHIM_ONE_BYTE},
        {.send = SHIM_AGAIN},
        {.send = SHIM_INTERRUPT},
        {.receive = SHIM_ONE_BYTE},
        {.receive = SHIM_AGAIN},
        {.receive = SHIM_INTERRUPT},
        {.interrupt_waits = true},
        {.send = SHIM_AGAIN, .receive = SHIM_AGAIN, .interrupt_waits = true},
        {.send = SHIM_ONE_BYTE, .receive = SHIM_ONE_BYTE, .interrupt_waits = true},
    };
    struct summary summary = {0};
    for (uint64_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
        struct trial trial;
        run(&trial, &plans[i]);
        if (trial.ended_well != REQUESTS)
            fail(&trial, "not all ended well, but", trial.ended_well);
        add(&summary, &trial, mode, i);
    }
    return tell(&summary, mode);
}

static bool try_mode(const char *mode)
{
    if (!strcmp(mode, "memory"))
        return try_each(mode, one_fails, allocations);
    if (!strcmp(mode, "exhausted"))
        return try_each(mode, rest_fails, allocations);
    if (!strcmp(mode, "descriptors"))
        return try_each(mode, one_refused, descriptors);
    if (!strcmp(mode, "send"))
        return try_each(mode, sends_break, sends);
    if (!strcmp(mode, "close"))
        return try_closes(mode);
    if (!strcmp(mode, "abandon"))
        return try_abandon(mode);
    if (!strcmp(mode, "io"))
        return try_io(mode);
    if (!strcmp(mode, "impostor"))
        faults.name = "other.test";
    if (!strcmp(mode, "pinned"))
        faults.pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    if (faults.name || faults.pin) {
        bool good = try_each(mode, one_fails, allocations);
        faults.name = faults.pin = NULL;
        return good;
    }
    fprintf(stderr, "faults: no mode \"%s\"\n", mode);
    return false;
}

/* Ways through the peer. */
static const struct way {
    const char *name, *scheme;
    enum peer_way way;
} ways[] = {
    {"none", NULL, PEER_ORIGIN},
    {"connect", "http", PEER_CONNECT},
    {"connect-tls", "https", PEER_CONNECT_TLS},
    {"socks5", "socks5", PEER_SOCKS},
    {"socks5h", "socks5h", PEER_SOCKS},
};

static const struct way *find_way(const char *name)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (!strcmp(ways[i].name, name))
            return &ways[i];
    fprintf(stderr, "faults: no way \"%s\"\n", name);
    exit(2);
}

/* OpenSSL sets itself up with its first context, which clear text never makes; an error does it
 * too. */
static void set_up_openssl(void)
{
    rill_options options;
    rill_error err;
    rill_options_init(&options);
    options.tls.min_version = "1.2"; /* what names something makes its context at once */
    rill_options_check(&options, &err);
}

int main(int argc, char **argv)
{
    const char *cert = NULL, *key = NULL;
    const struct way *way = ways;
    bool good = true;
    int at = 1;
    faults.first = faults.stride = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (!strcmp(argv[at], "-t") && at + 3 < argc)
            cert = argv[at + 1], key = argv[at + 2], faults.ca = argv[at + 3], at += 3;
        else if (!strcmp(argv[at], "-n") && at + 1 < argc)
            faults.first = strtoull(argv[++at], NULL, 10);
        else if (!strcmp(argv[at], "-s") && at + 1 < argc)
            faults.stride = strtoull(argv[++at], NULL, 10);
        else if (!strcmp(argv[at], "-p") && at + 1 < argc)
            way = find_way(argv[++at]);
        else if (!strcmp(argv[at], "-w"))
            faults.watched = true;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    faults.peer = peer_start(way->way, cert, key, &faults.port, &faults.peer_pid);
    faults.peer->piece = 16000;
    snprintf(faults.url, sizeof(faults.url), "%s://localhost:%u/", cert ? "https" : "http",
             faults.port);
    if (way->scheme)
        snprintf(faults.proxy, sizeof(faults.proxy), "%s://user:secret@localhost:%u", way->scheme,
                 faults.port);

    static const shim_plan none = {0};
    struct trial trial;
    set_up_openssl();
    run(&trial, &none); /* libraries set themselves up */
    run(&trial, &none);
    if (trial.wrong || trial.ended_well != REQUESTS) {
        printf("nothing fails: %s %s, %u of %d ended well\n", trial.wrong ? trial.wrong : "",
               trial.detail, trial.ended_well, REQUESTS);
        good = false;
    }
    if (faults.watched && !trial.noted) {
        printf("nothing was noted\n");
        good = false;
    }
    for (; good && at < argc; at++)
        good = try_mode(argv[at]);
    kill(faults.peer_pid, SIGKILL);
    waitpid(faults.peer_pid, NULL, 0);
    return good ? 0 : 1;
}
