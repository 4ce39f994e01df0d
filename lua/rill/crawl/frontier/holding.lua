--- What a worker was handed out by Redis and has not finished.
local batches = require("rill.crawl.frontier.batch")
local json = require("rill.core.plain_json")
local record = require("rill.crawl.frontier.record")

local M = {}

-- Seconds until it is looked again whether others have brought work: half as long as they have brought none. How
-- often it was looked meanwhile does not count: a look follows each commit.
local FIRST_POLL, LAST_POLL = 0.01, 0.2

---@class rill.CrawlHolding
---@field count integer
---@field private _found number? when something was handed out last, or was looked for first
---@field private _entries table<string, rill.CrawlEntry> by lease
---@field private _ended table[] requests that have ended, and Redis does not know yet
local Holding = {}
Holding.__index = Holding

--- Takes in what was handed out.
---@param given string[] as `take` of frontier/inside has it
---@return rill.CrawlEntry
---@return string? robots_at when the robots.txt was read that holds for it
function Holding:take(given)
  local lease, key, kind, text, dead, robots_at = unpack(given)
  local entry
  if kind == "robots" then
    entry = { id = 0, kind = "robots", url = key .. "/robots.txt", depth = 0, hops = 0, attempts = 0, free = 0 }
  else
    entry = record.decode(text)
  end
  entry.lease, entry.origin, entry.dead = lease, key, dead ~= "" and json.decode(dead) or nil
  self._entries[lease], self.count = entry, self.count + 1
  return entry, kind ~= "robots" and robots_at ~= "" and robots_at or nil
end

---@param lease string
function Holding:forget(lease)
  if self._entries[lease] then self._entries[lease], self.count = nil, self.count - 1 end
end

--- All of it: it will be handed out again.
function Holding:forget_all()
  self._entries, self.count, self._ended = {}, 0, {}
end

--- The words of `renew`; all: what is not named goes back.
---@param seconds number
---@param all boolean
---@return string[]
function Holding:renewal(seconds, all)
  local words = { tostring(seconds), all and "1" or "0" }
  for lease in pairs(self._entries) do words[#words + 1] = lease end
  return words
end

--- How long to wait for others.
---@param found boolean something was handed out
---@param now number
---@return number seconds
function Holding:pause(found, now)
  if found or not self._found then self._found = now end
  return math.min(LAST_POLL, math.max(FIRST_POLL, (now - self._found) / 2))
end

--- A request has ended: the next take reports it.
---@param entry rill.CrawlEntry
---@param result table
function Holding:settle(entry, result)
  if not result.robots then table.insert(self._ended, { entry.lease, batches.result(result) }) end
end

--- The word that reports what has ended, once.
---@return string
function Holding:report()
  local ended = self._ended
  self._ended = {}
  return batches.ended(ended)
end

---@return rill.CrawlHolding
function M.new()
  return setmetatable({ count = 0, _entries = {}, _ended = {} }, Holding)
end

return M
