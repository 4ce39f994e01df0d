/* Takes a program where no spec gets by waiting, LD_PRELOAD=build/extremes.so:
 *   EXTREMES_FIRST_STREAM=N   the first stream of each HTTP/2 connection has this id
 *   EXTREMES_FULL_READS=1     recv() gives less than it is asked for only when nothing comes for a
 *                             while: as on a network that is faster than the program
 *   EXTREMES_FULL_SENDS=1     send() takes all of it, however long the peer is at reading: the same
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <nghttp2/nghttp2.h>

enum { QUIET_MS = 20, STUCK_MS = 10000 };

int nghttp2_session_client_new3(nghttp2_session **session,
                                const nghttp2_session_callbacks *callbacks, void *arg,
                                const nghttp2_option *option, nghttp2_mem *mem)
{
    static int (*next)(nghttp2_session **, const nghttp2_session_callbacks *, void *,
                       const nghttp2_option *, nghttp2_mem *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "nghttp2_session_client_new3");
    int code = next(session, callbacks, arg, option, mem);
    const char *first = getenv("EXTREMES_FIRST_STREAM");
    if (!code && first)
        code = nghttp2_session_set_next_stream_id(*session, atoi(first));
    return code;
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
    static ssize_t (*next)(int, void *, size_t, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "recv");
    ssize_t length = next(fd, to, size, flags);
    if (!getenv("EXTREMES_FULL_READS"))
        return length;
    struct pollfd more = {.fd = fd, .events = POLLIN};
    while (length > 0 && (size_t)length < size && poll(&more, 1, QUIET_MS) > 0) {
        ssize_t part = next(fd, (char *)to + length, size - (size_t)length, flags);
        if (part <= 0)
            break; /* the next call tells */
        length += part;
    }
    return length;
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
    static ssize_t (*next)(int, const void *, size_t, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "send");
    if (!getenv("EXTREMES_FULL_SENDS"))
        return next(fd, from, size, flags);
    size_t sent = 0;
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    while (sent < size && poll(&room, 1, STUCK_MS) > 0) {
        ssize_t part = next(fd, (const char *)from + sent, size - sent, flags);
        if (part < 0 && errno != EAGAIN)
            return sent ? (ssize_t)sent : part;
        sent += part > 0 ? (size_t)part : 0;
    }
    return (ssize_t)sent;
}
