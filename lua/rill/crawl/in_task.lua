--- Runs what waits: in the task that calls, or in one of its own where there is none.
local rill = require("rill")

-- A task, and a cancelled one too, may at least try to wait.
local function is_task()
  local ok, err = pcall(rill.sleep, 0)
  return ok or err == rill.cancelled
end

---@param fn function
---@return any ... its results
return function(fn, ...)
  if is_task() then return fn(...) end
  return rill.run(fn, ...)
end
