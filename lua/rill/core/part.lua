--- What is there of a download that goes on: `path.part`, and beside it `path.tag`, the validator of the version that
--- it is a part of (RFC 9110 section 13.1.5).
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local runtime = require("rill.runtime")

pcall(ffi.cdef, [[
int open(const char *path, int flags, ...);
long lseek(int fd, long offset, int whence);
int close(int fd);
char *strerror(int number);
int flock(int fd, int operation);
int ftruncate(int fd, long length);
]])

local O_WRONLY, O_CREAT, O_APPEND, O_CLOEXEC = 1, 64, 1024, 524288
local O_NOFOLLOW = jit.arch == "x64" and 131072 or 32768
local SEEK_END = 2
local LOCK_EX, LOCK_NB, EWOULDBLOCK = 2, 4, 11
local MODE = ffi.new("int", 438) -- 0666, less the umask
local TAG_MAX = 4096 -- bytes of a validator

local failure = ffi.new("rill_error[1]")

---@class rill.Part
---@field path string of the whole
---@field private _part string
---@field private _tag string
---@field private _fd integer? open for writing
local Part = {}
Part.__index = Part

local M = {}

---@param path string of the whole
---@return rill.Part
function M.new(path)
  return setmetatable({ path = path, _part = path .. ".part", _tag = path .. ".tag" }, Part)
end

local function refused(message)
  return nil, errors.new { reason = "file_error", message = message }
end

local function system_error(path)
  return refused(path .. ": " .. ffi.string(ffi.C.strerror(ffi.errno())))
end

-- The outcome of a call of the core.
local function of_core(code)
  if code == 0 then return true end
  local err = errors.new { reason = errors.reasons[-code], message = ffi.string(failure[0].message) }
  return nil, err
end

local function open(path, flags)
  return ffi.C.open(path, O_WRONLY + O_CLOEXEC + O_NOFOLLOW + flags, MODE)
end

--- Whether the whole can be put in its place.
---@return boolean?
---@return rill.Error? err
function Part:check()
  local ok, err = of_core(C.rill_file_check(self.path, failure))
  if not ok then return nil, err end
  return of_core(C.rill_file_check(self._part, failure))
end

--- How much is there.
---@return number bytes
---@return string? tag nil: it cannot be known of what
function Part:state()
  local file = io.open(self._tag, "rb")
  local tag = file and file:read(TAG_MAX)
  if file then file:close() end
  tag = tag and tag:match("^(%C+)\n$")
  local fd = open(self._part, 0)
  if fd < 0 then return 0 end
  local size = tonumber(ffi.C.lseek(fd, 0, SEEK_END))
  ffi.C.close(fd)
  return size, tag
end

-- Nobody else may write it: two that do would mix two answers.
local function lock(fd, path, size)
  local locked = ffi.C.flock(fd, LOCK_EX + LOCK_NB) == 0
  if locked and (size == 0 or ffi.C.lseek(fd, 0, SEEK_END) == size) then return true end
  local _, err
  if locked or ffi.errno() == EWOULDBLOCK then
    _, err = refused(path .. ": another download writes it")
  else
    _, err = system_error(path)
  end
  err.busy = true -- or may be: it is not ours to remove
  return nil, err
end

--- Begins to write.
---@param size number bytes that are there and stay; 0: from the start
---@param tag string? of what is written
---@param overlap boolean? one more byte is there, which comes again
---@return boolean?
---@return rill.Error? err
function Part:begin(size, tag, overlap)
  local fd = open(self._part, O_CREAT + O_APPEND)
  if fd < 0 then return system_error(self._part) end
  self._fd = fd
  local ok, err = lock(fd, self._part, size > 0 and overlap and size + 1 or size)
  if not ok or size > 0 and not overlap then return ok, err end
  if size == 0 then os.remove(self._tag) end
  if ffi.C.ftruncate(fd, size) ~= 0 then return system_error(self._part) end
  if size > 0 or not tag then return true end
  local text = tag .. "\n"
  return of_core(C.rill_file_save(runtime.loop(), self._tag, text, #text, 0, failure))
end

--- Has the core write a stream's body behind what is there.
---@param state rill.StreamState
---@return boolean?
---@return rill.Error? err
function Part:take(state)
  return state:save(self._fd, self._part)
end

--- No more is written now.
---@return boolean?
---@return rill.Error? err
function Part:close()
  local fd = self._fd
  self._fd = nil
  if fd and ffi.C.close(fd) ~= 0 then return system_error(self._part) end
  return true
end

--- It is complete: gives it its name.
---@return boolean?
---@return rill.Error? err
function Part:commit()
  local ok, err = of_core(C.rill_file_replace(self._part, self.path, failure))
  if ok then os.remove(self._tag) end
  return ok, err
end

--- Nothing of it is of use.
function Part:discard()
  os.remove(self._part)
  os.remove(self._tag)
end

return M
