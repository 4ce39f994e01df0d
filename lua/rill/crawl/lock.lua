--- One process at a time on a file: a lock that ends with its holder, however that ends.
local ffi = require("rill.core.ffi")
local errors = require("rill.errors")

for _, line in ipairs { "int open(const char *path, int flags, ...);", "int flock(int fd, int operation);",
  "int close(int fd);", "char *strerror(int number);" } do
  pcall(ffi.cdef, line)
end

local C = ffi.C
local O_RDWR, O_CREAT, O_CLOEXEC = 2, 0x40, 0x80000 -- Linux
local LOCK_EX, LOCK_NB = 2, 4
local MODE = 0x1B6

local M = {}

-- SQLite's own locks of a file go when this process closes any descriptor of it: who is refused here opens none.
local held = {}

--- Takes it.
---@param path string
---@return integer? fd to give back
---@return rill.Error? err kind "locked"
function M.take(path)
  local locked = errors.new { reason = "state", kind = "locked", path = path,
    message = path .. " is in use by another crawl" }
  if held[path] then return nil, locked end
  local fd = C.open(path, O_RDWR + O_CREAT + O_CLOEXEC, ffi.cast("int", MODE))
  if fd < 0 then
    return nil, errors.new { reason = "state", kind = "file", path = path,
      message = ("cannot open %s: %s"):format(path, ffi.string(C.strerror(ffi.errno()))) }
  end
  if C.flock(fd, LOCK_EX + LOCK_NB) ~= 0 then
    C.close(fd)
    return nil, locked
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
