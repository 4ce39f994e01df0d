/* What goes wrong in this process, and when: the program's own malloc(), send(), recv(), poll() and
 * epoll_wait() stand before libc's, for every library. Only between shim_arm() and shim_disarm().
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>
#include <stdint.h>

enum shim_io {
    SHIM_PLAIN,
    SHIM_ONE_BYTE,  /* each call moves one byte */
    SHIM_AGAIN,     /* every other call says EAGAIN */
    SHIM_INTERRUPT, /* every other call says EINTR */
    SHIM_BROKEN     /* the connection was reset */
};

typedef struct shim_plan {
    uint64_t fail_from, fail_to; /* numbers of the allocations that fail, counted from 1; 0: none */
    uint64_t refuse;             /* the number of the new descriptor that fails; 0: none */
    enum shim_io send, receive;
    uint64_t io_from;     /* the number of the send() from which on `send` holds */
    bool interrupt_waits; /* every other poll() and epoll_wait() says EINTR */
} shim_plan;

typedef struct shim_count {
    uint64_t allocations, descriptors, sends;
    int64_t live; /* blocks allocated less blocks freed */
} shim_count;

void shim_arm(const shim_plan *plan);
shim_count shim_disarm(void);

#endif
