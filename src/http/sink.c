#include "http/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Other writers may be at the same target: so many names are tried. */
enum { SINK_NAMES = 8 };

enum { SINK_SUFFIX = 9 }; /* bytes of the name beside that are not the target's */
enum { SINK_SHORT = 64 }; /* no file system's limit on names is below this and that */

enum { SINK_LINKS = 40 }; /* that are followed, as Linux does */

struct rill_sink {
    int fd;        /* -1: committed, or never opened */
    char *path;    /* behind the struct, as is `beside` */
    char *beside;  /* where the bytes go at first; NULL: to `path` itself */
    pid_t process; /* that opened it */
};

static int32_t fail(const char *path, rill_error *err)
{
    return rill_error_set(err, RILL_FILE_ERROR, "%.160s: %s", path, strerror(errno));
}

/* How much of a name stays when `more` bytes follow: it gets no longer than it was, unless it is
 * short, so a file system that takes the target's name takes this one. No character is cut. */
static size_t cut_name(const char *name, size_t length, size_t more)
{
    if (length <= SINK_SHORT)
        return length;
    size_t kept = length - more;
    while (kept && ((unsigned char)name[kept] & 0xc0) == 0x80)
        kept--;
    return kept;
}

/* Makes the file beside the target; errno says why not. */
static void open_beside(rill_sink *sink, size_t room, mode_t mode, uint32_t random_tag)
{
    const char *slash = strrchr(sink->path, '/');
    const char *name = slash ? slash + 1 : sink->path;
    int kept = (int)(name - sink->path) + (int)cut_name(name, strlen(name), SINK_SUFFIX);
    for (uint32_t i = 0; sink->fd < 0 && i < SINK_NAMES; i++) {
        snprintf(sink->beside, room, "%.*s.%08x", kept, sink->path, random_tag + i);
        sink->fd = open(sink->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (sink->fd < 0 && errno != EEXIST)
            return;
    }
}

/* With `room` bytes behind its path. */
static rill_sink *new_sink(rill_slab *slab, const char *path, size_t size, size_t room,
                           rill_error *err)
{
    rill_sink *sink = rill_slab_alloc(slab, sizeof(*sink) + size + room);
    if (!sink) {
        rill_error_memory(err);
        return NULL;
    }
    sink->fd = -1;
    sink->process = getpid();
    sink->path = (char *)(sink + 1);
    sink->beside = room ? sink->path + size : NULL;
    memcpy(sink->path, path, size);
    return sink;
}

/* It has its descriptor, or errno says why not. */
static rill_sink *opened(rill_slab *slab, rill_sink *sink, rill_error *err)
{
    if (sink->fd >= 0)
        return sink;
    fail(sink->path, err);
    rill_slab_free(slab, sink);
    return NULL;
}

static rill_sink *open_sink(rill_slab *slab, const char *path, mode_t mode, uint32_t random_tag,
                            rill_error *err)
{
    size_t size = strlen(path) + 1, room = size + SINK_SUFFIX;
    rill_sink *sink = new_sink(slab, path, size, room, err);
    if (!sink)
        return NULL;
    open_beside(sink, room, mode, random_tag);
    return opened(slab, sink, err);
}

/* A file that is there is replaced, with its mode. */
static rill_sink *replace(rill_slab *slab, const char *path, mode_t mode, uint32_t random_tag,
                          rill_error *err)
{
    rill_sink *sink =
        open_sink(slab, path, mode & 0600, random_tag, err); /* nobody else reads it yet */
    if (!sink || !fchmod(sink->fd, mode & 07777))
        return sink;
    fail(path, err);
    rill_sink_free(slab, sink);
    return NULL;
}

/* Takes one step along a link, within PATH_MAX bytes. False: it is none, or one too long. */
static bool follow(char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target));
    if (length <= 0)
        return false;
    const char *slash = strrchr(path, '/');
    size_t kept = target[0] != '/' && slash ? (size_t)(slash + 1 - path) : 0;
    if (kept + (size_t)length >= PATH_MAX)
        return false;
    memcpy(path + kept, target, (size_t)length);
    path[kept + (size_t)length] = '\0';
    return true;
}

/* Whether a link leads to a descriptor, whatever that has open: by however many links, one of them
 * stands in /proc, or its end does. */
static bool is_descriptor(const char *path)
{
    char at[PATH_MAX];
    struct stat proc, each;
    int size = snprintf(at, sizeof(at), "%s", path);
    if (size >= PATH_MAX || stat("/proc", &proc))
        return false;
    for (int i = 0; i < SINK_LINKS && !lstat(at, &each); i++) {
        if (each.st_dev == proc.st_dev)
            return true;
        if (!follow(at))
            return false;
    }
    return false;
}

/* What stands in a file's place: nothing (`there->st_mode` is 0), a regular file, or a link. One
 * that leads to anything but a file (as /dev/stdout does) is not replaced either. */
static int32_t look_at(const char *path, struct stat *there, rill_error *err)
{
    struct stat end = {0};
    if (lstat(path, there)) {
        there->st_mode = 0;
        return errno == ENOENT ? 0 : fail(path, err);
    }
    bool is_link = S_ISLNK(there->st_mode);
    if (is_link && is_descriptor(path))
        return rill_error_set(err, RILL_FILE_ERROR, "%.160s: it is a link to a descriptor", path);
    mode_t mode = !is_link ? there->st_mode : !stat(path, &end) ? end.st_mode : S_IFREG;
    if (S_ISREG(mode))
        return 0;
    return rill_error_set(err, RILL_FILE_ERROR, "%.160s: %s", path,
                          S_ISDIR(mode) ? strerror(EISDIR) : "not a regular file");
}

rill_sink *rill_sink_open(rill_slab *slab, const char *path, uint32_t mode, uint32_t random_tag,
                          rill_error *err)
{
    struct stat there;
    if (look_at(path, &there, err))
        return NULL;
    if (S_ISREG(there.st_mode))
        return replace(slab, path, mode ? mode : there.st_mode, random_tag, err);
    return open_sink(slab, path, mode ? mode : 0666, random_tag, err);
}

rill_sink *rill_sink_of(rill_slab *slab, int fd, const char *path, rill_error *err)
{
    rill_sink *sink = new_sink(slab, path, strlen(path) + 1, 0, err);
    if (!sink)
        return NULL;
    sink->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return opened(slab, sink, err);
}

int32_t rill_file_check(const char *path, rill_error *err)
{
    struct stat there;
    rill_error_clear(err);
    return look_at(path, &there, err);
}

int32_t rill_file_replace(const char *from, const char *path, rill_error *err)
{
    struct stat there;
    rill_error_clear(err);
    int32_t code = look_at(path, &there, err);
    if (code)
        return code;
    if (S_ISREG(there.st_mode) && chmod(from, there.st_mode & 07777))
        return fail(path, err);
    return rename(from, path) ? fail(path, err) : 0;
}

int32_t rill_sink_write(rill_sink *sink, const void *data, size_t length, rill_error *err)
{
    const char *at = data;
    while (length) {
        ssize_t n = write(sink->fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(sink->path, err);
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int32_t rill_sink_commit(rill_sink *sink, rill_error *err)
{
    int closed = close(sink->fd); /* some file systems say only here that the disk is full */
    sink->fd = -1;
    if (!closed && (!sink->beside || !rename(sink->beside, sink->path)))
        return 0;
    int32_t code = fail(sink->path, err);
    if (sink->beside)
        unlink(sink->beside);
    return code;
}

void rill_sink_free(rill_slab *slab, rill_sink *sink)
{
    if (sink && sink->fd >= 0) {
        close(sink->fd);
        if (sink->beside && sink->process == getpid())
            unlink(sink->beside);
    }
    rill_slab_free(slab, sink);
}
