--- An exchange that becomes WARC records: the request as it was sent, the response as it came. The core writes them
--- (src/warc/exchange.c).
local errors = require("rill.errors")
local headers = require("rill.headers")
local response_of = require("rill.response")
local warc = require("rill.warc")

local M = {}

local TRUNCATED = { timeout = "time", maxsize_exceeded = "length", maxsize_exceeded_actual = "length" }
local PROFILE = "WARC-Profile: http://netpreserve.org/warc/1.1/revisit/"
local IDENTICAL = "identical-payload-digest"
local CRLF = "\r\n"

---@class rill.CrawlExchange: rill.warc.Exchange
---@field private _fields table the client's own, as rill.headers has them
---@field private _given table? those of the request
---@field private _parts string[]|false of a body that a hook took
---@field private _response rill.Response|false
---@field private _err rill.Error|false
local Exchange = {}
Exchange.__index = Exchange

-- Bodies that come in pieces are those of sitemaps and of robots.txt.
local function watch_chunks(self, options)
  local on_chunk = options.on_chunk
  self._parts = {}
  function options.on_chunk(chunk)
    table.insert(self._parts, chunk)
    return on_chunk(chunk)
  end
end

--- Watches a request: pieces of its body are seen on the way. All fields are named here, so the table never grows.
---@param address string
---@param options table of the request; its on_chunk is replaced, and its error is to have the head
---@param now number
---@param user_agent string
---@param fields table those of the client, as rill.headers.fields() makes them
---@return rill.CrawlExchange
function M.watch(address, options, now, user_agent, fields)
  local self = setmetatable({ url = address, time = now, user_agent = user_agent, status = 0, request = "",
    headers = "", fields = "", payload = "", payload_length = 0, revisit = false, peer = false, _fields = fields,
    _given = options.headers, _parts = false, _response = false, _err = false }, Exchange)
  options.keep_head = true
  if options.on_chunk then watch_chunks(self, options) end
  return self
end

--- It has ended.
---@param response rill.Response?
---@param err rill.Error?
function Exchange:done(response, err)
  self._response, self._err = response or false, err or false
end

-- The fields that were to be sent, where no response names those that were.
local function block_of(self)
  local given = headers.fields("headers", self._given or {})
  return headers.block(headers.merge(self._fields, given))
end

local function is_stopped(self)
  return self._response and self._response.close_reason == "stopped"
end

local function truncated_of(self)
  if is_stopped(self) then return "length" end
  if self._err then return TRUNCATED[self._err.reason] or "disconnect" end
  return response_of.is_cut(self._response) and "disconnect" or nil
end

-- The body, where it lies in memory.
local function body_of(self)
  if self._parts then
    local body = table.concat(self._parts)
    self._parts = {} -- it is there once
    return body, #body
  end
  local response = self._response
  if not response or is_stopped(self) then return nil, 0 end
  local kept = response_of.small(response)
  if kept then return kept, #kept end
  return response:pointer()
end

-- Why the body need not be kept: it is that of an earlier visit, or of another page. One that no archive has seen
-- leaves nothing to refer to, and neither does a page that has not come to its end: it may never.
---@return string? profile
---@return string? url of the record that has it
---@return number? time of that record, seconds since 1970
local function revisit_of(self, outcome, bodies)
  if self.status == 304 and not outcome.unchanged then return nil end -- nothing is known that it could refer to
  local same = self.status == 304 and "server-not-modified" or IDENTICAL
  local original = outcome.original
  if original then return same, original.url, original.archived end
  if outcome.archived or self.status == 304 then return same, self.url, outcome.archived end
  if self._parts then return nil end
  local first = outcome.duplicate_of
  local url, time
  if first then url, time = bodies:find(outcome.high, outcome.low, first) end
  if not url then return nil end
  return IDENTICAL, url, time
end

local function line(name, value)
  return value and name .. value .. CRLF or ""
end

-- To the second: a state keeps no more of it.
local function date_of(time)
  return time and os.date("!%Y-%m-%dT%H:%M:%SZ", time)
end

-- What only some responses' records have.
local function fields_of(self, profile, refers, time)
  return line(PROFILE, profile) .. line("WARC-Refers-To-Target-URI: ", refers and errors.shown(refers))
    .. line("WARC-Refers-To-Date: ", date_of(time)) .. line("WARC-Truncated: ", truncated_of(self))
end

-- Both heads. False: none has come.
local function take_heads(self)
  local response = self._response
  if not response then
    local status, block = errors.head(self._err)
    if not status then return false end
    self.status, self.headers, self.request = status, block, block_of(self)
    self.peer = errors.peer(self._err)
    return true
  end
  self.status, self.peer = response.status, response_of.peer(response)
  self.request, self.headers = response_of.blocks(response)
  return true
end

--- What becomes of it is known: its records can be made, at any time. False: no head has come, there are none.
---@param outcome table of its URL; `archived`: the time of the record that has its body, where there is one;
---  `original`: { url=, archived= } of another page's that has it
---@param bodies rill.CrawlRecorded those that a record holds
---@return boolean
function Exchange:settle(outcome, bodies)
  if not take_heads(self) then return false end
  local profile, refers, time = revisit_of(self, outcome, bodies)
  self.payload, self.payload_length = body_of(self)
  if outcome.high and not profile then outcome.archived = math.floor(self.time) end
  self.fields, self.revisit = fields_of(self, profile, refers, time), profile ~= nil
  return true
end

--- Bytes that its records are made of.
---@return integer
function Exchange:size()
  return #self.request + #self.headers + #self.fields + self.payload_length
end

--- Its records. Gives way to other tasks where they are large.
---@return string? members
---@return rill.Error? err memory ran out
function Exchange:members()
  return warc.exchange(self)
end

return M
