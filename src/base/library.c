#include "base/library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"

static void *open_library(const rill_library *library)
{
    return dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

static int32_t fail(const rill_library *library, rill_error *err)
{
    const char *why = dlerror();
    return rill_error_set(err, RILL_ERROR, "%s cannot be used (install Debian's %s): %s",
                          library->file, library->package, why ? why : "unknown");
}

static int32_t load(const rill_library *library, void *functions, rill_error *err)
{
    void *handle = open_library(library);
    if (!handle)
        return fail(library, err);
    for (size_t i = 0; i < library->count; i++) {
        void *function = dlsym(handle, library->names[i]);
        if (!function)
            return fail(library, err);
        memcpy((char *)functions + i * sizeof(function), &function, sizeof(function));
    }
    return 0;
}

/* Unless another thread has loaded it meanwhile. */
static void note_missing(rill_library *library)
{
    enum rill_library_state state = atomic_load_explicit(&library->state, memory_order_acquire);
    while (state != LIBRARY_LOADED &&
           !atomic_compare_exchange_weak(&library->state, &state, LIBRARY_MISSING))
        ;
}

int32_t rill_library_load(rill_library *library, void *functions, rill_error *err)
{
    if (atomic_load_explicit(&library->state, memory_order_acquire) == LIBRARY_LOADED)
        return 0;
    int32_t code = load(library, functions, err);
    if (!code)
        atomic_store_explicit(&library->state, LIBRARY_LOADED, memory_order_release);
    else if (!rill_process_lacks_descriptors())
        note_missing(library);
    return code;
}

/* --- a look ---------------------------------------------------------------------------------- */

/* What stands under a library's name in a directory. */
enum found { FOUND_NOTHING, FOUND_LIBRARY, FOUND_OTHER };

static enum found look_in(const char *directory, const char *file)
{
    static const char magic[4] = {0x7f, 'E', 'L', 'F'};
    char path[PATH_MAX], begin[sizeof(magic)];
    int length = snprintf(path, sizeof(path), "%s/%s", directory, file);
    if (length < 0 || (size_t)length >= sizeof(path))
        return FOUND_NOTHING;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return FOUND_NOTHING;
    bool is_library =
        read(fd, begin, sizeof(begin)) == sizeof(begin) && !memcmp(begin, magic, sizeof(magic));
    close(fd);
    return is_library ? FOUND_LIBRARY : FOUND_OTHER;
}

/* The directories in which the loader looks, but for those of ld.so.conf. NULL: out of memory. */
static Dl_serinfo *new_directories(void)
{
    Dl_serinfo size, *made = NULL;
    void *program = dlopen(NULL, RTLD_LAZY);
    if (program && !dlinfo(program, RTLD_DI_SERINFOSIZE, &size) && (made = malloc(size.dls_size))) {
        *made = size;
        if (dlinfo(program, RTLD_DI_SERINFOSIZE, made) || dlinfo(program, RTLD_DI_SERINFO, made)) {
            free(made);
            made = NULL;
        }
    }
    if (program)
        dlclose(program);
    return made;
}

/* As the loader, by the first directory that has a file of that name. */
static enum found look(const rill_library *library)
{
    enum found found = FOUND_NOTHING;
    Dl_serinfo *directories = new_directories();
    for (unsigned i = 0; directories && i < directories->dls_cnt && found == FOUND_NOTHING; i++)
        found = look_in(directories->dls_serpath[i].dls_name, library->file);
    free(directories);
    return found;
}

bool rill_library_is_there(rill_library *library)
{
    enum rill_library_state state = atomic_load_explicit(&library->state, memory_order_acquire);
    if (state != LIBRARY_UNKNOWN)
        return state != LIBRARY_MISSING;
    enum found found = look(library);
    if (found == FOUND_NOTHING &&
        open_library(library)) /* it stays: ld.so.conf has its directory */
        found = FOUND_LIBRARY;
    if (found == FOUND_NOTHING && rill_process_lacks_descriptors())
        return true; /* the next who asks looks */
    enum rill_library_state shown = found == FOUND_LIBRARY ? LIBRARY_FOUND : LIBRARY_MISSING;
    /* a thread that has loaded it, or failed to, meanwhile knows better */
    return atomic_compare_exchange_strong(&library->state, &state, shown)
               ? shown == LIBRARY_FOUND
               : state != LIBRARY_MISSING;
}
