/* Shared libraries that only some scripts need. To load one costs every process a third of a
 * millisecond and more, so each is loaded by the first who needs it, and stays. */
#ifndef RILL_LIBRARY_H
#define RILL_LIBRARY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "rill.h"

enum rill_library_state {
    LIBRARY_UNKNOWN, /* nobody has looked */
    LIBRARY_FOUND,
    LIBRARY_MISSING, /* not found, or the last attempt to load it failed, for want of no descriptor
                      */
    LIBRARY_LOADED   /* its functions are there, and stay */
};

/* Static, one of each. */
typedef struct rill_library {
    const char *file;         /* its soname */
    const char *package;      /* Debian's, for the error */
    const char *const *names; /* of functions */
    size_t count;
    _Atomic(enum rill_library_state) state;
} rill_library;

/* Sees to it that it is loaded: the addresses of its functions stand in `functions`, a struct of as
 * many pointers, in the order of the names. RILL_ERROR where it cannot be: the error names the
 * package, and the next call tries again, for descriptors may have been short. From any thread:
 * two that come at once write the same addresses. */
int32_t rill_library_load(rill_library *library, void *functions, rill_error *err);

/* Whether it is loaded, or as far as a look at files shows, could be: without loading it where it
 * stands in one of the usual directories. Looks once, and while the process is out of descriptors
 * not at all: true. From any thread. */
bool rill_library_is_there(rill_library *library);

#endif
