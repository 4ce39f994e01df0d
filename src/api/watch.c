#include "api/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/given.h"
#include "base/error.h"

struct rill_watch {
    rill_entry entry;    /* first: rill_drop() finds it by that */
    rill_turn *turn;     /* borrowed */
    rill_member member;  /* in loop->watches */
    struct event *event; /* owned */
};

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    rill_watch *watch = arg;
    rill_turn_report(watch->turn, &watch->entry, RILL_EVENT_READY);
}

rill_watch *rill_watch_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_watch, member);
}

void rill_watch_free(rill_watch *watch)
{
    rill_turn *turn = watch->turn;
    if (watch->event)
        event_free(watch->event);
    rill_turn_forget(turn, &watch->entry);
    rill_list_leave(&watch->member);
    rill_slab_free(&turn->slab, watch);
}

/* epoll refuses files, directories and some devices: these are always ready (POSIX, poll()). */
static bool is_always_ready(int fd)
{
    struct stat info;
    if (fstat(fd, &info) || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
        return true;
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))
        return false;
    int trial = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    bool refused = trial >= 0 && epoll_ctl(trial, EPOLL_CTL_ADD, fd, &event) && errno == EPERM;
    if (trial >= 0)
        close(trial);
    return refused;
}

static int32_t start(rill_watch *watch, int fd, short what, rill_error *err)
{
    if (is_always_ready(fd)) {
        rill_turn_report(watch->turn, &watch->entry, RILL_EVENT_READY);
        return 0;
    }
    watch->event = event_new(watch->turn->base, fd, what, on_ready, watch);
    if (!watch->event || event_add(watch->event, NULL))
        return rill_error_set(err, RILL_ERROR, "descriptor %d cannot be waited for", fd);
    return 0;
}

int32_t rill_wait_start(rill_loop *loop, int32_t fd, bool writable, rill_id *id, rill_error *err)
{
    if (rill_loop_check(loop, err) || rill_given_pointer(id, "id", err))
        return -RILL_ARGUMENT;
    rill_turn *turn = &loop->turn;
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return rill_error_set(err, RILL_ARGUMENT, "descriptor %d is not open", (int)fd);
    rill_watch *watch = rill_slab_zalloc(&turn->slab, sizeof(*watch));
    if (!watch)
        return rill_error_memory(err);
    watch->turn = turn;
    int32_t code = rill_turn_name(turn, &watch->entry, ENTRY_WATCH, err);
    if (!code)
        code = start(watch, fd, writable ? EV_WRITE : EV_READ, err);
    if (code) {
        rill_watch_free(watch);
        return code;
    }
    rill_list_push_first(&loop->watches, &watch->member);
    rill_turn_wake(turn);
    *id = watch->entry.id;
    return 0;
}
