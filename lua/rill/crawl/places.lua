--- Places for sitemaps that an archive's records hold whole: few in all, and one for an origin, so that one's slow ones
--- do not keep the others' waiting. Who finds none in time goes back into the queue.
local rill = require("rill")

local M = {}

local PLACES = 4 -- up to 50 MiB each
local PATIENCE = 5 -- seconds

---@class rill.CrawlPlaces
---@field private _all rill.Semaphore
---@field private _origins table<string, { one: rill.Semaphore, count: integer }> count: of those who want it
---@field private _waiting integer
---@field private _line integer how many may wait: the others' turn is for pages
local Places = {}
Places.__index = Places

local function enter(self, key)
  local origin = self._origins[key] or { one = rill.semaphore(1), count = 0 }
  origin.count = origin.count + 1
  self._origins[key] = origin
  return origin
end

local function leave(self, key, origin)
  origin.count = origin.count - 1
  if origin.count == 0 then self._origins[key] = nil end
end

-- Waits for both; returns which it has.
local function wait(self, origin)
  local ends = rill.now() + PATIENCE
  self._waiting = self._waiting + 1
  local first = origin.one:acquire(PATIENCE)
  local second = first and self._all:acquire(ends - rill.now())
  self._waiting = self._waiting - 1
  return first, second
end

--- Calls fn(...) in a place. What it raises ends the crawl, and so do cancelled tasks: places are not given back then.
---@param key string origin
---@param fn function
---@return any result nil where there is no place
function Places:with(key, fn, ...)
  if self._waiting >= self._line then return end
  local origin = enter(self, key)
  local first, second = wait(self, origin)
  local result
  if second then
    result = fn(...)
    self._all:release()
  end
  if first then origin.one:release() end
  leave(self, key, origin)
  return result
end

---@param concurrency integer of the crawl
---@return rill.CrawlPlaces
function M.new(concurrency)
  return setmetatable({ _all = rill.semaphore(PLACES), _origins = {}, _waiting = 0,
    _line = math.max(1, math.floor(concurrency / 4)) }, Places)
end

return M
