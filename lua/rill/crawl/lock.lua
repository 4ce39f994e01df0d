--- One process at a time on a file: a lock that ends with its holder, however that ends.
local ffi = require("rill.core.ffi")
local errors = require("rill.errors")

for _, line in ipairs { "int open(const char *path, int flags, ...);", "int flock(int fd, int operation);",
  "int close(int fd);", "char *strerror(int number);" } do
  pcall(ffi.cdef, line)
end

local C = ffi.C
local O_RDWR, O_CREAT, O_CLOEXEC = 2, 0x40, 0x80000 -- Linux
local LOCK_EX, LOCK_NB, EWOULDBLOCK = 2, 4, 11
local MODE = 0x1B6

local M = {}

-- SQLite's own locks of a file go when this process closes any descriptor of it: who is refused here opens none.
local held = {}

local function in_use(path)
  return errors.new { reason = "state", kind = "locked", path = path, message = path .. " is in use by another crawl" }
end

local function failure(path, what, number)
  return errors.new { reason = "state", kind = "file", path = path,
    message = ("cannot %s %s: %s"):format(what, path, ffi.string(C.strerror(number))) }
end

--- Takes it.
---@param path string
---@return integer? fd to give back
---@return rill.Error? err kind "locked": another has it; "file": the system does not give it
function M.take(path)
  if held[path] then return nil, in_use(path) end
  local fd = C.open(path, O_RDWR + O_CREAT + O_CLOEXEC, ffi.cast("int", MODE))
  if fd < 0 then return nil, failure(path, "open", ffi.errno()) end
  if C.flock(fd, LOCK_EX + LOCK_NB) ~= 0 then
    local number = ffi.errno()
    C.close(fd)
    return nil, number == EWOULDBLOCK and in_use(path) or failure(path, "lock", number)
  end
  held[path] = fd
  return fd
end

--- Gives it back, after the file's other descriptors are closed.
---@param path string
function M.give(path)
  local fd = held[path]
  held[path] = nil
  if fd then C.close(fd) end
end

return M
