--- Tasks on a loop of our own: `rill.run` polls, hands events to their receivers, resumes tasks.
---
--- All that differs between worlds is here and in this module's siblings.
---
--- A receiver is a table with a field `generation` and a method `on_event(ev)`, which copies what it
--- needs out of `ev`, may wake tasks, and may neither wait nor raise.
---
--- What a task waits for is a table with the method
---   abandon(task)    the task was cancelled before it was woken: drop what it waited for
--- and, where there is more to say,
---   give_back(task)  it was woken, then cancelled before it ran: what it was handed goes elsewhere
---   dormant          only other tasks can end this wait, no timer and no peer: its name ("queue:pop")
---   background       such a wait that may also end from outside, but keeps nobody up: a signal
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local cancelled = require("rill.task.cancelled")
local errors = require("rill.errors")
local hooks = require("rill.core.hooks")
local loops = require("rill.runtime.loop")
local misplaced = require("rill.task.misplaced")

local M = {
  name = "standalone", deferred = 0,
  loop = loops.get, watch = loops.watch, unwatch = loops.unwatch, take_events = loops.take_events,
}

local create, resume, yield, running, isyieldable =
  coroutine.create, coroutine.resume, coroutine.yield, coroutine.running, coroutine.isyieldable
local poll = loops.poll

local RESUMES_PER_POLL = 256 -- tasks that keep waking each other must not keep the network waiting
local MAX_REFUSALS = 1000 -- waits a cancelled task may try before it is dropped where it stands

-- While so many requests wait to be sent, tasks that have not begun are held back: they would only
-- make that line longer, and a task that has not begun takes a fifth of the memory of one that waits.
-- Held back are those of a task that has started more than BULK of them without waiting itself.
local CROWD = 10000
local BULK = 1000
local BEGIN_IN_CROWD = 8 -- begin all the same, each time the network was looked at
local CROWD_MS = 1 -- when nothing happens for so long, RESUMES_PER_POLL begin

-- What a task's coroutine hands to step(): private, so whatever else comes is a stray yield.
local PARKED, ENDED, DROPPED = {}, {}, {}

local ready, head, tail = {}, 1, 0 -- woken and new tasks, in order
local held, held_head, held_tail = {}, 1, 0 -- new tasks that are held back, in order
local started = 0 -- tasks that the current one has started since it was resumed
local counters = ffi.new("rill_counters")
local current -- the task that runs
local alive = 0 -- tasks that were started and have not ended
local external = 0 -- parked tasks that something outside of them can wake
local driving = false
local hooks_due = {} -- of {fn, a, b}

--- The running task, nil outside of tasks.
---@return rill.Task?
function M.current()
  return current
end

--- Queues what calls a hook of the script: the next task that enters or leaves a rill call runs
--- `fn(a, b)`, one of rill.hooks, which raise nothing.
function M.defer(fn, a, b)
  local n = M.deferred + 1
  hooks_due[n] = { fn, a, b }
  M.deferred = n
end

--- Runs the queued hooks. Callers look at `deferred` first.
function M.run_deferred()
  local due = hooks_due
  hooks_due = {}
  M.deferred = 0
  for i = 1, #due do
    due[i][1](due[i][2], due[i][3])
  end
end

--- Whether a call made here and now may wait: in a task itself, not below a C function, not in a hook.
---@return boolean
function M.may_wait()
  local task = current
  return task ~= nil and running() == task._co and not task._hook and isyieldable()
end

--- Every wait of a cancelled task raises. One that catches that again and again ends all the same.
local function refuse(task)
  task._refusals = (task._refusals or 0) + 1
  if task._refusals > MAX_REFUSALS then
    yield(DROPPED)
  end
  error(cancelled, 0)
end

--- The current task, which is about to wait. Raises where it cannot: outside of a task, in a coroutine
--- that is not the task's own, below a C function; in a hook; rill.cancelled in a cancelled task. So it
--- is asked before anything is done that a call that raises must not have done.
---@param call string
---@param waiting table? what the task would wait for: a cancelled one abandons it
---@return rill.Task
function M.waiter(call, waiting)
  local task = current
  if task == nil or running() ~= task._co or not isyieldable() then misplaced(call, task) end
  if task._cancelled then
    if waiting then waiting:abandon(task) end
    refuse(task)
  end
  if task._hook then -- who called the hook looks whether it waited
    task._hook = "waited"
    errors.raise(call .. " waits: a hook may not wait")
  end
  return task
end

--- Suspends the current task, which was asked for with waiter(), until wake(task). The caller looks at its
--- own object afterwards, and parks again if what it waits for has not come. Raises rill.cancelled in a
--- cancelled task.
---@param waiting table see above
function M.park(waiting)
  local task = current
  if task._cancelled then -- by itself, since it asked
    waiting:abandon(task)
    refuse(task)
  end
  task._waiting = waiting
  if not waiting.dormant then
    external = external + 1
  end
  yield(PARKED)
  if M.deferred > 0 then
    M.run_deferred()
  end
  if task._cancelled then
    if task._abandoned ~= waiting and waiting.give_back then
      waiting:give_back(task)
    end
    refuse(task)
  end
end

--- Makes a parked task ready; any other is left alone. Only for what it is parked on: who leaves a wait
--- makes sure that nothing wakes it for that later.
---@param task rill.Task
function M.wake(task)
  local waiting = task._waiting
  if waiting == nil then
    return
  end
  task._waiting = nil
  if not waiting.dormant then
    external = external - 1
  end
  tail = tail + 1
  ready[tail] = task
end

--- Somebody waits for this task's end: it is not held back any more.
---@param task rill.Task
function M.hurry(task)
  local call = task._co
  if type(call) == "table" then
    call.bulk = nil
    if call.held then
      call.held = nil
      tail = tail + 1
      ready[tail] = task
    end
  end
end

--- Marks a task as cancelled and ends the wait it is in.
---@param task rill.Task
function M.cancel(task)
  if task._cancelled then
    return
  end
  task._cancelled = true
  M.hurry(task)
  local waiting = task._waiting
  if waiting then
    task._abandoned = waiting
    waiting:abandon(task)
    M.wake(task)
  end
end

local function body(fn, ...)
  fn(...)
  return ENDED
end

--- Starts a task: `fn(...)` runs in it when its turn comes, and does not raise.
---@param task rill.Task
---@param fn function
function M.start(task, fn, ...)
  if not driving then
    errors.raise("tasks run inside rill.run(fn) only")
  end
  started = started + 1
  -- what it begins with, at [0] how many values
  local call = { [0] = select("#", ...) + 1, fn, ... }
  if started > BULK then
    call.bulk = true -- it may be held back
  end
  task._co = call
  alive = alive + 1
  tail = tail + 1
  ready[tail] = task
end

--- A task's coroutine came back with anything but a wait.
local function settle(task, co, ok, what)
  alive = alive - 1
  if what == ENDED then
    return
  end
  local trace = debug.traceback(co)
  if not ok then
    task:_break(what, trace)
  elseif what == DROPPED then
    task:_break(cancelled, trace)
    M.defer(hooks.warn, ("a cancelled task caught rill.cancelled in %d waits and was dropped where it stood")
      :format(MAX_REFUSALS), { traceback = trace })
  else
    task:_break("coroutine.yield was called in a task, outside of any coroutine of its own; "
      .. "rill.sleep(0) lets other tasks run", trace)
  end
end

local function step(task)
  local co = task._co
  if not co then return end -- it has ended
  current, started = task, 0
  local ok, what = resume(co)
  current = nil
  if what ~= PARKED then
    settle(task, co, ok, what)
  end
end

local function begin(task)
  local call, co = task._co, create(body)
  task._co = co
  current, started = task, 0
  local ok, what = resume(co, unpack(call, 1, call[0]))
  current = nil
  if what ~= PARKED then
    settle(task, co, ok, what)
  end
end

local function is_new(task)
  return type(task._co) == "table"
end

local function is_crowded()
  C.rill_loop_counters(loops.get(), counters)
  return counters.waiting >= CROWD
end

--- Tasks of a bulk begin in the order in which they were started.
local function run_ready()
  local budget = RESUMES_PER_POLL
  while head <= tail and budget > 0 do
    local task = ready[head]
    ready[head] = nil
    head = head + 1
    if not is_new(task) then
      budget = budget - 1
      step(task)
    elseif task._co.bulk and (held_head <= held_tail or is_crowded()) then
      task._co.held = true
      held_tail = held_tail + 1
      held[held_tail] = task
    else
      budget = budget - 1
      begin(task)
    end
  end
  if head > tail then
    head, tail = 1, 0
  end
end

---@param most integer
local function begin_held(most)
  while held_head <= held_tail and most > 0 do
    local task = held[held_head]
    held[held_head] = nil
    held_head = held_head + 1
    if is_new(task) and task._co.held then -- else somebody was in a hurry
      most = most - 1
      begin(task)
    end
  end
  if held_head > held_tail then
    held_head, held_tail = 1, 0
  end
end

--- A pass while new tasks are held back.
---@param idle boolean no task is ready
local function pass_crowd(idle)
  local waits = idle and is_crowded()
  local count = poll(waits and CROWD_MS or 0)
  local moves = not waits or count > 0
  begin_held(moves and is_crowded() and BEGIN_IN_CROWD or RESUMES_PER_POLL)
end

--- A pass otherwise. Polls once more at the end: what was queued goes out.
---@param idle boolean
---@param stuck function see drive()
local function pass(idle, stuck)
  local waits = idle and external > 0
  local count = poll(waits and -1 or 0)
  if idle and not waits and count == 0 and alive > 0 then
    stuck()
  end
end

--- Runs until every task has ended.
---@param stuck function called when no task is ready and nothing outside of them can change that
local function drive(stuck)
  while alive > 0 do
    run_ready()
    local idle = head > tail
    if held_head <= held_tail then
      pass_crowd(idle)
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
  if driving then
    errors.raise("rill.run: it runs already; rill.spawn starts a task in it")
  end
  driving = true
  M.start(task, fn, ...)
  local ok, err = pcall(drive, stuck)
  driving = false
  current = nil
  if not ok then -- the loop, or what luajit raises after Ctrl-C
    ready, head, tail, alive, external = {}, 1, 0, 0, 0
    held, held_head, held_tail = {}, 1, 0
  end
  return ok, err
end

return M
