--- Tasks as coroutines, and the line of those that are ready: what worlds share in which rill resumes tasks itself.
local cancelled = require("rill.task.cancelled")
local core = require("rill.runtime.core")
local crowd = require("rill.runtime.crowd")
local hooks = require("rill.core.hooks")
local slots = require("rill.task.slots")
local values = require("rill.task.values")

local M = {
  holds_back = true, -- whether bulks of new tasks wait while there is a crowd
}

local create, resume, yield, running, isyieldable =
  coroutine.create, coroutine.resume, coroutine.yield, coroutine.running, coroutine.isyieldable
local getfenv_of = debug.getfenv -- of a coroutine, too

-- What a task begins with stands in itself: 100,000 that wait for their turn are 100,000 tables, and no more.
local FN, ARGUMENTS = slots.FN, slots.ARGUMENTS
local STATE, WORK, ERA = slots.STATE, slots.WORK, slots.ERA

local MAX_FREE = 1000 -- coroutines that are kept for further tasks of a bulk
local RESUMES_PER_POLL = 256 -- tasks that keep waking each other must not keep the network waiting

-- What a task's coroutine hands to go(): private, so whatever else comes is a stray yield.
local PARKED, ENDED, DROPPED, FREE = {}, {}, {}, {}

local ready, head, tail = {}, 1, 0 -- woken and new tasks, in order
local started = 0 -- tasks that the current one has started since it was resumed
local current -- the task that runs
local alive = 0 -- tasks that were started and have not ended

function M.current()
  return current
end

local foreign = setmetatable({}, { __mode = "kv" }) -- tasks of coroutines that rill did not make, by coroutine

--- The task of the coroutine that runs, which the script has made; nil in the main program.
---@param make fun(co: thread): rill.Task
---@return rill.Task?
function M.foreign(make)
  local co, is_main = running()
  if not co or is_main then return nil end
  local task = foreign[co]
  if not task then
    task = make(co)
    foreign[co] = task
  end
  return task
end

function M.can_wait(task)
  return running() == task[WORK] and isyieldable()
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
  local state = task[STATE]
  if state == "held" then make_ready(task) end
  if state == "held" or state == "bulk" then task[STATE] = "new" end
end

function M.start(task, fn, ...)
  task[FN], task[ARGUMENTS] = fn, values.pack(...)
  started = started + 1
  if started > crowd.BULK and M.holds_back then task[STATE] = "bulk" end
  alive = alive + 1
  make_ready(task)
end

--- The same for a task that rests.
---@param task rill.Task
function M.start_again(task)
  alive = alive + 1
  make_ready(task)
end

--- How many tasks were started and have not ended.
---@return integer
function M.alive()
  return alive
end

--- Whether no task is ready.
---@return boolean
function M.is_idle()
  return head > tail
end

--- A coroutine that rill did not make has raised: who resumed it last is rill, so nobody else hears of it.
local function report(co, what)
  hooks.report(tostring(what), { reason = "error", value = what, traceback = debug.traceback(co) })
end

local MAKING = {} -- instead of a task: a coroutine is made

-- Counts a task that has ended where a script has resumed its coroutine. Where rill has, leave() counts it.
local function count_out()
  if alive > 0 and not (current and current[STATE] == "ended") then alive = alive - 1 end
end

local function come_back(task)
  yield(ENDED)
  if current ~= task then return come_back(task) end -- a script has resumed it
end

--- A task has ended; its coroutine has not, and goes on when the task is started again.
---@param task rill.Task of the coroutine that runs
function M.rest(task)
  if current ~= task then count_out() end
  return come_back(task)
end

-- A script may have kept the coroutine, and resume it.
local function receive()
  local task, fn, given = yield(FREE)
  if task and task == current then return task, fn, given end
  return receive() -- no loop: it would stop the compiler
end

-- The next task of the coroutine that runs.
local function next_task()
  if current ~= MAKING then count_out() end
  return receive()
end

-- The same for a coroutine that has one task only.
local function only_task()
  if current ~= MAKING then return nil end -- that one has ended
  return receive()
end

local function body_of_one()
  core.root(only_task)
  count_out()
  return ENDED
end

local function body_of_many()
  core.root(next_task)
  count_out()
  return ENDED
end

-- A coroutine that waits for its first task.
local function new(body)
  local co, outer = create(body), current
  current = MAKING
  resume(co)
  current = outer
  return co
end

-- Coroutines that have run tasks of a bulk, and are to run others: one for each of 100,000 is a third of what such a
-- task takes in memory and time. What a script keeps by coroutine is there again then, so other tasks have their own.
local free, free_count = {}, 0
local globals = getfenv(0)

local function forget_free()
  if free_count > 0 then free, free_count = {}, 0 end
end

local function take_free()
  if free_count == 0 then return new(body_of_many) end
  local co = free[free_count]
  free[free_count], free_count = nil, free_count - 1
  return co
end

-- One whose globals a task has changed is left to the collector.
local function keep_free(co)
  if free_count < MAX_FREE and getfenv_of(co) == globals then
    free_count = free_count + 1
    free[free_count] = co
  end
end

--- A task's coroutine came back with anything but a wait.
local function leave(task, co, ok, what)
  if task._foreign then
    if not ok then report(co, what) end
    return
  end
  alive = alive - 1
  if what == FREE and alive > 0 then return keep_free(co) end
  if alive == 0 then forget_free() end
  if what == ENDED or what == FREE then return end
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
  local co = task[WORK]
  current, started = task, 0
  local ok, what = resume(co)
  current = nil
  if what ~= PARKED then leave(task, co, ok, what) end
end

-- Runs a new task until it waits or ends.
local function begin_in(co, task)
  local fn, given = task[FN], task[ARGUMENTS]
  task[STATE], task[WORK], task[ERA] = "begun", co, 0
  current, started = task, 0
  local ok, what = resume(co, task, fn, given)
  current = nil
  if what ~= PARKED then leave(task, co, ok, what) end
end

--- Runs a new task of a bulk until it waits or ends.
---@param task rill.Task
function M.begin_in_turn(task)
  begin_in(take_free(), task)
end
local begin_in_turn = M.begin_in_turn

--- Runs tasks that are ready, at most a few hundred. Those of a bulk begin in the order in which they were started.
function M.run_ready()
  local budget = RESUMES_PER_POLL
  while head <= tail and budget > 0 do
    local task = ready[head]
    ready[head] = nil
    head = head + 1
    local state = task[STATE]
    if state == "bulk" and (crowd.holds() or crowd.is_here()) then
      crowd.hold(task)
    else
      budget = budget - 1
      if state == "begun" then
        go(task)
      elseif state == "bulk" then
        begin_in_turn(task)
      elseif state == "new" then -- else it has ended
        begin_in(new(body_of_one), task)
      end
    end
  end
  if head > tail then head, tail = 1, 0 end
end

--- Forgets all: no task can go on.
function M.clear()
  ready, head, tail, alive, current = {}, 1, 0, 0, nil
  forget_free()
  crowd.clear()
  core.forget_parked()
end

return M
