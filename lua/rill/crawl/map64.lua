--- A map from numbers of 64 bits to numbers of 32, in memory that Lua's collector never looks at: open addressing in
--- parts that double each on its own, so that no insert takes long. 12 bytes a place, at most three quarters in use.
local ffi = require("rill.core.ffi")
local bit = require("bit")

pcall(ffi.cdef, "void *calloc(size_t count, size_t size); void free(void *memory);")

local C = ffi.C
local PARTS = 256
local FIRST = 16 -- places of a part at first

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
  return { words = room(FIRST), mask = FIRST - 1, count = 0 }
end

-- Where the key stands, or would: an index of its three words.
local function place(words, mask, high, low)
  local at = bit.band(low, mask)
  while true do
    local i = 3 * at
    if words[i] == high and words[i + 1] == low or words[i] == 0 and words[i + 1] == 0 then return i end
    at = bit.band(at + 1, mask)
  end
end

local function grow(part)
  local old, old_mask = part.words, part.mask
  local mask = 2 * old_mask + 1
  local words = room(mask + 1)
  for i = 0, 3 * old_mask, 3 do
    if old[i] ~= 0 or old[i + 1] ~= 0 then
      local to = place(words, mask, old[i], old[i + 1])
      words[to], words[to + 1], words[to + 2] = old[i], old[i + 1], old[i + 2]
    end
  end
  part.words, part.mask = words, mask
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
  local i = place(part.words, part.mask, high, low)
  if part.words[i] == 0 and part.words[i + 1] == 0 then return nil end
  return part.words[i + 2]
end

---@param high number
---@param low number
---@param value number from 0 to 2^32-1
function Map:set(high, low, value)
  high, low = mapped(high, low)
  local part = self._parts[bit.rshift(high, 24)]
  local i = place(part.words, part.mask, high, low)
  if part.words[i] == 0 and part.words[i + 1] == 0 then
    if 4 * (part.count + 1) > 3 * (part.mask + 1) then
      grow(part)
      i = place(part.words, part.mask, high, low)
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
