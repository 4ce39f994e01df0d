--- What waits, in Redis, for workers in many processes and on many machines. Each step is one script inside Redis:
--- atomic, one round trip. Which origin may be asked is decided there, by its clock, so all workers together keep an
--- origin's limits. What is handed out is leased; a lease that is not renewed goes back to the head of its queue.
local again = require("rill.crawl.frontier.again")
local batches = require("rill.crawl.frontier.batch")
local errors = require("rill.errors")
local joining = require("rill.crawl.frontier.joining")
local json = require("rill.crawl.json")
local known_of = require("rill.crawl.frontier.known")
local owner = require("rill.crawl.frontier.owner")
local questions = require("rill.crawl.frontier.questions")
local record = require("rill.crawl.frontier.record")
local rill = require("rill")
local totals = require("rill.crawl.frontier.totals")
local wire = require("rill.crawl.frontier.wire")

local M = {}

local POLL = 0.2 -- seconds until it is looked again whether others have brought work

---@class rill.CrawlRedis: rill.CrawlFrontier
---@field worker string
---@field offsets table<string, number> of this worker's outputs
---@field counters table of all workers
---@field fresh boolean it was made now
---@field stop_reason string? all workers stop
---@field may_lose boolean a batch may be refused in part: commit() then returns an error with `lost`
---@field private _wire rill.CrawlWire
---@field private _options table what robots.txt is judged by
---@field private _settings table
---@field private _run string
---@field private _buckets number
---@field private _batch integer the last one that was committed
---@field private _sums table<string, number> counters at that time
---@field private _numbers table see numbers() in inside/common.lua
---@field private _own table<string, rill.CrawlEntry> by lease
---@field private _own_count integer
---@field private _ended table[] requests that have ended, and Redis does not know yet
---@field private _origins table<string, table>
---@field private _known rill.CrawlKnown
---@field private _questions rill.CrawlQuestions
---@field private _renewal rill.Task?
---@field private _scope_size integer
---@field private _stop string? why all stop
local Frontier = { may_lose = true }
Frontier.__index = Frontier

local function call(self, name, words)
  table.insert(words, 1, self.worker)
  table.insert(words, 1, self._run)
  return self._wire:script(name, words)
end

local function read_numbers(self, list)
  self._numbers = list
  self.stop_reason = list[4] ~= "" and list[4] or nil
end

---@param key string
---@return table origin what this worker knows of it: policy, robots
function Frontier:origin(key)
  local o = self._origins[key]
  if not o then
    o = { key = key, policy = self._settings.policy(key) }
    self._origins[key] = o
  end
  return o
end

--- The number of the set that holds a fingerprint.
---@param low number
---@return string
function Frontier:bucket(low)
  return tostring(low % self._buckets)
end

--- Whether pages are remembered, for a recrawl.
---@return boolean
function Frontier:remembers()
  return self._settings.remember == true
end

local function load_robots(self, key, at)
  local o = self:origin(key)
  if o.robots and o.robots.at == at then return true end
  local body, err = self._wire:command { "HGET", ("%s:o:%s"):format(self._wire.key, key), "robots" }
  if err then return nil, err end
  o.robots = { at = at, body = body or "" }
  return true
end

local function entry_of(self, given)
  local id, key, kind, text, dead, robots_at = unpack(given)
  local entry
  if kind == "robots" then
    entry = { id = 0, kind = "robots", url = key .. "/robots.txt", depth = 0, hops = 0, attempts = 0, free = 0 }
  else
    entry = record.decode(text)
  end
  entry.lease, entry.origin, entry.dead = id, key, dead ~= "" and json.decode(dead) or nil
  self._own[id], self._own_count = entry, self._own_count + 1
  if robots_at == "" or kind == "robots" then return entry end
  local ok, err = load_robots(self, key, robots_at)
  if not ok then return nil, err end
  return entry
end

-- The words of `renew`; all: what is not named goes back.
local function renewal(self, all)
  local words = { tostring(self._settings.lease), all and "1" or "0" }
  for id in pairs(self._own) do words[#words + 1] = id end
  return words
end

-- After the connection was lost: what Redis handed out and never arrived goes back.
local function resynchronize(self)
  self._wire.was_lost = false
  local answer, err = call(self, "renew", renewal(self, true))
  return answer and true or nil, err
end

local function restore_scope(self)
  if self._numbers[5] == self._scope_size then return true end
  local list, err = self._wire:command { "SMEMBERS", self._wire.key .. ":scope" }
  if err then return nil, err end
  self._scope_size = #list
  self._settings.scope:restore(list)
  return true
end

local function ask_for(self, n)
  if self._wire.was_lost then
    local ok, err = resynchronize(self)
    if not ok then return nil, err end
  end
  local settings, ended = self._settings, self._ended
  self._ended = {}
  local answer, err = call(self, "take", { tostring(settings.lease), tostring(n), tostring(settings.max_pages or ""),
    settings.robots and "1" or "0", batches.ended(ended),
    settings.policy_all and json.encode(settings.policy_all) or "" })
  if err then return nil, err end
  read_numbers(self, answer[3])
  return answer
end

--- At most n entries, and when to ask again. How many may be new, Redis knows.
---@param n integer
---@param now number
---@return rill.CrawlEntry[]
---@return number? again
---@return rill.Error? err
function Frontier:take(n, now)
  local answer, err = ask_for(self, n)
  local ok = answer and true
  if ok then ok, err = restore_scope(self) end
  local list = {}
  for i, given in ipairs(ok and answer[1] or {}) do
    list[i], err = entry_of(self, given)
    if err then break end
  end
  if err then return {}, nil, err end
  local wait = tonumber(answer[2])
  if self._numbers[2] > self._own_count then wait = math.min(wait or POLL, POLL) end
  return list, wait and now + wait
end

--- A request has ended: the next take reports it to Redis.
---@param entry rill.CrawlEntry
---@param result table
function Frontier:settle(entry, result)
  if not result.robots then table.insert(self._ended, { entry.lease, batches.result(result) }) end
end

--- What was handed out will not be settled: it goes back as this worker leaves.
function Frontier.abandon() end

--- Whether the sitemaps that an origin's robots.txt names are read: it is one of the crawl's own.
---@param key string
---@return boolean
function Frontier:leads_on(key)
  local scope = self._settings.scope
  return scope:is_start(key) or scope:holds(key .. "/", key)
end

---@return integer? id
function Frontier:known(high, low)
  return self._known:seen(high, low)
end

--- Redis counts against traps: the commit returns which links were too many.
function Frontier.trap() end

--- Whether the shape has given nothing but known bodies for so long that it is retired.
function Frontier:retired(high, low)
  return self._known:run(high, low) >= self._settings.limits.same_run
end

---@param link table
---@return boolean admitted
---@return string? reason
function Frontier:admit(link)
  if not link.again and self._known:seen(link.high, link.low) then return false, "seen" end
  link.id = record.id(link.high, link.low)
  return true
end

---@return boolean first the first time, as far as this worker knows
function Frontier:pass_over(high, low)
  return self._known:pass_over(high, low)
end

-- Whether a set holds a fingerprint. Waits, unless all that is in it was put there from here.
local function ask(self, set, high, low)
  if self.fresh and self._numbers[6] == 1 and self._known:is_complete() then return false end
  return self._questions:ask(("%s:%s"):format(set, self:bucket(low)), batches.decimal(high, low))
end

--- Whether a URL is known to any worker. Waits.
---@return boolean
function Frontier:is_seen(high, low)
  return self._known:seen(high, low) ~= nil or ask(self, "seen", high, low)
end

--- Whether a page had this body before. Waits.
---@return true?
function Frontier:duplicate(high, low, entry)
  local known = self._known:is_duplicate(high, low, entry)
  if known == nil then
    known = not entry.known and ask(self, "body", high, low)
    self._known:take_body(high, low, entry, known)
  end
  return known or nil
end

local function forget(self, id)
  if self._own[id] then self._own[id], self._own_count = nil, self._own_count - 1 end
end

-- Takes in what Redis has answered to a batch: also which links it found to be too many.
local function take_in(self, batch, reply)
  for _, outcome in ipairs(batch.outcomes) do forget(self, outcome.entry.lease) end
  self._known:take(batch, reply.runs)
  batch.trapped = {}
  for _, each in ipairs(reply.skips) do
    local link = batch.links[each[1]]
    table.insert(batch.trapped, { url = link.url, from = link.from, reason = each[2], high = link.high,
      low = link.low })
  end
end

-- The sums of all workers, and what was counted here since the batch was made.
local function sum_up(self, counters, sent, list)
  local sums = totals.read(list)
  totals.apply(counters, sums, totals.since(totals.flat(counters), sent))
  self._sums = sums
end

-- Redis has gone back in time: it restarted, or a replica took over.
local function rewound(self, list)
  local hash = joining.hash(list)
  self._batch = tonumber(hash.batch or 0)
  return errors.new { reason = "state", kind = "rewound", path = self._wire.shown, message = "Redis went back in time",
    lost = {}, offsets = joining.offsets(hash) }
end

local function refused(self, ids)
  local lost = {}
  for _, id in ipairs(ids) do
    lost[id] = true
    forget(self, id)
  end
  return errors.new { reason = "state", kind = "lost", path = self._wire.shown, message = "leases were lost",
    lost = lost }
end

--- Makes a batch durable, or nothing of it.
---@param batch table
---@return boolean? ok
---@return rill.Error? err with `lost` where the batch has to be made again: a set of the leases that are gone, and
---  `offsets` where the outputs are at other places than they were
function Frontier:commit(batch)
  local sent = totals.flat(batch.counters)
  local reply, err = call(self, "finish", batches.words(self, batch, { number = self._batch,
    deltas = totals.since(sent, self._sums), options = self._options, limits = self._settings.limits }))
  if err then return nil, err end
  if reply[1] ~= "ok" then
    self._known:forget_pending()
    return nil, reply[1] == "rewound" and rewound(self, reply[3]) or refused(self, reply[2])
  end
  self._batch = self._batch + 1
  read_numbers(self, reply[3])
  take_in(self, batch, json.decode(reply[2]))
  sum_up(self, batch.counters, sent, reply[4])
  return true
end

---@return table
function Frontier:stats()
  return { queued = self._numbers[1], in_flight = self._numbers[2], origins = self._numbers[3], retrying = 0 }
end

---@return integer
function Frontier:waiting()
  return self._numbers[1]
end

function Frontier.resting() return {} end -- Redis alone knows which origins do

---@param name string
---@param length number
---@return boolean? ok
---@return rill.Error? err
function Frontier:register(name, length)
  local _, err = self._wire:command { "HSET", ("%s:w:%s"):format(self._wire.key, self.worker), "out:" .. name,
    ("%.0f"):format(length) }
  return not err or nil, err
end

--- All workers stop when this one has.
---@param reason string
function Frontier:stop(reason)
  self._stop = reason
end

--- Leaves: what is not committed goes back. The counters are those of all workers then.
---@param counters table
function Frontier:close(counters)
  if self._renewal then self._renewal:cancel() end
  self._wire:be_patient(0)
  local reply = call(self, "leave", { self._stop or "" })
  if reply then
    read_numbers(self, reply[1])
    if counters then sum_up(self, counters, totals.flat(counters), reply[2]) end
  end
  self._wire:close()
end

-- Keeps the leases of what takes long.
local function renew(self)
  while true do
    rill.sleep(self._settings.lease / 3)
    call(self, "renew", renewal(self, false))
  end
end

local function enter(self, joined)
  self._run, self._buckets, self._batch, self.fresh = joined.run, joined.buckets, joined.batch, joined.fresh
  self.counters, self.offsets = {}, joined.offsets
  self._scope_size = #joined.scope
  self._settings.scope:restore(joined.scope)
  read_numbers(self, joined.numbers)
end

--- Joins the crawl of that name, or begins it. In a task.
---@param settings table of the schedule, and path, worker, lease, expect, remember, unreachable, key_name, conf, scope
---@return rill.CrawlRedis?
---@return rill.Error? err reason "state"; kind "url", "missing", "unreachable", "auth", "key", "version", "corrupt",
---  "worker", "full"
function M.open(settings)
  local opened, err = wire.open(settings.path)
  if not opened then return nil, err end
  local self = setmetatable({ _wire = opened, _settings = settings, worker = settings.worker or owner.name(),
    _batch = 0, _own = {}, _own_count = 0, _ended = {}, _origins = {}, _known = known_of.new(),
    _options = { robots_wait = settings.robots_wait, retries = settings.retries } }, Frontier)
  local joined
  joined, err = joining.join(opened, settings, self.worker)
  if not joined then
    opened:close()
    return nil, err
  end
  enter(self, joined)
  self._questions = questions.new(function(words) return call(self, "ask", words) end)
  local sums
  sums, err = again(function(name, words) return call(self, name, words) end, opened, settings, self._buckets)
  if not sums then
    opened:close()
    return nil, err
  end
  self._sums = sums
  totals.apply(self.counters, sums, {})
  opened:be_patient(settings.unreachable)
  self._renewal = rill.spawn(renew, self)
  return self
end

return M
