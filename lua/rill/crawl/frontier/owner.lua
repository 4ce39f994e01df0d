--- Who a worker is, so that another process of this machine can see whether it still lives.
local ffi = require("rill.core.ffi")

local M = {}

pcall(ffi.cdef, "int getpid(void);")
pcall(ffi.cdef, "int gethostname(char *name, size_t size);")
pcall(ffi.cdef, "ssize_t readlink(const char *path, char *out, size_t size);")

local function first_line(path)
  local file = io.open(path)
  local line = file and file:read "*l"
  if file then file:close() end
  return line
end

-- When a process began, in ticks since the machine did; nil: there is none, or it has ended and its parent has not
-- asked how.
local function began(pid)
  local line = first_line(("/proc/%d/stat"):format(pid))
  if not line then return nil end
  local at = 0
  for field in line:gsub("^.*%) ", ""):gmatch "%S+" do -- the name in front may hold anything
    at = at + 1
    if at == 1 and field == "Z" then return nil end
    if at == 20 then return field end
  end
end

-- Process numbers mean something within one of these only.
local function namespace()
  local room = ffi.new("char[64]")
  local size = tonumber(ffi.C.readlink("/proc/self/ns/pid", room, 64))
  return size > 0 and ffi.string(room, size):match "%d+" or "0"
end

---@return string host
function M.host()
  local room = ffi.new("char[65]") -- what Linux allows, and a NUL
  return ffi.C.gethostname(room, 65) == 0 and ffi.string(room) or "host"
end

---@return string
function M.name()
  return ("%s-%d"):format((M.host():gsub("[^%w_.-]", "-")), ffi.C.getpid())
end

local serial = 0

--- A worker of this process: each call names another.
---@return string
function M.own()
  local pid = ffi.C.getpid()
  serial = serial + 1
  return ("%s %s %d %s %d"):format(M.host(), namespace(), pid, began(pid) or "0", serial)
end

--- Whether an owner ran on this machine and is gone. Where /proc is not there, for it or for us, nobody can know that:
--- then its lease has to run out.
---@param owner string of M.own
---@return boolean
function M.is_dead(owner)
  local host, space, pid, time = owner:match "^(.*) (%d+) (%d+) (%d+) %d+$"
  if host ~= M.host() or space ~= namespace() then return false end
  if time == "0" or not began(ffi.C.getpid()) then return false end
  return began(tonumber(pid)) ~= time
end

return M
