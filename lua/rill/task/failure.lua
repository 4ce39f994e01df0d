--- What a task raised, with the stack it was raised on and the stacks that led there.
local cancelled = require("rill.task.cancelled")
local errors = require("rill.errors")
local runtime = require("rill.runtime")
local slots = require("rill.task.slots")

local M = {}

---@class rill.Failure
---@field value any what was raised
---@field traceback string

local PLACE, PARENT, STATE, WORK = slots.PLACE, slots.PARENT, slots.STATE, slots.WORK

local MAX_ANCESTORS = 8 -- tasks in one traceback

local CANCELLED = { value = cancelled, traceback = "" }

--- A stack without the frames below a task's function, which only show how it was started.
local function frames(trace)
  trace = trace:gsub("^.-stack traceback:", "")
  local above = trace:match("^(.*)\n\t%[C%]: in function 'xpcall'")
  if not above then return trace end
  above = above:gsub("\n\t[^\n]*rill/task/root%.lua:%d+: in function 'call'\n[^\n]*$", "")
  return (above:gsub("\n\t[^\n]*rill/task/map%.lua:%d+: in function 'do_item'\n[^\n]*$", ""))
end

--- The stack, and below it where the tasks stand that led to this one.
---@param task rill.Task
---@param trace string the task's own stack, from debug.traceback
---@return string
function M.traceback(task, trace)
  local parts = { "stack traceback:", frames(trace) }
  for _ = 1, MAX_ANCESTORS do
    local parent, place = task[PARENT], task[PLACE]
    if not (parent or place) then
      break
    end
    parts[#parts + 1] = "\nin a task started" .. (place and " at " .. place or "")
    if not (parent and parent[STATE] == "begun") then
      break
    end
    parts[#parts + 1] = " by a task that stands here:" .. frames(debug.traceback(parent[WORK]))
    task = parent
  end
  return table.concat(parts)
end

-- A message without the place in rill.task.map or rill.task.root from which fn is called: error() puts it there where
-- fn is error itself, or asks for its caller's place.
local function without_own_place(value)
  if type(value) ~= "string" then return value end
  return (value:gsub("^[^\n:]*rill/task/map%.lua:%d+: ", ""):gsub("^[^\n:]*rill/task/root%.lua:%d+: ", ""))
end

--- Makes a failure of what was raised: the handler for xpcall.
---@param value any
---@return rill.Failure
function M.capture(value)
  if value == cancelled then
    return CANCELLED
  end
  local task = runtime.current()
  local earlier = task and task._rethrown
  if earlier and rawequal(earlier.value, value) then
    return earlier -- it crossed from another task: that stack says more than this one
  end
  local trace = debug.traceback("", 2)
  return { value = without_own_place(value), traceback = task and M.traceback(task, trace) or frames(trace) }
end

--- What was raised, as text.
---@param failed rill.Failure
---@return string
function M.message(failed)
  local ok, text = pcall(tostring, failed.value)
  return ok and text or type(failed.value) .. " whose __tostring raises"
end

--- Where a task stands that waits.
---@param task rill.Task
---@return string
function M.standing(task)
  return M.traceback(task, task[STATE] == "begun" and debug.traceback(task[WORK]) or "")
end

--- Raises a failure of the first task, with its traceback: as a table's field, else as text behind it.
---@param failed rill.Failure
function M.raise(failed)
  local value = failed.value
  if type(value) ~= "table" then
    value = M.message(failed) .. "\n" .. failed.traceback
  elseif value ~= cancelled and rawget(value, "traceback") == nil then
    rawset(value, "traceback", failed.traceback)
    errors.show_traceback(value)
  end
  error(value, 0)
end

--- Raises a failure's value in the current task, where capture() finds its old traceback again.
---@param failure rill.Failure
function M.rethrow(failure)
  local task = runtime.current()
  if task then
    task._rethrown = failure
  end
  error(failure.value, 0)
end

return M
