--- Places for sitemaps that an archive's records hold whole: few in all, and one for an origin, so that one's slow ones
--- do not keep the others' waiting.
local rill = require("rill")

local M = {}

local PLACES = 4 -- up to 50 MiB each

---@class rill.CrawlPlaces
---@field private _all rill.Semaphore
---@field private _own table<string, rill.Semaphore> of each origin that wants a place; weak: until none of it does
local Places = {}
Places.__index = Places

--- Calls fn(...) when there is a place.
---@param origin string
---@param fn function
---@return any ... what it returned
function Places:with(origin, fn, ...)
  local all, own = self._all, self._own[origin] or rill.semaphore(1)
  self._own[origin] = own
  return own:with(all.with, all, fn, ...)
end

---@return rill.CrawlPlaces
function M.new()
  return setmetatable({ _all = rill.semaphore(PLACES), _own = setmetatable({}, { __mode = "v" }) }, Places)
end

return M
