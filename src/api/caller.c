/* Which line of a script has called a function: a C function for Lua, since debug.getinfo makes a
 * table of 460 bytes at each call. Lua's own functions are those of the program that has loaded
 * this library, if it has any: nothing is linked. */
#include <dlfcn.h>
#include <stdbool.h>

#include "rill.h"

/* lua_Debug, as in Lua 5.1 and LuaJIT 2. */
typedef struct activation {
    int event;
    const char *name, *name_kind, *what, *source;
    int current_line, upvalues, first_line, last_line;
    char short_source[60];
    int frame;
} activation;

extern int lua_getstack(struct lua_State *L, int level, activation *found) __attribute__((weak));
extern int lua_getinfo(struct lua_State *L, const char *what, activation *found)
    __attribute__((weak));
extern void lua_pushinteger(struct lua_State *L, intptr_t number) __attribute__((weak));
extern int luaJIT_setmode(struct lua_State *L, int index, int mode) __attribute__((weak));

enum { CALLER_OF_CALLER = 3 }; /* 0: this function; 1: who calls it; 2: who called that */

/* Whether these are LuaJIT's: a program may show its libraries another Lua, and hide LuaJIT. */
static bool are_luajits(void)
{
    Dl_info luajit, lua;
    return luaJIT_setmode && lua_getstack && lua_getinfo && lua_pushinteger &&
           dladdr((void *)(uintptr_t)luaJIT_setmode, &luajit) &&
           dladdr((void *)(uintptr_t)lua_getstack, &lua) && luajit.dli_fbase == lua.dli_fbase;
}

int rill_lua_caller(struct lua_State *L)
{
    static int usable; /* 0: not asked yet, -1: they are not, 1: they are */
    activation found;
    if (!usable)
        usable = are_luajits() ? 1 : -1;
    if (usable < 0)
        return 0;
    if (!lua_getstack(L, CALLER_OF_CALLER, &found) || !lua_getinfo(L, "fl", &found))
        return 0;
    lua_pushinteger(L, found.current_line);
    return 2;
}
