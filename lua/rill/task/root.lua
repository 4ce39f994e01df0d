--- What runs in a task's coroutine, in all worlds.
local cancelled = require("rill.task.cancelled")
local failure = require("rill.task.failure")
local finish = require("rill.task.handle").finish
local live = require("rill.task.live")
local slots = require("rill.task.slots")
local unpack_values = require("rill.task.values").unpack

local CANCELLED, NUMBER, STATE = slots.CANCELLED, slots.NUMBER, slots.STATE

-- Scripts may change the globals of what calls their functions, so nothing here reads one.
local error, xpcall = error, xpcall

-- Runs a task until it ends, unless it raises.
---@param ran table [1]: the task, as long as it runs
---@return boolean whether there was one
local function call(ran, task, fn, given)
  if not task then return false end
  ran[1] = task
  if task[NUMBER] == 0 then live.add(task) end -- the first one of rill.run
  if task[CANCELLED] then error(cancelled, 0) end
  finish(task, true, fn(unpack_values(given)))
  ran[1] = false
  return true
end

-- Nothing of a task is here while the next one is waited for.
local function call_each(next_task, ran)
  while call(ran, next_task()) do end
end

--- Runs tasks, one after the other, until there are no more or one raises. All are called inside one xpcall, through
--- which compiled code could not return.
---@param next_task fun(): rill.Task?, function?, any see rill.runtime.core
return function(next_task)
  local ran = { false } -- not the current task: a script may resume the coroutine of another one
  local ok, raised = xpcall(call_each, failure.capture, next_task, ran)
  local task = ran[1]
  if not ok and task and task[STATE] ~= "ended" then finish(task, false, raised) end
end
