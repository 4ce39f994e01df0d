--- How many descriptors this process may have: a crawl of many hosts keeps as many connections.
local ffi = require("rill.core.ffi")

local M = {}

M.MANY = 8192 -- enough for the connections of any crawl, see clients.lua

local NUMBER = 7 -- RLIMIT_NOFILE
local KNOWN = { x64 = true, x86 = true, arm64 = true, arm = true } -- where Linux has that number

pcall(ffi.cdef, [[
typedef struct { unsigned long soft, hard; } rill_rlimit;
int rill_getrlimit(int which, rill_rlimit *limit) __asm__("getrlimit");
int rill_setrlimit(int which, const rill_rlimit *limit) __asm__("setrlimit");
]])

local function read()
  if ffi.os ~= "Linux" or not KNOWN[ffi.arch] then return nil end
  local limit = ffi.new("rill_rlimit")
  return ffi.C.rill_getrlimit(NUMBER, limit) == 0 and limit or nil
end

--- How many the system allows at once.
---@return number? nil: it is not known
function M.limit()
  local limit = read()
  return limit and tonumber(limit.soft)
end

--- Raises that, as far as the system lets a process go by itself. A lower wish changes nothing.
---@param wanted integer
function M.raise(wanted)
  local limit = read()
  if not limit or limit.soft >= wanted then return end
  limit.soft = math.min(wanted, tonumber(limit.hard))
  ffi.C.rill_setrlimit(NUMBER, limit)
end

return M
