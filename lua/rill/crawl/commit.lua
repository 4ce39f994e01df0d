--- The one writer: gathers what has ended, appends to outputs, commits. One transaction holds a page's result, its new
--- links, its counters and the length of every output; nothing else makes anything durable.
local errors = require("rill.errors")
local file = require("rill.crawl.file")
local json = require("rill.core.plain_json")
local outputs = require("rill.crawl.outputs")
local own_path = require("rill.crawl.own_path")
local progress = require("rill.crawl.progress")
local totals = require("rill.crawl.frontier.totals")

local M = {}

local BATCH = 64 -- pages
local BATCH_BYTES = 32 * 2 ^ 20 -- of them, and of the URLs that they name
local MANY_LINKS = 5000 -- of sitemaps, admitted before a commit is due; as many URLs that were passed over
local MANY_BYTES = 8 * 2 ^ 20 -- of both
local SECONDS = 0.1

M.ORDER = { "url", "status", "depth", "from", "type", "bytes", "title", "location", "canonical", "noindex",
  "duplicate_of", "attempts", "error", "reason" }

local SKIP_ORDER = { "url", "from", "reason" }

---@class rill.CrawlCommit
---@field private _crawl table
---@field private _outcomes table[]
---@field private _links table[] admitted since the last commit, in order
---@field private _skips table[]
---@field private _outcome_bytes integer
---@field private _url_bytes integer of links and skips
---@field private _since number?
---@field private _skip_file rill.CrawlFile?
---@field private _skip_lines string[]
---@field private _extra table[] items without a page
---@field private _extra_count integer
---@field private _sync function
---@field private _scope table? of a batch that was refused
local Commit = {}
Commit.__index = Commit

-- What an outcome holds on to: body, URLs, records of an archive.
local function bytes_of(outcome)
  local bytes = outcome.bytes or 0
  for _, link in ipairs(outcome.links or {}) do bytes = bytes + #link.url end
  for _, skip in ipairs(outcome.skips or {}) do bytes = bytes + #skip.url end
  for _, record in ipairs(outcome.records or {}) do bytes = bytes + #record end
  return bytes
end

---@param outcome table
function Commit:add(outcome)
  if outcome.page then outcome.page:may_ask(nil) end
  local list = self._outcomes
  list[#list + 1] = outcome
  self._outcome_bytes = self._outcome_bytes + bytes_of(outcome)
  self._since = self._since or self._crawl:clock()
end

--- An item that belongs to no page.
---@param item table
function Commit:add_item(item)
  table.insert(self._extra, item)
  self._since = self._since or self._crawl:clock()
end

---@return boolean
function Commit:is_empty()
  return not (self._outcomes[1] or self._links[1] or self._extra[1] or self._skips[1])
end

--- How many links wait for the commit.
---@return integer
function Commit:links()
  return #self._links
end

--- Whether so many links wait for the commit that whoever brings more waits as well.
---@return boolean
function Commit:is_full()
  return #self._links >= MANY_LINKS or #self._skips >= MANY_LINKS or self._url_bytes >= MANY_BYTES
end

---@return number? seconds until it has to be done; nil: there is nothing
function Commit:due(now)
  if self:is_empty() then return nil end
  if #self._outcomes >= BATCH or self._outcome_bytes >= BATCH_BYTES or self:is_full() then return 0 end
  return math.max(0, (self._since or now) + SECONDS - now)
end

local function size_of(found)
  return #found.url + #(found.from or "")
end

-- A URL as it is written down: without user and password.
local function shown(url)
  return type(url) == "string" and errors.shown(url) or url
end

local function note_skip(self, skip)
  self._skips[#self._skips + 1] = skip
  self._url_bytes = self._url_bytes + size_of(skip)
  self._since = self._since or self._crawl:clock()
  if self._skip_file then
    table.insert(self._skip_lines, json.encode({ url = shown(skip.url), from = shown(skip.from), reason = skip.reason },
      SKIP_ORDER))
  end
end

--- Notes a URL that is passed over, once.
---@param url string
---@param reason string
---@param from string?
---@param high number its fingerprint
---@param low number
function Commit:skip(url, reason, from, high, low)
  local crawl = self._crawl
  if not crawl.frontier:pass_over(high, low) then return end
  crawl.counts:skip(reason)
  crawl.examples[reason] = crawl.examples[reason] or shown(url)
  note_skip(self, { url = url, reason = reason, from = from, high = high, low = low })
end

--- Takes a judged link in, or notes why not.
---@param link table
---@return boolean admitted
---@return string? reason
function Commit:admit(link)
  local ok, reason = self._crawl.frontier:admit(link)
  if ok then
    self._links[#self._links + 1] = link
    self._url_bytes = self._url_bytes + size_of(link)
    self._since = self._since or self._crawl:clock()
  elseif reason ~= "seen" then
    self:skip(link.url, reason, link.from, link.high, link.low)
  end
  return ok, reason
end

-- What stands for a page that no handler has written about.
local function record(outcome)
  local entry, page, err = outcome.entry, outcome.page, outcome.error
  return {
    url = shown(entry.url), status = outcome.status, depth = entry.depth, from = shown(entry.from),
    type = outcome.type, bytes = outcome.bytes, title = page.title, location = shown(outcome.location),
    canonical = shown(page.canonical), noindex = page.noindex or nil, duplicate_of = shown(outcome.duplicate_of),
    attempts = entry.attempts,
    error = err and tostring(err) or nil, reason = err and (outcome.reason or err.reason) or nil,
  }
end

local function write_items(self, outcome)
  local crawl = self._crawl
  for i, item in ipairs(outcome.items or {}) do
    crawl.outputs:write(item, outcome.page, ("%d.%d"):format(outcome.entry.id, i))
    crawl.counts:add("items")
  end
  local ended = outcome.kind == "done" or outcome.kind == "failed"
  local delivered = not outcome.unchanged or crawl.options.unchanged == "deliver"
  if ended and delivered and not crawl.options.page and not outcome.entry.kind and not outcome.other_canonical then
    crawl.outputs:write(record(outcome), outcome.page, ("%d.0"):format(outcome.entry.id), M.ORDER)
    crawl.counts:add("items")
  end
end

local function take_in(self, outcome)
  local entry = outcome.entry
  for _, skip in ipairs(outcome.skips or {}) do self:skip(skip.url, skip.reason, skip.from, skip.high, skip.low) end
  for _, link in ipairs(outcome.links or {}) do self:admit(link) end
  self._crawl.counts:count(outcome)
  write_items(self, outcome)
  if outcome.kind == "skip" then
    self:skip(entry.url, outcome.reason, entry.from, self._crawl.links:fingerprint(entry))
  end
end

local function write_extra(self)
  for _, item in ipairs(self._extra) do
    self._extra_count = self._extra_count + 1
    self._crawl.outputs:write(item, nil, "0." .. self._extra_count)
    self._crawl.counts:add("items")
  end
  self._extra = {}
end

local function flush_skips(self)
  if not self._skip_lines[1] then return true end
  self._skip_lines[#self._skip_lines + 1] = ""
  local bytes = table.concat(self._skip_lines, "\n")
  self._skip_lines = {}
  return self._skip_file:write(bytes)
end

local function flush_outputs(self, outcomes)
  local archive = self._crawl.archive
  progress.hide(self._crawl)
  local ok, err = self._crawl.outputs:flush()
  if ok then ok, err = flush_skips(self) end
  if ok and archive then ok, err = archive:write(outcomes) end
  if ok and self._crawl.options.durable == "power" then ok, err = self:sync() end
  return ok, err
end

--- Waits until all outputs are on the disk.
---@return boolean? ok
---@return rill.Error? err
function Commit:sync()
  local ok, err = self._crawl.outputs:sync()
  if ok and self._skip_file then ok, err = self._skip_file:sync() end
  if ok and self._crawl.archive then ok, err = self._crawl.archive:sync() end
  return ok, err
end

local function lengths(self)
  local offsets = self._crawl.outputs:offsets()
  if self._skip_file then offsets[self._skip_file.path] = self._skip_file.length end
  for path, length in pairs(self._crawl.archive and self._crawl.archive:offsets() or {}) do offsets[path] = length end
  return offsets
end

-- Handlers of what was passed over: they run where nothing waits for them but the next commit.
local function call_skipped(crawl, skips)
  local handler = crawl.options.skipped
  if type(handler) == "string" or not handler then return end
  for _, skip in ipairs(skips) do crawl:guarded("skipped", handler, skip.url, skip.reason, skip.from) end
end

local function gather(self, outcomes)
  local crawl = self._crawl
  local scope = self._scope or crawl:changed_scope()
  local batch = { outcomes = outcomes, extra = self._extra, scope = scope, sync = self._sync }
  for _, outcome in ipairs(outcomes) do take_in(self, outcome) end
  write_extra(self)
  local ok, err = flush_outputs(self, outcomes)
  if not ok then return nil, err end
  batch.links, batch.skips, batch.counters = self._links, self._skips, crawl.counts.counters
  batch.outputs, batch.now, batch.sent = lengths(self), crawl:clock(), totals.flat(batch.counters)
  self._links, self._skips, self._url_bytes, self._since = {}, {}, 0, nil
  return batch
end

-- What stands before a batch is made, where that may be refused.
local function mark_of(self)
  return { links = #self._links, skips = #self._skips, extra_count = self._extra_count, lengths = lengths(self),
    counters = totals.flat(self._crawl.counts.counters) }
end

-- The first n of a list, then all of the other.
local function put_back(list, n, other)
  local all = {}
  for i = 1, n do all[i] = list[i] end
  for _, each in ipairs(other) do all[#all + 1] = each end
  return all
end

-- A batch was refused: all is as it was before that, but for what has been found meanwhile and for what is lost.
---@return table[]? outcomes to commit all the same
---@return rill.Error? err
local function undo(self, batch, mark, refusal)
  local counters = batch.counters
  self._crawl.written:forget()
  local meanwhile = totals.since(totals.flat(counters), batch.sent)
  for name in pairs(batch.sent) do mark.counters[name] = mark.counters[name] or 0 end
  totals.apply(counters, mark.counters, meanwhile)
  self._links = put_back(batch.links, mark.links, self._links)
  self._skips = put_back(batch.skips, mark.skips, self._skips)
  self._url_bytes = 0
  for _, list in ipairs { self._links, self._skips } do
    for _, each in ipairs(list) do self._url_bytes = self._url_bytes + size_of(each) end
  end
  self._extra = put_back(batch.extra, #batch.extra, self._extra)
  self._extra_count, self._scope = mark.extra_count, batch.scope
  local places = refusal.offsets or mark.lengths
  local ok, err = self._crawl.outputs:truncate(places)
  if ok and self._skip_file then ok, err = self._skip_file:truncate(places[self._skip_file.path] or 0) end
  if ok and self._crawl.archive then ok, err = self._crawl.archive:truncate(places) end
  if not ok then return nil, err end
  local left = {}
  for _, outcome in ipairs(batch.outcomes) do
    if not refusal.lost[outcome.entry.lease] then left[#left + 1] = outcome end
  end
  return left
end

-- Links that only the frontier knew to be too many.
local function note_trapped(self, trapped)
  for _, skip in ipairs(trapped) do
    self._crawl.examples[skip.reason] = self._crawl.examples[skip.reason] or shown(skip.url)
    note_skip(self, skip)
  end
end

-- A record that is not whole makes all of a file unreadable for some. Where this fails too, the next run cuts it.
local function cut_archive(self, places)
  local archive, frontier = self._crawl.archive, self._crawl.frontier
  if not archive then return end
  if frontier.may_lose and not frontier:confirm() then return end -- the files may be another worker's
  archive:truncate(places)
end

-- Records, and functions of `out` that take the page, have whether a body is another page's: all of a batch that only
-- the frontier knows.
local function ask_bodies(crawl, outcomes)
  local is_read = not crawl.options.page or crawl.outputs:shows_page()
  if is_read and crawl.frontier.ask_bodies then return crawl.frontier:ask_bodies(outcomes) end
  return true
end

---@return table? batch that is durable
---@return rill.Error? err
local function commit_all(self, outcomes)
  local frontier = self._crawl.frontier
  while true do
    local ok, err = ask_bodies(self._crawl, outcomes)
    if ok and frontier.may_lose then ok, err = frontier:confirm() end -- another worker may write to the same files
    if not ok then return nil, err end
    local batch
    local places = lengths(self)
    local mark = frontier.may_lose and mark_of(self)
    batch, err = gather(self, outcomes)
    if not batch then
      cut_archive(self, places)
      return nil, err
    end
    ok, err = frontier:commit(batch)
    self._scope = nil
    if ok then return batch end
    if not err.lost then return nil, err end
    outcomes, err = undo(self, batch, mark, err)
    if not outcomes then return nil, err end
  end
end

local function flush_group(self, outcomes)
  local batch, err = commit_all(self, outcomes)
  if not batch then return nil, err end
  for _, outcome in ipairs(outcomes) do
    if outcome.page then outcome.page:release() end
  end
  call_skipped(self._crawl, batch.skips)
  note_trapped(self, batch.trapped or {})
  return true
end

--- Commits all that has been gathered; a shared frontier may want it in several batches.
---@return boolean? ok
---@return rill.Error? err
function Commit:flush()
  if self:is_empty() then return true end
  local outcomes, frontier = self._outcomes, self._crawl.frontier
  self._outcomes, self._outcome_bytes, self._since = {}, 0, nil
  for _, group in ipairs(frontier.groups and frontier:groups(outcomes) or { outcomes }) do
    local ok, err = flush_group(self, group)
    if not ok then return nil, err end
  end
  return true
end

---@param unused boolean? the crawl has failed
function Commit:close(unused)
  if self._skip_file then self._skip_file:close(unused) end
end

local function open_skips(self, path)
  local frontier = self._crawl.frontier
  local offset = frontier.offsets and frontier.offsets[path]
  if not offset then
    if file.exists(path) then return nil, outputs.unknown_file(path) end
    local ok, err = frontier:register(path, 0)
    if not ok then return nil, err end
  end
  local opened, err = file.open(path)
  if not opened then return nil, err end
  self._skip_file = opened
  return opened:truncate(offset or 0)
end

---@param crawl table
---@return rill.CrawlCommit?
---@return rill.Error? err
function M.new(crawl)
  local self = setmetatable({ _crawl = crawl, _outcomes = {}, _outcome_bytes = 0, _url_bytes = 0, _links = {},
    _skips = {}, _skip_lines = {}, _extra = {}, _extra_count = 0 }, Commit)
  self._sync = function() return self:sync() end
  local skipped = crawl.options.skipped
  if type(skipped) == "string" then
    local ok, err = open_skips(self, own_path(skipped, crawl.frontier.worker))
    if not ok then return nil, err end
  end
  return self
end

return M
