--- What parking, waking, cancelling and deferring mean in every world that a script may live in.
---
--- A world (standalone.lua is one) gives the rest: how a task is suspended and made ready, which one runs
--- now, and who drives the loop. See `adopt`.
---
--- A receiver is a table with a method `on_event(ev)`, which copies what it
--- needs out of `ev`, may wake tasks, and may neither wait nor raise.
---
--- What a task waits for is a table with the method
---   abandon(task)    the task was cancelled before it was woken: drop what it waited for
--- and, where there is more to do,
---   give_back(task)  it was woken, then cancelled before it ran: what it was handed goes elsewhere
---   dormant          only other tasks can end this wait, no timer and no peer: its name ("queue:pop")
---   background       such a wait that may also end from outside, but keeps nobody up: a signal
local cancelled = require("rill.task.cancelled")
local errors = require("rill.errors")
local loops = require("rill.runtime.loop")
local misplaced = require("rill.core.lazy").module("rill.task.misplaced")
local slots = require("rill.task.slots")

local ERA, HOOK, CANCELLED, WAITING = slots.ERA, slots.HOOK, slots.CANCELLED, slots.WAITING

local M = {
  deferred = 0,
  MAX_REFUSALS = 1000, -- waits a cancelled task may try before it is dropped where it stands
  loop = loops.get, exists = loops.exists, loop_for = loops.get_for, is_inherited = loops.is_inherited,
  INHERITED = loops.INHERITED, watch = loops.watch, unwatch = loops.unwatch, take_events = loops.take_events,
}

local external = 0 -- parked tasks that something outside of them can wake
local era = 0 -- counts how often that began anew
local hooks_due = {} -- of {fn, a, b}
local current, can_wait, suspend, make_ready, hurry, drop -- the world's

--- What a world gives; these functions become fields of this module.
---@class rill.World
---@field name string rill.runtime
---@field current fun(): rill.Task? the running task, nil outside of tasks
---@field can_wait fun(task: rill.Task): boolean whether the running coroutine may suspend that task
---@field suspend fun(task: rill.Task, waiting: table) returns when the task goes on; what it waits for
---@field drop fun(task: rill.Task) ends a task that catches every error; does not return
---@field make_ready fun(task: rill.Task) a suspended task goes on at the next chance
---@field hurry fun(task: rill.Task) somebody waits for the end of that task
---@field start fun(task: rill.Task, fn: function, ...) has fn(...) run as the task when its turn comes, by root()
---@field rest fun(task: rill.Task)? suspends the current task, which has ended, until it is started again
---@field start_again fun(task: rill.Task)? a task that rests goes on when its turn comes; both, or neither
---@field admit (fun(call: string))? raises where no request may be sent
---@field own (fun(slot: integer, generation: integer))? a stream was opened
---@field loses_tasks boolean? tasks end without a word: see lose()
---@field makes_later boolean? clients make no loop before their first request
---@field gives_way boolean? the thread is somebody else's: readers who never have to wait do so at times
---@field runs_inline (fun(): boolean)? rill.run only calls its function
---@field run fun(stuck: function, task: rill.Task, fn: function, ...): boolean, any see rill.task
---@field is_driven fun(): boolean whether somebody else runs the loop: rill.run then only starts a task

--- Makes a world the one that this process lives in.
---@param world rill.World
function M.adopt(world)
  for name, value in pairs(world) do M[name] = value end
  current, can_wait, suspend, make_ready, hurry, drop =
    world.current, world.can_wait, world.suspend, world.make_ready, world.hurry, world.drop
end

function M.admit() end

function M.own() end

--- What runs in the coroutine of tasks, one after the other: rill.task puts its own here.
---@param next_task fun(): rill.Task?, function?, any a task that has begun; its function; the arguments of that, as
---  rill.task.values keeps them. nil: there are no more
function M.root(next_task) -- luacheck: ignore
end

--- Queues what calls a hook of the script: the next task that enters or leaves a rill call runs
--- `fn(a, b)`, one of rill.core.hooks, which raise nothing.
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
  local task = current()
  if not task then return false end
  local hook = task[HOOK]
  return hook ~= "runs" and hook ~= "waited" and can_wait(task)
end

--- Every wait of a cancelled task raises. One that catches that again and again ends all the same.
local function refuse(task)
  task._refusals = (task._refusals or 0) + 1
  if task._refusals > M.MAX_REFUSALS then drop(task) end
  error(cancelled, 0)
end

--- The current task, which is about to wait. Raises where it cannot: outside of a task, in a coroutine
--- that is not the task's own, below a C function; in a hook; rill.cancelled in a cancelled task. So it
--- is asked before anything is done that a call that raises must not have done.
---@param call string
---@param waiting table? what the task would wait for: a cancelled one abandons it
---@return rill.Task
function M.waiter(call, waiting)
  local task = current()
  if task == nil or not can_wait(task) then misplaced.raise(call, task) end
  if task[CANCELLED] then
    if waiting then waiting:abandon(task) end
    refuse(task)
  end
  local hook = task[HOOK]
  if hook == "runs" or hook == "waited" then -- who called the hook looks whether it waited
    task[HOOK] = "waited"
    errors.raise(call .. " waits: a hook may not wait")
  end
  return task
end

--- Suspends the current task, which was asked for with waiter(), until wake(task). The caller looks at its
--- own object afterwards, and parks again if what it waits for has not come. Raises rill.cancelled in a
--- cancelled task.
---@param waiting table see above
---@param task rill.Task? what waiter() has given, where nothing has run since: nginx is slow to find it again
function M.park(waiting, task)
  task = task or current()
  if task[CANCELLED] then -- by itself, since it asked
    waiting:abandon(task)
    refuse(task)
  end
  task[WAITING], task[ERA] = waiting, era
  if not waiting.dormant then external = external + 1 end
  suspend(task, waiting)
  if M.deferred > 0 then M.run_deferred() end
  if task[CANCELLED] then
    if task._abandoned ~= waiting and waiting.give_back then waiting:give_back(task) end
    refuse(task)
  end
end

--- Makes a parked task ready; any other is left alone. Only for what it is parked on: who leaves a wait
--- makes sure that nothing wakes it for that later.
---@param task rill.Task
function M.wake(task)
  local waiting = task[WAITING]
  if not waiting then return end
  task[WAITING] = false
  if not waiting.dormant and task[ERA] == era then external = external - 1 end
  make_ready(task)
end

--- Marks a task as cancelled and ends the wait it is in.
---@param task rill.Task
function M.cancel(task)
  if task[CANCELLED] then return end
  task[CANCELLED] = true
  hurry(task)
  local waiting = task[WAITING]
  if waiting then
    task._abandoned = waiting
    waiting:abandon(task)
    M.wake(task)
  end
end

--- The task will not go on, wherever it stands: ends the wait it is in, and gives back what it was handed and did
--- not see.
---@param task rill.Task
function M.lose(task)
  task[CANCELLED] = true
  local waiting, woken_from = task[WAITING], task._parked
  task._parked = nil
  if waiting then
    task._abandoned = waiting
    waiting:abandon(task)
    M.wake(task)
  elseif woken_from and woken_from.give_back and task._abandoned ~= woken_from then
    woken_from:give_back(task)
  end
end

--- Whether something outside of the tasks can wake one of them.
---@return boolean
function M.is_awaited()
  return external > 0
end

--- Nothing outside of the tasks wakes those that are parked now: the world has failed, or this process is a
--- child of the one where they wait.
function M.forget_parked()
  external = 0
  era = era + 1
end
loops.on_renewal = M.forget_parked

return M
