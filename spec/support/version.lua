--- Which version of HTTP servers of the specs speak, unless their options say otherwise: see again.lua.
local M = { now = "h2" }

--- A client's options, with that version.
---@param options table?
function M.applied(options)
  local all = { protocols = { M.now } }
  for name, value in pairs(options or {}) do all[name] = value end
  if all.h2c then all.protocols = options.protocols end
  return all
end

return M
