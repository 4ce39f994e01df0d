--- The tasks that wait for the next event of a stream or a connection.
local runtime = require("rill.runtime")

local M = {}

--- Parks the current task until the next event, whatever it is: the caller looks again at what it waits for.
---@param tasks rill.Task[] who waits; emptied by who wakes them
---@param waiting table what the task is parked on, with the slot of its id
---@param call string what is called, for the error outside of a task
function M.park(tasks, waiting, call)
  local task = runtime.waiter(call, waiting)
  runtime.loop_for(waiting.slot, call)
  tasks[#tasks + 1] = task
  runtime.park(waiting)
end

--- A task was cancelled while it waited.
---@param tasks rill.Task[]
---@param task rill.Task
function M.leave(tasks, task)
  for i = #tasks, 1, -1 do
    if tasks[i] == task then table.remove(tasks, i) end
  end
end

--- Lets all of them look again.
---@param tasks rill.Task[]
function M.wake(tasks)
  for i = 1, #tasks do
    runtime.wake(tasks[i])
  end
end

return M
