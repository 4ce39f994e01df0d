#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"

static int32_t fail(const rill_library *library, rill_error *err)
{
    const char *why = dlerror();
    return rill_error_set(err, RILL_ERROR, "%s cannot be used (install Debian's %s): %s",
                          library->file, library->package, why ? why : "unknown");
}

static int32_t load(const rill_library *library, void *functions, rill_error *err)
{
    void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
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

int32_t rill_library_load(rill_library *library, void *functions, rill_error *err)
{
    if (atomic_load_explicit(&library->loaded, memory_order_acquire))
        return 0;
    int32_t code = load(library, functions, err);
    if (!code)
        atomic_store_explicit(&library->loaded, true, memory_order_release);
    return code;
}
