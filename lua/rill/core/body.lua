--- Large response bodies: they stay in the core's memory until a script wants them as a string.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")

local M = {}

-- Largest body that becomes a string when it is delivered: what the core hands over in one event.
M.SMALL = 64 * 1024

-- The collector does not see the core's memory: after this many bytes it is made to work as though
-- they had been allocated in Lua. So at most this much garbage piles up before it is noticed.
local SLACK = 16 * 2^20
local unseen = 0

--- Takes a body over from the core: it is freed when it is collected.
---@param body ffi.cdata* rill_body *, owned by the caller until now
---@return ffi.cdata* body
function M.own(body)
  local length = tonumber(C.rill_body_length(body))
  local owned = ffi.gc(body, C.rill_body_free)
  unseen = unseen + length
  if unseen >= SLACK then
    collectgarbage("step", unseen / 1024)
    unseen = 0
  end
  return owned
end

---@param body ffi.cdata*
---@return ffi.cdata* data const char *, valid while the body is reachable
---@return integer length
function M.data(body)
  return C.rill_body_data(body), tonumber(C.rill_body_length(body))
end

---@param body ffi.cdata*
---@return string
function M.string(body)
  return ffi.string(M.data(body))
end

--- Frees a body now.
---@param body ffi.cdata*
function M.free(body)
  C.rill_body_free(ffi.gc(body, nil))
end

return M
