--- What is due next: a binary heap of values by time, first in first out among equal times.
---@class rill.Heap
---@field count integer
---@field private _times number[]
---@field private _orders number[]
---@field private _values any[]
---@field private _order integer
local Heap = {}
Heap.__index = Heap

local function is_before(heap, a, b)
  local times = heap._times
  return times[a] < times[b] or times[a] == times[b] and heap._orders[a] < heap._orders[b]
end

local function swap(heap, a, b)
  local times, orders, values = heap._times, heap._orders, heap._values
  times[a], times[b] = times[b], times[a]
  orders[a], orders[b] = orders[b], orders[a]
  values[a], values[b] = values[b], values[a]
end

---@param time number
---@param value any
function Heap:push(time, value)
  local i = self.count + 1
  self.count, self._order = i, self._order + 1
  self._times[i], self._orders[i], self._values[i] = time, self._order, value
  while i > 1 do
    local above = math.floor(i / 2)
    if not is_before(self, i, above) then return end
    swap(self, i, above)
    i = above
  end
end

--- The earliest, which stays.
---@return number? time
---@return any value
function Heap:first()
  return self._times[1], self._values[1]
end

---@return any value of the earliest, which goes; nil: there is none
function Heap:pop()
  local value, last = self._values[1], self.count
  if last == 0 then return nil end
  swap(self, 1, last)
  self._times[last], self._orders[last], self._values[last] = nil, nil, nil
  self.count = last - 1
  local i = 1
  while 2 * i < last do
    local below = 2 * i
    if below + 1 < last and is_before(self, below + 1, below) then below = below + 1 end
    if not is_before(self, below, i) then break end
    swap(self, i, below)
    i = below
  end
  return value
end

--- Takes out all values that fit.
---@param fits fun(value: any): boolean
---@return any[]
function Heap:extract(fits)
  local taken, times, values = {}, self._times, self._values
  self._times, self._orders, self._values, self.count = {}, {}, {}, 0
  for i, value in ipairs(values) do
    if fits(value) then taken[#taken + 1] = value else self:push(times[i], value) end
  end
  return taken
end

---@return rill.Heap
return function()
  return setmetatable({ count = 0, _times = {}, _orders = {}, _values = {}, _order = 0 }, Heap)
end
