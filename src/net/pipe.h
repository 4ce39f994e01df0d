/* A byte pipe, and what may stand on another one: a socket, TLS over any pipe, later what proxies
 * ask for. Each embeds a rill_pipe first. */
#ifndef RILL_PIPE_H
#define RILL_PIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "rill.h"

typedef struct rill_pipe rill_pipe;

typedef struct rill_pipe_calls {
    /* Up to `room` bytes of what arrived. 0: nothing now; negative: nothing more comes, with why.
     */
    int64_t (*read)(rill_pipe *pipe, char *data, size_t room, rill_error *err);
    /* Takes all of it; it leaves when a buffer is full, or by flush. 0 or -RILL_ERROR. After a
     * failure bytes are taken and dropped: flush or read reports it. */
    int32_t (*write)(rill_pipe *pipe, const void *data, size_t length);
    /* Sends what was written. 0, -RILL_CONNECTION_LOST, or -RILL_ERROR. */
    int32_t (*flush)(rill_pipe *pipe, rill_error *err);
    /* How many bytes wait because the other side takes no more; 0: it does. */
    size_t (*blocked)(const rill_pipe *pipe);
    /* Ends it, by the protocol's own goodbye if `polite`, and frees it with all it stands on. */
    void (*close)(rill_pipe *pipe, bool polite);
} rill_pipe_calls;

struct rill_pipe {
    const rill_pipe_calls *calls;
    int fd;      /* of the socket at the bottom */
    bool ended;  /* nothing more comes */
    int error;   /* why: an errno; 0: in order */
    bool paused; /* by what stands on it: only what is buffered may be read in this turn */
};

#endif
