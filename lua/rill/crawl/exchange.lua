--- An exchange as WARC records: the request as it was sent, the response as it came, both as HTTP/1.1 text.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local headers = require("rill.headers")
local url = require("rill.url")
local warc = require("rill.warc")

local find, sub = string.find, string.sub

local M = {}

local PHRASES = { [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "No Content", [206] = "Partial Content",
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
  [307] = "Temporary Redirect", [308] = "Permanent Redirect", [400] = "Bad Request", [401] = "Unauthorized",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed", [408] = "Request Timeout", [410] = "Gone",
  [421] = "Misdirected Request", [429] = "Too Many Requests", [451] = "Unavailable For Legal Reasons",
  [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout" }
local TRUNCATED = { timeout = "time", maxsize_exceeded = "length", maxsize_exceeded_actual = "length" }
-- What is not as it was sent: the body is decoded.
local AS_SENT = { "\r\ncontent-encoding: ", "\r\ncontent-length: ", "\r\ntransfer-encoding: " }
local PROFILE = "WARC-Profile: http://netpreserve.org/warc/1.1/revisit/"
local RESPONSE = "Content-Type: application/http;msgtype=response\r\n"
local REQUEST = "Content-Type: application/http;msgtype=request\r\n"
local CRLF = "\r\n"

---@class rill.CrawlExchange
---@field private _url string
---@field private _at number
---@field private _agent string
---@field private _fields table the client's own, as rill.headers has them
---@field private _given table? those of the request
---@field private _head table?
---@field private _parts string[]? of a body that a hook took
---@field private _response rill.Response?
---@field private _err rill.Error?
---@field private _stopped boolean?
local Exchange = {}
Exchange.__index = Exchange

--- Watches a request: what its hooks get is seen on the way.
---@param address string
---@param options table of the request; gets hooks
---@param now number
---@param user_agent string
---@param fields table those of the client, as rill.headers.fields() makes them
---@return rill.CrawlExchange
function M.watch(address, options, now, user_agent, fields)
  local self = setmetatable({ _url = address, _at = now, _fields = fields, _given = options.headers,
    _agent = user_agent }, Exchange)
  local on_headers, on_chunk = options.on_headers, options.on_chunk
  options.on_headers = function(head)
    self._head = head
    local answer = on_headers and on_headers(head)
    if answer == "stop" then self._stopped = true end
    return answer
  end
  if on_chunk then
    self._parts = {}
    options.on_chunk = function(chunk)
      table.insert(self._parts, chunk)
      local answer = on_chunk(chunk)
      if answer == "stop" then self._stopped = true end
      return answer
    end
  end
  return self
end

--- It has ended.
---@param response rill.Response?
---@param err rill.Error?
function Exchange:done(response, err)
  self._response, self._err = response, err
end

-- The fields that were sent; where no response names them, those that were to be.
local function block_of(self)
  if self._response then return headers.text(self._response.request.headers) end
  local given = headers.fields("headers", self._given or {})
  return headers.block(headers.merge(self._fields, given))
end

-- A field that the client adds to each request, unless the block has it.
local function added(block, needle, value)
  if value == "" or find(block, needle, 1, true) then return "" end
  return needle .. value
end

local ACCEPTED = ffi.string(C.rill_accept_encoding())

local function request_text(self, parts)
  local block = block_of(self)
  return "GET " .. parts.target .. " HTTP/1.1\r\nhost: " .. parts.authority .. block
    .. added(block, "\r\nuser-agent: ", self._agent) .. added(block, "\r\naccept-encoding: ", ACCEPTED)
    .. CRLF .. CRLF
end

local function renamed(block)
  for i = 1, #AS_SENT do
    local needle = AS_SENT[i]
    local at = find(block, needle, 1, true)
    while at do
      block = sub(block, 1, at + 1) .. "x-orig-" .. sub(block, at + 2)
      at = find(block, needle, at + 2, true)
    end
  end
  return block
end

local function head_text(head, length)
  return "HTTP/1.1 " .. head.status .. " " .. (PHRASES[head.status] or "") .. renamed(headers.text(head.headers))
    .. (length and "\r\ncontent-length: " .. length or "") .. CRLF .. CRLF
end

local function truncated_of(self)
  if self._stopped then return "length" end
  if self._err then return TRUNCATED[self._err.reason] or "disconnect" end
  return self._response.flags.cut and "disconnect" or nil
end

-- The body, where it lies in memory.
local function body_of(self)
  if self._parts then
    local body = table.concat(self._parts)
    self._parts = {} -- it is there once
    return body, #body
  end
  if self._response and not self._stopped then return self._response:pointer() end
  return nil, 0
end

-- Why the body need not be kept: it is that of an earlier visit, or of another page. One that no archive has seen
-- leaves nothing to refer to, and neither does a page that has not come to its end: it may never.
---@return string? profile
---@return string? url of the record that has it
---@return number? time of that record, seconds since 1970
local function revisit_of(self, head, outcome, bodies)
  if head.status == 304 then return "server-not-modified", self._url, outcome.archived end
  if outcome.archived then return "identical-payload-digest", self._url, outcome.archived end
  if self._parts then return nil end
  local first = outcome.duplicate_of
  if not first or not bodies:get(outcome.high, outcome.low) then return nil end
  return "identical-payload-digest", type(first) == "string" and first or nil
end

local function line(name, value)
  return value and name .. value .. CRLF or ""
end

-- What the records of an exchange have in common. Without user and password.
local function common_of(self, parts)
  local response = self._response
  return "WARC-Target-URI: " .. parts.scheme .. "://" .. parts.authority .. parts.target .. CRLF
    .. line("WARC-IP-Address: ", response and response.ip_address)
    .. line("WARC-Protocol: ", response and response.protocol)
end

-- To the second: a state keeps no more of it.
local function date_of(time)
  return time and os.date("!%Y-%m-%dT%H:%M:%SZ", time)
end

local function response_of(self, head, outcome, common, bodies)
  local profile, refers, time = revisit_of(self, head, outcome, bodies)
  local body, length = body_of(self)
  if outcome.high and not profile then outcome.archived = math.floor(self._at) end
  return { type = profile and "revisit" or "response", time = self._at,
    fields = common .. line(PROFILE, profile) .. line("WARC-Refers-To-Target-URI: ", refers and errors.shown(refers))
      .. line("WARC-Refers-To-Date: ", date_of(time)) .. line("WARC-Truncated: ", truncated_of(self)) .. RESPONSE,
    head = head_text(head, not profile and length), payload = body, payload_length = length,
    digest = not profile or length > 0, revisit = profile ~= nil }
end

--- Its records, where a head has come. Gives way to other tasks.
---@param outcome table what became of its URL; `archived`: the time of the record that has its body, where there is one
---@param bodies rill.Map64 hashes of those that a record holds
---@return string? members
function Exchange:members(outcome, bodies)
  local head = self._response or self._head
  if not head then return nil end
  local parts = url.parse(self._url)
  local common = common_of(self, parts)
  return warc.members { response_of(self, head, outcome, common, bodies),
    { type = "request", time = self._at, fields = common .. REQUEST, head = request_text(self, parts),
      concurrent = true } }
end

return M
