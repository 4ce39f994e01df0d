--- The one task that takes entries, starts their tasks, and commits what they bring.
local bell = require("rill.crawl.bell")
local rill = require("rill")

local M = {}

local STARTS = 1000 -- start URLs that are read ahead
local IDLE_STARTS = 16000 -- the same, where nothing else may be asked for now: the next may be of another host
local LONGEST = 1 -- seconds that nothing is looked at
local SHORTEST = 0.001 -- seconds, so that other tasks run

---@class rill.CrawlLoop
---@field bell rill.CrawlBell
---@field draining string? why: nothing new is taken
---@field failure rill.Error? of state or output
---@field private _crawl table
---@field private _limits string[] those of LIMITS that are set
---@field private _work fun(entry: rill.CrawlEntry) what a task runs; one argument, which fits in the task itself
---@field private _running table<rill.CrawlEntry, rill.Task>
---@field private _count integer
---@field private _taken number pages that count against max_pages
---@field private _idle boolean there was room for more than could be taken
---@field private _deadline number? of the drain
---@field private _began number
local Loop = {}
Loop.__index = Loop

local function settle(self, outcome)
  local crawl = self._crawl
  crawl.frontier:settle(outcome.entry, outcome.result or { kind = "none" }, crawl:clock())
  if outcome.kind == "skip" and not outcome.entry.kind then self._taken = self._taken - 1 end
  crawl.commit:add(outcome)
end

local function work(self, entry)
  local crawl = self._crawl
  entry.begun = true
  local ok, outcome = pcall(crawl.worker.run, crawl.worker, entry)
  self._running[entry], self._count = nil, self._count - 1
  if not ok then
    crawl.frontier:abandon()
    self.bell:ring()
    if outcome ~= rill.cancelled then self.failure = self.failure or outcome end
    error(outcome, 0)
  end
  if outcome and not outcome.fatal then
    settle(self, outcome)
  else
    self.failure = self.failure or outcome and outcome.fatal
    crawl.frontier:abandon()
  end
  self.bell:ring()
end

local function start(self, entry)
  if not entry.kind and entry.attempts == 0 and entry.free == 0 and not entry.taken then
    self._taken, entry.taken = self._taken + 1, true
    self._crawl.starts:take(entry)
  end
  local refused = self._crawl.worker:refuse(entry)
  if refused then return settle(self, refused) end
  self._count = self._count + 1
  entry.begun = nil
  self._running[entry] = rill.spawn(self._work, entry)
end

local function fresh_left(self)
  local max = self._crawl.options.max_pages
  return max and max - self._taken or math.huge
end

-- URLs that were found do not count, where hosts rest: those of others would wait for them.
local function has_room_for_starts(self)
  local crawl = self._crawl
  if crawl.frontier:waiting() + crawl.commit:links() < STARTS then return true end
  return crawl.starts.waiting < (self._idle and IDLE_STARTS or STARTS)
end

-- Reads start URLs as there is room. Returns whether there may be more: others run between.
local function read_starts(self)
  local crawl = self._crawl
  for _ = 1, STARTS do
    if not crawl.starts:more() or not has_room_for_starts(self) then return false end
    crawl.starts:read(crawl)
  end
  return true
end

---@return number? when to take again
local function take(self)
  local crawl = self._crawl
  local room = crawl.options.concurrency - self._count
  self._idle = false
  if room <= 0 then return nil end
  local now = crawl:clock()
  local entries, again, err = crawl.frontier:take(room, now, fresh_left(self))
  if err then
    self.failure = err
    return nil
  end
  if crawl.frontier.stop_reason then self:drain(crawl.frontier.stop_reason) end
  for _, entry in ipairs(entries) do start(self, entry) end
  local leaves = crawl.frontier.leaves -- to other workers
  self._idle = #entries < room and not leaves and crawl.commit:links() == 0 -- else there may be more after the commit
  if #entries > 0 and self._count < crawl.options.concurrency and not leaves then return now end
  return again
end

local LIMITS = { max_items = "items", max_bytes = "bytes", max_failed = "failed" }

-- Why the crawl has to stop, if it has.
local function limit_reached(self)
  local options, counters = self._crawl.options, self._crawl.counts.counters
  for _, name in ipairs(self._limits) do
    if counters[LIMITS[name]] >= options[name] then return name end
  end
  if options.max_time and rill.now() - self._began >= options.max_time then return "max_time" end
end

local function is_told_to_stop(crawl)
  if not crawl.options.stop then return false end
  local ok, answer = crawl:guarded("stop", crawl.options.stop, crawl:stats())
  return ok and answer
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
  for entry, task in pairs(self._running) do
    task:cancel()
    if not entry.begun then -- it never will
      self._running[entry], self._count = nil, self._count - 1
      self._crawl.frontier:abandon()
    end
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
  if not self.draining and is_told_to_stop(crawl) then self:drain "stopped" end
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
  if again and again < math.huge or crawl.starts:more() and crawl.frontier:waiting() < STARTS then return nil end
  return crawl.frontier:waiting() == 0 and "finished" or "max_pages"
end

local function wait(self, again)
  local crawl = self._crawl
  local now = crawl:clock()
  local seconds = LONGEST
  if again then seconds = math.min(seconds, again - now) end
  local due = crawl.commit:due(now)
  if due then seconds = math.min(seconds, due) end
  if self.draining then
    seconds = math.min(seconds, self._deadline - rill.now())
  elseif crawl.options.max_time then
    seconds = math.min(seconds, self._began + crawl.options.max_time - rill.now())
  end
  self.bell:wait(math.max(seconds, SHORTEST))
end

local function step(self)
  local crawl, again = self._crawl, nil
  local reason = not self.draining and limit_reached(self)
  if reason then self:drain(reason) end
  if not self.draining then
    local more = read_starts(self)
    again = take(self)
    if more then again = math.min(again or math.huge, crawl:clock() + SHORTEST) end
  elseif rill.now() >= self._deadline then
    cancel_running(self)
  end
  local starved = self._count < crawl.options.concurrency and crawl.frontier:waiting() == 0
  if must_commit(self, starved) and commit(self) then again = crawl:clock() end -- it may have brought more to take
  reason = over(self, again)
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
  local limits = {}
  for name in pairs(LIMITS) do
    if crawl.options[name] then limits[#limits + 1] = name end
  end
  local self = setmetatable({ bell = bell(), _crawl = crawl, _limits = limits, _running = {}, _count = 0,
    _taken = taken, _began = 0, _idle = false }, Loop)
  self._work = function(entry) work(self, entry) end
  return self
end

return M
