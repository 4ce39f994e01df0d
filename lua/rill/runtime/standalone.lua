--- The world of a script of its own: rill.run polls the loop and resumes tasks, which are coroutines.
local cancelled = require("rill.task.cancelled")
local core = require("rill.runtime.core")
local crowd = require("rill.runtime.crowd")
local errors = require("rill.errors")
local hooks = require("rill.core.hooks")
local poll = require("rill.runtime.loop").poll
local refuse_in_nginx = require("rill.runtime.nginx")

local M = { name = "standalone" }

local create, resume, yield, running, isyieldable =
  coroutine.create, coroutine.resume, coroutine.yield, coroutine.running, coroutine.isyieldable

local RESUMES_PER_POLL = 256 -- tasks that keep waking each other must not keep the network waiting

-- What a task's coroutine hands to go(): private, so whatever else comes is a stray yield.
local PARKED, ENDED, DROPPED = {}, {}, {}

local ready, head, tail = {}, 1, 0 -- woken and new tasks, in order
local started = 0 -- tasks that the current one has started since it was resumed
local current -- the task that runs
local alive = 0 -- tasks that were started and have not ended
local driving = false

function M.current()
  return current
end

function M.can_wait(task)
  return running() == task._work and isyieldable()
end

function M.suspend()
  yield(PARKED)
end

function M.drop()
  yield(DROPPED)
end

local function make_ready(task)
  tail = tail + 1
  ready[tail] = task
end
M.make_ready = make_ready

function M.hurry(task)
  local state = task._state
  if state == "held" then
    task._state = "new"
    make_ready(task)
  end
  if state == "held" or state == "new" then task._work.bulk = nil end
end

function M.start(task, fn, ...)
  if not driving then errors.raise("tasks run inside rill.run(fn) only") end
  started = started + 1
  -- what it begins with, at [0] how many values
  local call = { [0] = select("#", ...) + 1, fn, ... }
  if started > crowd.BULK then call.bulk = true end -- it may be held back
  task._work = call
  alive = alive + 1
  make_ready(task)
end

--- A task's coroutine came back with anything but a wait.
local function leave(task, co, ok, what)
  alive = alive - 1
  if what == ENDED then return end
  local trace = debug.traceback(co)
  if not ok then
    task:_break(what, trace)
  elseif what == DROPPED then
    task:_break(cancelled, trace)
    core.defer(hooks.warn, ("a cancelled task caught rill.cancelled in %d waits and was dropped where it stood")
      :format(core.MAX_REFUSALS), { traceback = trace })
  else
    task:_break("coroutine.yield was called in a task, outside of any coroutine of its own; "
      .. "rill.sleep(0) lets other tasks run", trace)
  end
end

-- No function with a variable number of arguments: compiled code that comes back here from a task would leave it
-- by way of the interpreter.
local function go(task)
  local co = task._work
  current, started = task, 0
  local ok, what = resume(co)
  current = nil
  if what ~= PARKED then leave(task, co, ok, what) end
end

local function body(fn, ...)
  fn(...)
  return ENDED
end

local function begin(task)
  local call, co = task._work, create(body)
  task._state, task._work = "begun", co
  current, started = task, 0
  local ok, what = resume(co, unpack(call, 1, call[0]))
  current = nil
  if what ~= PARKED then leave(task, co, ok, what) end
end

--- Tasks of a bulk begin in the order in which they were started.
local function run_ready()
  local budget = RESUMES_PER_POLL
  while head <= tail and budget > 0 do
    local task = ready[head]
    ready[head] = nil
    head = head + 1
    local state = task._state
    if state == "new" and task._work.bulk and (crowd.holds() or crowd.is_here()) then
      crowd.hold(task)
    else
      budget = budget - 1
      if state == "begun" then
        go(task)
      elseif state == "new" then -- else it has ended
        begin(task)
      end
    end
  end
  if head > tail then head, tail = 1, 0 end
end

--- A pass otherwise. Polls once more at the end: what was queued goes out.
---@param idle boolean
---@param stuck function see drive()
local function pass(idle, stuck)
  local waits = idle and core.is_awaited()
  local count = poll(waits and -1 or 0)
  if idle and not waits and count == 0 and alive > 0 then stuck() end
end

--- Runs until every task has ended.
---@param stuck function called when no task is ready and nothing outside of them can change that
local function drive(stuck)
  while alive > 0 do
    run_ready()
    local idle = head > tail
    if crowd.holds() then
      crowd.pass(idle, begin, RESUMES_PER_POLL)
    else
      pass(idle, stuck)
    end
  end
end

--- Starts the first task and runs until it and all others have ended.
---@param stuck function see drive()
---@param task rill.Task
---@param fn function
---@return boolean ok, any err false when the loop failed: no task can go on then
function M.run(stuck, task, fn, ...)
  refuse_in_nginx "rill.run"
  if driving then errors.raise("rill.run: it runs already; rill.spawn starts a task in it") end
  driving = true
  M.start(task, fn, ...)
  local ok, err = pcall(drive, stuck)
  driving = false
  current = nil
  if not ok then -- the loop, or what luajit raises after Ctrl-C
    ready, head, tail, alive = {}, 1, 0, 0
    crowd.clear()
    core.forget_parked()
  end
  return ok, err
end

return M
