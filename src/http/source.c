#include "http/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/error.h"

/* Files that the system makes up as they are read: their size says nothing (linux/magic.h). */
static bool is_made_up(int fd)
{
    static const unsigned long systems[] = {
        0x9fa0,     /* proc */
        0x62656572, /* sysfs */
        0x64626720, /* debugfs */
        0x74726163, /* tracefs */
        0x27e0eb,   /* cgroup */
        0x63677270, /* cgroup2 */
        0x73636673, /* securityfs */
    };
    struct statfs about;
    if (fstatfs(fd, &about))
        return false;
    for (size_t i = 0; i < sizeof(systems) / sizeof(*systems); i++)
        if ((unsigned long)about.f_type == systems[i])
            return true;
    return false;
}

static bool is_seekable(const struct stat *about)
{
    return S_ISREG(about->st_mode) || S_ISBLK(about->st_mode);
}

bool rill_file_repeats(const char *path)
{
    struct stat about;
    return !path || stat(path, &about) != 0 || S_ISDIR(about.st_mode) || is_seekable(&about);
}

/* O_NONBLOCK: a pipe that nobody writes to must not hold up the loop, here or when it is read. */
static int32_t open_file(rill_source *source, const char *path, rill_error *err)
{
    struct stat about;
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0 || fstat(source->fd, &about))
        return rill_error_set(err, RILL_FILE_ERROR, "%.160s: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode))
        return rill_error_set(err, RILL_FILE_ERROR, "%.160s: %s", path, strerror(EISDIR));
    source->seekable = is_seekable(&about);
    if (!S_ISREG(about.st_mode) || is_made_up(source->fd))
        return 0;
    source->kind = SOURCE_FILE;
    source->length = about.st_size;
    return 0;
}

/* The length of a file that is sent as a part. */
static int32_t measure(const char *path, size_t *length, rill_error *err)
{
    rill_source file = {.kind = SOURCE_UNSIZED, .fd = -1};
    int32_t code = open_file(&file, path, err);
    if (file.fd >= 0)
        close(file.fd);
    if (!code && file.kind != SOURCE_FILE)
        code =
            rill_error_set(err, RILL_FILE_ERROR,
                           "%.160s: not a regular file, so the body's length is not known", path);
    *length = code ? 0 : (size_t)file.length;
    return code;
}

static int32_t take_parts(rill_slab *slab, rill_source *source, const rill_request *request,
                          rill_error *err)
{
    rill_parts *parts =
        rill_slab_zalloc(slab, sizeof(*parts) + request->part_count * sizeof(*parts->list));
    source->parts = parts;
    source->kind = SOURCE_PARTS;
    source->length = 0;
    if (!parts)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    parts->count = request->part_count;
    for (uint32_t i = 0; i < parts->count; i++) {
        rill_body_part *part = &parts->list[i];
        *part = request->parts[i];
        int32_t code = part->file ? measure(part->file, &part->length, err) : 0;
        if (code)
            return code;
        source->length += (int64_t)part->length;
    }
    return 0;
}

int32_t rill_source_new(rill_slab *slab, const rill_request *request, rill_source **source,
                        rill_error *err)
{
    *source = NULL;
    bool empty = !request->has_body || (request->body && !request->body_length &&
                                        !request->body_file && !request->part_count);
    if (empty && !request->trailers)
        return 0; /* END_STREAM goes with the header fields */
    rill_source *made = rill_slab_zalloc(slab, sizeof(*made));
    if (!made)
        return rill_error_memory(err);
    int32_t code = 0;
    made->fd = -1;
    made->held = request->expect_continue;
    made->length = -1;
    if (request->body_file) {
        made->kind = SOURCE_UNSIZED;
        code = open_file(made, request->body_file, err);
    } else if (request->part_count) {
        code = take_parts(slab, made, request, err);
    } else if (request->body || !request->has_body) {
        made->kind = SOURCE_MEMORY;
        made->data = request->body;
        made->length = request->body ? (int64_t)request->body_length : 0;
    } else {
        made->kind = SOURCE_FED;
    }
    if (code) {
        rill_source_free(slab, made);
        return code;
    }
    *source = made;
    return 0;
}

void rill_source_free(rill_slab *slab, rill_source *source)
{
    if (!source)
        return;
    if (source->readable)
        event_free(source->readable);
    if (source->fd >= 0)
        close(source->fd);
    rill_chunks_dispose(slab, &source->fed);
    rill_bytes_dispose(slab, &source->trailers);
    rill_slab_free(slab, source->parts);
    rill_slab_free(slab, source);
}

static void close_part(rill_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

bool rill_source_repeats(const rill_source *source)
{
    return !source ||
           (source->kind != SOURCE_FED && (source->kind != SOURCE_UNSIZED || source->seekable));
}

bool rill_source_rewind(rill_source *source)
{
    if (source->kind == SOURCE_FED || (source->kind == SOURCE_UNSIZED && !source->seekable))
        return !source->taken;
    source->taken = 0;
    if (source->kind == SOURCE_PARTS) {
        close_part(source);
        source->parts->current = 0;
        source->parts->start = 0;
    }
    return true;
}

uint64_t rill_source_ready(const rill_source *source, bool *last)
{
    if (source->kind == SOURCE_FED) {
        *last = source->finished;
        return source->fed.length;
    }
    *last = true;
    return (uint64_t)source->length - source->taken;
}

static int64_t fail_read(rill_error *err)
{
    return rill_error_set(err, RILL_FILE_ERROR, "the body's file cannot be read: %s",
                          strerror(errno));
}

/* Whether a read finds something, the end, or a fault: of a pipe that nobody has opened yet it
 * would find the end. */
static bool is_readable(const rill_source *source)
{
    struct pollfd asked = {.fd = source->fd, .events = POLLIN};
    return source->seekable || source->taken || poll(&asked, 1, 0);
}

static ssize_t read_once(const rill_source *source, char *out, size_t length)
{
    ssize_t n;
    do
        n = source->seekable ? pread(source->fd, out, length, (off_t)source->taken)
                             : read(source->fd, out, length);
    while (n < 0 && errno == EINTR);
    return n;
}

/* The end of a file, which may not be where it was announced. */
static int64_t end_file(const rill_source *source, rill_error *err)
{
    if (source->length < 0 || source->taken == (uint64_t)source->length)
        return 0;
    bool shrunk = source->kind == SOURCE_FILE;
    return rill_error_set(err, shrunk ? RILL_FILE_ERROR : RILL_BODY_ERROR,
                          "the body's file %s after %llu bytes, content-length announced %lld",
                          shrunk ? "has shrunk: it ends" : "ended",
                          (unsigned long long)source->taken, (long long)source->length);
}

static int64_t read_part_file(rill_source *source, const rill_body_part *part, char *out,
                              size_t length, rill_error *err)
{
    uint64_t at = source->taken - source->parts->start;
    if (source->fd < 0)
        source->fd = open(part->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = -1;
    if (source->fd >= 0)
        do
            n = pread(source->fd, out, length, (off_t)at);
        while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    if (n < 0)
        return rill_error_set(err, RILL_FILE_ERROR, "%.160s: %s", part->file, strerror(errno));
    return rill_error_set(err, RILL_FILE_ERROR,
                          "%.160s has shrunk: it ends after %llu bytes, %zu were announced",
                          part->file, (unsigned long long)at, part->length);
}

/* `length` bytes are left of all parts, or more. */
static int64_t read_parts(rill_source *source, char *out, size_t length, rill_error *err)
{
    rill_parts *parts = source->parts;
    const rill_body_part *part = &parts->list[parts->current];
    while (source->taken - parts->start == part->length) {
        close_part(source);
        parts->start += part->length;
        part = &parts->list[++parts->current];
    }
    size_t at = (size_t)(source->taken - parts->start);
    if (length > part->length - at)
        length = part->length - at;
    int64_t n = (int64_t)length;
    if (part->file)
        n = read_part_file(source, part, out, length, err);
    else
        memcpy(out, part->data + at, length);
    if (n > 0)
        source->taken += (uint64_t)n;
    return n;
}

int64_t rill_source_read(rill_source *source, void *out, size_t length, rill_error *err)
{
    if (rill_source_is_sized(source) && length > (uint64_t)source->length - source->taken)
        length = (size_t)((uint64_t)source->length - source->taken); /* it may have grown */
    if (!length)
        return 0;
    if (source->kind == SOURCE_PARTS)
        return read_parts(source, out, length, err);
    ssize_t n = -1;
    errno = EAGAIN;
    if (is_readable(source))
        n = read_once(source, out, length);
    if (n > 0 && source->length >= 0 && (uint64_t)n > (uint64_t)source->length - source->taken)
        return rill_error_set(err, RILL_BODY_ERROR,
                              "the body's file is longer than its content-length (%lld)",
                              (long long)source->length);
    if (n > 0)
        source->taken += (uint64_t)n;
    if (n >= 0)
        return n ? n : end_file(source, err);
    if (errno != EAGAIN)
        return fail_read(err);
    if (source->readable && !event_add(source->readable, NULL))
        return SOURCE_LATER;
    return rill_error_set(err, RILL_FILE_ERROR, "the body's file cannot be waited for");
}

static void take_fed(rill_slab *slab, rill_source *source, char *out, size_t length)
{
    while (length) {
        const char *piece;
        size_t n = rill_chunks_take(slab, &source->fed, length, &piece);
        memcpy(out, piece, n);
        out += n;
        length -= n;
    }
}

void rill_source_take(rill_slab *slab, rill_source *source, void *out, size_t length)
{
    assert(!rill_source_is_file(source));
    if (source->kind == SOURCE_FED)
        take_fed(slab, source, out, length);
    else if (length)
        memcpy(out, source->data + source->taken, length);
    source->taken += length;
}

bool rill_source_paused(const rill_source *source)
{
    return source->kind == SOURCE_FED && !source->finished && !source->fed.length;
}

bool rill_source_above_mark(const rill_source *source, size_t length)
{
    return length > SOURCE_HIGH_WATER || source->fed.length + length > SOURCE_HIGH_WATER;
}

int32_t rill_source_feed(rill_slab *slab, rill_source *source, const void *data, size_t length,
                         rill_error *err)
{
    uint64_t had = source->taken + source->fed.length;
    if (source->length >= 0 && length > (uint64_t)source->length - had)
        return rill_error_set(err, RILL_BODY_ERROR,
                              "the body is longer than its content-length (%lld)",
                              (long long)source->length);
    if (!rill_chunks_append(slab, &source->fed, data, length))
        return rill_error_memory(err);
    source->writer_waits = rill_source_above_mark(source, 0);
    return source->writer_waits;
}

int32_t rill_source_finish(rill_source *source, rill_error *err)
{
    uint64_t had = source->taken + source->fed.length;
    source->finished = true;
    if (source->length >= 0 && had != (uint64_t)source->length)
        return rill_error_set(err, RILL_BODY_ERROR,
                              "the body ended after %llu bytes, content-length announced %lld",
                              (unsigned long long)had, (long long)source->length);
    return 0;
}
