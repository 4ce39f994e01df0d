--- The WARC files of a crawl: "site-00000.warc.gz" and those after it, each begun with a warcinfo. Committed like
--- items.
local errors = require("rill.errors")
local exchange = require("rill.crawl.exchange")
local file = require("rill.crawl.file")
local outputs = require("rill.crawl.outputs")
local recorded = require("rill.crawl.recorded")
local warc = require("rill.warc")

local M = {}

M.LARGEST = 2 ^ 30 -- bytes; a file that has so many gets no more
local PIECE = 2 ^ 20 -- bytes that are written at once

-- Small records are made many at a time: zlib's tables, and what the processor has learned of its branches, would be
-- gone from the caches from page to page, and in their place what a page needs.
local SMALL = 16 * 2 ^ 10 -- bytes of a request and its response
local TOGETHER = 256 * 2 ^ 10 -- bytes that are made at once: some milliseconds
local EXCHANGES = 64 -- at once at most, however few bytes they have

---@class rill.CrawlArchive
---@field private _prefix string
---@field private _frontier rill.CrawlFrontier
---@field private _about { agent: string, robots: boolean, version: string }
---@field private _files rill.CrawlFile[] all that this crawl has written, the last one is open for more
---@field private _first integer number of the first of them
---@field private _now fun(): number
---@field private _waiting rill.CrawlExchange[] that are no records yet
---@field private _outcomes table[] whose they are
---@field private _waiting_bytes integer
---@field private _failure rill.Error? why records could not be made: the next commit ends with it
---@field private _bodies rill.CrawlRecorded those that this run has seen, and that a record holds
local Archive = {}
Archive.__index = Archive

local function name_of(self, number)
  return ("%s-%05d.warc.gz"):format(self._prefix, number)
end

--- Watches a request.
---@param address string
---@param options table of the request; a hook of chunks is replaced
---@param fields table those of the client
---@return rill.CrawlExchange
function Archive:watch(address, options, fields)
  return exchange.watch(address, options, self._now(), self._about.agent, fields)
end

local function cannot_make(self, err)
  local path = self._files[#self._files].path
  return errors.new { reason = "output", kind = "memory", path = path,
    message = ("cannot make records for %s: %s"):format(path, errors.is(err) and err.message or tostring(err)) }
end

-- Gives way where the exchange is large.
local function make(self, each, outcome)
  local members, err = each:members()
  if members then
    table.insert(outcome.records, members)
  else
    self._failure = self._failure or cannot_make(self, err)
  end
end

-- Makes records of all that wait, which are small: never gives way. Most are of other pages than the one whose turn it
-- is: what is raised, as where Lua's memory runs out, ends the crawl at the next commit, before any of them counts.
local function make_waiting(self)
  local waiting, outcomes = self._waiting, self._outcomes
  if not waiting[1] then return end
  self._waiting, self._outcomes, self._waiting_bytes = {}, {}, 0
  for i, each in ipairs(waiting) do
    local ok, raised = pcall(make, self, each, outcomes[i])
    if not ok then self._failure = self._failure or cannot_make(self, raised) end
  end
end

local function wait(self, each, outcome, size)
  local n = #self._waiting + 1
  self._waiting[n], self._outcomes[n], self._waiting_bytes = each, outcome, self._waiting_bytes + size
  if n == EXCHANGES or self._waiting_bytes >= TOGETHER then make_waiting(self) end
end

local function add(self, each, outcome)
  if not each:settle(outcome, self._bodies) then return end
  local size = each:size()
  if size <= SMALL then return wait(self, each, outcome, size) end
  make(self, each, outcome)
end

-- Where several pages have the same body, `duplicate_of` names one of them: later records refer to that page's record.
local function note_body(self, outcome)
  if not outcome.high or not outcome.archived or type(outcome.duplicate_of) == "string" then return end
  self._bodies:add(outcome.high, outcome.low, outcome.entry.url, outcome.archived)
end

--- Takes what the outcome's exchanges leave: gives way to other tasks.
--- From here on others may refer to its body: it is committed with them, or before.
---@param outcome table
function Archive:prepare(outcome)
  outcome.records = {}
  for _, each in ipairs(outcome.exchanges or {}) do add(self, each, outcome) end
  outcome.exchanges = nil
  note_body(self, outcome)
end

local function warcinfo(self, path)
  local lines = { "software: rill/" .. self._about.version, "format: WARC File Format 1.1",
    "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    "http-header-user-agent: " .. self._about.agent, "robots: " .. (self._about.robots and "obey" or "ignore"), "" }
  return warc.members { { type = "warcinfo", time = self._now(), head = table.concat(lines, "\r\n"),
    fields = ("WARC-Filename: %s\r\nContent-Type: application/warc-fields\r\n"):format(path:match "[^/]*$") } }
end

-- A file is known to the state before it is there.
local function open_next(self)
  local path = name_of(self, self._first + #self._files)
  if file.exists(path) then return nil, outputs.unknown_file(path, "name another prefix, or move it away") end
  local ok, err = self._frontier:register(path, 0)
  if not ok then return nil, err end
  local opened
  opened, err = file.open(path)
  if not opened then return nil, err end
  table.insert(self._files, opened)
  return opened
end

-- The file that takes more; a new one begins with its warcinfo.
local function room(self)
  local last = self._files[#self._files]
  if not last or last.length >= M.LARGEST then
    local err
    last, err = open_next(self)
    if not last then return nil, err end
  end
  if last.length > 0 then return last end
  local members, err = warcinfo(self, last.path)
  if not members then return nil, cannot_make(self, err) end
  local ok
  ok, err = last:write(members)
  return ok and last, err
end

-- Writes records, as many as a file takes and `PIECE` has.
local function write_piece(self, records, at)
  local target, err = room(self)
  if not target then return nil, err end
  local first, bytes = at, 0
  repeat
    bytes, at = bytes + #records[at], at + 1
  until not records[at] or bytes >= PIECE or target.length + bytes >= M.LARGEST
  local ok
  ok, err = target:write_list(records, first, at - 1)
  return ok and at, err
end

--- Appends what outcomes have left.
---@param outcomes table[]
---@return boolean? ok
---@return rill.Error? err
function Archive:write(outcomes)
  local records, at = {}, 1
  make_waiting(self)
  if self._failure then return nil, self._failure end
  for _, outcome in ipairs(outcomes) do
    for _, each in ipairs(outcome.records or {}) do records[#records + 1] = each end
  end
  while records[at] do
    local after, err = write_piece(self, records, at)
    if not after then return nil, err end
    at = after
  end
  return true
end

--- How long each is.
---@return table<string, number>
function Archive:offsets()
  local list = {}
  for _, each in ipairs(self._files) do list[each.path] = each.length end
  return list
end

--- Cuts each to a place.
---@param places table<string, number>
function Archive:truncate(places)
  for _, each in ipairs(self._files) do
    local ok, err = each:truncate(places[each.path] or 0)
    if not ok then return nil, err end
  end
  return true
end

function Archive:sync()
  for _, each in ipairs(self._files) do
    local ok, err = each:sync()
    if not ok then return nil, err end
  end
  return true
end

---@param unused boolean? see file.lua
function Archive:close(unused)
  for _, each in ipairs(self._files) do each:close(unused) end
  self._files = {}
end

-- Goes on where the last commit was.
local function reopen(self)
  local known = self._frontier.offsets or {}
  while known[name_of(self, self._first + #self._files)] do
    local path = name_of(self, self._first + #self._files)
    local opened, err = file.open(path)
    if not opened then return nil, err end
    table.insert(self._files, opened) -- from here on close() closes it
    local ok
    ok, err = opened:truncate(known[path])
    if not ok then return nil, err end
  end
  return true
end

--- Opens the archive of a crawl.
---@param prefix string
---@param frontier rill.CrawlFrontier
---@param about { agent: string, robots: boolean, version: string }
---@param now fun(): number
---@return rill.CrawlArchive?
---@return rill.Error? err
function M.open(prefix, frontier, about, now)
  if frontier.worker then prefix = prefix .. "." .. frontier.worker end
  local self = setmetatable({ _prefix = prefix, _frontier = frontier, _about = about, _files = {}, _first = 0,
    _now = now, _waiting = {}, _outcomes = {}, _waiting_bytes = 0, _bodies = recorded.new(frontier.worker ~= nil),
  }, Archive)
  local ok, err = reopen(self)
  if ok and not self._files[1] then ok, err = open_next(self) end
  if ok then return self end
  self:close(true)
  return nil, err
end

return M
