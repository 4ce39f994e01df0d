--- The one task that takes entries, starts their tasks, and commits what they bring.
local bell = require("rill.crawl.bell")
local rill = require("rill")

local M = {}

local STARTS = 1000 -- start URLs that are read ahead
local LONGEST = 1 -- seconds between two looks at limits of time

---@class rill.CrawlLoop
---@field bell rill.CrawlBell
---@field draining string? why: nothing new is taken
---@field failure rill.Error? of state or output
---@field private _crawl table
---@field private _running table<rill.CrawlEntry, rill.Task>
---@field private _count integer
---@field private _taken number pages that count against max_pages
---@field private _deadline number? of the drain
---@field private _began number
local Loop = {}
Loop.__index = Loop

local function settle(self, outcome)
  local crawl = self._crawl
  crawl.frontier:settle(outcome.entry, outcome.result or { kind = "none" }, crawl:clock())
  if outcome.result and outcome.result.skip then
    crawl.frontier:origin(outcome.entry.origin).dead = { skip = outcome.result.skip }
  end
  if outcome.kind == "skip" and not outcome.entry.kind then self._taken = self._taken - 1 end
  crawl.commit:add(outcome)
end

local function work(self, entry)
  local crawl = self._crawl
  local ok, outcome = pcall(crawl.worker.run, crawl.worker, entry)
  self._running[entry], self._count = nil, self._count - 1
  if not ok then
    self.bell:ring()
    if outcome ~= rill.cancelled then self.failure = self.failure or outcome end
    error(outcome, 0)
  end
  settle(self, outcome)
  self.bell:ring()
end

local function start(self, entry)
  if not entry.kind and entry.attempts == 0 and entry.free == 0 and not entry.taken then
    self._taken, entry.taken = self._taken + 1, true
  end
  local refused = self._crawl.worker:refuse(entry)
  if refused then return settle(self, refused) end
  self._count = self._count + 1
  self._running[entry] = true
  self._running[entry] = rill.spawn(work, self, entry)
end

local function fresh_left(self)
  local max = self._crawl.options.max_pages
  return max and max - self._taken or math.huge
end

-- Reads start URLs as there is room.
local function read_starts(self)
  local crawl = self._crawl
  while crawl.starts:more() and crawl.frontier:waiting() + crawl.commit:links() < STARTS do crawl.starts:read(crawl) end
end

---@return number? when to take again
local function take(self)
  local crawl = self._crawl
  local room = crawl.options.concurrency - self._count
  if room <= 0 then return nil end
  local now = crawl:clock()
  local entries, again = crawl.frontier:take(room, now, fresh_left(self))
  for _, entry in ipairs(entries) do start(self, entry) end
  if #entries > 0 and self._count < crawl.options.concurrency then return now end
  return again
end

local LIMITS = { max_items = "items", max_bytes = "bytes", max_failed = "failed" }

-- Why the crawl has to stop, if it has.
local function limit_reached(self)
  local crawl = self._crawl
  local options, counters = crawl.options, crawl.counts.counters
  for name, counter in pairs(LIMITS) do
    if options[name] and counters[counter] >= options[name] then return name end
  end
  if options.max_time and rill.now() - self._began >= options.max_time then return "max_time" end
  if options.stop then
    local ok, answer = crawl:guarded("stop", options.stop, crawl:stats())
    if ok and answer then return "stopped" end
  end
end

--- Takes nothing more; what runs may end, for a while.
---@param reason string
function Loop:drain(reason)
  if self.draining then return end
  self.draining = reason
  self._deadline = rill.now() + self._crawl.options.drain
  self.bell:ring()
end

local function cancel_running(self)
  for _, task in pairs(self._running) do
    if task ~= true then task:cancel() end
  end
end

local function commit(self)
  local crawl = self._crawl
  local ok, err = crawl.commit:flush()
  if not ok then
    self.failure = err
    self:drain(err.reason)
    return false
  end
  local reason = not self.draining and limit_reached(self)
  if reason then self:drain(reason) end
  return true
end

-- Whether a commit is due: it is time, or nothing is left to do until its links are there.
local function must_commit(self, starved)
  local due = self._crawl.commit:due(self._crawl:clock())
  if not due then return false end
  return due <= 0 or starved or self._count == 0
end

-- Nothing runs and nothing can be taken: why the crawl ends, or nil.
local function over(self, again)
  local crawl = self._crawl
  if self._count > 0 or not crawl.commit:is_empty() then return nil end
  if self.draining then return self.draining end
  if again and again < math.huge or crawl.starts:more() then return nil end
  return crawl.frontier:waiting() == 0 and "finished" or "max_pages"
end

local function wait(self, again)
  local crawl = self._crawl
  local now = crawl:clock()
  local seconds = LONGEST
  if again then seconds = math.min(seconds, again - now) end
  local due = crawl.commit:due(now)
  if due then seconds = math.min(seconds, due) end
  if self.draining then seconds = math.min(seconds, self._deadline - rill.now()) end
  self.bell:wait(math.max(seconds, 0.001))
end

local function step(self)
  local crawl, again = self._crawl, nil
  if not self.draining then
    read_starts(self)
    again = take(self)
  elseif rill.now() >= self._deadline then
    cancel_running(self)
  end
  local starved = self._count < crawl.options.concurrency and crawl.frontier:waiting() == 0
  if must_commit(self, starved) and commit(self) and starved then again = crawl:clock() end
  local reason = over(self, again)
  if reason or self.failure then return reason or "failed" end
  if not again or again > crawl:clock() then wait(self, again) end
end

--- Runs until nothing is left, or a limit or somebody stops it.
---@return string reason
function Loop:run()
  self._began = rill.now()
  while true do
    local reason = step(self)
    if self.failure then
      cancel_running(self)
      return "failed"
    end
    if reason then return reason end
  end
end

---@param crawl table
---@param taken number pages that earlier runs have finished or begun to repeat
---@return rill.CrawlLoop
function M.new(crawl, taken)
  return setmetatable({ bell = bell(), _crawl = crawl, _running = {}, _count = 0, _taken = taken, _began = 0 }, Loop)
end

return M
