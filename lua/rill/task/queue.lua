--- Queues: first in, first out, between tasks. An item goes straight to the task that waits longest.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local waitlist = require("rill.task.waitlist")
local runtime = require("rill.runtime")
local shown = require("rill.core.shown")
local task = require("rill.task")
local waiting = require("rill.task.waiting")

local M = {}

---@class rill.Queue
---@field private _items table from index _head to _tail
---@field private _head integer
---@field private _tail integer
---@field private _max number
---@field private _poppers table line of Popper: while there is one, no item is left
---@field private _pushers table line of Pusher
---@field private _maps rill.Map[] that take their items here
---@field private _closed boolean
local Queue = {}
Queue.__index = Queue

-- A task that waits for an item.
local Popper = { dormant = "queue:pop" }
Popper.__index = Popper

function Popper:abandon()
  self.queue._poppers:remove(self)
end

function Popper:give_back()
  if self.item ~= nil then
    self.queue:_unpop(self.item)
  end
end

-- A task that waits for room for its item.
local Pusher = { dormant = "queue:push" }
Pusher.__index = Pusher

function Pusher:abandon()
  self.queue._pushers:remove(self)
end

local function append(queue, item)
  queue._tail = queue._tail + 1
  queue._items[queue._tail] = item
end

--- Hands an item to who waits for one.
---@return boolean? whether somebody did
local function hand_over(queue, item)
  local popper = queue._poppers:shift()
  if popper then
    popper.item, popper.done = item, true
    runtime.wake(popper.task)
    return true
  end
end

--- Wakes maps whose loop waits for a result that there is more to do, or that no more will come.
local function tell_maps(queue)
  local maps = queue._maps
  for i = 1, #maps do
    maps[i]:item_came()
  end
end

--- Puts back an item that a cancelled task was handed and did not see.
---@private
function Queue:_unpop(item)
  if not hand_over(self, item) then
    self._head = self._head - 1
    self._items[self._head] = item
    tell_maps(self)
  end
end

--- Whether `pusher` would wait for itself: it works for a map that takes its items here, or runs the
--- loop over one.
local function feeds_itself(queue, pusher)
  local crew = pusher:crew()
  while crew do
    if crew:takes_from(queue) then return true end
    crew = crew:outer()
  end
  for _, map in ipairs(queue._maps) do
    if map:is_taken_by(pusher) then return true end
  end
  return false
end

local function wait_for_room(queue, item)
  local pusher = setmetatable({ queue = queue, item = item, task = runtime.waiter("queue:push") }, Pusher)
  queue._pushers:push(pusher)
  repeat
    runtime.park(pusher)
  until pusher.done
  if pusher.refused then
    return nil, errors.new { reason = "cancelled", message = "the queue was closed before it had room" }
  end
  return true
end

--- Appends an item. Waits while the queue is full, but not in a task that a map over this queue
--- runs, nor in the loop over such a map: they are who makes room. A closed queue takes none.
---@param item any not nil
---@return true? ok
---@return rill.Error? err with reason "cancelled": the queue was closed while this call waited
function Queue:push(item)
  if item == nil then
    errors.raise("queue:push: the item must not be nil")
  end
  if self._closed then
    errors.raise("queue:push: the queue is closed, got " .. errors.show(item))
  end
  if hand_over(self, item) then
    return true
  end
  if self:count() >= self._max then
    local pusher = task.current("queue:push")
    if not feeds_itself(self, pusher) then
      return wait_for_room(self, item)
    end
  end
  append(self, item)
  tell_maps(self)
  return true
end

--- Takes the oldest item, if there is one now.
---@private
---@return any item nil when the queue is empty
function Queue:take()
  local head = self._head
  if head > self._tail then
    return nil
  end
  local item = self._items[head]
  self._items[head] = nil
  self._head = head + 1
  if self._head > self._tail then
    self._head, self._tail = 1, 0
  end
  while self._pushers.first and self:count() < self._max do
    local pusher = self._pushers:shift()
    pusher.done = true
    append(self, pusher.item)
    runtime.wake(pusher.task)
  end
  return item
end

--- Takes the oldest item; waits for one.
---@return any item nil when the queue is closed and empty
function Queue:pop()
  local item = self:take()
  if item ~= nil or self._closed then
    return item
  end
  local popper = setmetatable({ queue = self, task = runtime.waiter("queue:pop") }, Popper)
  self._poppers:push(popper)
  repeat
    runtime.park(popper)
  until popper.done
  return popper.item
end

--- No more items will come: who waits for one gets nil, who waits for room an error. What is in the
--- queue can still be taken. May be called twice.
function Queue:close()
  self._closed = true
  for popper in self._poppers.shift, self._poppers do
    popper.done = true
    runtime.wake(popper.task)
  end
  for pusher in self._pushers.shift, self._pushers do
    pusher.done, pusher.refused = true, true
    runtime.wake(pusher.task)
  end
  tell_maps(self)
end

--- How many items are in the queue.
---@return integer
function Queue:count()
  return self._tail - self._head + 1
end

--- A map takes its items here from now on, until it leaves.
---@private
---@param map rill.Map
function Queue:feeds(map)
  table.insert(self._maps, map)
end

---@private
---@param map rill.Map
function Queue:leave(map)
  waiting.leave(self._maps, map)
end

--- Whether it takes no more items.
---@private
---@return boolean
function Queue:is_closed()
  return self._closed
end

Queue.__tostring = shown.queue
guard("queue", Queue, Queue, { take = true, feeds = true, leave = true, is_closed = true })

--- Makes a queue.
---@param max integer? how many items it holds before push waits; without it any number
---@return rill.Queue
function M.new(max)
  if type(max) ~= "nil" then
    arguments.count("rill.queue: max", max)
  end
  local queue = setmetatable({
    _items = {}, _head = 1, _tail = 0, _max = max or math.huge,
    _poppers = waitlist(), _pushers = waitlist(), _maps = {}, _closed = false,
  }, Queue)
  return queue
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == Queue
end

return M
