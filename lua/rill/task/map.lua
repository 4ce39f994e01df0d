--- rill.map: a function over many items, some at once, results in order of completion.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local handle = require("rill.task.handle")
local list_of = require("rill.core.list")
local queue = require("rill.task.queue")
local runtime = require("rill.runtime")
local task = require("rill.task")
local waiting = require("rill.task.waiting")

local start_again, rest_task, go_on, is_resting, may_rest, keep, take_kept = task.start_again, handle.rest,
  handle.go_on, handle.is_resting, handle.may_rest, handle.keep, handle.take_kept
local leaves_traces = handle.leaves_traces
local wake = runtime.wake

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
---@field private _results rill.Task[] workers that have done their item, whose results were not taken
---@field private _first integer index of the first of them
---@field private _last integer index of the last; 0: there is none
---@field private _pulling boolean a worker waits for the iterator
---@field private _exhausted boolean no more items will come
---@field private _broken rill.Task? the worker in which the iterator raised
---@field private _resting rill.Task[] workers whose results were taken, until they are started again
---@field private _resting_count integer
---@field private _closed boolean
---@field private _takers rill.Task[] waiting for a result
---@field private _taker rill.Task? the last one that asked
---@field private _parent rill.Task? that made it
---@field private _outer rill.Map|false whose worker that is
local Map = { dormant = "map" }
Map.__index = Map

local function wake_all(map, takers)
  map._takers = {}
  for i = 1, #takers do
    wake(takers[i])
  end
end

local function wake_takers(map)
  local takers = map._takers
  local taker = takers[1]
  if not taker then return end
  if takers[2] then return wake_all(map, takers) end
  takers[1] = nil -- as it nearly always is: the list is used again
  wake(taker)
end

local function next_item(map)
  if map._queue then
    return map._queue:take()
  end
  map._index = map._index + 1
  return map._list[map._index]
end

-- Whether one more item may be worked on.
local function has_room(map)
  return not map._exhausted and not map._pulling and map._running + map._last - map._first < map._concurrency - 1
end

local work

-- Starts a worker on an item, one that rests if there is one; nil: it asks the iterator.
local function start_worker(map, item)
  local parent, resting, count = map._parent or map._taker, map._resting, map._resting_count
  if count > 0 then
    local worker = resting[count]
    resting[count], map._resting_count = nil, count - 1
    start_again(worker, parent)
    worker:works_on(item)
  else
    local worker = task.start(parent, map, map, work, map)
    if runtime.rest then handle.lasts(worker) end
    worker:works_on(item)
  end
  map._running = map._running + 1
end

-- Starts work on the next item. Returns whether another one may follow at once.
local function start_one(map)
  if map._iterator then
    map._pulling = true
    start_worker(map)
    return false
  end
  local item = next_item(map)
  if item == nil then
    map._exhausted = not map._queue or map._queue:is_closed()
    return false
  end
  start_worker(map, item)
  return has_room(map)
end

--- Starts work as far as results are wanted.
local function fill(map)
  if not has_room(map) or not start_one(map) then return end
  repeat until not start_one(map) -- apart, for a loop stops the compiler
end

--- A worker has done with its item; nil: there was none.
---@private
function Map:child_ended(worker)
  local item = worker:item()
  self._running = self._running - 1
  if item == nil then
    self._exhausted = true
    self._broken = worker:has_failed() and worker
  elseif not self._closed then
    local last = self._last + 1
    self._results[last], self._last = worker, last
  end
  if self._takers[1] then wake_takers(self) end
end

-- Lets a worker rest until there is another item for it: for others it has ended.
local function rest(map, worker)
  rest_task(worker)
  map:child_ended(worker)
  local crew = map:member_ended()
  while crew do
    crew = crew:member_ended()
  end
  runtime.rest(worker)
  go_on(worker)
end

--- Works on one item. An iterator function may wait, so it is called here, where it holds up neither the loop nor the
--- other workers; and by one worker at a time.
---@return boolean whether there was one
local function do_item(map, worker)
  local item, fn, iterator = worker:item(), map._fn, map._iterator
  if iterator then
    item = iterator()
    map._pulling = false
    if item == nil then return false end
    worker:works_on(item)
    if map._takers[1] then fill(map) end
  end
  keep(worker, fn(item))
  return true
end

--- What a worker runs: one item after the other, as long as none leaves anything behind. Nothing of an item is here
--- while it rests.
function work(map)
  local worker = runtime.current()
  while do_item(map, worker) do
    if not may_rest(worker) then return take_kept(worker) end
    rest(map, worker)
  end
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
  map._taker, map._resting, map._resting_count = nil, {}, 0
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

-- What was done with an item. A worker that rests is started again.
local function take(map)
  local first = map._first
  local worker = map._results[first]
  map._results[first] = nil
  if first < map._last then
    map._first = first + 1
  else
    map._first, map._last = 1, 0
  end
  local item = worker:item()
  if not is_resting(worker) then return item, worker:_outcome() end
  worker:works_on(nil)
  local count = map._resting_count + 1
  map._resting[count], map._resting_count = worker, count
  return item, take_kept(worker)
end

-- There are no more.
local function finish(map)
  leave(map)
  if map._broken then map._broken:_unwrap() end
  return nil
end

-- The next result, waiting for it. Returns the item, nil when there are no more, and what fn returned
-- for it, or `nil, err` if it raised.
function Map:_next()
  local taker = task.current("rill.map")
  if self._closed then return nil end
  if self._last == 0 then runtime.waiter("rill.map") end -- before work is started
  self._taker = taker
  if self._queue then leaves_traces(taker) end -- it counts as the taker no longer than its own item lasts
  fill(self)
  if self._last > 0 then return take(self) end
  if is_finished(self) then return finish(self) end
  local takers = self._takers
  takers[#takers + 1] = taker
  runtime.park(self)
  return self:_next()
end

function Map:close()
  if self._closed then
    return
  end
  leave(self)
  self._results, self._first, self._last = {}, 1, 0
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
  return ("map: %d running, %d results to take, %s"):format(map._running, map._last - map._first + 1,
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
  if not (is_queue or is_iterator) and (type(items) ~= "table" or list_of.is_map(items)) then
    errors.raise("rill.map: items must be a list, an iterator function or a queue, got " .. list_of.shown(items))
  end
  local hole = not (is_queue or is_iterator) and list_of.hole(items)
  if hole then errors.raise(("rill.map: items[%d] is nil, and items stand behind it"):format(hole)) end
  arguments.callable("rill.map: fn", fn)
  arguments.options("rill.map: options", options, KNOWN)
  local concurrency = options and options.concurrency or DEFAULT_CONCURRENCY
  arguments.count("rill.map: concurrency", concurrency)
  local parent = runtime.current()
  local map = setmetatable({
    _fn = fn, _concurrency = concurrency,
    _queue = is_queue and items or nil, _iterator = is_iterator and items or nil, _list = items, _index = 0,
    _running = 0, _members = 0, _results = {}, _first = 1, _last = 0, _takers = {},
    _resting = {}, _resting_count = 0,
    _pulling = false, _exhausted = false, _closed = false,
    _parent = parent, _outer = parent and parent:crew() or false,
  }, Map)
  if parent then
    parent:owns_map(map)
  end
  if is_queue then
    items:feeds(map)
  end
  return wrap(map)
end
