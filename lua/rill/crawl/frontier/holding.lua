--- What a worker was handed out by Redis and has not finished.
local batches = require("rill.crawl.frontier.batch")
local bytes_of = require("rill.crawl.frontier.bytes")
local json = require("rill.core.plain_json")
local record = require("rill.crawl.frontier.record")

local M = {}

-- Seconds until it is looked again whether others have brought work: half as long as they have brought none. How
-- often it was looked meanwhile does not count: a look follows each commit.
local FIRST_POLL, LAST_POLL = 0.01, 0.2
local PATIENCE = 1 -- seconds that what was left for others is left to them

local own = bytes_of.new()

---@class rill.CrawlHolding
---@field count integer
---@field at_work integer those of them whose requests have not ended
---@field private _found number? when something was handed out last, or was looked for first
---@field private _none_since number? when it was first handed nothing, since it was handed something
---@field private _entries table<string, rill.CrawlEntry> by lease
---@field private _ended rill.CrawlEntry[] whose requests have ended, and Redis does not know yet
---@field private _results table[] of these
local Holding = {}
Holding.__index = Holding

-- What was handed out of one origin.
local function add(self, list, group, first, suffix)
  local key, dead = group[1], group[2] ~= "" and json.decode(group[2]) or nil
  for i = 4, #group do
    local text, lease = group[i], ("%d%s"):format(first + #list, suffix)
    local entry
    if text == "" then
      entry = { id = 0, kind = "robots", url = key .. "/robots.txt", depth = 0, hops = 0, attempts = 0, free = 0,
        lease = lease, origin = key }
    else
      entry = record.decode(text, lease, key)
    end
    entry.dead, entry.at_work = dead, true
    self._entries[lease], list[#list + 1] = entry, entry
  end
end

--- Takes in what was handed out.
---@param answer any[] of `take`, see frontier/inside
---@return rill.CrawlEntry[]
function Holding:take(answer)
  local list = {}
  for _, group in ipairs(answer[1]) do add(self, list, group, answer[4], answer[5]) end
  self.count, self.at_work = self.count + #list, self.at_work + #list
  return list
end

local function end_work(self, entry)
  if entry.at_work then self.at_work, entry.at_work = self.at_work - 1, nil end
end

---@param lease string
function Holding:forget(lease)
  local entry = self._entries[lease]
  if not entry then return end
  self._entries[lease], self.count = nil, self.count - 1
  end_work(self, entry)
end

--- All of it: it will be handed out again.
function Holding:forget_all()
  for _, entry in pairs(self._entries) do entry.at_work = nil end
  self._entries, self.count, self.at_work, self._ended, self._results = {}, 0, 0, {}, {}
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

--- Notes whether something was handed out to a worker that has room.
---@param found boolean
---@param now number
function Holding:note(found, now)
  self._none_since = not found and (self._none_since or now) or nil
end

--- How many entries the worker says it is at work on, by which Redis sizes its part. None where it was handed nothing
--- for PATIENCE: the workers that the rest was left for may be dead or have no room, so it asks as an idle one does.
---@param now number
---@return integer
function Holding:load(now)
  return self._none_since and now - self._none_since >= PATIENCE and 0 or self.at_work
end

--- A request has ended: the next take reports it.
---@param entry rill.CrawlEntry
---@param result table
function Holding:settle(entry, result)
  end_work(self, entry)
  if result.robots then return end
  local n = #self._ended + 1
  self._ended[n], self._results[n] = entry, result
end

--- The words that report what has ended, once: what went well, and the rest. A lease that was committed or lost
--- meanwhile is left out.
---@return string
---@return string
function Holding:report()
  local ended, results, others = self._ended, self._results, {}
  self._ended, self._results = {}, {}
  own:clear()
  for i, entry in ipairs(ended) do
    if self._entries[entry.lease] then batches.add_ended(own, entry.lease, results[i], others) end
  end
  return own:take(), others[1] and json.encode(others) or "[]"
end

---@return rill.CrawlHolding
function M.new()
  return setmetatable({ count = 0, at_work = 0, _entries = {}, _ended = {}, _results = {} }, Holding)
end

return M
