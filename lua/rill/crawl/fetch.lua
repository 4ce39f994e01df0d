--- One entry becomes one outcome: a page, a redirect, a repeat, a failure, a sitemap, a robots.txt.
local body_hash = require("rill.crawl.body_hash")
local digest = require("rill.crawl.digest")
local errors = require("rill.errors")
local hooks = require("rill.core.hooks")
local page_of = require("rill.crawl.page")
local response_of = require("rill.response")
local rill = require("rill")
local sitemap = require("rill.sitemap")
local url = require("rill.url")
local retry = require("rill.crawl.retry")

local M = {}

local NOT_KNOWN = {} -- what is known of a page that a script's own condition was sent for
local TAG_MOST = 4096 -- bytes of an ETag or a date that is kept
local SITEMAP_SIZE = 50 * 2 ^ 20 -- bytes that are read of one, gzip or not
local SITEMAP_CHUNK = 16384 -- bytes that are asked for at a time
local SITEMAP_SLICE = 1024 -- bytes that are read at a time: of a gzip file they may be a MiB
local SITEMAP_PIECE = 500 -- URLs that are taken at a time

---@class rill.CrawlFetch
---@field private _crawl table
---@field private _listed string? types that are read
local Fetch = {}
Fetch.__index = Fetch

local last_value, last_type -- most pages of a site have the same

local function media_type(headers)
  local value = headers["content-type"]
  if value == nil or value == last_value then return value and last_type end
  local kind = value:match "^%s*([^;%s]*)":lower()
  last_value, last_type = value, kind ~= "" and kind or nil
  return last_type
end

-- The types as a request names them to the core, which stops others at their head.
local function listed(types)
  local list = {}
  for kind in pairs(types) do
    if type(kind) == "string" and not kind:find "[%z, ]" then list[#list + 1] = kind end -- else none is called so
  end
  return table.concat(list, ",")
end

-- Whether its body is of no type that is read. Without a content-type it may be a page.
local function is_other(types, headers)
  local kind = media_type(headers)
  return types and kind and not types[kind] or nil
end

-- What asks for the body only if it has changed. An archive that has no body to refer to needs it in any case: the
-- page was not archived, or as another page's body, whose URL only some frontiers know.
local function validators(crawl, known)
  if not known then return nil end
  if crawl.archive and not known.archived then
    known.original = known.hash and crawl.frontier.original and crawl.frontier:original(known.hash)
    if not known.original then return nil end
  end
  return { ["if-none-match"] = known.etag, ["if-modified-since"] = known.modified }
end

local function request_options(self, entry)
  return {
    redirects = 0, retries = 0, retry_idempotent = false, maxsize = self._crawl.options.maxsize,
    headers = validators(self._crawl, entry.known), types = self._listed,
  }
end

local function fill(self, page, response)
  page.status, page.headers, page.response = response.status, response.headers, response
  page.stopped = is_other(self._crawl.options.types, page.headers)
end

-- Whether the body is another page's. A shared frontier is asked here where an archive has it; a handler asks when it
-- reads the field, the commit asks for records and functions of `out`, and for `same_run` it finds it out.
local function find_duplicate(crawl, outcome, page)
  local frontier, high, low = crawl.frontier, outcome.high, outcome.low
  if frontier.note_body and not crawl.archive then
    local known = frontier:note_body(high, low, outcome.entry)
    outcome.duplicate_of, outcome.unasked = known or nil, known == nil
  else
    outcome.duplicate_of, outcome.unasked = frontier:duplicate(high, low, outcome.entry)
  end
  if outcome.unasked then page:may_ask(outcome) end
  page.duplicate_of = outcome.duplicate_of
end

local function hash_body(crawl, outcome, page)
  if page.stopped then return end
  local data, length = response_of.data(page.response)
  if length == 0 then return end
  if crawl.options.state == nil then
    outcome.high, outcome.low = body_hash(data, length) -- the page makes its own when it is asked
  else
    local high, low = digest(data, length)
    outcome.high, outcome.low = high, low
    page.hash = ("%08x%08x"):format(high, low)
  end
  find_duplicate(crawl, outcome, page)
end

local function location_of(address, headers)
  local location = headers["location"]
  return location and url.resolve(address, location) or nil
end

-- The body is that of the visit before.
local function keep(outcome, page)
  local known = outcome.entry.known or NOT_KNOWN
  page.unchanged, outcome.unchanged = true, true
  outcome.archived, outcome.original = known.archived, known.original or nil
end

-- Whether the request had a condition, ours or the client's own: without one a 304 says nothing (RFC 9110 section
-- 15.4.5).
local function was_conditional(page)
  local sent = page.response.request.headers
  return sent:has "if-none-match" or sent:has "if-modified-since"
end

local function failed(outcome, page, err)
  outcome.kind, outcome.reason, outcome.error = "failed", err.reason, err
  page.error, page.status, outcome.status = err, err.status, err.status
  return outcome
end

local function read_ok(crawl, outcome, page)
  hash_body(crawl, outcome, page)
  local known = outcome.entry.known
  if known and known.hash and known.hash == page.hash then
    keep(outcome, page)
  elseif known then
    outcome.changed = true
  end
  page_of.read(page, crawl.scan, crawl.agent)
end

local function validator(headers, name)
  local value = headers[name]
  return value and #value <= TAG_MOST and not value:find "%c" and value or nil -- it is to be sent back
end

local function finish_response(crawl, outcome, page)
  local status = page.status
  outcome.kind, outcome.status, outcome.bytes = "done", status, page.response.bytes_received
  if (status == 404 or status == 410) and outcome.entry.known and outcome.entry.known.gone > 0 then
    outcome.gone = true
  end
  outcome.etag, outcome.modified = validator(page.headers, "etag"), validator(page.headers, "last-modified")
  if status == 304 and not was_conditional(page) then
    failed(outcome, page, errors.new { reason = "protocol_error", url = page.url, status = status, processed = "yes",
      message = "status 304 answers a request without a condition" })
  elseif status == 304 then
    keep(outcome, page)
  elseif status >= 200 and status < 300 then
    read_ok(crawl, outcome, page)
  elseif status >= 300 and status < 400 then
    outcome.location = location_of(page.url, page.headers)
    if not outcome.location then outcome.bad_location = page.headers["location"] end
  else
    page.error = errors.new { reason = "status", message = "status " .. status, url = page.url, status = status,
      processed = "yes" }
    outcome.error = page.error
  end
  return outcome
end

-- What an answer means for its origin, and whether it is asked for again.
local function judge_status(crawl, outcome, head, now)
  local entry, status = outcome.entry, head.status
  local hold = retry.retry_after(head.headers["retry-after"], now)
  local policy = crawl.frontier:origin(entry.origin).policy
  local busy = status == 429 or status == 503
  outcome.result = { kind = busy and "busy" or "ok", bad = status >= 500,
    hold = busy and hold and hold <= policy.retry_after_max and hold or nil }
  return retry.after_status(status, hold, entry, crawl.options, policy, now)
end

local function of_response(crawl, outcome, page, now)
  local again, skip = judge_status(crawl, outcome, page, now)
  local times = page.response.timings
  if outcome.result.kind == "ok" then outcome.result.latency = times.wait end
  outcome.result.sent = outcome.asked + times.queue + times.dns + times.connect + times.tls
  crawl:exchanged("page", page.url, page.status, nil, again)
  if skip then
    outcome.kind, outcome.reason, outcome.result.skip = "skip", skip, skip
  elseif again then
    outcome.kind, outcome.due, outcome.bytes = "retry", again.due, page.response.bytes_received
  else
    finish_response(crawl, outcome, page)
  end
  return outcome
end

local function of_error(crawl, outcome, page, err, now)
  outcome.result = retry.result_of(err)
  local again = retry.after_error(err, outcome.entry, crawl.options, now)
  crawl:exchanged("page", page.url, err.status, err, again)
  if not again then return failed(outcome, page, err) end
  outcome.kind, outcome.due = "retry", again.due
  return outcome
end

-- What its origin ends with, it ends with.
local function of_dead(outcome, page, dead)
  outcome.result = { kind = "none" }
  if dead.skip then
    outcome.kind, outcome.reason = "skip", dead.skip
    return outcome
  end
  return failed(outcome, page, errors.new { reason = dead.reason, kind = dead.kind, message = dead.message,
    url = page.url, processed = "no" })
end

--- Asks for a page.
---@param entry rill.CrawlEntry
---@return table outcome
function Fetch:page(entry)
  local crawl = self._crawl
  local page = page_of.new(crawl, entry)
  local outcome = { entry = entry, page = page, bytes = 0 }
  if entry.dead then return of_dead(outcome, page, entry.dead) end
  entry.attempts = entry.attempts + 1
  page.attempts = entry.attempts
  outcome.asked = crawl:clock()
  local response, err, exchange = crawl.clients:get(entry.url, request_options(self, entry))
  outcome.exchanges = { exchange }
  local now = crawl:clock()
  if not response then return of_error(crawl, outcome, page, err, now) end
  fill(self, page, response)
  outcome.type = media_type(page.headers)
  return of_response(crawl, outcome, page, now)
end

local function dial_answer(err)
  local dial, never = retry.is_dial(err)
  if never or err.reason == "invalid_url" then return "never" end
  return dial and "dial" or "wait"
end

--- Asks for a robots.txt.
---@param entry rill.CrawlEntry
---@return table outcome
function Fetch:robots(entry)
  local exchanges = {}
  local robots, head = self._crawl.robots:ask(entry.url, exchanges)
  if robots.answer == "lost" then
    robots.answer = dial_answer(robots.err)
    local result = retry.result_of(robots.err)
    result.robots = robots
    return { entry = entry, kind = "robots", bytes = 0, result = result, robots = robots, exchanges = exchanges }
  end
  local delay, sitemaps = self._crawl.robots:read(robots.body)
  robots.delay = delay
  local result = { kind = robots.answer == "wait" and "other" or "ok", robots = robots }
  if head and (head.status == 429 or head.status == 503) then
    result.hold = retry.retry_after(head.headers["retry-after"], self._crawl:clock())
    local max = self._crawl.frontier:origin(entry.origin).policy.retry_after_max
    if result.hold and result.hold > max then result.hold = nil end
  end
  return { entry = entry, kind = "robots", bytes = 0, result = result, robots = robots, sitemaps = sitemaps,
    exchanges = exchanges }
end

local function is_ok(head)
  return head.status >= 200 and head.status < 300
end

local function read_piece(reader, piece, take)
  for at = 1, #piece, SITEMAP_SLICE do
    reader:write(piece:sub(at, at + SITEMAP_SLICE - 1))
    if #reader.urls + #reader.refused >= SITEMAP_PIECE then take(reader) end
  end
end

-- Reads a sitemap as it comes, as fast as it can be taken in. Returns its head, what went wrong, and bytes.
local function read_stream(self, entry, reader, take)
  local read, chunk, head = 0
  local stream, err = self._crawl.clients:of(entry.origin):open { url = entry.url, maxsize = 0 }
  if not stream then return nil, err, 0 end
  head, err = stream:headers()
  while head and is_ok(head) and not reader.done and read < SITEMAP_SIZE do
    chunk, err = stream:read(SITEMAP_CHUNK)
    if not chunk then break end
    read = read + #chunk
    read_piece(reader, chunk, take)
  end
  stream:stop()
  return head, err, read
end

-- The same where all that is exchanged is kept: hooks see it, which do not wait. Returns the exchange as well.
local function read_exchange(self, entry, reader, take)
  local head, read = nil, 0
  local response, err, exchange = self._crawl.clients:get(entry.url, { redirects = 0, retries = 0, maxsize = 0,
    on_headers = function(of)
      head = of
      if not is_ok(of) then return "stop" end
    end,
    on_chunk = function(chunk)
      read = read + #chunk
      read_piece(reader, chunk, take)
      if reader.done or read >= SITEMAP_SIZE then return "stop" end
    end })
  return head or response, err, read, exchange
end

local function read_sitemap(self, entry, take)
  local reader = sitemap.reader(entry.url)
  reader.refused = {}
  local read = self._crawl.clients.archive and read_exchange or read_stream
  local head, err, bytes, exchange = read(self, entry, reader, take)
  reader:finish(err ~= nil or bytes >= SITEMAP_SIZE)
  take(reader)
  return reader, head, err, bytes, exchange
end

--- Asks for a sitemap; what could be read of a bad one counts. A redirect leads to another sitemap.
---@param entry rill.CrawlEntry
---@param take fun(reader: rill.SitemapReader) takes what was read so far
---@return table outcome
function Fetch:sitemap(entry, take)
  local crawl = self._crawl
  local outcome = { entry = entry, kind = "sitemap", bytes = 0, result = { kind = "ok" } }
  if entry.dead then
    outcome.result = { kind = "none" }
    return outcome
  end
  entry.attempts = entry.attempts + 1
  local reader, head, err, read, exchange = read_sitemap(self, entry, take)
  outcome.exchanges = { exchange }
  local now = crawl:clock()
  outcome.bytes = read
  local again
  if not err then
    again = judge_status(crawl, outcome, head, now)
    if head.status >= 300 and head.status < 400 then outcome.location = location_of(entry.url, head.headers) end
  else
    outcome.result = retry.result_of(err)
    again = retry.after_error(err, entry, crawl.options, now)
  end
  if again then outcome.kind, outcome.due = "retry", again.due end
  crawl:exchanged("sitemap", entry.url, head and head.status, err, again)
  if reader.cut and not err then
    hooks.warn(("sitemap %s: %s: the rest is left out"):format(errors.shown(entry.url), reader.cut),
      { url = entry.url })
  end
  return outcome
end

--- Asks for what the entry names. Never raises but when its task is cancelled.
---@param entry rill.CrawlEntry
---@param take fun(reader: rill.SitemapReader) takes what is read of a sitemap
---@return table outcome
function Fetch:run(entry, take)
  local ask = entry.kind == "robots" and Fetch.robots or entry.kind == "sitemap" and Fetch.sitemap or Fetch.page
  local ok, outcome = pcall(ask, self, entry, take)
  if ok then return outcome end
  if outcome == rill.cancelled then error(outcome, 0) end
  local err = errors.new { reason = "error", message = tostring(outcome), url = entry.url }
  if entry.kind == "robots" then
    local robots = { answer = "never", err = err }
    return { entry = entry, kind = "robots", bytes = 0, result = { kind = "other", robots = robots }, robots = robots }
  end
  if entry.kind == "sitemap" then return { entry = entry, kind = "sitemap", bytes = 0, result = { kind = "other" } } end
  local page = page_of.new(self._crawl, entry)
  return failed({ entry = entry, page = page, bytes = 0, result = { kind = "other" } }, page, err)
end

---@param crawl table
---@return rill.CrawlFetch
function M.new(crawl)
  local types = crawl.options.types
  return setmetatable({ _crawl = crawl, _listed = types and listed(types) or nil }, Fetch)
end

return M
