--- Values as a task keeps them in one place of its table: what its function is called with, and what that returned.
local M = {}

local Several = {} -- metatable of those that are not one value, or one that is nil or false

---@return any kept false: there are none
function M.pack(...)
  local count, first = select("#", ...), ...
  if count == 1 and first then return first end
  return count > 0 and setmetatable({ count = count, ... }, Several)
end

---@param kept any
---@return any ...
function M.unpack(kept)
  if getmetatable(kept) == Several then
    return unpack(kept, 1, kept.count)
  elseif kept then
    return kept
  end
end

return M
