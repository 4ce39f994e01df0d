--- The robots.txt of all origins of a crawl in one process, as many as there is room for: where those read first are
--- forgotten, their origins ask for them again before their next page.
local M = {}

M.ROBOTS_BYTES = 64 * 2 ^ 20 -- 40,000 of usual length

---@class rill.CrawlKeptRobots
---@field private _list { origin: rill.CrawlOrigin, robots: table }[] from _first to _last
---@field private _first integer
---@field private _last integer
---@field private _bytes integer
local Kept = {}
Kept.__index = Kept

local function length_of(robots)
  return robots and robots.body and #robots.body or 0
end

local function forget_first(self)
  local each = self._list[self._first]
  self._list[self._first], self._first = nil, self._first + 1
  self._bytes = self._bytes - length_of(each.robots)
  if each.origin.robots == each.robots then each.origin.robots = nil end
end

--- An origin has got its robots.txt.
---@param o rill.CrawlOrigin
function Kept:add(o)
  if length_of(o.robots) == 0 then return end
  self._last, self._bytes = self._last + 1, self._bytes + length_of(o.robots)
  self._list[self._last] = { origin = o, robots = o.robots }
  while self._bytes > M.ROBOTS_BYTES do forget_first(self) end
end

--- The entry that asks an origin for its robots.txt.
---@param o rill.CrawlOrigin
---@return rill.CrawlEntry
function M.entry(o)
  return { id = 0, kind = "robots", url = o.key .. "/robots.txt", origin = o.key, depth = 0, hops = 0, attempts = 0,
    free = 0 }
end

---@return rill.CrawlKeptRobots
function M.new()
  return setmetatable({ _list = {}, _first = 1, _last = 0, _bytes = 0 }, Kept)
end

return M
