--- Why there is no task where a call was made, by world.
local M = {}

---@param call string
---@return string
function M.outside(call)
  return call .. " was called outside of a task: call it inside rill.run(fn)"
end

return M
