--- What a batch is for the script `finish`: words. What there is of each page and each link is packed, the rest JSON.
local bytes_of = require("rill.crawl.frontier.bytes")
local ffi = require("rill.core.ffi")
local json = require("rill.core.plain_json")
local rank_of = require("rill.crawl.frontier.rank")
local record = require("rill.crawl.frontier.record")

local M = {}

local MOST = 1e15 -- in place of no limit: JSON has no infinity
local LETTERS = { per_host = "h", per_path = "p", per_shape = "s" }
local KINDS = { robots = "b", retry = "r", skip = "s" }
local WENT_WELL, UNASKED, COUNTED, DUPLICATE = 1, 2, 4, 8 -- flags of an outcome
local MOST_SECONDS = 4000 -- of a latency: as microseconds it has room in a word, up to 4,294
local BILLION = ffi.new("int64_t", 1e9)
local RESULT = { "kind", "latency", "hold", "bad", "reason", "message", "skip" }
local NONE, NO_RESULT = {}, { kind = "none" }
local BEFORE = 3 -- words in front of these: run, worker, latest

pcall(ffi.cdef, "long long strtoll(const char *text, char **rest, int base);")

local both = ffi.new("union { int64_t whole; uint32_t half[2]; }")

--- A fingerprint as Redis' sets of whole numbers hold it: never through a double.
---@param high number
---@param low number
---@return string
function M.decimal(high, low)
  both.half[0], both.half[1] = low, high
  local billions = both.whole / BILLION -- a number holds both parts
  local first, rest = tonumber(billions), tonumber(both.whole - billions * BILLION)
  if first == 0 then return ("%d"):format(rest) end
  return ("%d%09d"):format(first, math.abs(rest))
end

--- The halves of what decimal() has made.
---@param text string
---@return number high
---@return number low
function M.halves(text)
  both.whole = ffi.C.strtoll(text, nil, 10)
  return both.half[1], both.half[0]
end

local rest = ffi.new("char *[1]")

--- The halves of each of several, with blanks between.
---@param text string
---@param take fun(high: number, low: number)
function M.each(text, take)
  local at = ffi.cast("const char *", text)
  local last = at + #text
  while at < last do
    both.whole = ffi.C.strtoll(at, rest, 10)
    if rest[0] == at then return end -- no number
    take(both.half[1], both.half[0])
    at = rest[0]
  end
end

-- What the origin has to know of the end of a request.
local function result_of(result)
  local clean = {}
  for _, name in ipairs(RESULT) do
    local value = result[name]
    if type(value) == "string" or type(value) == "number" or value == true then clean[name] = value end
  end
  return clean
end

-- Microseconds, where there is nothing else to say of a request.
local function latency_of(result)
  local latency = result.kind == "ok" and not (result.bad or result.hold or result.skip) and result.latency
  return latency and latency >= 0 and latency < MOST_SECONDS and math.floor(latency * 1e6 + 0.5) or nil
end

--- Adds a request that has ended to those that are reported.
---@param bytes rill.CrawlBytes of those that went well
---@param lease string
---@param result table
---@param others table[] gets it, where there is more to say: { lease, result }
function M.add_ended(bytes, lease, result, others)
  local latency = latency_of(result)
  if latency then
    bytes:short(lease)
    bytes:word(latency)
  else
    others[#others + 1] = { lease, result_of(result) }
  end
end

local function limits_of(limits)
  local all = {}
  for name in pairs(LETTERS) do all[name] = math.min(limits[name] or MOST, MOST) end
  return all
end

local function robots_of(robots, blob)
  local err = robots.err
  return { answer = robots.answer, delay = robots.delay, body = robots.body and blob(robots.body) or nil,
    err = err and { reason = err.reason, kind = err.kind, message = err.message } or nil }
end

local function page_of(frontier, outcome, blob, now)
  local entry = outcome.entry
  local kept = { url = entry.url, origin = entry.origin, depth = entry.depth,
    visited = math.floor(now), etag = outcome.etag, modified = outcome.modified,
    hash = outcome.high and ("%08x%08x"):format(outcome.high, outcome.low) or entry.known and entry.known.hash }
  if outcome.status == 404 or outcome.status == 410 then
    kept.gone = (entry.known and entry.known.gone or 0) + 1
  end
  if outcome.archived then kept.w = kept.visited - outcome.archived end -- the difference is shorter
  if outcome.status == 304 then
    kept.etag, kept.modified = entry.known and entry.known.etag, entry.known and entry.known.modified
  end
  return { frontier:bucket(entry.low), M.decimal(entry.high, entry.low), blob(json.encode(kept)) }
end

-- What few outcomes have; nil: nothing.
local function more_of(frontier, outcome, blob, now)
  local entry, kind, more = outcome.entry, outcome.kind, nil
  if kind == "robots" then
    more = { robots = robots_of(outcome.robots, blob) }
  elseif kind == "retry" then
    more = { after = math.max(0, outcome.due - now), record = blob(record.encode(entry)) }
  elseif kind == "done" and frontier:remembers() then
    more = { page = page_of(frontier, outcome, blob, now) }
  end
  local result = outcome.result or NO_RESULT
  if latency_of(result) then return more end
  more = more or {}
  more.result = result_of(result)
  return more
end

-- Another page's body is not brought: that one brings it, and would be taken for a duplicate too if it ends later. If
-- it never ends here it is asked for again, and is then the first.
local function brings_body(outcome)
  return outcome.high ~= nil and outcome.kind ~= "retry" and not outcome.duplicate_of
end

local function add_outcome(bytes, frontier, outcome)
  local latency, run, brings = latency_of(outcome.result or NO_RESULT), outcome.run, brings_body(outcome)
  bytes:short(outcome.entry.lease)
  bytes:text(KINDS[outcome.kind] or "p")
  bytes:byte((latency and WENT_WELL or 0) + (brings and outcome.unasked and UNASKED or 0) + (run and COUNTED or 0)
    + (outcome.duplicate_of and DUPLICATE or 0))
  bytes:word(latency or 0)
  bytes:short(brings and tostring(frontier:bucket(outcome.low)) or "")
  bytes:short(brings and M.decimal(outcome.high, outcome.low) or "")
  bytes:word(run and run.high or 0)
  bytes:word(run and run.low or 0)
end

--- What Redis has found to be too many.
---@param links table[] of the batch
---@param skips table[] place of a link, and which trap
---@return table[]
function M.trapped(links, skips)
  local list = {}
  for i, each in ipairs(skips) do
    local link, why = links[each[1]], each[2]
    list[i] = { url = link.url, from = link.from, reason = why, high = link.high, low = link.low }
  end
  return list
end

local function add_traps(bytes, link)
  local at = bytes.length
  bytes:byte(0)
  if link.again then
    bytes:text "+"
  else
    for _, counter in ipairs(link.counters or NONE) do
      local letter = LETTERS[counter.name]
      if letter then
        bytes:text(letter)
        bytes:word(counter.high)
        bytes:word(counter.low)
      end
    end
  end
  bytes:set_byte(at, bytes.length - at - 1)
end

local function add_link(bytes, frontier, link, origin)
  bytes:short(M.decimal(link.high, link.low))
  bytes:short(tostring(frontier:bucket(link.low)))
  bytes:half(origin)
  bytes:word(rank_of(link))
  add_traps(bytes, link)
  local at = bytes.length
  bytes:word(0)
  record.write(bytes, link)
  bytes:set_word(at, bytes.length - at - 4)
end

-- Origins of links: name and policy of each, and their places by name. A script's function may say the policy, and
-- wait.
local function origins_of(frontier, links)
  local origins, places = {}, {}
  for _, link in ipairs(links) do
    local key = link.origin
    if not places[key] then
      places[key] = #origins + 1
      origins[#origins + 1] = { key, frontier:origin(key).policy }
    end
  end
  return origins, places
end

local own = bytes_of.new() -- of all crawls: nothing waits, and no script's code runs, while something is written there

local function pack_links(frontier, links, places)
  for _, link in ipairs(links) do add_link(own, frontier, link, places[link.origin]) end
  return own:take()
end

-- Packs outcomes. Returns what more there is of some of them too, by their places as words: JSON's lists have no gaps.
local function pack_outcomes(frontier, batch, blob)
  local more = {}
  for i, outcome in ipairs(batch.outcomes) do
    add_outcome(own, frontier, outcome)
    more[tostring(i)] = more_of(frontier, outcome, blob, batch.now)
  end
  return own:take(), more
end

--- The words of the script, but for the first three.
---@param frontier rill.CrawlRedis
---@param batch table
---@param with { number: integer, deltas: table, news: integer?, options: table, limits: table } number: of the last
---  batch; news: how many batches' URLs Redis has told it of
---@return string[]
function M.words(frontier, batch, with)
  local words = { tostring(with.number + 1), tostring(with.number), "", "", "" }
  local function blob(text)
    words[#words + 1] = text
    return #words + BEFORE
  end
  local origins, places = origins_of(frontier, batch.links)
  local head = { deltas = with.deltas, news = with.news, offsets = batch.outputs, scope = batch.scope or {},
    options = with.options, limits = limits_of(with.limits), origins = origins }
  own:clear()
  words[4], head.more = pack_outcomes(frontier, batch, blob)
  words[5] = pack_links(frontier, batch.links, places)
  words[3] = json.encode(head)
  return words
end

return M
