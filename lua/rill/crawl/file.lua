--- A file that is appended to, cut and synced: what the C library's buffers would hide fails here, with its path.
local ffi = require("rill.core.ffi")
local errors = require("rill.errors")

for _, line in ipairs {
  "int open(const char *path, int flags, ...);", "int close(int fd);", "int fsync(int fd);",
  "ssize_t write(int fd, const void *data, size_t length);",
  "typedef struct { const char *data; size_t length; } rill_file_part;", -- struct iovec: scripts may have declared that
  "ssize_t rill_file_writev(int fd, const rill_file_part *parts, int count) __asm__(\"writev\");",
  "int64_t lseek(int fd, int64_t offset, int whence);",
  "int ftruncate(int fd, int64_t length);", "char *strerror(int number);",
  "ssize_t read(int fd, void *data, size_t length);", "int fcntl(int fd, int command, ...);",
} do
  pcall(ffi.cdef, line)
end

local C = ffi.C
local O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK, O_CLOEXEC = 1, 2, 0x40, 0x80, 0x800, 0x80000 -- Linux
local MODE = 0x1B6 -- rw for all, less the umask
local SEEK_SET, SEEK_END = 0, 2
local ENOENT, EEXIST, EINTR, ENOSPC, EDQUOT, EPIPE, EINVAL, EFBIG = 2, 17, 4, 28, 122, 32, 22, 27
local FULL = { [ENOSPC] = true, [EDQUOT] = true, [EFBIG] = true } -- the last: `ulimit -f`

local M = {}

---@class rill.CrawlFile
---@field path string
---@field length number bytes that were written, or stand there
---@field private _fd integer -1: closed
---@field private _made boolean it was not there before
local File = {}
File.__index = File

local function failure(path, what)
  local number = ffi.errno()
  return errors.new { reason = "output", kind = FULL[number] and "full"
    or number == EPIPE and "closed" or "file", path = path,
    message = ("cannot %s %s: %s"):format(what, path, ffi.string(C.strerror(number))) }
end

--- Writes all of it, or fails; what was written of it stays until truncate.
---@param bytes string
---@return boolean? ok
---@return rill.Error? err kind "full": the disk is
function File:write(bytes)
  local data, left = ffi.cast("const char *", bytes), #bytes
  while left > 0 do
    local written = tonumber(C.write(self._fd, data, left))
    if written < 0 then
      if ffi.errno() ~= EINTR then return nil, failure(self.path, "write") end
    else
      data, left, self.length = data + written, left - written, self.length + written
    end
  end
  return true
end

local MOST = 1024 -- IOV_MAX of Linux
local parts = ffi.new("rill_file_part[?]", MOST)

-- Writes some of them at once, as much as the system takes. Returns how many are through, and bytes of the next one.
local function write_some(self, list, first, last, done)
  for i = first, last do parts[i - first].data, parts[i - first].length = list[i], #list[i] end
  parts[0].data, parts[0].length = parts[0].data + done, parts[0].length - done
  local written = tonumber(C.rill_file_writev(self._fd, parts, last - first + 1))
  if written < 0 then
    if ffi.errno() == EINTR then return first, done end
    return nil, failure(self.path, "write")
  end
  self.length = self.length + written
  done = done + written
  while first <= last and done >= #list[first] do
    first, done = first + 1, done - #list[first]
  end
  return first, done
end

--- The same with several, one behind the other.
---@param list string[]
---@param first integer
---@param last integer
---@return boolean? ok
---@return rill.Error? err kind "full": the disk is
function File:write_list(list, first, last)
  local done = 0
  while first <= last do
    local at, left = write_some(self, list, first, math.min(last, first + MOST - 1), done)
    if not at then return nil, left end
    first, done = at, left
  end
  return true
end

---@param length number
---@return boolean? ok
---@return rill.Error? err kind "short": it is shorter than that
function File:truncate(length)
  local size = tonumber(C.lseek(self._fd, 0, SEEK_END))
  if size < length then
    return nil, errors.new { reason = "output", kind = "short", path = self.path,
      message = ("%s has %d bytes, the state knows of %d"):format(self.path, size, length) }
  end
  if C.ftruncate(self._fd, length) ~= 0 then return nil, failure(self.path, "cut") end
  C.lseek(self._fd, length, SEEK_SET)
  self.length = length
  return true
end

--- Waits until it is on the disk.
function File:sync()
  if C.fsync(self._fd) ~= 0 and ffi.errno() ~= EINVAL then return nil, failure(self.path, "sync") end
  return true
end

--- Closes it.
---@param unused boolean? it is removed where it was made here and nothing was written
function File:close(unused)
  if self._fd < 0 then return end
  if unused and self._made and self.length == 0 then os.remove(self.path) end
  if self._fd > 2 then C.close(self._fd) end
  self._fd = -1
end

local function open(path, flags)
  return C.open(path, flags + O_CLOEXEC, ffi.cast("int", MODE))
end

--- Waits for nobody, not for who writes to a pipe either.
---@param path string
---@return boolean
function M.exists(path)
  local fd = open(path, O_NONBLOCK)
  if fd < 0 then return ffi.errno() ~= ENOENT end
  C.close(fd)
  return true
end

--- Opens a file to append to, making it where it is missing.
---@param path string
---@return rill.CrawlFile?
---@return rill.Error? err
function M.open(path)
  local fd = open(path, O_RDWR + O_CREAT + O_EXCL)
  local made = fd >= 0
  if fd < 0 and ffi.errno() == EEXIST then
    fd = open(path, O_RDWR)
    if fd < 0 then fd = open(path, O_WRONLY) end -- a device, a pipe
  end
  if fd < 0 then return nil, failure(path, "open") end
  local size = tonumber(C.lseek(fd, 0, SEEK_END))
  return setmetatable({ path = path, length = math.max(size, 0), _fd = fd, _made = made }, File)
end

--- A descriptor that is open already: standard output.
---@param fd integer
---@param name string
---@return rill.CrawlFile
function M.descriptor(fd, name)
  return setmetatable({ path = name, length = 0, _fd = fd, _made = false }, File)
end

return M
