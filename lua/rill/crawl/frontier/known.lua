--- What a worker of a shared crawl remembers by itself, so that Redis need not be asked: URLs that were committed, here
--- or by others, or passed over, bodies, shapes that gave known bodies.
local batches = require("rill.crawl.frontier.batch")
local map64 = require("rill.crawl.map64")
local record = require("rill.crawl.frontier.record")

local M = {}

M.MAX_KNOWN = 2 ^ 22 -- of each kind; beyond that Redis is asked

local NOTED = 2 ^ 31 -- more than the number of a page: it had the body first here, elsewhere others may have had it
local ELSEWHERE = 2 ^ 32 - 1 -- the page whose body it was is not known here

---@class rill.CrawlKnown
---@field private _seen rill.Map64 those that others have found, too
---@field private _skipped rill.Map64
---@field private _bodies rill.Map64 hash to a number of its page
---@field private _runs rill.Map64 how often in a row shapes gave known bodies
---@field private _pending table<string, boolean> passed over since the last commit
---@field private _whole boolean nothing was forgotten
---@field times_forgotten integer
local Known = {}
Known.__index = Known

local function remember(map, high, low, value)
  if map.count < M.MAX_KNOWN then map:set(high, low, value) end
end

--- Whether it remembers all there was, and need not ask.
---@return boolean
function Known:is_complete()
  return self._whole and self._seen.count < M.MAX_KNOWN and self._bodies.count < M.MAX_KNOWN
end

--- Redis went back in time: what was committed may be unknown there again, so nothing is known here.
function Known:forget()
  self._seen, self._skipped, self._bodies, self._runs, self._pending = map64(), map64(), map64(), map64(), {}
  self._whole, self.times_forgotten = false, self.times_forgotten + 1
end

--- URLs that other workers have found: a link to one of them need not be sent.
---@param news string their fingerprints, decimal, with blanks between
function Known:take_news(news)
  if news == "" then return end
  local seen = self._seen
  batches.each(news, function(high, low) remember(seen, high, low, 1) end)
end

---@return number? 1
function Known:seen(high, low)
  return self._seen:get(high, low)
end

---@return boolean first the first time
function Known:pass_over(high, low)
  local name = record.bytes(high, low)
  if self._pending[name] or self._skipped:get(high, low) then return false end
  self._pending[name] = true
  return true
end

--- A batch was refused: what it passed over is passed over again.
function Known:forget_pending()
  self._pending = {}
end

--- How often in a row a shape gave known bodies.
---@return number
function Known:run(high, low)
  return self._runs:get(high, low) or 0
end

-- A number of a page, which is hardly ever that of another one.
local function number_of(entry)
  return 1 + entry.low % (NOTED - 2)
end

--- Whether another page had this body; nil: not known here.
---@param entry rill.CrawlEntry
---@return boolean?
function Known:is_duplicate(high, low, entry)
  local number, own = self._bodies:get(high, low), number_of(entry)
  if number and number ~= own + NOTED then return number ~= own end
end

--- What Redis has said of a body that was noted.
---@param elsewhere boolean another worker's page had it
function Known:take_body(high, low, elsewhere)
  if elsewhere then return remember(self._bodies, high, low, ELSEWHERE) end
  local number = self._bodies:get(high, low)
  if number and number > NOTED and number < ELSEWHERE then self._bodies:set(high, low, number - NOTED) end
end

--- Whether a page had this body before; nil: only Redis knows. A body that no page had is this page's from now on;
--- after nil, take_body() corrects that by what Redis has answered.
---@param has_all boolean what is not known here is not known anywhere
---@return boolean?
function Known:note_body(high, low, entry, has_all)
  local known = self:is_duplicate(high, low, entry)
  if known ~= nil then return known end
  local is_own = has_all or entry.known ~= nil -- at a recrawl it may be the body that this page had
  remember(self._bodies, high, low, number_of(entry) + (is_own and 0 or NOTED))
  if is_own then return false end
end

-- Redis was not asked about these bodies, and knew some of them before the batch.
local function take_bodies(self, outcomes, known)
  local elsewhere = {}
  for _, at in ipairs(known) do elsewhere[at] = true end
  for at, outcome in ipairs(outcomes) do
    if outcome.unasked then self:take_body(outcome.high, outcome.low, elsewhere[at] == true) end
  end
end

--- Takes in a batch that is durable.
---@param batch table
---@param reply { runs: number[], known: integer[]? } runs: of the outcomes that have one, in order; known: places of
---  outcomes whose bodies nobody had asked for, and Redis knew
function Known:take(batch, reply)
  take_bodies(self, batch.outcomes, reply.known or {})
  for _, link in ipairs(batch.links) do remember(self._seen, link.high, link.low, 1) end
  for _, skip in ipairs(batch.skips) do
    remember(self._skipped, skip.high, skip.low, 1)
    self._pending[record.bytes(skip.high, skip.low)] = nil
  end
  local at = 0
  for _, outcome in ipairs(batch.outcomes) do
    if outcome.run then
      at = at + 1
      remember(self._runs, outcome.run.high, outcome.run.low, reply.runs[at])
    end
  end
end

---@return rill.CrawlKnown
function M.new()
  return setmetatable({ _seen = map64(), _skipped = map64(), _bodies = map64(), _runs = map64(), _pending = {},
    _whole = true, times_forgotten = 0 }, Known)
end

return M
