--- Bodies that a record of an archive holds: hash to the record's time, and to its URL where the frontier keeps none.
local map64 = require("rill.crawl.map64")

local M = {}

M.KEPT = 65536 -- URLs that are kept, the latest: some 8 MB

---@class rill.CrawlRecorded
---@field private _map rill.Map64 hash to a time, seconds since 1970; where URLs are kept to the number of a record
---@field private _urls string[]? of the latest records, by number modulo `_kept`; nil: the frontier names the page
---@field private _times integer[] of those records
---@field private _count integer records that were added
---@field private _kept integer
local Recorded = {}
Recorded.__index = Recorded

--- A record holds this body.
---@param high number
---@param low number
---@param url string
---@param time integer
function Recorded:add(high, low, url, time)
  if not self._urls then return self._map:set(high, low, time) end
  local number = self._count + 1
  self._map:set(high, low, number)
  local at = number % self._kept
  self._urls[at], self._times[at], self._count = url, time, number
end

--- The record that holds it.
---@param high number
---@param low number
---@param first string|true the page that the frontier has it from; true: it keeps no URL
---@return string? url nil: no record is known
---@return integer? time
function Recorded:find(high, low, first)
  local value = self._map:get(high, low)
  if not value then return nil end
  if not self._urls then
    if first == true then return nil end
    return first, value
  end
  if value <= self._count - self._kept then return nil end
  local at = value % self._kept
  return self._urls[at], self._times[at]
end

--- Knows none.
---@param with_urls boolean the frontier keeps no URL of a body
---@return rill.CrawlRecorded
function M.new(with_urls)
  return setmetatable({ _map = map64(), _urls = with_urls and {} or nil, _times = {}, _count = 0, _kept = M.KEPT },
    Recorded)
end

return M
