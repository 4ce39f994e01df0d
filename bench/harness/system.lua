--- What the bench needs of Linux, through the FFI: time, CPUs, ports, limits, variables.
local ffi = require("ffi")
local bit = require("bit")

ffi.cdef [[
struct bench_timespec { long seconds, nanoseconds; };
int clock_gettime(int clock, struct bench_timespec *time);
int nanosleep(const struct bench_timespec *time, struct bench_timespec *rest);
int sched_getaffinity(int pid, size_t size, void *mask);
int sched_setaffinity(int pid, size_t size, const void *mask);
struct bench_rlimit { unsigned long soft, hard; };
int getrlimit(int resource, struct bench_rlimit *limit);
int setrlimit(int resource, const struct bench_rlimit *limit);
struct bench_address { uint16_t family, port; uint32_t address; char zero[8]; };
int socket(int domain, int type, int protocol);
int bind(int fd, const void *address, unsigned int length);
int connect(int fd, const void *address, unsigned int length);
int getsockname(int fd, void *address, unsigned int *length);
int close(int fd);
int setenv(const char *name, const char *value, int overwrite);
char *realpath(const char *path, char *resolved);
void free(void *pointer);
]]
local C = ffi.C

local CLOCK_MONOTONIC = 1
local RLIMIT_NOFILE = 7
local AF_INET, SOCK_STREAM = 2, 1
local CPU_WORDS = 16 -- 1,024 CPUs

local M = {}

local time = ffi.new("struct bench_timespec")

--- Monotonic seconds.
---@return number
function M.now()
  C.clock_gettime(CLOCK_MONOTONIC, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) * 1e-9
end

---@param seconds number
function M.sleep(seconds)
  local whole = math.floor(seconds)
  C.nanosleep(ffi.new("struct bench_timespec", whole, (seconds - whole) * 1e9), nil)
end

--- The CPUs this process may run on.
---@return integer[]
function M.cpus()
  local mask, list = ffi.new("uint64_t[?]", CPU_WORDS), {}
  C.sched_getaffinity(0, ffi.sizeof(mask), mask)
  for cpu = 0, CPU_WORDS * 64 - 1 do
    local word = mask[math.floor(cpu / 64)]
    if bit.band(bit.rshift(word, cpu % 64), 1ULL) ~= 0 then list[#list + 1] = cpu end
  end
  return list
end

--- Runs this process on one CPU; what it starts from now on inherits that.
---@param cpu integer
function M.pin(cpu)
  local mask = ffi.new("uint64_t[?]", CPU_WORDS)
  mask[math.floor(cpu / 64)] = bit.lshift(1ULL, cpu % 64)
  C.sched_setaffinity(0, ffi.sizeof(mask), mask)
end

--- As many descriptors as the system lets us have; what is started inherits that.
---@return integer
function M.raise_descriptors()
  local limit = ffi.new("struct bench_rlimit")
  C.getrlimit(RLIMIT_NOFILE, limit)
  limit.soft = limit.hard
  C.setrlimit(RLIMIT_NOFILE, limit)
  return tonumber(limit.soft)
end

local function loopback(port)
  local address = ffi.new("struct bench_address")
  address.family, address.port = AF_INET, bit.bor(bit.lshift(bit.band(port, 255), 8), bit.rshift(port, 8))
  address.address = ffi.abi("le") and 0x0100007f or 0x7f000001
  return address
end

--- A TCP port of 127.0.0.1 that nobody listens on.
---@return integer
function M.free_port()
  local fd, address = C.socket(AF_INET, SOCK_STREAM, 0), loopback(0)
  local length = ffi.new("unsigned int[1]", ffi.sizeof(address))
  local bound = C.bind(fd, address, ffi.sizeof(address)) == 0 and C.getsockname(fd, address, length) == 0
  C.close(fd)
  assert(bound, "no free port on 127.0.0.1")
  return bit.bor(bit.lshift(bit.band(address.port, 255), 8), bit.rshift(address.port, 8))
end

--- Whether something listens on a port of 127.0.0.1.
---@param port integer
---@return boolean
function M.listens(port)
  local fd, address = C.socket(AF_INET, SOCK_STREAM, 0), loopback(port)
  local connected = C.connect(fd, address, ffi.sizeof(address)) == 0
  C.close(fd)
  return connected
end

--- Sets a variable of what is started from now on.
---@param name string
---@param value string
function M.setenv(name, value)
  C.setenv(name, value, 1)
end

--- What all that is started from now on needs: rill in the tree and what its programs share in bench/, nginx, which
--- a user's PATH may not name, and descriptors.
---@param root string of the tree
function M.prepare(root)
  M.setenv("PATH", os.getenv("PATH") .. ":/usr/sbin")
  M.setenv("LUA_PATH", ("%s/lua/?.lua;%s/lua/?/init.lua;%s/bench/?.lua;;"):format(root, root, root))
  M.raise_descriptors()
end

--- The absolute path of what exists.
---@param path string
---@return string
function M.absolute(path)
  local found = C.realpath(path, nil)
  assert(found ~= nil, "no such path: " .. path)
  local text = ffi.string(found)
  C.free(found)
  return text
end

--- Runs a command of the bench; says what went wrong.
---@param name string the command's
---@param run fun(root: string)
---@param here string its directory
---@return integer status
function M.attempt(name, run, here, ...)
  local ok, failure = pcall(run, M.absolute(here .. "/.."), ...)
  if not ok then io.stderr:write(name, ": ", tostring(failure), "\n") end
  return ok and 0 or 1
end

--- The first line that a shell command prints, nil when it fails or prints none.
---@param command string
---@return string?
function M.line_of(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>/dev/null"))
  local line = pipe:read("*l")
  pipe:close()
  return line
end

return M
