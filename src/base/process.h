/* Which process made something, and what this one lacks. A child made by fork() has copies of its
 * parent's memory and descriptors, but what is behind those (sockets, the epoll set, files) is one
 * and the same. */
#ifndef RILL_PROCESS_H
#define RILL_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct rill_process {
    volatile unsigned char *page; /* owned: not 0 in this process, 0 in each child; NULL: cannot */
    pid_t id;                     /* where there is no page: costs a system call each time */
} rill_process;

/* Remembers the process that runs. */
void rill_process_init(rill_process *process);
void rill_process_dispose(rill_process *process);

/* Whether so many descriptors, at least one, can be had at this moment; errno says why not. */
bool rill_process_has_descriptors(int wanted);

/* Whether no file can be opened at this moment: what was not found then may be there. */
bool rill_process_lacks_descriptors(void);

/* Whether it still is that process, not a child of it. */
static inline bool rill_process_is_own(const rill_process *process)
{
    return process->page ? *process->page : process->id == getpid();
}

#endif
