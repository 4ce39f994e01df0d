--- A map from numbers of 64 bits to numbers of 32, in memory that Lua's collector never looks at: open addressing in
--- parts that grow each on its own, so that no insert takes long. 12 bytes a place; 0.6 to 0.75 of them are in use, so
--- that a key costs 16 to 20 bytes.
local ffi = require("rill.core.ffi")
local bit = require("bit")

pcall(ffi.cdef, "void *calloc(size_t count, size_t size); void free(void *memory);")

local C = ffi.C
local floor = math.floor
local PARTS = 256
local FIRST = 16 -- places of a part at first
local GROWTH = 1.25 -- a quarter more than what is in use, however large that is

---@class rill.Map64
---@field count integer
---@field private _parts table[]
local Map = {}
Map.__index = Map

local function room(places)
  local memory = C.calloc(places * 3, 4)
  if memory == nil then error("rill.crawl: out of memory", 0) end
  return ffi.gc(ffi.cast("uint32_t *", memory), C.free)
end

local function new_part()
  return { words = room(FIRST), places = FIRST, count = 0 }
end

-- Where the key stands, or would: an index of its three words.
local function place(words, places, high, low)
  local i, last = 3 * floor(low * places / 2 ^ 32), 3 * places
  while true do
    if words[i] == high and words[i + 1] == low or words[i] == 0 and words[i + 1] == 0 then return i end
    i = i + 3
    if i == last then i = 0 end
  end
end

local function grow(part)
  local old, old_places = part.words, part.places
  local places = floor(old_places * GROWTH)
  local words = room(places)
  for i = 0, 3 * (old_places - 1), 3 do
    if old[i] ~= 0 or old[i + 1] ~= 0 then
      local to = place(words, places, old[i], old[i + 1])
      words[to], words[to + 1], words[to + 2] = old[i], old[i + 1], old[i + 2]
    end
  end
  part.words, part.places = words, places
  C.free(ffi.gc(old, nil))
end

-- 0 marks an empty place.
local function mapped(high, low)
  return high, (high == 0 and low == 0) and 1 or low
end

---@param high number
---@param low number
---@return number? value nil where the key is not there
function Map:get(high, low)
  high, low = mapped(high, low)
  local part = self._parts[bit.rshift(high, 24)]
  local i = place(part.words, part.places, high, low)
  if part.words[i] == 0 and part.words[i + 1] == 0 then return nil end
  return part.words[i + 2]
end

---@param high number
---@param low number
---@param value number from 0 to 2^32-1
function Map:set(high, low, value)
  high, low = mapped(high, low)
  local part = self._parts[bit.rshift(high, 24)]
  local i = place(part.words, part.places, high, low)
  if part.words[i] == 0 and part.words[i + 1] == 0 then
    if 4 * (part.count + 1) > 3 * part.places then
      grow(part)
      i = place(part.words, part.places, high, low)
    end
    part.count, self.count = part.count + 1, self.count + 1
    part.words[i], part.words[i + 1] = high, low
  end
  part.words[i + 2] = value
end

--- Adds to the value of a key, which is 0 at first.
---@return number value
function Map:add(high, low, more)
  local value = (self:get(high, low) or 0) + more
  self:set(high, low, value)
  return value
end

---@return rill.Map64
return function()
  local parts = {}
  for i = 0, PARTS - 1 do parts[i] = new_part() end
  return setmetatable({ count = 0, _parts = parts }, Map)
end
