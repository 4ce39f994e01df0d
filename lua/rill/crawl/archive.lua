--- The WARC files of a crawl: "site-00000.warc.gz" and those after it, each begun with a warcinfo. Committed like
--- items.
local exchange = require("rill.crawl.exchange")
local file = require("rill.crawl.file")
local outputs = require("rill.crawl.outputs")
local warc = require("rill.warc")

local M = {}

M.LARGEST = 2 ^ 30 -- bytes; a file that has so many gets no more

---@class rill.CrawlArchive
---@field private _prefix string
---@field private _frontier rill.CrawlFrontier
---@field private _about { agent: string, robots: boolean, version: string }
---@field private _files rill.CrawlFile[] all that this crawl has written, the last one is open for more
---@field private _first integer number of the first of them
---@field private _now fun(): number
local Archive = {}
Archive.__index = Archive

local function name_of(self, number)
  return ("%s-%05d.warc.gz"):format(self._prefix, number)
end

--- Watches a request.
---@param address string
---@param options table of the request
---@param fields table those of the client
---@return rill.CrawlExchange
---@return table options
function Archive:watch(address, options, fields)
  return exchange.watch(address, options, self._now(), self._about.agent, fields)
end

--- Makes what the outcome's exchanges leave: gives way to other tasks.
---@param outcome table
function Archive.prepare(outcome)
  local records = {}
  for _, each in ipairs(outcome.exchanges or {}) do
    for _, member in ipairs(each:records(outcome)) do records[#records + 1] = member end
  end
  outcome.records, outcome.exchanges = records, nil
end

local function warcinfo(self, path)
  local lines = { "software: rill/" .. self._about.version, "format: WARC File Format 1.1",
    "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    "http-header-user-agent: " .. self._about.agent, "robots: " .. (self._about.robots and "obey" or "ignore"), "" }
  return warc.record("warcinfo", { { "WARC-Record-ID", warc.id() }, { "WARC-Date", warc.date(self._now()) },
    { "WARC-Filename", path:match "[^/]*$" }, { "Content-Type", "application/warc-fields" } },
    table.concat(lines, "\r\n"))
end

-- A file is known to the state before it is there.
local function open_next(self)
  local path = name_of(self, self._first + #self._files)
  if file.exists(path) then return nil, outputs.unknown_file(path) end
  local ok, err = self._frontier:register(path, 0)
  if not ok then return nil, err end
  local opened
  opened, err = file.open(path)
  if not opened then return nil, err end
  table.insert(self._files, opened)
  return opened
end

local function room(self)
  local last = self._files[#self._files]
  if last and last.length < M.LARGEST then return last end
  return open_next(self)
end

--- Appends what outcomes have left.
---@param outcomes table[]
---@return boolean? ok
---@return rill.Error? err
function Archive:write(outcomes)
  for _, outcome in ipairs(outcomes) do
    local records = outcome.records or {}
    if records[1] then
      local target, err = room(self)
      local ok = target and true
      if ok and target.length == 0 then ok, err = target:write(warcinfo(self, target.path)) end
      if ok then ok, err = target:write(table.concat(records)) end
      if not ok then return nil, err end
    end
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

function Archive:close()
  for _, each in ipairs(self._files) do each:close() end
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
    _now = now }, Archive)
  local ok, err = reopen(self)
  if ok and not self._files[1] then ok, err = open_next(self) end
  if ok then return self end
  self:close()
  return nil, err
end

return M
