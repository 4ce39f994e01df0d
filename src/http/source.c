#include "http/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static int32_t open_file(rill_source *source, const char *path, rill_error *err)
{
    struct stat about;
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0 || fstat(source->fd, &about))
        return rill_error_set(err, RILL_FILE_ERROR, "%.160s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return rill_error_set(err, RILL_FILE_ERROR, "%.160s: not a regular file", path);
    source->length = about.st_size;
    return 0;
}

int32_t rill_source_new(rill_slab *slab, const rill_request *request, rill_source **source,
                        rill_error *err)
{
    *source = NULL;
    bool empty =
        !request->has_body || (request->body && !request->body_length && !request->body_file);
    if (empty && !request->trailers)
        return 0; /* END_STREAM goes with the header fields */
    rill_source *made = rill_slab_zalloc(slab, sizeof(*made));
    if (!made)
        return rill_error_set(err, RILL_ERROR, "out of memory");
    int32_t code = 0;
    made->fd = -1;
    made->held = request->expect_continue;
    made->length = -1;
    if (request->body_file) {
        made->kind = SOURCE_FILE;
        code = open_file(made, request->body_file, err);
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
    if (source->fd >= 0)
        close(source->fd);
    rill_chunks_dispose(slab, &source->fed);
    rill_bytes_dispose(slab, &source->trailers);
    rill_slab_free(slab, source);
}

bool rill_source_rewind(rill_source *source)
{
    if (source->kind == SOURCE_FED)
        return !source->taken;
    source->taken = 0;
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

static bool read_file(rill_source *source, char *out, size_t length)
{
    off_t at = (off_t)source->taken;
    while (length) {
        ssize_t n = pread(source->fd, out, length, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* it has shrunk: the announced length can no longer be kept */
        if (n <= 0)
            return false;
        out += n;
        at += n;
        length -= (size_t)n;
    }
    return true;
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

bool rill_source_take(rill_slab *slab, rill_source *source, void *out, size_t length)
{
    switch (source->kind) {
    case SOURCE_MEMORY:
        if (length)
            memcpy(out, source->data + source->taken, length);
        break;
    case SOURCE_FILE:
        if (!read_file(source, out, length))
            return false;
        break;
    case SOURCE_FED:
        take_fed(slab, source, out, length);
        break;
    }
    source->taken += length;
    return true;
}

bool rill_source_above_mark(const rill_source *source, size_t length)
{
    return source->fed.length + length > SOURCE_HIGH_WATER;
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
        return rill_error_set(err, RILL_ERROR, "out of memory");
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
