--- Tasks: started, joined, cancelled. Written on a runtime's park and wake alone.
local arguments = require("rill.core.arguments")
local caller = require("rill.task.caller")
local cancelled = require("rill.task.cancelled")
local describe_deadlock = require("rill.task.deadlock")
local errors = require("rill.errors")
local failure = require("rill.task.failure")
local handle = require("rill.task.handle")
local live = require("rill.task.live")
local misplaced = require("rill.task.misplaced")
local runtime = require("rill.runtime")
local slots = require("rill.task.slots")
local unjoined = require("rill.task.unjoined")

local M = { foreign = handle.foreign, light = handle.light, lose = handle.lose }

local new = handle.new
local leaves_traces, begin_again = handle.leaves_traces, handle.begin_again

runtime.root = require("rill.task.root")

local PLACE, CANCELLED, WAITING = slots.PLACE, slots.CANCELLED, slots.WAITING

local MAX_ARGUMENTS = 7000 -- Lua unpacks no more than 8,000 values

local closing = false -- the first task failed: whatever starts now is cancelled from birth

local function enlist(task)
  live.add(task)
  if closing then task[CANCELLED] = true end
  local crew = task._crew
  if crew then crew = crew:member_started() end
  while crew do -- rarely entered: a loop stops the compiler
    crew = crew:member_started()
  end
end

--- Starts a child of `parent`: it counts as the map worker that its parent counts as.
---@param parent rill.Task
---@param owner table? its method child_ended(task) is called when the child has ended; may not raise
---@param crew rill.Map? the map whose worker it is, if it is one
---@return rill.Task
function M.start(parent, owner, crew, fn, ...)
  local count = select("#", ...)
  if count > MAX_ARGUMENTS then
    errors.raise(("a task takes at most %d arguments, got %d"):format(MAX_ARGUMENTS, count))
  end
  local task = new(parent, owner, crew or parent._crew)
  runtime.start(task, fn, ...)
  leaves_traces(parent)
  enlist(task)
  return task
end

--- Starts one that rests again, as a child of `parent`.
---@param task rill.Task
---@param parent rill.Task
function M.start_again(task, parent)
  leaves_traces(parent)
  begin_again(task, parent)
  runtime.start_again(task)
  enlist(task)
end

--- The current task, for a call that needs one.
---@param what string the call's name
---@return rill.Task
function M.current(what)
  local task = runtime.current()
  if not task then misplaced.raise(what) end
  return task
end

-- Where rill.spawn was called last: mostly it is called there again. Weak: what a function holds is not held for this.
local last = setmetatable({}, { __mode = "v" })

local function place_of(fn, line)
  local place = debug.getinfo(fn, "S").short_src
  if line > 0 then place = ("%s:%d"):format(place, line) end
  last.func, last.line, last.place = fn, line, place
  return place
end

--- Where the caller of the calling function has come to: "file:line".
---@return string|false false where nobody calls: it is a coroutine's first function
local function calling_place()
  local fn, line = caller()
  if not fn then return false end
  if fn == last.func and line == last.line then return last.place end
  return place_of(fn, line)
end

--- Starts `fn(...)` as a task of its own, when the current one waits next; of more than 1,000 started
--- without a wait the others later, while 256 requests wait that no connection is coming for.
---@param fn function
---@return rill.Task
function M.spawn(fn, ...)
  arguments.callable("rill.spawn: fn", fn)
  local task = M.start(M.current("rill.spawn"), nil, nil, fn, ...)
  task[PLACE] = calling_place() -- behind it: compiled code stops here, and then knows no number of arguments
  return task
end

--- Cancels tasks.
---@param concerns fun(task: rill.Task): boolean whether a task is meant
local function cancel_where(concerns)
  local meant = {}
  for _, task in ipairs(live.list()) do
    if concerns(task) then meant[#meant + 1] = task end
  end
  for i = 1, #meant do
    meant[i]:cancel()
  end
  return #meant
end
M.cancel_where = cancel_where

local function any()
  return true
end

-- Owner of the first task: its error cancels the others.
local First = {}

function First.child_ended(_, task)
  if task._failure and not task[CANCELLED] then
    closing = true
    cancel_where(any)
  end
end

local function waits_in_background(task)
  return task[WAITING] and task[WAITING].background
end

-- Somebody else runs the loop: the task goes on there.
local function start_driven(fn, ...)
  local task = new()
  runtime.start(task, fn, ...)
  enlist(task)
  return task
end

--- Runs `fn(...)` as the first task until it and every task it spawned has ended. An error in it
--- cancels the others and is raised again here: a string with its traceback behind it, a table with
--- its traceback as the field `traceback`. When tasks wait only for each other, an error says so.
--- A wait for a signal alone is cancelled; the first task in such a wait gives `nil, err`.
--- On a luv loop that runs already: starts the task there and returns it.
---@param fn function
---@return any ... its results
function M.run(fn, ...)
  arguments.callable("rill.run: fn", fn)
  if runtime.runs_inline and runtime.runs_inline() then return fn(...) end
  if runtime.is_driven() then return start_driven(fn, ...) end
  local first = new(nil, First)
  local deadlock
  local function stuck()
    if cancel_where(waits_in_background) == 0 then
      deadlock = deadlock or describe_deadlock(live.list())
      closing = true
      cancel_where(any)
    end
  end
  local ok, err = runtime.run(stuck, first, fn, ...)
  closing = false
  if not ok then
    for _, task in ipairs(live.list()) do
      live.remove(task)
      task[WAITING] = false -- what would have woken it comes too late
    end
  end
  if first._report then first._report:seen() end
  unjoined.send_all()
  if runtime.deferred > 0 then runtime.run_deferred() end
  if not ok then
    error(err, 0)
  elseif deadlock then
    error(deadlock, 0)
  end
  local failed = first._failure
  if failed and not (first[CANCELLED] and failed.value == cancelled) then failure.raise(failed) end
  return first:_outcome()
end

return M
