#include "net/channel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "net/address.h"
#include "base/error.h"
#include "base/library.h"
#include "base/process.h"

enum { DNS_PORT = 53 };

static const char *const names[] = {"ares_library_init",      "ares_library_cleanup",
                                    "ares_init_options",      "ares_destroy",
                                    "ares_set_servers_ports", "ares_get_servers_ports",
                                    "ares_free_data",         "ares_gethostbyname_file",
                                    "ares_free_hostent",      "ares_getaddrinfo",
                                    "ares_freeaddrinfo",      "ares_process_fd",
                                    "ares_timeout",           "ares_strerror"};
static struct {
    __typeof__(ares_library_init) *init;
    __typeof__(ares_library_cleanup) *cleanup;
    __typeof__(ares_init_options) *open;
    __typeof__(ares_destroy) *destroy;
    __typeof__(ares_set_servers_ports) *set_servers;
    __typeof__(ares_get_servers_ports) *get_servers;
    __typeof__(ares_free_data) *free_servers;
    __typeof__(ares_gethostbyname_file) *find_in_hosts;
    __typeof__(ares_free_hostent) *free_host;
    __typeof__(ares_getaddrinfo) *ask;
    __typeof__(ares_freeaddrinfo) *free_answer;
    __typeof__(ares_process_fd) *process;
    __typeof__(ares_timeout) *timeout;
    __typeof__(ares_strerror) *text_of;
} lib;
static rill_library library = {"libcares.so.2", "libc-ares2", names, sizeof(names) / sizeof(*names),
                               LIBRARY_UNKNOWN};
_Static_assert(sizeof(lib) == sizeof(names), "a name for each function");

static const char resolv_conf[] = "/etc/resolv.conf";

/* A descriptor of c-ares. Kept for the next one when c-ares closes it: that happens in callbacks,
 * where nothing is freed. */
typedef struct channel_watch {
    struct channel_watch *next;
    int fd; /* -1: not in use */
    struct event event;
} channel_watch;

static void set_timer(rill_channel *channel)
{
    struct timeval left;
    if (!lib.timeout(channel->ares, NULL, &left)) {
        rill_wheel_stop(&channel->turn->wheel, &channel->timer);
        return;
    }
    uint64_t ms = (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1;
    rill_wheel_start(&channel->turn->wheel, &channel->timer, rill_turn_clock_ms() + ms);
}

static void on_timeout(rill_timer *timer)
{
    rill_channel *channel = RILL_OWNER(timer, rill_channel, timer);
    lib.process(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(channel);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    rill_channel *channel = arg;
    lib.process(channel->ares, what & EV_READ ? fd : ARES_SOCKET_BAD,
                what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    set_timer(channel);
}

static channel_watch *find_watch(rill_channel *channel, int fd)
{
    channel_watch *found = channel->watches;
    while (found && found->fd != fd)
        found = found->next;
    return found;
}

static channel_watch *new_watch(rill_channel *channel)
{
    channel_watch *made = find_watch(channel, -1);
    if (made)
        return made;
    made = rill_slab_zalloc(&channel->turn->slab, sizeof(*made));
    if (!made)
        return NULL;
    made->next = channel->watches;
    channel->watches = made;
    return made;
}

/* c-ares names what it waits for on a descriptor; nothing: it is about to close it. */
static void on_interest(void *arg, ares_socket_t fd, int readable, int writable)
{
    rill_channel *channel = arg;
    channel_watch *watched = find_watch(channel, fd);
    if (watched) {
        event_del(&watched->event);
        watched->fd = -1;
    }
    if (!readable && !writable)
        return;
    watched = new_watch(channel);
    if (!watched)
        return; /* no memory: the query times out */
    watched->fd = fd;
    short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    event_assign(&watched->event, channel->turn->base, fd, what, on_socket, channel);
    event_add(&watched->event, NULL);
}

/* --- servers --------------------------------------------------------------------------------- */

/* A channel that has read the system's files just now; NULL: out of memory. */
static ares_channel open_with(rill_channel *channel, int timeout_ms, int tries)
{
    char lookups[] = "fb"; /* the hosts file, then name servers */
    struct ares_options options = {
        .timeout = timeout_ms,
        .tries = tries,
        .lookups = lookups,
        .sock_state_cb = on_interest,
        .sock_state_cb_data = channel,
    };
    ares_channel ares;
    if (lib.open(&ares, &options,
                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) !=
        ARES_SUCCESS)
        return NULL;
    if (channel->servers && lib.set_servers(ares, channel->servers) != ARES_SUCCESS) {
        lib.destroy(ares);
        return NULL;
    }
    return ares;
}

static bool has_several_servers(ares_channel ares)
{
    struct ares_addr_port_node *servers = NULL;
    bool several = lib.get_servers(ares, &servers) == ARES_SUCCESS && servers && servers->next;
    lib.free_servers(servers);
    return several;
}

static ares_channel open_ares(rill_channel *channel)
{
    ares_channel ares = open_with(channel, CHANNEL_TRY_MS, CHANNEL_TRIES);
    if (!ares || !has_several_servers(ares))
        return ares;
    lib.destroy(ares);
    return open_with(channel, CHANNEL_NEXT_MS, CHANNEL_NEXT_TRIES);
}

/* The server that was silent is asked last. c-ares takes another order only while nothing is asked.
 */
static void skip_silent(rill_channel *channel)
{
    struct ares_addr_port_node *servers = NULL;
    if (!channel->skip || rill_timer_running(&channel->timer))
        return;
    channel->skip = false;
    if (lib.get_servers(channel->ares, &servers) == ARES_SUCCESS && servers && servers->next) {
        struct ares_addr_port_node *first = servers, *last = servers;
        servers = first->next;
        while (last->next)
            last = last->next;
        last->next = first;
        first->next = NULL;
        lib.set_servers(channel->ares, servers);
    }
    lib.free_servers(servers);
}

void rill_channel_note(rill_channel *channel, int timeouts)
{
    channel->skip = channel->skip || timeouts > 0;
}

bool rill_channel_has_host(rill_channel *channel, const char *host)
{
    static const int families[] = {AF_INET, AF_INET6};
    bool found = false;
    for (int i = 0; i < 2 && !found; i++) {
        struct hostent *entry = NULL;
        found = lib.find_in_hosts(channel->ares, host, families[i], &entry) == ARES_SUCCESS;
        if (found)
            lib.free_host(entry);
    }
    return found;
}

/* A long-lived process moves between networks: c-ares 1.18 reads the system's servers once. */
static void follow_system(rill_channel *channel)
{
    struct stat now;
    if (channel->servers || rill_timer_running(&channel->timer) || stat(resolv_conf, &now) ||
        (now.st_mtim.tv_sec == channel->system.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == channel->system.st_mtim.tv_nsec &&
         now.st_ino == channel->system.st_ino) ||
        rill_process_lacks_descriptors())
        return;
    ares_channel ares = open_ares(channel);
    if (!ares)
        return; /* the old one still works */
    lib.destroy(channel->ares);
    channel->ares = ares;
    channel->system = now;
}

static int32_t add_server(rill_channel *channel, const char *text, rill_error *err)
{
    rill_address address;
    if (!rill_address_parse(text, DNS_PORT, &address) || address.any.sa_family == AF_UNIX)
        return rill_error_set(err, RILL_ARGUMENT, "dns_servers: \"%s\" is no address", text);
    struct ares_addr_port_node *node = rill_slab_zalloc(&channel->turn->slab, sizeof(*node));
    if (!node)
        return rill_error_memory(err);
    node->family = address.any.sa_family;
    if (node->family == AF_INET)
        node->addr.addr4 = address.v4.sin_addr;
    else
        memcpy(&node->addr.addr6, &address.v6.sin6_addr, sizeof(node->addr.addr6));
    node->udp_port = node->tcp_port = rill_address_port(&address);
    struct ares_addr_port_node **link = &channel->servers;
    while (*link)
        link = &(*link)->next;
    *link = node;
    return 0;
}

static int32_t add_servers(rill_channel *channel, const char *list, rill_error *err)
{
    for (;;) {
        char text[64]; /* "[" + 45 + "]:65535" */
        list += strspn(list, " ");
        size_t length = strcspn(list, ",");
        size_t shown = length;
        while (shown && list[shown - 1] == ' ')
            shown--;
        if (shown >= sizeof(text))
            shown = sizeof(text) - 1; /* no address is that long: fails below */
        memcpy(text, list, shown);
        text[shown] = 0;
        int32_t result = add_server(channel, text, err);
        if (result || !list[length])
            return result;
        list += length + 1;
    }
}

int32_t rill_channel_init(rill_channel *channel, rill_turn *turn, const char *servers,
                          rill_error *err)
{
    *channel = (rill_channel){.turn = turn, .timer.expire = on_timeout};
    return servers ? add_servers(channel, servers, err) : 0;
}

int32_t rill_channel_open(rill_channel *channel, rill_error *err)
{
    if (channel->ares)
        return 0;
    /* where resolv.conf cannot be opened, c-ares would ask 127.0.0.1, now and later */
    if (rill_process_lacks_descriptors())
        return rill_error_connect(err, RILL_KIND_DNS, "no name can be looked up: %s",
                                  strerror(EMFILE));
    int32_t result = rill_library_load(&library, &lib, err);
    if (result)
        return result;
    lib.init(ARES_LIB_INIT_ALL); /* counted, as its end is */
    if (stat(resolv_conf, &channel->system))
        memset(&channel->system, 0, sizeof(channel->system));
    channel->ares = open_ares(channel);
    if (channel->ares)
        return 0;
    lib.cleanup();
    return rill_error_set(err, RILL_ERROR, "cannot set up c-ares: out of memory");
}

void rill_channel_dispose(rill_channel *channel)
{
    rill_slab *slab = &channel->turn->slab;
    if (channel->ares) {
        lib.destroy(channel->ares);
        lib.cleanup();
    }
    channel->ares = NULL;
    rill_wheel_stop(&channel->turn->wheel, &channel->timer);
    while (channel->watches) {
        channel_watch *gone = channel->watches;
        channel->watches = gone->next;
        rill_slab_free(slab, gone);
    }
    while (channel->servers) {
        struct ares_addr_port_node *gone = channel->servers;
        channel->servers = gone->next;
        rill_slab_free(slab, gone);
    }
}

void rill_channel_ask(rill_channel *channel, const char *host, int family,
                      ares_addrinfo_callback on_answer, void *arg)
{
    follow_system(channel);
    skip_silent(channel);
    struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    lib.ask(channel->ares, host, NULL, &hints, on_answer, arg);
    set_timer(channel);
}

void rill_channel_free_answer(struct ares_addrinfo *found)
{
    lib.free_answer(found);
}

const char *rill_channel_text(int status)
{
    return lib.text_of(status);
}
