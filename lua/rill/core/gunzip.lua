--- gzip files, decoded in pieces by the core (src/http/gunzip.c).
local ffi = require("rill.core.ffi")
local C = require("rill.clib")

local M = {}

local ROOM = 64 * 1024 -- bytes of a piece

local out = ffi.new("char[?]", ROOM)
local step = ffi.new("rill_gunzip_step")
local failure = ffi.new("rill_error")

---@class rill.Gunzip
---@field private _handle ffi.cdata*
local Gunzip = {}
Gunzip.__index = Gunzip

local function failed()
  local why = ffi.string(failure.message)
  failure.reason = C.RILL_OPEN
  return nil, (why:gsub("^content%-encoding ", ""))
end

--- Decodes more.
---@param bytes string
---@param sink fun(piece: string): boolean what takes the pieces; false: no more is wanted
---@return boolean? ok nil: the data are broken; what came before is good
---@return string? why
function Gunzip:write(bytes, sink)
  local done, code, full = 0, 0, true
  while code == 0 and (done < #bytes or full) do
    step.data, step.length = ffi.cast("const char *", bytes) + done, #bytes - done
    step.out, step.room = out, ROOM
    code = C.rill_gunzip_write(self._handle, step, failure)
    local made = tonumber(step.made)
    done, full = done + tonumber(step.taken), made == ROOM
    if made == 0 and step.taken == 0 then break end
    if made > 0 and not sink(ffi.string(out, made)) then return true end -- others may use `step` meanwhile
  end
  if code < 0 then return failed() end
  return true
end

--- The data have ended.
---@return boolean? ok nil: they are not complete
---@return string? why
function Gunzip:finish()
  if C.rill_gunzip_finish(self._handle, failure) < 0 then return failed() end
  return true
end

--- A decoder.
---@return rill.Gunzip
function M.new()
  local handle = C.rill_gunzip_new()
  if handle == nil then error("rill.sitemap: out of memory", 0) end
  return setmetatable({ _handle = ffi.gc(handle, C.rill_gunzip_free) }, Gunzip)
end

return M
