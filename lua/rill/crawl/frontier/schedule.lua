--- What both frontiers of one process share: which origin is due, what was seen, what counts against traps. Where the
--- URLs wait is the store's: memory or SQLite.
---
--- The interface of a frontier, which a shared one (Redis) implements as well:
---   take(n, now, fresh)        at most n entries, `fresh` of them for the first time; when to ask again
---   settle(entry, result, now) a request has ended: its origin may start the next (no promise that it survives)
---   admit(link)                true, or false and why: "seen" or a trap
---   commit(batch)              { outcomes, counters, outputs, skips }: all or nothing
---   known, is_seen, duplicate, stats, waiting, close; of a shared one note_body, has_body, take_body too
local bodies = require("rill.crawl.frontier.bodies")
local heap = require("rill.crawl.heap")
local kept_robots = require("rill.crawl.frontier.kept_robots")
local map64 = require("rill.crawl.map64")
local origin = require("rill.crawl.origin")

local M = {}

---@class rill.CrawlFrontier
---@field stop fun(self: rill.CrawlFrontier, reason: string)? of a shared one
---@field worker string? the same
---@field leaves boolean? the same: the last take was given a part of what waits
---@field seen rill.Map64 fingerprint to id
---@field skipped rill.Map64 fingerprints of what was passed over
---@field bodies rill.CrawlBodies
---@field counts rill.Map64 what traps count
---@field private _store table
---@field private _options table
---@field private _origins table<string, rill.CrawlOrigin>
---@field private _due rill.Heap
---@field private _later rill.Heap
---@field private _ready table<string, rill.CrawlEntry[]>
---@field private _in_flight integer
---@field private _retrying integer in _later and _ready
---@field private _retrying_pages integer of these
---@field private _origin_count integer
---@field private _dirty table counters that changed since the last commit
---@field private _touched table<string, boolean> origins whose manners changed since then
---@field private _abandoned integer handed out, and never settled
---@field private _kept rill.CrawlKeptRobots
---@field restore_retry fun(self: rill.CrawlFrontier, entry: rill.CrawlEntry) a repeat from an earlier run
local Frontier = {}
Frontier.__index = Frontier

local function origin_of(self, key)
  local o = self._origins[key]
  if not o then
    o = origin.new(key, self._options.policy(key))
    o.due = false
    self._origins[key] = o
    self._origin_count = self._origin_count + 1
    if self._store.load_origin then
      self._store:load_origin(o)
      self._kept:add(o)
    end
  end
  return o
end

---@param key string
---@return rill.CrawlOrigin
function Frontier:origin(key)
  return origin_of(self, key)
end

local function has_work(self, o)
  return self._ready[o.key] ~= nil or self._store:count(o.key) > 0
end

-- Puts an origin where its next moment is. `o.due` is that moment: what the heap has of others is void.
---@param is_next boolean? before all others that are due
local function arrange(self, o, now, is_next)
  local time = has_work(self, o) and origin.due(o, now) or nil
  if is_next and time and time <= now then time = 0 end
  if time == o.due or time and o.due and time <= now and o.due <= now then return end
  o.due = time or false
  if time then self._due:push(time, { o, time }) end
end

local function make_ready(self, entry)
  local list = self._ready[entry.origin]
  if list then
    table.insert(list, entry)
  else
    self._ready[entry.origin] = { entry }
  end
end

local function wake_retries(self, now)
  local time, entry = self._later:first()
  while time and time <= now do
    self._later:pop()
    local o = origin_of(self, entry.origin)
    o.later = o.later - 1
    make_ready(self, entry)
    arrange(self, o, now)
    time, entry = self._later:first()
  end
end

local function count_retry(self, entry, by)
  self._retrying = self._retrying + by
  if not entry.kind then self._retrying_pages = self._retrying_pages + by end
end

-- A repeat that waits, else the next of the line; nil where only a fresh one is there and none may be taken.
local function next_entry(self, o, may_be_fresh)
  local ready = self._ready[o.key]
  if ready then
    local entry = table.remove(ready, 1)
    if not ready[1] then self._ready[o.key] = nil end
    count_retry(self, entry, -1)
    return entry
  end
  if may_be_fresh then return self._store:shift(o.key) end
end

local function take_one(self, o, now, fresh)
  if self._options.robots and origin.needs_robots(o, now) then
    origin.start(o, now)
    o.next_start = 0 -- the first page does not wait for it
    o.asking = true
    return kept_robots.entry(o)
  end
  local entry = next_entry(self, o, fresh > 0)
  if not entry then return nil end
  if entry.kind == "sitemap" and self._store.recrawls then o.asking = true end -- it may spare others
  if o.dead then
    entry.dead = o.dead
    o.in_flight = o.in_flight + 1
  else
    origin.start(o, now)
  end
  return entry
end

-- The origin that is due; nil: none is.
local function due_origin(self, now)
  local time, value = self._due:first()
  while time and (value[1].due ~= time) do
    self._due:pop()
    time, value = self._due:first()
  end
  if not time or time > now then return nil end
  self._due:pop()
  value[1].due = false
  return value[1]
end

---@param n integer
---@param now number
---@param fresh number how many may be taken that were not taken before
---@return rill.CrawlEntry[]
---@return number? time when to ask again; nil: when something has ended
function Frontier:take(n, now, fresh)
  local list, held = {}, {}
  wake_retries(self, now)
  while #list < n do
    local o = due_origin(self, now)
    if not o then break end
    local entry = take_one(self, o, now, fresh)
    if entry then
      if not entry.kind and not entry.counted then fresh, entry.counted = fresh - 1, true end
      self._in_flight = self._in_flight + 1
      list[#list + 1] = entry
      arrange(self, o, now)
    else
      held[#held + 1] = o
    end
  end
  local next_due, next_retry = self._due:first(), self._later:first()
  for _, o in ipairs(held) do arrange(self, o, now) end -- they wait for more to be allowed
  return list, math.min(next_due or math.huge, next_retry or math.huge)
end

-- What waits for a later repeat ends with its origin, now.
local function wake_dead(self, o, now)
  for _, entry in ipairs(self._later:extract(function(entry) return entry.origin == o.key end)) do
    entry.due = now
    make_ready(self, entry)
  end
  o.later = 0
end

--- A request has ended: its origin may start the next.
---@param entry rill.CrawlEntry
---@param result table of rill.crawl.origin; `skip`: all that waits for the origin is passed over, for this reason
---@param now number
function Frontier:settle(entry, result, now)
  local o = origin_of(self, entry.origin)
  local dead, answered, rounds, hold, dials = o.dead, o.answered, o.rounds, o.hold, o.dials
  self._in_flight = self._in_flight - 1
  origin.finish(o, result, now)
  local robots = o.robots
  if entry.kind == "robots" then origin.robots(o, result.robots, self._options, now) end
  local is_read = o.robots ~= robots
  if is_read then self._kept:add(o) end
  if entry.kind then o.asking = false end
  if result.skip then o.dead = { skip = result.skip } end
  if answered ~= o.answered or rounds ~= o.rounds or hold ~= o.hold or dials ~= o.dials or entry.kind == "robots" then
    self._touched[o.key] = true
  end
  if o.dead and not dead then wake_dead(self, o, now) end
  arrange(self, o, now, is_read) -- behind others its robots.txt might be forgotten before a page is asked for
end

--- Whether the sitemaps that an origin's robots.txt names are read: pages of it were found.
---@param key string
---@return boolean
function Frontier:leads_on(key)
  return origin_of(self, key).pages == true
end

--- What was handed out will not be settled: its task was cancelled.
function Frontier:abandon()
  self._in_flight, self._abandoned = self._in_flight - 1, self._abandoned + 1
end

--- Whether a URL of that fingerprint is known already.
---@return integer? id
function Frontier:known(high, low)
  return self.seen:get(high, low)
end

--- The same, where others may know more.
---@return boolean
function Frontier:is_seen(high, low)
  return self.seen:get(high, low) ~= nil
end

-- Counts that would pass their limit.
local function full(self, link, limits)
  for i = 1, #link.counters do
    local counter = link.counters[i]
    if (self.counts:get(counter.high, counter.low) or 0) >= limits[counter.name] then return counter.name end
  end
end

--- Whether the shape has given nothing but known bodies for so long that it is retired.
function Frontier:retired(high, low)
  return (self.counts:get(high, low) or 0) >= self._options.limits.same_run
end

--- Which count the link would pass; nothing is changed.
---@return string? trap
function Frontier:trap(link)
  return link.counters and full(self, link, self._options.limits)
end

--- Takes a link in: from now on it is seen.
---@param link table an entry to be, with `high` and `low`, its fingerprint, and `counters` of traps
---@return boolean admitted
---@return string? reason
function Frontier:admit(link)
  if not link.kind then origin_of(self, link.origin).pages = true end
  local id = self.seen:get(link.high, link.low)
  if id and not link.again then
    if link.lastmod and self._store.spare then self._store:spare(id, link.lastmod) end
    return false, "seen"
  end
  if link.counters and not id then
    local trap = not link.start and full(self, link, self._options.limits)
    if trap then return false, trap end
    for _, counter in ipairs(link.counters) do
      self.counts:add(counter.high, counter.low, 1)
      self._dirty[counter] = true
    end
  end
  link.id, link.known_id = id or self._store:new_id(), id ~= nil
  if id then
    link.depth = self._store:depth_of(id) or link.depth -- it keeps what it was found at
  else
    self.seen:set(link.high, link.low, link.id)
  end
  return true
end

--- Notes that a link was passed over.
---@return boolean first the first time
function Frontier:pass_over(high, low)
  if self.skipped:get(high, low) then return false end
  self.skipped:set(high, low, 1)
  return true
end

--- See bodies.lua.
---@return string|true|nil
function Frontier:duplicate(high, low, entry)
  return self.bodies:duplicate(high, low, entry)
end

--- See bodies.lua.
---@return { url: string, archived: integer }?
function Frontier:original(hash)
  return self.bodies:original(hash)
end

-- How long a row of known bodies a shape has had.
local function count_run(self, run, is_duplicate)
  self.counts:set(run.high, run.low, is_duplicate and (self.counts:get(run.high, run.low) or 0) + 1 or 0)
  self._dirty[run] = true
end

-- What is asked for again waits until it is due; where its origin was given up meanwhile, it ends at once.
local function put_back(self, entry, now)
  count_retry(self, entry, 1)
  local o = origin_of(self, entry.origin)
  if not o.dead then
    o.later = o.later + 1
    return self._later:push(entry.due, entry)
  end
  make_ready(self, entry)
  arrange(self, o, now)
end

--- Makes a batch durable: what has ended, what was found, what was counted, how long outputs are.
---@param batch { outcomes: table[], links: table[], counters: table, outputs: table, skips: table[], now: number }
---@return boolean? ok
---@return rill.Error? err
function Frontier:commit(batch)
  for _, outcome in ipairs(batch.outcomes) do
    if outcome.run then count_run(self, outcome.run, outcome.duplicate_of ~= nil) end
  end
  batch.counts, self._dirty = self._dirty, {}
  batch.touched, self._touched = self._touched, {}
  local ok, err = self._store:commit(batch, self)
  if not ok then return nil, err end
  for _, outcome in ipairs(batch.outcomes) do
    if outcome.kind == "retry" then
      outcome.entry.due = outcome.due
      put_back(self, outcome.entry, batch.now)
    end
  end
  for _, link in ipairs(batch.links) do
    self._store:push(link)
    arrange(self, origin_of(self, link.origin), batch.now)
  end
  return true
end

--- Looks again when an origin is due: it got work from an earlier run.
---@private
function Frontier:wake(key, now)
  arrange(self, origin_of(self, key), now)
end

Frontier.restore_retry = put_back

---@return { queued: integer, in_flight: integer, origins: integer, retrying: integer, next: number? } retrying: pages
function Frontier:stats()
  return { queued = self:waiting() + self._abandoned, in_flight = self._in_flight,
    origins = self._origin_count, retrying = self._retrying_pages }
end

--- Lets the state know of an output before it is made.
---@param name string
---@param length number
---@return boolean? ok
---@return rill.Error? err
function Frontier:register(name, length)
  if not self._store.register then return true end
  return self._store:register(name, length)
end

--- Origins that rest now, and why.
---@param now number
---@return table<string, string>
function Frontier:resting(now)
  local list = {}
  for key, o in pairs(self._origins) do
    local why = o.dead and "given up" or o.open_until > now and "breaker" or o.hold > now and "retry-after"
      or o.robots_hold > now and "robots"
    if why and (o.later > 0 or has_work(self, o)) then list[key] = why end
  end
  return list
end

--- How many URLs wait.
---@return integer
function Frontier:waiting()
  return self._store:waiting() + self._retrying
end

function Frontier:close()
  self._store:close()
end

---@param store table rill.CrawlStore: new_id, push, shift, count, waiting, url_of, commit, close
---@param options { policy: fun(origin: string): table, robots: boolean, robots_wait: number, retries: integer,
---  limits: table }
---@return rill.CrawlFrontier
function M.new(store, options)
  return setmetatable({
    seen = map64(), skipped = map64(), bodies = bodies.new(store), counts = map64(), _dirty = {},
    _touched = {}, _abandoned = 0, _kept = kept_robots.new(),
    _store = store, _options = options, _origins = {}, _due = heap(), _later = heap(), _ready = {}, _in_flight = 0,
    _retrying = 0, _retrying_pages = 0, _origin_count = 0,
  }, Frontier)
end

return M
