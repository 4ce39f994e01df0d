-- One GET by libcurl's easy interface, from LuaJIT's FFI, whose body is kept whole: libcurl writes it to a stream in
-- memory itself, so no callback enters Lua. A unit is a MiB.
local ffi = require("ffi")

ffi.cdef [[
int curl_global_init(long flags);
void *curl_easy_init(void);
int curl_easy_setopt(void *easy, int option, ...);
int curl_easy_getinfo(void *easy, int info, ...);
int curl_easy_perform(void *easy);
const char *curl_easy_strerror(int code);
void *open_memstream(char **data, size_t *size);
int fflush(void *file);
]]
local curl = ffi.load("libcurl.so.4")

local GLOBAL_ALL = 3
local URL, CAINFO, HTTP_VERSION, WRITEDATA = 10002, 10065, 84, 10001 -- CURLOPT_
local HTTP_2_TLS = 4
local RESPONSE_CODE = 0x200002 -- CURLINFO_

local url, ca = arg[1], arg[2]
local data, size, status = ffi.new("char *[1]"), ffi.new("size_t[1]"), ffi.new("long[1]")
curl.curl_global_init(GLOBAL_ALL)
local easy, file = curl.curl_easy_init(), ffi.C.open_memstream(data, size)
curl.curl_easy_setopt(easy, URL, ffi.cast("const char *", url))
curl.curl_easy_setopt(easy, CAINFO, ffi.cast("const char *", ca))
curl.curl_easy_setopt(easy, HTTP_VERSION, ffi.cast("long", HTTP_2_TLS))
curl.curl_easy_setopt(easy, WRITEDATA, ffi.cast("void *", file))
local result = curl.curl_easy_perform(easy)
assert(result == 0, ffi.string(curl.curl_easy_strerror(result)))
curl.curl_easy_getinfo(easy, RESPONSE_CODE, status)
assert(status[0] == 200)
ffi.C.fflush(file)
print(("\nunits %d"):format(tonumber(size[0]) / 2 ^ 20))
