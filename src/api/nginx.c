/* Inside an nginx worker: its loop steps ours, and its Lua module's semaphores resume light
 * threads. See rill.h, "inside nginx". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "api/given.h"
#include "api/loop.h"
#include "base/error.h"

/* How often waiters are looked at whose light thread may have been killed: nobody is told of that.
 */
enum { KILLED_MS = 40 };

/* NGX_READ_EVENT where nginx uses epoll: any other value is taken for "write". */
enum { NGINX_READ_EVENT = EPOLLIN | EPOLLRDHUP };

/* Loops that are ready and are stepped each time nginx asks. */
enum { LOOPS_PER_WAKE = 16 };

enum { FIRST_IDS = 8 };

/* ngx_http_cleanup_t begins like this. */
typedef struct cleanup {
    void (*handler)(void *data);
    void *data;
} cleanup;

typedef intptr_t add_channel_event(void *cycle, int fd, intptr_t event, void (*handler)(void *));
typedef void *cleanup_add(void *request, size_t size);
typedef int sema_post(void *sema, int count);
typedef int sema_count(void *sema);

struct rill_nginx {
    rill_loop *loop;    /* borrowed: it owns this */
    rill_member member; /* in the hub's list of loops; in none: not attached */
    rill_timer killed;  /* see KILLED_MS */
    rill_list parked;   /* waiters, owned */
    rill_list idle;     /* waiters that do not wait, owned */
    rill_list lost;     /* waiters whose light thread was killed, owned; until they are taken */
    rill_list sessions; /* owned, as long as their request has not ended */
    rill_list ended;    /* sessions, owned; until they are taken */
    rill_list spare;    /* sessions that no request has, owned */
    uint32_t gone;      /* sessions that have ended and waiters that are lost: to be taken */
    void *cycle;        /* nginx's */
    add_channel_event *add_channel_event;
    cleanup_add *cleanup_add;
    sema_post *post;
    sema_count *count;
};

struct rill_session {
    rill_nginx *nginx;  /* borrowed; NULL: its loop is gone */
    rill_member member; /* in one of its lists */
    rill_list waiters;  /* borrowed: those that wait */
    rill_id *streams;   /* owned: what is cancelled at the end */
    uint32_t stream_count, stream_room;
    uint32_t number; /* what the script calls it */
};

struct rill_waiter {
    rill_nginx *nginx;     /* borrowed */
    rill_session *session; /* borrowed while it waits */
    void *sema;            /* borrowed: the script holds it */
    rill_member member;    /* in a list of nginx's */
    rill_member mate;      /* in its session's list, while it waits */
    rill_id id;            /* what it waits for; {0, 0}: something else */
    uint32_t number;       /* what the script calls it */
    bool posted;           /* its light thread is about to run */
    bool steps;            /* its light thread runs, steps the loop, and takes what there is */
};

/* nginx knows one descriptor of the process, for as long as that lives: it has no call that takes
 * one back. Its handler gets no pointer of ours, so this is the one place that is not a loop's. */
static struct {
    rill_process process; /* that made it: a worker's, never its master's */
    int fd;               /* owned: the epoll set of all attached loops */
    bool made;
    rill_list loops;
} hub;

static bool is_given(const rill_loop *loop)
{
    return loop && loop->nginx && rill_turn_is_own(&loop->turn);
}

/* --- who waits ------------------------------------------------------------------------------- */

/* A light thread that waits on its semaphore counts -1 there, and 0 once that was posted. One that
 * runs does not wait: it counts what was posted before, or too late for its last wait. */
static bool is_alive(const rill_waiter *waiter)
{
    return waiter->steps || waiter->nginx->count(waiter->sema) < waiter->posted;
}

static void post(rill_waiter *waiter)
{
    if (waiter->posted || waiter->steps)
        return;
    waiter->posted = true;
    waiter->nginx->post(waiter->sema, 1);
}

static void move(rill_waiter *waiter, rill_list *list)
{
    rill_list_leave(&waiter->member);
    rill_list_leave(&waiter->mate);
    rill_list_push(list, &waiter->member);
    waiter->session = NULL;
}

/* Nobody waits for it any more. A stream has other readers, who are told. */
static void abandon(rill_loop *loop, rill_id id)
{
    const rill_call *call =
        (rill_call *)rill_turn_find(&loop->turn, id.slot, id.generation, ENTRY_CALL);
    if (call && call->pieces)
        rill_stream_cancel(loop, id.slot, id.generation);
    else if (call)
        rill_drop(loop, id.slot, id.generation);
}

static void lose(rill_waiter *waiter)
{
    rill_nginx *nginx = waiter->nginx;
    move(waiter, &nginx->lost);
    nginx->gone++;
    abandon(nginx->loop, waiter->id);
}

/* There is something for the script to do: any light thread that waits does it for all. */
static void post_one(rill_nginx *nginx)
{
    rill_waiter *waiter;
    while ((waiter = RILL_OWNER(nginx->parked.first, rill_waiter, member))) {
        if (is_alive(waiter)) {
            post(waiter);
            return;
        }
        lose(waiter);
    }
}

static void post_for_work(rill_nginx *nginx)
{
    if (nginx->loop->turn.event_count || nginx->gone)
        post_one(nginx);
}

static void look_for_killed(rill_timer *timer)
{
    rill_nginx *nginx = RILL_OWNER(timer, rill_nginx, killed);
    rill_turn *turn = &nginx->loop->turn;
    rill_member *next;
    for (rill_member *member = nginx->parked.first; member; member = next) {
        rill_waiter *waiter = RILL_OWNER(member, rill_waiter, member);
        next = member->next;
        if (!is_alive(waiter))
            lose(waiter);
    }
    if (nginx->parked.first)
        rill_wheel_start(&turn->wheel, timer, turn->now_ms + KILLED_MS);
}

rill_waiter *rill_waiter_new(rill_loop *loop, void *sema, uint32_t number)
{
    rill_waiter *waiter = is_given(loop) && sema ? calloc(1, sizeof(*waiter)) : NULL;
    if (!waiter)
        return NULL;
    waiter->nginx = loop->nginx;
    waiter->sema = sema;
    waiter->number = number;
    rill_list_push(&loop->nginx->idle, &waiter->member);
    return waiter;
}

void rill_waiter_free(rill_waiter *waiter)
{
    if (!waiter)
        return;
    rill_list_leave(&waiter->member);
    rill_list_leave(&waiter->mate);
    free(waiter);
}

bool rill_waiter_park(rill_waiter *waiter, rill_session *session, uint32_t slot,
                      uint32_t generation)
{
    rill_nginx *nginx = waiter->nginx;
    rill_loop *loop = nginx->loop;
    move(waiter, &nginx->parked);
    waiter->session = session;
    rill_list_push(&session->waiters, &waiter->mate);
    waiter->id = (rill_id){slot, generation};
    waiter->posted = false;
    if (!rill_timer_running(&nginx->killed)) {
        rill_wheel_start(&loop->turn.wheel, &nginx->killed, rill_turn_clock_ms() + KILLED_MS);
        rill_loop_arm(loop);
    }
    return loop->turn.event_count || nginx->gone;
}

void rill_waiter_post(rill_waiter *waiter)
{
    if (waiter->member.list == &waiter->nginx->parked)
        post(waiter);
}

void rill_waiter_leave(rill_waiter *waiter)
{
    waiter->posted = false;
    move(waiter, &waiter->nginx->idle);
}

/* --- requests of nginx ----------------------------------------------------------------------- */

static void free_session(rill_session *session)
{
    rill_list_leave(&session->member);
    free(session->streams);
    free(session);
}

/* nginx's request has ended, for whatever reason: what it left behind ends. */
static void on_end(void *data)
{
    rill_session *session = data;
    rill_nginx *nginx = session->nginx;
    if (!nginx || !rill_turn_is_own(&nginx->loop->turn)) {
        free_session(session);
        return;
    }
    rill_waiter *waiter;
    while ((waiter = RILL_OWNER(session->waiters.first, rill_waiter, mate))) {
        move(waiter, &nginx->idle); /* the session is taken as a whole */
        abandon(nginx->loop, waiter->id);
    }
    for (uint32_t i = 0; i < session->stream_count; i++)
        abandon(nginx->loop, session->streams[i]);
    rill_list_leave(&session->member);
    rill_list_push(&nginx->ended, &session->member);
    nginx->gone++;
    post_for_work(nginx);
}

rill_session *rill_session_new(rill_loop *loop, uint32_t number)
{
    rill_session *session = is_given(loop) ? calloc(1, sizeof(*session)) : NULL;
    if (!session)
        return NULL;
    session->nginx = loop->nginx;
    session->number = number;
    rill_list_push(&loop->nginx->spare, &session->member);
    return session;
}

bool rill_session_begin(rill_session *session, void *request)
{
    rill_nginx *nginx = session->nginx;
    cleanup *end = request ? nginx->cleanup_add(request, 0) : NULL;
    if (!end)
        return false;
    rill_list_leave(&session->member);
    rill_list_push(&nginx->sessions, &session->member);
    end->data = session;
    end->handler = on_end;
    return true;
}

/* Room for one more: of streams that have gone, or new. */
static bool make_room(rill_session *session)
{
    const rill_turn *turn = &session->nginx->loop->turn;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < session->stream_count; i++) {
        rill_id id = session->streams[i];
        if (rill_turn_find(turn, id.slot, id.generation, ENTRY_CALL))
            session->streams[kept++] = id;
    }
    session->stream_count = kept;
    if (kept < session->stream_room / 2)
        return true;
    uint32_t room = session->stream_room ? session->stream_room * 2 : FIRST_IDS;
    rill_id *streams = realloc(session->streams, room * sizeof(*streams));
    if (!streams)
        return kept < session->stream_room;
    session->streams = streams;
    session->stream_room = room;
    return true;
}

bool rill_session_own(rill_session *session, uint32_t slot, uint32_t generation)
{
    if (session->stream_count == session->stream_room && !make_room(session))
        return false;
    session->streams[session->stream_count++] = (rill_id){slot, generation};
    return true;
}

bool rill_session_has_ended(const rill_session *session)
{
    return session->member.list == &session->nginx->ended;
}

uint32_t rill_session_take_ended(rill_loop *loop)
{
    if (!is_given(loop))
        return 0;
    rill_session *session = RILL_OWNER(loop->nginx->ended.first, rill_session, member);
    if (!session)
        return 0;
    loop->nginx->gone--;
    session->stream_count = 0;
    rill_list_leave(&session->member);
    rill_list_push(&loop->nginx->spare, &session->member);
    return session->number;
}

uint32_t rill_waiter_take_lost(rill_loop *loop)
{
    if (!is_given(loop))
        return 0;
    rill_waiter *waiter = RILL_OWNER(loop->nginx->lost.first, rill_waiter, member);
    if (!waiter)
        return 0;
    loop->nginx->gone--;
    move(waiter, &loop->nginx->idle);
    return waiter->number;
}

/* --- the loop of nginx ----------------------------------------------------------------------- */

static void step(rill_nginx *nginx)
{
    rill_loop_step(nginx->loop);
    post_for_work(nginx);
}

int32_t rill_waiter_step(rill_waiter *waiter)
{
    rill_nginx *nginx = waiter->nginx;
    waiter->steps = true;
    int32_t code = rill_loop_step(nginx->loop);
    post_for_work(nginx);
    waiter->steps = false;
    return code;
}

/* Called by nginx when the hub is readable. */
static void on_ready(void *event)
{
    (void)event;
    if (!hub.made || !rill_process_is_own(&hub.process))
        return;
    rill_nginx *only = RILL_OWNER(hub.loops.first, rill_nginx, member);
    if (only && !only->member.next) {
        step(only);
        return;
    }
    struct epoll_event ready[LOOPS_PER_WAKE];
    int count = epoll_wait(hub.fd, ready, LOOPS_PER_WAKE, 0);
    for (int i = 0; i < count; i++)
        step(ready[i].data.ptr);
}

/* Makes the process's hub known to nginx, once. A child starts anew. */
static int32_t make_hub(const rill_nginx *nginx, rill_error *err)
{
    if (hub.made && rill_process_is_own(&hub.process))
        return 0;
    if (hub.made) {
        close(hub.fd);
        rill_process_dispose(&hub.process);
        hub.made = false;
        hub.loops = (rill_list){0};
    }
    hub.fd = epoll_create1(EPOLL_CLOEXEC);
    if (hub.fd < 0)
        return rill_error_set(err, RILL_ERROR, "epoll_create1: %s", strerror(errno));
    if (nginx->add_channel_event(nginx->cycle, hub.fd, NGINX_READ_EVENT, on_ready)) {
        close(hub.fd);
        return rill_error_set(err, RILL_ERROR,
                              "nginx takes no descriptor more: "
                              "see worker_connections");
    }
    rill_process_init(&hub.process);
    hub.made = true;
    return 0;
}

static void free_waiters(rill_list *list)
{
    while (list->first)
        rill_waiter_free(RILL_OWNER(list->first, rill_waiter, member));
}

/* A loop ends: nothing of it is stepped or posted any more. */
static void free_nginx(rill_nginx *nginx)
{
    rill_loop *loop = nginx->loop;
    if (nginx->member.list && rill_turn_is_own(&loop->turn))
        epoll_ctl(hub.fd, EPOLL_CTL_DEL, loop->epoll_fd, NULL);
    rill_list_leave(&nginx->member);
    rill_wheel_stop(&loop->turn.wheel, &nginx->killed);
    free_waiters(&nginx->parked);
    free_waiters(&nginx->idle);
    free_waiters(&nginx->lost);
    rill_session *session;
    while ((session = RILL_OWNER(nginx->ended.first, rill_session, member)) ||
           (session = RILL_OWNER(nginx->spare.first, rill_session, member)))
        free_session(session);
    while ((session = RILL_OWNER(nginx->sessions.first, rill_session, member))) {
        rill_list_leave(&session->member); /* its request frees it */
        session->nginx = NULL;
    }
    free(nginx);
}

/* A data pointer that is a function's. */
#define SET_CALL(to, from) memcpy(&(to), &(from), sizeof(to))

int32_t rill_nginx_use(rill_loop *loop, const rill_nginx_calls *calls, rill_error *err)
{
    if (rill_loop_check(loop, err) || rill_given_pointer(calls, "calls", err) ||
        rill_given_pointer(calls->sema_post, "sema_post", err) ||
        rill_given_pointer(calls->sema_count, "sema_count", err) ||
        rill_given_pointer(calls->cleanup_add, "cleanup_add", err))
        return -RILL_ARGUMENT;
    if (loop->nginx)
        return 0;
    rill_nginx *nginx = calloc(1, sizeof(*nginx));
    if (!nginx)
        return rill_error_memory(err);
    nginx->loop = loop;
    nginx->killed.expire = look_for_killed;
    nginx->cycle = calls->cycle;
    SET_CALL(nginx->add_channel_event, calls->add_channel_event);
    SET_CALL(nginx->cleanup_add, calls->cleanup_add);
    SET_CALL(nginx->post, calls->sema_post);
    SET_CALL(nginx->count, calls->sema_count);
    loop->nginx = nginx;
    loop->free_nginx = free_nginx;
    return 0;
}

int32_t rill_nginx_attach(rill_loop *loop, rill_error *err)
{
    if (rill_loop_check(loop, err) || rill_given_pointer(loop->nginx, "nginx", err))
        return -RILL_ARGUMENT;
    rill_nginx *nginx = loop->nginx;
    if (nginx->member.list)
        return 0;
    int fd = rill_loop_fd(loop, err);
    if (fd < 0)
        return -RILL_ERROR;
    if (!nginx->add_channel_event || !nginx->cycle)
        return rill_error_set(err, RILL_ERROR, "nginx exports no ngx_add_channel_event");
    if (make_hub(nginx, err))
        return -RILL_ERROR;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = nginx};
    if (epoll_ctl(hub.fd, EPOLL_CTL_ADD, fd, &event))
        return rill_error_set(err, RILL_ERROR, "epoll_ctl: %s", strerror(errno));
    rill_list_push(&hub.loops, &nginx->member);
    return 0;
}

const uint32_t *rill_nginx_gone(const rill_loop *loop)
{
    return is_given(loop) ? &loop->nginx->gone : NULL;
}
