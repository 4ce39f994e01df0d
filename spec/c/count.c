/* Counts what a program asks of the allocator and of the kernel: LD_PRELOAD=build/count.so, and
 * count_take() from within. For spec/task/cost_spec.lua and spec/html/document_cost_spec.lua; needs
 * glibc. */
#include <dlfcn.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

typedef struct count_totals {
    double allocations;                  /* malloc, calloc, realloc and their like */
    double reads, writes, waits, others; /* system calls */
    double mappings, clocks;             /* the same: of memory, of CPU time */
} count_totals;

static count_totals totals;

void count_take(count_totals *to);

/* What was counted since the program began. */
void count_take(count_totals *to)
{
    *to = totals;
}

/* --- memory: glibc's own names, so that finding them allocates nothing ----------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    totals.allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    totals.allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    totals.allocations++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    totals.allocations++;
    return __libc_memalign(alignment, size);
}

/* --- system calls ---------------------------------------------------------------------------- */

/* A function of the same name that counts, then calls libc's. */
#define COUNTED(kind, result, name, parameters, arguments)                                         \
    result name parameters                                                                         \
    {                                                                                              \
        static result(*next) parameters;                                                           \
        if (!next)                                                                                 \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                             \
        totals.kind++;                                                                             \
        return next arguments;                                                                     \
    }

COUNTED(reads, ssize_t, read, (int fd, void *to, size_t size), (fd, to, size))
COUNTED(reads, ssize_t, readv, (int fd, const struct iovec *to, int count), (fd, to, count))
COUNTED(reads, ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags))
COUNTED(reads, ssize_t, recvmsg, (int fd, struct msghdr *to, int flags), (fd, to, flags))
COUNTED(writes, ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
COUNTED(writes, ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count))
COUNTED(writes, ssize_t, send, (int fd, const void *from, size_t size, int flags),
        (fd, from, size, flags))
COUNTED(writes, ssize_t, sendmsg, (int fd, const struct msghdr *from, int flags), (fd, from, flags))
COUNTED(waits, int, epoll_wait, (int fd, struct epoll_event *events, int max, int timeout_ms),
        (fd, events, max, timeout_ms))
COUNTED(waits, int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms),
        (fds, count, timeout_ms))
COUNTED(others, int, epoll_ctl, (int fd, int operation, int of, struct epoll_event *event),
        (fd, operation, of, event))
COUNTED(others, int, timerfd_settime,
        (int fd, int flags, const struct itimerspec *next_time, struct itimerspec *old),
        (fd, flags, next_time, old))
COUNTED(others, int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
        (fd, level, name, value, size))
COUNTED(others, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
        (fd, level, name, value, size))
COUNTED(mappings, int, munmap, (void *memory, size_t size), (memory, size))
COUNTED(mappings, int, mprotect, (void *memory, size_t size, int protection),
        (memory, size, protection))

/* Other clocks cost no system call. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    if (clock == CLOCK_THREAD_CPUTIME_ID)
        totals.clocks++;
    return next(clock, now);
}
