#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { PAGE = 1 }; /* bytes wanted: the system gives a page */

void rill_process_init(rill_process *process)
{
    *process = (rill_process){.id = getpid()};
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, PAGE, MADV_WIPEONFORK)) { /* before Linux 4.14 */
        munmap(page, PAGE);
        return;
    }
    process->page = page;
    *process->page = 1;
}

void rill_process_dispose(rill_process *process)
{
    if (process->page)
        munmap((void *)process->page, PAGE);
    process->page = NULL;
}

bool rill_process_has_descriptors(int wanted)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0)
        return false;
    bool has_more = wanted == 1 || rill_process_has_descriptors(wanted - 1);
    int error = errno;
    close(fd);
    errno = error;
    return has_more;
}

bool rill_process_lacks_descriptors(void)
{
    int fd = open("/", O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE;
    close(fd);
    return false;
}
