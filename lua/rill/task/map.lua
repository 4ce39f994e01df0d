--- rill.map: a function over many items, some at once, results in order of completion.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local waitlist = require("rill.task.waitlist")
local queue = require("rill.task.queue")
local runtime = require("rill.runtime")
local task = require("rill.task")
local waiting = require("rill.task.waiting")

local DEFAULT_CONCURRENCY = 16
local KNOWN = { concurrency = true }

---@class rill.Map what a script has of it is no table, see below
---@field dormant string
---@field private _fn function
---@field private _concurrency integer
---@field private _queue rill.Queue? where items come from: one of these three
---@field private _iterator function?
---@field private _list table?
---@field private _index integer of the last item taken from the list
---@field private _running integer workers
---@field private _members integer workers and the tasks they spawned
---@field private _results table line of workers that ended and were not shown yet
---@field private _pulling boolean a worker waits for the iterator
---@field private _exhausted boolean no more items will come
---@field private _broken rill.Task? the worker in which the iterator raised
---@field private _closed boolean
---@field private _takers rill.Task[] waiting for a result
---@field private _taker rill.Task? the last one that asked
---@field private _parent rill.Task? that made it
---@field private _outer rill.Map? whose worker that is
local Map = { dormant = "map" }
Map.__index = Map

local function wake_takers(map)
  local takers = map._takers
  if takers[1] then
    map._takers = {}
    for i = 1, #takers do
      runtime.wake(takers[i])
    end
  end
end

local function next_item(map)
  if map._queue then
    return map._queue:take()
  end
  map._index = map._index + 1
  return map._list[map._index]
end

local pull

--- Starts work as far as results are wanted.
local function fill(map)
  while not map._exhausted and not map._pulling
    and map._running + map._results.count < map._concurrency do
    local parent = map._parent or map._taker
    if map._iterator then
      map._pulling = true
      task.start(parent, map, map, pull, map)
    else
      local item = next_item(map)
      if item == nil then
        map._exhausted = not map._queue or map._queue:is_closed()
        return
      end
      task.start(parent, map, map, map._fn, item):works_on(item)
    end
    map._running = map._running + 1
  end
end

--- A worker whose item comes from an iterator function. That may wait, so it is called here, where
--- it holds up neither the loop nor the other workers; and by one worker at a time.
function pull(map)
  local item = map._iterator()
  map._pulling = false
  if item == nil then
    return
  end
  runtime.current():works_on(item)
  if map._takers[1] then
    fill(map)
  end
  return map._fn(item)
end

--- A worker ended.
---@private
function Map:child_ended(worker)
  self._running = self._running - 1
  if worker:item() == nil then
    self._exhausted = true
    self._broken = worker:has_failed() and worker
  elseif not self._closed then
    self._results:push(worker)
  end
  wake_takers(self)
end

--- A worker, or a task that counts as one, started.
---@private
---@return rill.Map? the map whose worker has made this one
function Map:member_started()
  self._members = self._members + 1
  return self._outer
end

---@private
function Map:member_ended()
  self._members = self._members - 1
  if self._members == 0 then
    wake_takers(self)
  end
  return self._outer
end

---@private
---@return rill.Map? the map whose worker has made this one
function Map:outer()
  return self._outer
end

---@private
---@return boolean
function Map:takes_from(source)
  return self._queue == source
end

--- Whether that task runs the loop over it.
---@private
---@return boolean
function Map:is_taken_by(taker)
  return self._taker == taker
end

--- The queue got an item, or was closed.
---@private
function Map:item_came()
  wake_takers(self) -- and they start work: a task belongs to who has started it
end

--- A task that waited for a result was cancelled.
---@private
function Map:abandon(taker)
  waiting.leave(self._takers, taker)
end

local function leave(map)
  map._closed, map._exhausted = true, true
  map._taker = nil
  local parent, source = map._parent, map._queue
  if parent then parent:leaves_map(map) end
  if source then source:leave(map) end
  wake_takers(map)
end

local function is_finished(map)
  if map._running > 0 then
    return false
  end
  return map._exhausted or map._queue ~= nil and map._queue:count() == 0 and map._members == 0
end

-- The next result, waiting for it. Returns the item, nil when there are no more, and what fn returned
-- for it, or `nil, err` if it raised.
function Map:_next()
  local taker = task.current("rill.map")
  while not self._closed do
    if not self._results.first then runtime.waiter("rill.map") end -- before work is started
    self._taker = taker
    fill(self)
    local worker = self._results:shift()
    if worker then
      return worker:item(), worker:_outcome()
    end
    if is_finished(self) then
      leave(self)
      if self._broken then
        self._broken:_unwrap()
      end
      return nil
    end
    table.insert(self._takers, taker)
    runtime.park(self)
  end
  return nil
end

function Map:close()
  if self._closed then
    return
  end
  leave(self)
  self._results = waitlist()
  if self._members > 0 then
    task.cancel_where(function(member)
      local crew = member:crew()
      while crew and crew ~= self do
        crew = crew:outer()
      end
      return crew ~= nil
    end)
  end
end

-- What a script has is a userdata, for of a table ipairs and pairs would make a loop that never runs,
-- without a word: of this they raise.
local methods = {}

local function inner(outer)
  return getmetatable(outer).map
end

--- Cancels what runs. Results that were not taken are gone; errors among them go to rill.on_error.
--- May be called twice.
function methods:close()
  inner(self):close()
end

guard("map", nil, methods)

local function next_result(outer)
  return inner(outer):_next()
end

local function refuse()
  errors.raise("a rill.map is no list: for item, result, err in rill.map(items, fn) do")
end

local function index(_, name)
  return methods[name] or type(name) == "number" and refuse() or nil
end

local function show(outer)
  local map = inner(outer)
  return ("map: %d running, %d results to take, %s"):format(map._running, map._results.count,
    map._closed and "closed" or ("at most %d at once"):format(map._concurrency))
end

local function wrap(map)
  local outer = newproxy(true)
  local meta = getmetatable(outer)
  meta.map, meta.__call, meta.__index, meta.__tostring = map, next_result, index, show
  meta.__len, meta.__pairs, meta.__ipairs = refuse, refuse, refuse -- the last two where Lua asks them
  return outer
end


--- Runs `fn(item)` for each item, some at once. Work starts only as results are taken: with n at
--- once, at most n items are being worked on or wait to be taken. The end of the task that made the
--- map closes it.
---
--- Over a queue it ends when, as the loop asks for the next result, none waits, none runs (tasks
--- that workers spawned included) and the queue is empty.
---@param items table|function|rill.Queue a list, an iterator function (called without arguments until
---  it returns nil; may wait; what it raises is raised in the loop, after the last result), or a queue
---@param fn function
---@param options { concurrency: integer? }? (16)
---@return rill.Map iterator for a `for` loop: item, and what fn returned or `nil, err`
return function(items, fn, options)
  local is_queue, is_iterator = queue.is(items), arguments.is_callable(items)
  if not (is_queue or is_iterator) and type(items) ~= "table" then
    errors.raise("rill.map: items must be a list, an iterator function or a queue, got " .. errors.show(items))
  end
  arguments.callable("rill.map: fn", fn)
  arguments.options("rill.map: options", options, KNOWN)
  local concurrency = options and options.concurrency or DEFAULT_CONCURRENCY
  arguments.count("rill.map: concurrency", concurrency)
  local parent = runtime.current()
  local map = setmetatable({
    _fn = fn, _concurrency = concurrency,
    _queue = is_queue and items or nil, _iterator = is_iterator and items or nil, _list = items, _index = 0,
    _running = 0, _members = 0, _results = waitlist(), _takers = {},
    _pulling = false, _exhausted = false, _closed = false,
    _parent = parent, _outer = parent and parent:crew(),
  }, Map)
  if parent then
    parent:owns_map(map)
  end
  if is_queue then
    items:feeds(map)
  end
  return wrap(map)
end
