--- The tasks that have not ended, oldest first: a list with gaps, which are closed when there are more gaps than tasks.
local NUMBER = require("rill.task.slots").NUMBER

local M = {}

local FEW = 100 -- places that are not worth closing gaps

local places, last, count = {}, 0, 0 -- tasks, or false

local function close_gaps()
  local kept = 0
  for i = 1, last do
    local task = places[i]
    places[i] = nil
    if task then
      kept = kept + 1
      places[kept], task[NUMBER] = task, kept
    end
  end
  last = kept
end

---@param task rill.Task
function M.add(task)
  if last >= 2 * count + FEW then close_gaps() end
  last, count = last + 1, count + 1
  places[last], task[NUMBER] = task, last
end

--- One that is not among them is left alone.
---@param task rill.Task
function M.remove(task)
  local number = task[NUMBER]
  if number > 0 then
    places[number], task[NUMBER], count = false, 0, count - 1
  end
end

---@return rill.Task[]
function M.list()
  local list = {}
  for i = 1, last do list[#list + 1] = places[i] or nil end
  return list
end

return M
