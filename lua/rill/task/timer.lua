--- Time: now, sleep, timeout.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local runtime = require("rill.runtime")
local task = require("rill.task")

local M = {}

local id = ffi.new("rill_id")
local err = ffi.new("rill_error")

--- Wakes a task once, `seconds` from now. Both a receiver of events and something to wait for.
---@class rill.Timer
---@field slot integer? nil: it fired, or was stopped
---@field generation integer
---@field fired boolean
---@field task rill.Task that is woken
local Timer = {}
Timer.__index = Timer

--- Starts a timer that wakes `waiter`, whatever that then waits for.
---@param seconds number
---@param waiter rill.Task
---@return rill.Timer
function M.start(seconds, waiter)
  if C.rill_timer_start(runtime.loop(), seconds, id, err) ~= 0 then
    error("rill: no timer: " .. ffi.string(err.message), 0)
  end
  local timer = setmetatable({ slot = id.slot, generation = id.generation, fired = false, task = waiter }, Timer)
  runtime.watch(timer.slot, timer.generation, timer)
  return timer
end

function Timer:on_event()
  runtime.unwatch(self.slot)
  self.slot, self.fired = nil, true
  runtime.wake(self.task)
end

--- Ends the timer; one that fired or was stopped is left alone.
function Timer:stop()
  local slot = self.slot
  if slot then
    self.slot = nil
    runtime.unwatch(slot, self)
    C.rill_drop(runtime.loop(), slot, self.generation)
  end
end

Timer.abandon = Timer.stop

--- Monotonic seconds. Only differences mean something.
---@return number
function M.now()
  return C.rill_now()
end

--- Suspends the current task. A time of 0 or less lets others run; math.huge waits to be cancelled.
---@param seconds number
function M.sleep(seconds)
  arguments.seconds("rill.sleep: seconds", seconds)
  local timer = M.start(seconds, runtime.waiter("rill.sleep"))
  repeat
    runtime.park(timer)
  until timer.fired
end

-- A child task and the time it has: what a task in rill.timeout waits for.
local Deadline = {}
Deadline.__index = Deadline

function Deadline:child_ended()
  if not self.over then
    runtime.wake(self.task)
  end
end

function Deadline:abandon()
  if self.timer then self.timer:stop() end
  self.child:cancel()
end
Deadline.give_back = Deadline.abandon -- the time was up, or the child has ended: the other one goes on

--- Runs `fn(...)` as a child task and cancels it after `seconds`.
---@param seconds number math.huge: never
---@param fn function what it raises is raised again
---@return any ... its results, or nil
---@return rill.Error err with reason "timeout"
function M.timeout(seconds, fn, ...)
  arguments.seconds("rill.timeout: seconds", seconds)
  arguments.callable("rill.timeout: fn", fn)
  local waiter = runtime.waiter("rill.timeout")
  local deadline = setmetatable({ task = waiter }, Deadline)
  if seconds == math.huge then
    deadline.dormant = "rill.timeout"
  else
    deadline.timer = M.start(seconds, waiter)
  end
  local child = task.start(waiter, deadline, nil, fn, ...)
  deadline.child = child
  repeat
    runtime.park(deadline)
  until child:has_ended() or deadline.timer and deadline.timer.fired
  if deadline.timer then deadline.timer:stop() end
  deadline.over = true -- from here on the task waits for other things: the child must not wake it
  if child:has_ended() then
    return child:_unwrap()
  end
  child:cancel()
  return nil, errors.new {
    reason = "timeout",
    message = ("the task had not ended after %g s"):format(seconds),
  }
end

return M
