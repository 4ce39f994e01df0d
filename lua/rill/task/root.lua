--- What runs in a task's coroutine, in all worlds.
local cancelled = require("rill.task.cancelled")
local failure = require("rill.task.failure")
local finish = require("rill.task.handle").finish
local live = require("rill.task.live")
local runtime = require("rill.runtime")
local slots = require("rill.task.slots")

local CANCELLED, NUMBER = slots.CANCELLED, slots.NUMBER

--- Runs `fn(...)` as a task that has begun, and ends the task. Raises nothing.
---@param task rill.Task
---@param fn function
function runtime.root(task, fn, ...)
  if task[NUMBER] == 0 then live.add(task) end -- the first task of a run
  if task[CANCELLED] then return finish(task, false, { value = cancelled, traceback = "" }) end
  return finish(task, xpcall(fn, failure.capture, ...))
end
