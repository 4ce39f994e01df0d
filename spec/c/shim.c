#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>

/* The dynamic linker allocates before a sanitizer is set up. */
#define EARLY __attribute__((no_sanitize("address", "undefined")))

static shim_plan plan;
static shim_count count;
static bool armed;

/* What is allocated while dlsym() looks for malloc() itself. */
static _Alignas(16) char first_room[1 << 14];
static size_t first_used;

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

void shim_arm(const shim_plan *with)
{
    plan = *with;
    memset(&count, 0, sizeof(count));
    armed = true;
}

shim_count shim_disarm(void)
{
    armed = false;
    return count;
}

/* --- memory ---------------------------------------------------------------------------------- */

EARLY static bool find_memory(void)
{
    static bool looking;
    if (next_free)
        return true;
    if (looking)
        return false;
    looking = true;
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
    looking = false;
    return true;
}

EARLY static bool fails(void)
{
    if (!armed)
        return false;
    uint64_t number = ++count.allocations;
    if (number < plan.fail_from || number > plan.fail_to)
        return false;
    errno = ENOMEM;
    return true;
}

EARLY static void *counted(void *block)
{
    if (armed && block)
        count.live++;
    return block;
}

EARLY static void *first(size_t size)
{
    void *block = first_room + first_used;
    first_used += (size + 15) & ~(size_t)15;
    return first_used <= sizeof(first_room) ? block : NULL;
}

EARLY static bool is_first(const void *block)
{
    return (const char *)block >= first_room &&
           (const char *)block < first_room + sizeof(first_room);
}

EARLY void *malloc(size_t size)
{
    if (!find_memory())
        return first(size);
    return fails() ? NULL : counted(next_malloc(size));
}

EARLY void *calloc(size_t number, size_t size)
{
    if (!find_memory())
        return first(number * size); /* zeroed, as statics are */
    return fails() ? NULL : counted(next_calloc(number, size));
}

EARLY void *realloc(void *block, size_t size)
{
    if (!find_memory())
        return first(size);
    if (fails())
        return NULL;
    void *moved = next_realloc(block, size);
    return block ? moved : counted(moved);
}

EARLY void free(void *block)
{
    if (!block || is_first(block) || !find_memory())
        return;
    if (armed)
        count.live--;
    next_free(block);
}

/* --- descriptors ----------------------------------------------------------------------------- */

static bool refused(void)
{
    if (!armed || ++count.descriptors != plan.refuse)
        return false;
    errno = EMFILE;
    return true;
}

#define NEXT(type, name, parameters)                                                               \
    static type(*next) parameters;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, name)

int socket(int domain, int type, int protocol)
{
    NEXT(int, "socket", (int, int, int));
    return refused() ? -1 : next(domain, type, protocol);
}

int epoll_create1(int flags)
{
    NEXT(int, "epoll_create1", (int));
    return refused() ? -1 : next(flags);
}

int epoll_create(int size)
{
    NEXT(int, "epoll_create", (int));
    return refused() ? -1 : next(size);
}

int timerfd_create(int clock, int flags)
{
    NEXT(int, "timerfd_create", (int, int));
    return refused() ? -1 : next(clock, flags);
}

int eventfd(unsigned int value, int flags)
{
    NEXT(int, "eventfd", (unsigned int, int));
    return refused() ? -1 : next(value, flags);
}

/* --- I/O ------------------------------------------------------------------------------------- */

/* Whether the call says something else than libc would; `turn` alternates. */
static bool disturbed(enum shim_io how, bool *turn)
{
    *turn = !*turn;
    if (how == SHIM_BROKEN)
        errno = ECONNRESET;
    else if (how == SHIM_AGAIN && *turn)
        errno = EAGAIN;
    else if (how == SHIM_INTERRUPT && *turn)
        errno = EINTR;
    else
        return false;
    return true;
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    static bool turn;
    NEXT(ssize_t, "send", (int, const void *, size_t, int));
    if (armed && ++count.sends >= plan.io_from) {
        if (disturbed(plan.send, &turn))
            return -1;
        if (plan.send == SHIM_ONE_BYTE && length)
            length = 1;
    }
    return next(fd, data, length, flags);
}

ssize_t recv(int fd, void *data, size_t length, int flags)
{
    static bool turn;
    NEXT(ssize_t, "recv", (int, void *, size_t, int));
    if (armed && disturbed(plan.receive, &turn))
        return -1;
    if (armed && plan.receive == SHIM_ONE_BYTE && length)
        length = 1;
    return next(fd, data, length, flags);
}

static bool interrupted(bool *turn)
{
    return armed && plan.interrupt_waits && disturbed(SHIM_INTERRUPT, turn);
}

int poll(struct pollfd *fds, nfds_t number, int timeout)
{
    static bool turn;
    NEXT(int, "poll", (struct pollfd *, nfds_t, int));
    return interrupted(&turn) ? -1 : next(fds, number, timeout);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    static bool turns[2]; /* waits, and mere looks: or one of them would always fail */
    NEXT(int, "epoll_wait", (int, struct epoll_event *, int, int));
    return interrupted(&turns[timeout == 0]) ? -1 : next(fd, events, most, timeout);
}
