--- Semaphores: at most n tasks at a time.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local failure = require("rill.task.failure")
local guard = require("rill.core.guard")
local waitlist = require("rill.task.waitlist")
local runtime = require("rill.runtime")
local shown = require("rill.core.shown")
local timer = require("rill.task.timer")

---@class rill.Semaphore
---@field private _size integer
---@field private _free integer permits that nobody holds
---@field private _waiters table line of Waiter
local Semaphore = {}
Semaphore.__index = Semaphore

-- A task that waits for a permit, and perhaps a timer.
local Waiter = { dormant = "semaphore:acquire" }
Waiter.__index = Waiter

function Waiter:abandon()
  self.semaphore._waiters:remove(self)
  if self.timer then
    self.timer:stop()
  end
end

function Waiter:give_back()
  self:abandon()
  if self.granted then
    self.semaphore:release()
  end
end

--- Takes a permit, waiting for one if need be; first come, first served.
---@param timeout number? seconds; 0 or less does not wait; math.huge: none
---@return true? ok
---@return rill.Error? err with reason "timeout"
function Semaphore:acquire(timeout)
  if type(timeout) ~= "nil" then
    arguments.seconds("semaphore:acquire: timeout", timeout)
    if timeout == math.huge then timeout = nil end
  end
  if self._free > 0 then
    self._free = self._free - 1
    return true
  end
  if not timeout or timeout > 0 then
    local waiter = setmetatable({ semaphore = self, task = runtime.waiter("semaphore:acquire") }, Waiter)
    if timeout then
      waiter.timer = timer.start(timeout, waiter.task)
      waiter.dormant = false
    end
    self._waiters:push(waiter)
    repeat
      runtime.park(waiter)
    until waiter.granted or waiter.timer and waiter.timer.fired
    waiter:abandon()
    if waiter.granted then
      return true
    end
  end
  return nil, errors.new {
    reason = "timeout",
    message = ("no permit of the semaphore came free within %g s"):format(math.max(timeout, 0)),
  }
end

--- Gives a permit back: to whoever waits longest.
function Semaphore:release()
  local waiter = self._waiters:shift()
  if waiter then
    waiter.granted = true
    runtime.wake(waiter.task)
  elseif self._free == self._size then
    errors.raise(("semaphore:release: all %d permits are free, release goes with acquire"):format(self._size))
  else
    self._free = self._free + 1
  end
end

-- Where a task may end without a word, what it holds is noted.
local function hold(semaphore)
  local task = runtime.loses_tasks and runtime.current()
  if task then task:takes_permit(semaphore) end
  return task
end

local function release(semaphore, task, ok, ...)
  if task then task:leaves_permit(semaphore) end
  semaphore:release()
  if not ok then
    failure.rethrow(...)
  end
  return ...
end

--- Runs `fn(...)` with a permit, which comes back however fn ends.
---@param fn function what it raises is raised again
---@return any ... its results
function Semaphore:with(fn, ...)
  arguments.callable("semaphore:with: fn", fn)
  self:acquire()
  return release(self, hold(self), xpcall(fn, failure.capture, ...))
end

Semaphore.__tostring = shown.semaphore
guard("semaphore", Semaphore, Semaphore)

--- Makes a semaphore.
---@param size integer how many may hold a permit at once
---@return rill.Semaphore
return function(size)
  arguments.count("rill.semaphore: n", size)
  local semaphore = setmetatable({ _size = size, _free = size, _waiters = waitlist() }, Semaphore)
  return semaphore
end
