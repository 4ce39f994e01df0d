--- What runs in a task's coroutine, in all worlds.
local cancelled = require("rill.task.cancelled")
local failure = require("rill.task.failure")
local finish = require("rill.task.handle").finish
local live = require("rill.task.live")
local runtime = require("rill.runtime")
local slots = require("rill.task.slots")
local unpack_values = require("rill.task.values").unpack

local CANCELLED, NUMBER, STATE = slots.CANCELLED, slots.NUMBER, slots.STATE

-- Runs a task until it ends, unless it raises.
---@return boolean whether there was one
local function call(task, fn, given)
  if not task then return false end
  if task[NUMBER] == 0 then live.add(task) end -- the first one of rill.run
  if task[CANCELLED] then error(cancelled, 0) end
  finish(task, true, fn(unpack_values(given)))
  return true
end

-- Nothing of a task is here while the next one is waited for.
local function call_each(next_task)
  while call(next_task()) do end
end

--- Runs tasks, one after the other, until there are no more or one raises. All are called inside one xpcall, through
--- which compiled code could not return.
---@param next_task fun(): rill.Task?, function?, any see rill.runtime.core
return function(next_task)
  local ok, raised = xpcall(call_each, failure.capture, next_task)
  if ok then return end
  local task = runtime.current()
  if task[STATE] ~= "ended" then finish(task, false, raised) end
end
