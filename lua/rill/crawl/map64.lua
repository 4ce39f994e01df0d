--- A map from numbers of 64 bits to numbers of 32, in memory that Lua's collector never looks at: a key costs 16 to 20
--- bytes. It is C (src/base/map.c): loops in Lua were compiled anew for each place that asks.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")

---@class rill.Map64
---@field count integer
---@field private _map ffi.cdata* rill_map
local Map = {}
Map.__index = Map

---@param high number
---@param low number
---@return number? value nil where the key is not there
function Map:get(high, low)
  local value = C.rill_map_get(self._map, high, low)
  return value >= 0 and value or nil
end

---@param high number
---@param low number
---@param value number from 0 to 2^32-1
function Map:set(high, low, value)
  local added = C.rill_map_set(self._map, high, low, value)
  if added < 0 then error("rill.crawl: out of memory", 0) end
  self.count = self.count + added
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
  local map = C.rill_map_new()
  if map == nil then error("rill.crawl: out of memory", 0) end
  return setmetatable({ count = 0, _map = ffi.gc(map, C.rill_map_free) }, Map)
end
