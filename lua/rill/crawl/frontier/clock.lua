--- Redis' clock, watched by a worker: it may not go faster than this machine's own, which never jumps. Where it has
--- jumped ahead, leases of what is being fetched would run out, and be fetched twice.
local rill = require("rill")

local M = {}

local SLACK = 1 -- seconds that a call may take and a clock be corrected by
local SLOWEST = 10 -- seconds that calls may take which need no second one
local DRIFT = 1.001 -- clocks that are set right go at most 500 ppm too fast or slow

---@class rill.CrawlClock
---@field private _now fun(): number monotonic
---@field private _at number? what it showed there
---@field private _sent number? when that was asked for, here
---@field private _took number seconds that the last call has taken: so long the next one may be on its way
local Clock = {}
Clock.__index = Clock

---@param now (fun(): number)? monotonic seconds; rill.now
---@return rill.CrawlClock
function M.new(now)
  return setmetatable({ _now = now or rill.now, _took = 0 }, Clock)
end

---@return number
function Clock:now()
  return self._now()
end

local function most(self)
  return self._at + (self._now() - self._sent) * DRIFT
end

--- What it can show there now, at most.
---@return string word "" where nothing is known
function Clock:latest()
  return self._at and ("%.6f"):format(most(self) + self._took + SLACK) or ""
end

--- A call was answered.
---@param at number what it showed there
---@param sent number when the call was made
function Clock:note(at, sent)
  self._at, self._sent = at, sent
  self:delayed(sent)
end

--- A call has taken its time.
---@param sent number when it was made
function Clock:delayed(sent)
  self._took = math.min(SLOWEST, self._now() - sent)
end

--- By how much it is ahead of what it can show, at least; 0: the call itself has taken so long.
---@param at number what it has just shown
---@return number seconds
function Clock:ahead(at)
  return self._at and math.max(0, at - most(self)) or 0
end

return M
