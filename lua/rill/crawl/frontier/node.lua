--- What waits, in one Redis, as a worker sees it: what it was handed out, what it has counted, what it asks. Each step
--- is one script there, see frontier/inside; which origin may be asked is decided there, by its clock.
local batches = require("rill.crawl.frontier.batch")
local confirm = require("rill.crawl.frontier.confirm")
local holding = require("rill.crawl.frontier.holding")
local joining = require("rill.crawl.frontier.joining")
local json = require("rill.core.plain_json")
local known_of = require("rill.crawl.frontier.known")
local numbers = require("rill.crawl.frontier.numbers")
local origins = require("rill.crawl.frontier.origins")
local owner = require("rill.crawl.frontier.owner")
local portions = require("rill.crawl.frontier.portions")
local questions = require("rill.crawl.frontier.questions")
local record = require("rill.crawl.frontier.record")
local refusal = require("rill.crawl.frontier.refusal")
local rill = require("rill")
local totals = require("rill.crawl.frontier.totals")

local M = {}

---@class rill.CrawlRedis: rill.CrawlFrontier
---@field worker string
---@field numbers rill.CrawlNumbers
---@field offsets table<string, number> of this worker's outputs
---@field counters table of all workers
---@field fresh boolean it was made now
---@field run string its name among crawls, made with it
---@field stop_reason string? all workers stop
---@field leaves boolean the last take was given a part of what waits: the rest is for other workers
---@field may_lose boolean a batch may be refused in part: commit() then returns an error with `lost`
---@field private _wire rill.CrawlWire
---@field private _options table what robots.txt is judged by
---@field private _settings table
---@field private _asker string the run, and whose the worker's name is
---@field private _buckets number
---@field private _batch integer the last one that was committed
---@field private _news integer? how many batches' URLs it was told of; nil: it is one node of several, and is told none
---@field private _sums table<string, number> counters at that time
---@field private _held rill.CrawlHolding
---@field private _origins rill.CrawlOrigins
---@field private _known rill.CrawlKnown
---@field private _questions rill.CrawlQuestions
---@field private _renewal rill.Task?
---@field private _scope_size integer
---@field private _stop string? why all stop
---@field private _turn string see inside/turn.lua; ""
---@field private _max_pages integer? in place of the settings'
local Frontier = { may_lose = true }
Frontier.__index = Frontier

--- Runs a script inside Redis.
---@param name string of frontier/inside
---@param words string[] behind run, worker and latest
---@return any answer
---@return rill.Error? err
function Frontier:call(name, words)
  return self._wire:step(name, self._asker, self.worker, words)
end

--- Whether its files are still its own, or why not.
function Frontier:confirm() return confirm(self, self._wire, self._held, self._settings.lease) end

local function read_numbers(self, list)
  self.numbers = numbers.read(list)
  self.stop_reason = self.numbers.stop
end

---@param key string
---@return table origin what this worker knows of it: policy, robots
function Frontier:origin(key)
  return self._origins:get(key)
end

--- The number of the set that holds a fingerprint.
---@param low number
---@return integer
function Frontier:bucket(low)
  return low % self._buckets
end

--- Whether pages are remembered, for a recrawl.
---@return boolean
function Frontier:remembers()
  return self._settings.remember == true
end

local function load_robots(self, groups)
  return self._origins:load(groups, function(key)
    return self._wire:command { "HGET", ("%s:o:%s"):format(self._wire.key, key), "robots" }
  end)
end

-- After the connection was lost: what Redis handed out and never arrived goes back.
local function resynchronize(self)
  self._wire.was_lost = false
  local answer, err = self:call("renew", self._held:renewal(self._settings.lease, true))
  return answer and true or nil, err
end

local function restore_scope(self)
  if self.numbers.scope == self._scope_size then return true end
  local list, err = self._wire:command { "SMEMBERS", self._wire.key .. ":scope" }
  if err then return nil, err end
  self._scope_size = #list
  self._settings.scope:restore(list)
  return true
end

local function ask_for(self, n, now)
  if self._wire.was_lost then
    local ok, err = resynchronize(self)
    if not ok then return nil, err end
  end
  local settings = self._settings
  local max_pages = self._max_pages or settings.max_pages
  local well, others = self._held:report()
  local answer, err = self:call("take", { tostring(settings.lease), tostring(n), tostring(max_pages or ""),
    settings.robots and "1" or "0", well, others, settings.policy_all and json.encode(settings.policy_all) or "",
    self._turn, tostring(self._news or ""), ("%d"):format(self._held:load(now)) })
  if err then return nil, err end
  read_numbers(self, answer[3])
  self._known:take_news(answer[6])
  self.leaves = answer[8] == 1
  self._news = self._news and tonumber(answer[7])
  return answer
end

--- At most n entries, and when to ask again. How many may be new, Redis knows.
---@param n integer
---@param now number
---@return rill.CrawlEntry[]
---@return number? again
---@return rill.Error? err
function Frontier:take(n, now)
  self._origins:bound()
  local answer, err = ask_for(self, n, now)
  local ok = answer and true
  if ok then ok, err = restore_scope(self) end
  if ok then ok, err = load_robots(self, answer[1]) end
  if not ok then return {}, nil, err end
  local list = self._held:take(answer)
  local wait = tonumber(answer[2])
  local pause = self._held:pause(list[1] ~= nil, now)
  if n > 0 then self._held:note(list[1] ~= nil, now) end
  if self.leaves then
    wait = pause
  elseif self.numbers.in_flight > self._held.count then
    wait = math.min(wait or pause, pause)
  end
  return list, wait and now + wait
end

--- In this turn so many pages are the most, see budget.lua.
---@param max_pages integer? nil, and no turn: as the settings say
---@param turn integer?
function Frontier:limit(max_pages, turn)
  self._max_pages, self._turn = max_pages, turn and tostring(turn) or ""
end

--- A request has ended: the next take reports it to Redis.
---@param entry rill.CrawlEntry
---@param result table
function Frontier:settle(entry, result)
  self._held:settle(entry, result)
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

--- How often it has forgotten what it knew.
---@return integer
function Frontier:times_forgotten() return self._known.times_forgotten end

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

-- Whether all that Redis knows was put there from here, and is known here.
local function has_all(self)
  return self.fresh and self.numbers.workers == 1 and self._known:is_complete()
end

-- Whether a set holds a fingerprint. Waits, unless that is known here.
local function ask(self, set, high, low)
  if has_all(self) then return false end
  return self._questions:ask(questions.words(self, set, high, low))
end

--- Finds out whose bodies outcomes have that are `unasked`, before they are committed. Waits.
---@param outcomes table[]
---@return boolean? ok
---@return rill.Error? err
function Frontier:ask_bodies(outcomes)
  return self._questions:of_bodies(outcomes, self)
end

--- Whether any worker's page on this node had this body. Waits.
---@return boolean? nil: there was no answer
function Frontier:has_body(high, low)
  return ask(self, "body", high, low)
end

--- Takes in what has_body() has said, while the page that asked is not committed: then the body may be its own.
function Frontier:take_body(high, low, known) self._known:take_body(high, low, known) end

--- Whether a URL is known to any worker. Waits.
---@return boolean
function Frontier:is_seen(high, low)
  return self._known:seen(high, low) ~= nil or ask(self, "seen", high, low) == true
end

--- Whether a page had this body before, without waiting; nil: only Redis knows, which finds it out with the commit of
--- an `unasked` outcome, or is asked by has_body().
---@return boolean?
function Frontier:note_body(high, low, entry)
  return self._known:note_body(high, low, entry, has_all(self))
end

--- Whether a page had this body before. Waits.
---@return true?
---@return boolean? unasked there was no answer
function Frontier:duplicate(high, low, entry)
  local known = self:note_body(high, low, entry)
  if known == nil then
    known = self:has_body(high, low)
    if known ~= nil then self:take_body(high, low, known) end
  end
  return known or nil, known == nil
end

-- Takes in what Redis has answered to a batch: also which links it found to be too many.
local function take_in(self, batch, reply)
  for _, outcome in ipairs(batch.outcomes) do self._held:forget(outcome.entry.lease) end
  self._known:take(batch, reply)
  batch.trapped = batches.trapped(batch.links, reply.skips)
end

-- The sums of all workers, and what was counted here since the batch was made.
local function sum_up(self, counters, sent, sums)
  totals.apply(counters, sums, totals.since(totals.flat(counters), sent))
  self._sums = sums
end

-- Why a batch was not taken. Where Redis went back in time, links that were found since are known here and not there,
-- also those of pages in flight: these go back, to be asked for anew.
local function refused(self, batch, reply)
  if reply[1] == "lost" then
    self._known:forget_pending()
    for _, id in ipairs(reply[2]) do self._held:forget(id) end
    return refusal.lost(self._wire.shown, reply[2])
  end
  local hash = joining.hash(reply[3])
  self._batch, self._news = tonumber(hash.batch or 0), self._news and tonumber(hash.news or 0)
  self._known:forget()
  self._held:forget_all()
  local _, err = self:call("renew", self._held:renewal(self._settings.lease, true))
  return err or refusal.rewound(self._wire.shown, hash, batch.outcomes)
end

--- Sends a batch in one call: all of it is durable then, or nothing.
---@param batch table
---@param deltas table<string, number> what has been counted
---@return table<string, number>? sums of the counters of all workers
---@return rill.Error? err see commit()
function Frontier:send(batch, deltas)
  local reply, err = self:call("finish", batches.words(self, batch, { number = self._batch, deltas = deltas,
    news = self._news, options = self._options, limits = self._settings.limits }))
  if err then return nil, err end
  if reply[1] ~= "ok" then return nil, refused(self, batch, reply) end
  self._batch = self._batch + 1
  read_numbers(self, reply[3])
  take_in(self, batch, json.decode(reply[2]))
  return totals.read(reply[4])
end

--- Outcomes in groups, each of which is one batch.
---@param outcomes table[]
---@return table[][]
function Frontier.groups(_, outcomes)
  return portions.groups(outcomes, function() return 1 end)
end

--- Makes a batch durable, or nothing of it but its links.
---@param batch table
---@return boolean? ok
---@return rill.Error? err with `lost` where the batch has to be made again: a set of the leases that are gone, and
---  `offsets` where the outputs are at other places than they were
function Frontier:commit(batch)
  local sent = totals.flat(batch.counters)
  local sums, err = portions.send(self, batch, totals.since(sent, self._sums))
  if not sums then return nil, err end
  sum_up(self, batch.counters, sent, sums)
  return true
end

---@return table
function Frontier:stats() return numbers.stats(self.numbers) end

---@return integer
function Frontier:waiting() return self.numbers.queued end

function Frontier.resting() return {} end -- Redis alone knows which origins do

--- One of this worker's files is there from now on, while its name is its own.
---@param name string
---@param length number
---@return boolean? ok
---@return rill.Error? err
function Frontier:register(name, length)
  return self:call("register", { name, ("%.0f"):format(length) })
end

--- What the crawl records of itself; with a value it is set.
function Frontier:conf(name, value)
  return self._wire:command { value and "HSET" or "HGET", self._wire.key .. ":conf", name, value }
end

--- All workers stop when this one has.
---@param reason string
function Frontier:stop(reason)
  self._stop = reason
end

--- The counters of all workers, when they were last seen.
---@return table<string, number>
function Frontier:sums()
  return self._sums
end

--- Leaves: what is not committed goes back.
---@return table<string, number>? sums of the counters of all workers; nil: Redis is away
function Frontier:leave()
  if self._renewal then self._renewal:cancel() end
  self._wire:be_patient(0)
  local reply = self:call("leave", { self._stop or "" })
  if reply then read_numbers(self, reply[1]) end
  self._wire:close()
  return reply and totals.read(reply[2])
end

--- Leaves. The counters are those of all workers then.
---@param counters table?
function Frontier:close(counters)
  local sums = self:leave()
  if sums and counters then sum_up(self, counters, totals.flat(counters), sums) end
end

-- Keeps the leases of what takes long.
local function renew(self)
  while true do
    rill.sleep(self._settings.lease / 3)
    self:call("renew", self._held:renewal(self._settings.lease, false))
  end
end

--- Takes in what a crawl is that was joined.
---@param joined table of joining.join()
function Frontier:enter(joined)
  self.run, self._asker, self._buckets = joined.run, joined.run .. " " .. joined.owner, joined.buckets
  self._batch, self.fresh, self.counters, self.offsets = joined.batch, joined.fresh, {}, joined.offsets
  self._scope_size = #joined.scope
  self._settings.scope:restore(joined.scope)
  read_numbers(self, joined.numbers)
end

--- Begins to work: what was counted before is known.
---@param sums table<string, number>
function Frontier:begin(sums)
  self._sums = sums
  totals.apply(self.counters, sums, {})
  self._renewal = rill.spawn(renew, self)
end

--- One Redis that is joined.
---@param opened rill.CrawlWire
---@param settings table see frontier/redis.lua
---@return rill.CrawlRedis
function M.new(opened, settings)
  local self = setmetatable({ _wire = opened, _settings = settings, worker = settings.worker or owner.name(),
    _batch = 0, _news = not settings.node and 0 or nil, _held = holding.new(), _turn = "",
    _origins = origins.new(settings.policy), _known = settings.known or known_of.new(),
    _options = { robots_wait = settings.robots_wait, retries = settings.retries } }, Frontier)
  self._questions = questions.new(function(words) return self:call("ask", words) end)
  return self
end

return M
