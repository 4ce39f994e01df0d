/* Takes a program where no spec gets by waiting, LD_PRELOAD=build/extremes.so:
 *   EXTREMES_FIRST_STREAM=N   the first stream of each HTTP/2 connection has this id
 *   EXTREMES_FULL_READS=1     recv() gives less than it is asked for only when nothing comes for a
 *                             while: as on a network that is faster than the program
 *   EXTREMES_FULL_SENDS=1     send() takes all of it, however long the peer is at reading: the same
 *   EXTREMES_SHORT_WRITES=N   write() and writev() take so many bytes at most
 *   EXTREMES_SYSTEM_WRITES=X  process_vm_writev() is refused, as by a filter of system calls
 *                             (X: refused), or does half of what it is asked for (short)
 *   EXTREMES_NO_MREMAP=1      mremap() is refused, as by a filter of system calls
 *   EXTREMES_NO_FRAMES=X      a stream's window is not widened, or no PING is made
 *                             (X: window, ping): as without memory
 *   EXTREMES_CLOCK=1          the monotonic clock is as far ahead as extremes_ahead() says
 *   EXTREMES_NO_LOCKS=N       flock() fails with the error number N
 *   EXTREMES_NO_DIGESTS=N     the Nth SHA-1 cannot be made, and none behind it: as without
 *                             memory
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>
#include <openssl/evp.h>

enum { QUIET_MS = 20, STUCK_MS = 10000, PARTS_AT_ONCE = 8, SHA1_BYTES = 20 };

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

static bool makes_no(const char *frame)
{
    const char *none = getenv("EXTREMES_NO_FRAMES");
    return none && !strcmp(none, frame);
}

int nghttp2_session_set_local_window_size(nghttp2_session *session, uint8_t flags, int32_t stream,
                                          int32_t size)
{
    static int (*next)(nghttp2_session *, uint8_t, int32_t, int32_t);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "nghttp2_session_set_local_window_size");
    return stream && makes_no("window") ? NGHTTP2_ERR_NOMEM : next(session, flags, stream, size);
}

int nghttp2_submit_ping(nghttp2_session *session, uint8_t flags, const uint8_t *data)
{
    static int (*next)(nghttp2_session *, uint8_t, const uint8_t *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "nghttp2_submit_ping");
    return makes_no("ping") ? NGHTTP2_ERR_NOMEM : next(session, flags, data);
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

/* SIZE_MAX: there is no limit. */
static size_t most_at_once(void)
{
    const char *most = getenv("EXTREMES_SHORT_WRITES");
    return most ? strtoul(most, NULL, 10) : SIZE_MAX;
}

ssize_t write(int fd, const void *from, size_t size)
{
    static ssize_t (*next)(int, const void *, size_t);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "write");
    size_t most = most_at_once();
    return next(fd, from, size < most ? size : most);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    static ssize_t (*next)(int, const struct iovec *, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "writev");
    size_t left = most_at_once();
    struct iovec some[PARTS_AT_ONCE];
    int n = 0;
    if (left == SIZE_MAX)
        return next(fd, parts, count);
    for (; n < count && n < PARTS_AT_ONCE && left; n++) {
        some[n] = parts[n];
        if (some[n].iov_len > left)
            some[n].iov_len = left;
        left -= some[n].iov_len;
    }
    return next(fd, some, n);
}

static double system_writes;

double extremes_system_writes(void);

/* So many bytes process_vm_writev() was asked for. */
double extremes_system_writes(void)
{
    return system_writes;
}

/* For one part each. */
ssize_t process_vm_writev(pid_t id, const struct iovec *from, unsigned long parts,
                          const struct iovec *to, unsigned long places, unsigned long flags)
{
    static ssize_t (*next)(pid_t, const struct iovec *, unsigned long, const struct iovec *,
                           unsigned long, unsigned long);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "process_vm_writev");
    const char *answer = getenv("EXTREMES_SYSTEM_WRITES");
    system_writes += (double)from->iov_len;
    if (!answer)
        return next(id, from, parts, to, places, flags);
    if (strcmp(answer, "short")) {
        errno = EPERM;
        return -1;
    }
    struct iovec half_from = {from->iov_base, from->iov_len / 2};
    struct iovec half_to = {to->iov_base, to->iov_len / 2};
    return next(id, &half_from, 1, &half_to, 1, flags);
}

void *mremap(void *block, size_t before, size_t size, int flags, ...)
{
    static void *(*next)(void *, size_t, size_t, int, ...);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "mremap");
    if (!getenv("EXTREMES_NO_MREMAP"))
        return next(block, before, size, flags);
    errno = EPERM;
    return MAP_FAILED;
}

static double ahead = 1000; /* seconds */

void extremes_ahead(double seconds);

void extremes_ahead(double seconds)
{
    ahead += seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    if (!getenv("EXTREMES_CLOCK") || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE))
        return next(clock, now);
    now->tv_sec = (time_t)ahead;
    now->tv_nsec = (long)((ahead - (double)now->tv_sec) * 1e9);
    return 0;
}

int flock(int fd, int operation)
{
    static int (*next)(int, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "flock");
    const char *number = getenv("EXTREMES_NO_LOCKS");
    if (!number)
        return next(fd, operation);
    errno = atoi(number);
    return -1;
}

int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned *length)
{
    static int (*next)(EVP_MD_CTX *, unsigned char *, unsigned *);
    static unsigned long made;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "EVP_DigestFinal_ex");
    const char *first = getenv("EXTREMES_NO_DIGESTS");
    if (first && EVP_MD_CTX_size(context) == SHA1_BYTES && ++made >= strtoul(first, NULL, 10))
        return 0;
    return next(context, digest, length);
}
