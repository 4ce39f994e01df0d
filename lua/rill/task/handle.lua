--- A task: the handle that rill.spawn returns, from its making to its end.
local cancelled = require("rill.task.cancelled")
local errors = require("rill.errors")
local failure = require("rill.task.failure")
local guard = require("rill.core.guard")
local live = require("rill.task.live")
local runtime = require("rill.runtime")
local shown = require("rill.core.shown")
local slots = require("rill.task.slots")
local unjoined = require("rill.task.unjoined")
local values = require("rill.task.values")
local waiting = require("rill.task.waiting")

local KEPT, PARENT, STATE, WORK = slots.KEPT, slots.PARENT, slots.STATE, slots.WORK
local CANCELLED, WAITING = slots.CANCELLED, slots.WAITING

local pack, unpack_values = values.pack, values.unpack

local M = {}

--- A task. The handle that rill.spawn returns.
---@class rill.Task
---@field dormant string the call that waits in it
---@field private [integer] any see rill.task.slots. Its state: "bulk": new, but a crowd may hold it back; "held": it
---  does; what one that has begun waits for is WAITING; "resting": see below
---@field private _owner table? gets owner:child_ended(task)
---@field private _crew rill.Map? the map whose worker, or whose worker's task, this is
---@field private _maps table? maps that this task made: closed when it ends
---@field private _joiners table? tasks that wait for its end
---@field private _clean boolean? of one that does several things: the last one has left nothing in it
---@field private _failure rill.Failure?
---@field private _report rill.Report? of its failure
---@field private _sentinel userdata? whose finalizer sends that report
---@field private _error rill.Error? made of the failure when it is joined
---@field private _rethrown rill.Failure|false|nil that crosses this task from another
---@field private _item any of a map, which it works on
---@field private _abandoned table? the wait that ended because it was cancelled
---@field private _foreign boolean? a coroutine that rill did not make
---@field private _refusals integer? waits that it has tried since
---@field private _parked table? what it waits for, where tasks may be lost, until it goes on
---@field private _thread thread? inside nginx: its coroutine; the next ones too
---@field private _address ffi.cdata*? of that coroutine
---@field private _session rill.Session? the request it belongs to
---@field private _cell rill.Cell? what it waits with
---@field private _ready boolean? it was woken
---@field private _spawner rill.Task? whose light thread has made its own
---@field private _ended table? light threads that it made and that have ended
---@field private _permits rill.Semaphore[]? that semaphore:with holds for it, where tasks may be lost
local Task = { dormant = "task:join" } -- it is itself what a joining task waits for
Task.__index = Task

--- Ends a task: after this line its outcome is fixed. A field that is not there is not set to nil: that
--- would make room for it.
---@param task rill.Task
---@param ok boolean
---@param ... any its results, or what was raised
local function finish(task, ok, ...)
  live.remove(task)
  task[STATE], task[WORK] = "ended", false
  if task._rethrown then task._rethrown = nil end
  if not ok then
    local raised = ...
    task._failure = type(raised) == "table" and raised or { value = raised, traceback = "" }
  elseif not task[CANCELLED] then
    task[WORK] = pack(...)
  end
  local maps = task._maps
  if maps then
    for map in pairs(maps) do
      map:close()
    end
  end
  local joiners, owner, crew = task._joiners, task._owner, task._crew
  if not ok and task._failure.value ~= cancelled then
    task._report, task._sentinel = unjoined.watch(task._failure)
  end
  if owner then owner:child_ended(task) end
  while crew do
    crew = crew:member_ended()
  end
  if joiners and joiners[1] then
    runtime.wake(joiners[1])
    for i = 2, #joiners do -- rarely entered: a loop stops the compiler
      runtime.wake(joiners[i])
    end
  end
  -- What a finished task was part of must not live as long as its handle.
  task[PARENT] = false
  if joiners then task._joiners = nil end
  if owner then task._owner = nil end
  if task._crew then task._crew = nil end
  if maps then task._maps = nil end
end
M.finish = finish

-- A task may do several things, one after the other, of which each is a task to those who look: between two of them it
-- rests. Then it is none of the live ones, and nothing waits in it; so one that nobody starts again is garbage.

--- The task will do several things.
---@param task rill.Task
function M.lasts(task)
  task._clean, task._rethrown = true, false
end

--- Something will stay in the task, and belongs to what it does now: it will not rest, but end, and so end that.
---@param task rill.Task
function M.leaves_traces(task)
  if task._clean then task._clean = false end
end

--- Keeps what the function has returned for the last thing.
---@param task rill.Task
function M.keep(task, ...)
  task[KEPT] = pack(...)
end

--- What was kept; forgets it.
---@param task rill.Task
---@return any ...
function M.take_kept(task)
  local results = task[KEPT]
  task[KEPT] = 0 -- an era
  return unpack_values(results)
end

--- Whether a task may rest which has done one thing.
---@param task rill.Task
---@return boolean
function M.may_rest(task)
  return task._clean and not (task._rethrown or task[CANCELLED])
end

--- The task rests from now on: it leaves the list of live tasks. The caller then informs its map and suspends it.
---@param task rill.Task
function M.rest(task)
  live.remove(task)
  task[STATE], task[PARENT] = "resting", false
end

---@param task rill.Task
---@return boolean
function M.is_resting(task)
  return task[STATE] == "resting"
end

--- It was started again, and will go on in its turn.
---@param task rill.Task
---@param parent rill.Task
function M.begin_again(task, parent)
  task[STATE], task[PARENT] = "begun", parent
end

--- It goes on, unless it was cancelled meanwhile.
---@param task rill.Task
function M.go_on(task)
  if task[CANCELLED] then error(cancelled, 0) end
end

--- The runtime could not go on with this task: a stray yield, mostly.
---@private
function Task:_break(value, trace)
  if self[STATE] ~= "ended" then
    finish(self, false, { value = value, traceback = failure.traceback(self, trace) })
  end
end

--- Makes one that waits for its turn. Most have no fields, and so no room for any.
---@param parent rill.Task?
---@param owner table?
---@param crew rill.Map?
---@return rill.Task
function M.new(parent, owner, crew)
  local task = {
    [0] = 0, "new", false, 0, false, false, parent or false, false, -- see rill.task.slots
  }
  if owner then task._owner = owner end
  if crew then task._crew = crew end
  return setmetatable(task, Task)
end

--- The task of a coroutine that rill did not make, for a world in which such a one may wait. Nobody is told of its
--- end.
---@param co thread
---@return rill.Task
function M.foreign(co)
  local task = M.new()
  task[STATE], task[WORK], task._foreign = "begun", co, true
  return task
end

--- The same for a light thread of nginx; all that it will get is named here, so the table never grows.
---@param co thread
---@param session rill.Session
---@param address ffi.cdata*
---@return rill.Task
function M.light(co, session, address)
  return setmetatable({
    [0] = 0, "begun", co, 0, false, false, false, false, -- see rill.task.slots
    _foreign = true, _thread = co, _session = session, _address = address, _parked = false, _cell = false,
    _ready = false,
  }, Task)
end

local function wait_for(task)
  local waiter = runtime.waiter("task:join", task)
  if waiter == task then errors.raise("task:join: a task cannot wait for its own end") end
  runtime.hurry(task)
  local joiners = task._joiners
  if joiners then
    joiners[#joiners + 1] = waiter
  else
    task._joiners = { waiter }
  end
  runtime.park(task)
end

--- Waits until the task has ended. A caller that is cancelled meanwhile takes the task along, unless
--- others wait for it too.
---@return any ... what its function returned, or nil
---@return rill.Error err `reason` "error" (with `message`, `traceback` and `value`, what was raised)
---  or "cancelled"
function Task:join()
  while self[STATE] ~= "ended" do
    wait_for(self)
  end
  return self:_outcome()
end

--- Cancels the task: rill.cancelled is raised from the wait it is in and from every later one, and what
--- it waited for is cancelled. Nothing happens to a task that has ended.
function Task:cancel()
  if self[STATE] ~= "ended" then runtime.cancel(self) end
end

--- Who waits for this task no longer does.
---@private
function Task:abandon(waiter)
  local joiners = self._joiners or {}
  waiting.leave(joiners, waiter)
  if #joiners == 0 then self:cancel() end
end

--- A semaphore's permit is held by the task, for as long as a function runs.
---@private
function Task:takes_permit(semaphore)
  self._permits = self._permits or {}
  table.insert(self._permits, semaphore)
end

---@private
function Task:leaves_permit(semaphore)
  local permits = self._permits
  for i = #permits, 1, -1 do
    if permits[i] == semaphore then return table.remove(permits, i) end
  end
end

--- What a join returns. From now on somebody has seen how this task ended.
---@private
function Task:_outcome()
  if self._report then self._report:seen() end
  local failed = self._failure
  if not (failed or self[CANCELLED]) then return unpack_values(self[WORK]) end
  if not self._error then
    local raised = failed and failed.value ~= cancelled
    self._error = errors.new {
      reason = (self[CANCELLED] or not raised) and "cancelled" or "error",
      message = raised and failure.message(failed) or "the task was cancelled",
      traceback = raised and failed.traceback or nil,
      value = raised and failed.value or nil,
    }
  end
  return nil, self._error
end

--- What the task's function returned; what it raised is raised again, here.
---@private
function Task:_unwrap()
  local failed = self._failure
  if failed then
    if self._report then self._report:seen() end
    failure.rethrow(failed)
  else
    return unpack_values(self[WORK])
  end
end

---@private
---@return boolean
function Task:has_ended()
  return self[STATE] == "ended"
end

--- Whether it has raised, rill.cancelled included.
---@private
---@return boolean
function Task:has_failed()
  return self._failure ~= nil
end

--- The name of the wait that only another task can end; nil: it is in none.
---@private
---@return string?
function Task:waits_in()
  return self[WAITING] and self[WAITING].dormant
end

-- The set of the maps that a task made does not keep those alive that nobody else knows.
local WEAK = { __mode = "k" }

--- It works for a map on that item.
---@private
function Task:works_on(item)
  self._item = item
end

---@private
function Task:item()
  return self._item
end

--- It has made a map, which its end closes.
---@private
function Task:owns_map(map)
  M.leaves_traces(self)
  self._maps = self._maps or setmetatable({}, WEAK)
  self._maps[map] = true
end

--- That map is closed.
---@private
function Task:leaves_map(map)
  if self._maps then self._maps[map] = nil end
end

--- The map whose worker, or whose worker's task, it is.
---@private
---@return rill.Map?
function Task:crew()
  return self._crew
end

Task.__tostring = shown.task
guard("task", Task, Task, { abandon = true, has_ended = true, has_failed = true, waits_in = true, works_on = true,
  item = true, owns_map = true, leaves_map = true, crew = true })

--- A task will not go on, wherever it stands: it ends as cancelled, and gives back what it holds.
---@param task rill.Task
function M.lose(task)
  if task[STATE] == "ended" then return end
  if task._foreign and not (task[WAITING] or task._parked or task._maps or task._permits) then
    task[STATE] = "ended" -- nobody has heard of it
    return
  end
  runtime.lose(task)
  local permits = task._permits or {}
  for i = #permits, 1, -1 do
    permits[i]:release()
  end
  if task[STATE] ~= "ended" then finish(task, false, { value = cancelled, traceback = "" }) end
end

return M
