/* A response body that goes to a file: written beside its target, renamed when it is complete. So
 * no part of a body ever stands under the target's name. */
#ifndef RILL_SINK_H
#define RILL_SINK_H

#include "rill.h"
#include "base/slab.h"

typedef struct rill_sink rill_sink;

/* Makes the file beside `path` (copied). `mode` 0: that of the one that is there. A link to a file,
 * or to nothing, is replaced. NULL with `err`: RILL_FILE_ERROR naming it and why (what is there, or
 * what a link leads to, is no regular file), or RILL_ERROR. */
rill_sink *rill_sink_open(rill_slab *slab, const char *path, uint32_t mode, uint32_t random_tag,
                          rill_error *err);

/* One that writes to `fd`, duplicated, which is `path`: it is neither renamed nor removed. NULL
 * with `err` as above. */
rill_sink *rill_sink_of(rill_slab *slab, int fd, const char *path, rill_error *err);

/* 0, or RILL_FILE_ERROR (disk full, ...). */
int32_t rill_sink_write(rill_sink *sink, const void *data, size_t length, rill_error *err);

/* The body is complete: gives it its name. 0, or RILL_FILE_ERROR; then the target is as it was. */
int32_t rill_sink_commit(rill_sink *sink, rill_error *err);

/* Unless committed, nothing is left of it; a child of the process that opened it leaves the file
 * alone. NULL is fine. */
void rill_sink_free(rill_slab *slab, rill_sink *sink);

#endif
