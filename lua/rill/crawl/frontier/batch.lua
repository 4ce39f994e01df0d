--- What a batch is for the script `finish`: words, the head of them JSON.
local ffi = require("rill.core.ffi")
local json = require("rill.core.plain_json")
local rank_of = require("rill.crawl.frontier.rank")
local record = require("rill.crawl.frontier.record")

local M = {}

local MOST = 1e15 -- in place of no limit: JSON has no infinity
local LETTERS = { per_host = "h", per_path = "p", per_shape = "s" }
local RESULT = { "kind", "latency", "hold", "bad", "reason", "message", "skip" }
local BEFORE = 3 -- words in front of these: run, worker, latest

pcall(ffi.cdef, "long long strtoll(const char *text, char **rest, int base);")

local both = ffi.new("union { int64_t whole; uint32_t half[2]; }")

--- A fingerprint as Redis' sets of whole numbers hold it: never through a double.
---@param high number
---@param low number
---@return string
function M.decimal(high, low)
  both.half[0], both.half[1] = low, high
  return (tostring(both.whole):gsub("LL$", ""))
end

--- The halves of what decimal() has made.
---@param text string
---@return number high
---@return number low
function M.halves(text)
  both.whole = ffi.C.strtoll(text, nil, 10)
  return both.half[1], both.half[0]
end

--- What the origin has to know of the end of a request.
---@param result table
---@return table
function M.result(result)
  local clean = {}
  for _, name in ipairs(RESULT) do
    local value = result[name]
    if type(value) == "string" or type(value) == "number" or value == true then clean[name] = value end
  end
  return clean
end

---@param list table[] { lease, result }
---@return string
function M.ended(list)
  return list[1] and json.encode(list) or "[]"
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

local function outcome_of(frontier, outcome, blob, now)
  local entry, kind = outcome.entry, outcome.kind
  local given = { id = entry.lease, kind = kind, result = M.result(outcome.result or { kind = "none" }) }
  if kind == "robots" then
    given.robots = robots_of(outcome.robots, blob)
  elseif kind == "retry" then
    given.after, given.record = math.max(0, outcome.due - now), blob(record.encode(entry))
  end
  if outcome.run then
    given.run, given.duplicate = blob(record.bytes(outcome.run.high, outcome.run.low)), outcome.duplicate_of ~= nil
  end
  -- Another page's body is not brought: that one brings it, and would be taken for a duplicate too if it ends later. If
  -- it never ends here it is asked for again, and is then the first.
  if outcome.high and kind ~= "retry" and not outcome.duplicate_of then
    given.body = { frontier:bucket(outcome.low), M.decimal(outcome.high, outcome.low) }
    given.unasked = outcome.unasked
  end
  if kind == "done" and frontier:remembers() then given.page = page_of(frontier, outcome, blob, now) end
  return given
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

local function traps_of(link)
  local parts = { link.again and "+" or nil }
  for _, counter in ipairs(not link.again and link.counters or {}) do
    local letter = LETTERS[counter.name]
    if letter then parts[#parts + 1] = letter .. record.bytes(counter.high, counter.low) end
  end
  return table.concat(parts)
end

local function add_links(frontier, batch, words, origins)
  local index = {}
  for _, link in ipairs(batch.links) do
    local at = index[link.origin]
    if not at then
      at = #origins + 1
      index[link.origin], origins[at] = at, { link.origin, frontier:origin(link.origin).policy }
    end
    local n = #words
    words[n + 1], words[n + 2], words[n + 3] = M.decimal(link.high, link.low), frontier:bucket(link.low), tostring(at)
    words[n + 4], words[n + 5], words[n + 6] = ("%d"):format(rank_of(link)), traps_of(link), record.encode(link)
  end
end

--- The words of the script, but for those three.
---@param frontier rill.CrawlRedis
---@param batch table
---@param with { number: integer, deltas: table, options: table, limits: table } number: of the last batch
---@return string[]
function M.words(frontier, batch, with)
  local words = { tostring(with.number + 1), tostring(with.number), "" }
  local function blob(text)
    words[#words + 1] = text
    return #words + BEFORE
  end
  local head = { outcomes = {}, origins = {}, deltas = with.deltas, offsets = batch.outputs, scope = batch.scope or {},
    options = with.options, limits = limits_of(with.limits) }
  for i, outcome in ipairs(batch.outcomes) do head.outcomes[i] = outcome_of(frontier, outcome, blob, batch.now) end
  head.first = #words + BEFORE + 1
  add_links(frontier, batch, words, head.origins)
  words[3] = json.encode(head)
  return words
end

return M
