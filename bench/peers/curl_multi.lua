-- GET of one page, 100 at a time, on libcurl's multi interface: what a Lua user of libcurl would write with
-- LuaJIT's FFI (Debian's lua-curl has no multi interface). Handles are reused; libcurl writes each body to
-- memory itself, so no callback enters Lua. Status and body string of each response.
local ffi = require("ffi")

ffi.cdef [[
struct curl_message { int kind; void *easy; union { void *any; int result; } data; };
int curl_global_init(long flags);
void *curl_easy_init(void);
int curl_easy_setopt(void *easy, int option, ...);
int curl_easy_getinfo(void *easy, int info, ...);
const char *curl_easy_strerror(int code);
void *curl_multi_init(void);
int curl_multi_setopt(void *multi, int option, ...);
int curl_multi_add_handle(void *multi, void *easy);
int curl_multi_remove_handle(void *multi, void *easy);
int curl_multi_perform(void *multi, int *running);
int curl_multi_poll(void *multi, void *extra, unsigned int count, int timeout_ms, int *ready);
struct curl_message *curl_multi_info_read(void *multi, int *queued);
void *open_memstream(char **data, size_t *size);
int fflush(void *file);
int fseeko(void *file, long offset, int whence);
]]
local curl = ffi.load("libcurl.so.4")

local WORKERS = 100
local GLOBAL_ALL = 3
local URL, CAINFO, HTTP_VERSION, PIPEWAIT, WRITEDATA = 10002, 10065, 84, 237, 10001 -- CURLOPT_
local PRIVATE = 10103
local HTTP_2_TLS = 4
local RESPONSE_CODE, GET_PRIVATE = 0x200002, 0x100015 -- CURLINFO_
local MAX_HOST_CONNECTIONS = 7 -- CURLMOPT_

local function long(number)
  return ffi.cast("long", number)
end

local url, ca, count = arg[1], arg[2], tonumber(arg[3])
curl.curl_global_init(GLOBAL_ALL)
local multi = curl.curl_multi_init()
curl.curl_multi_setopt(multi, MAX_HOST_CONNECTIONS, long(1))

local slots = {}
for i = 1, WORKERS do
  local slot = { data = ffi.new("char *[1]"), size = ffi.new("size_t[1]"), easy = curl.curl_easy_init() }
  slot.file = ffi.C.open_memstream(slot.data, slot.size)
  curl.curl_easy_setopt(slot.easy, URL, ffi.cast("const char *", url))
  curl.curl_easy_setopt(slot.easy, CAINFO, ffi.cast("const char *", ca))
  curl.curl_easy_setopt(slot.easy, HTTP_VERSION, long(HTTP_2_TLS))
  curl.curl_easy_setopt(slot.easy, PIPEWAIT, long(1))
  curl.curl_easy_setopt(slot.easy, WRITEDATA, ffi.cast("void *", slot.file))
  curl.curl_easy_setopt(slot.easy, PRIVATE, ffi.cast("void *", i))
  slots[i] = slot
end

local started, done, bytes = 0, 0, 0
local running, left = ffi.new("int[1]"), ffi.new("int[1]")
local status, place = ffi.new("long[1]"), ffi.new("uintptr_t[1]")

local function start(slot)
  if started == count then return end
  started = started + 1
  ffi.C.fseeko(slot.file, 0, 0)
  curl.curl_multi_add_handle(multi, slot.easy)
end

local function finish(message)
  assert(message.data.result == 0, ffi.string(curl.curl_easy_strerror(message.data.result)))
  local easy = message.easy
  curl.curl_easy_getinfo(easy, RESPONSE_CODE, status)
  curl.curl_easy_getinfo(easy, GET_PRIVATE, place)
  local slot = slots[tonumber(place[0])]
  ffi.C.fflush(slot.file)
  local body = ffi.string(slot.data[0], slot.size[0])
  assert(status[0] == 200)
  bytes, done = bytes + #body, done + 1
  curl.curl_multi_remove_handle(multi, easy)
  start(slot)
end

for i = 1, WORKERS do start(slots[i]) end
while done < count do
  curl.curl_multi_perform(multi, running)
  local message = curl.curl_multi_info_read(multi, left)
  if message == nil then curl.curl_multi_poll(multi, nil, 0, 1000, nil) end
  while message ~= nil do
    finish(message)
    message = curl.curl_multi_info_read(multi, left)
  end
end
assert(bytes == count * 1024)
print(("units %d"):format(done))
