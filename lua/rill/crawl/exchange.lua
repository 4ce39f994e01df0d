--- An exchange as WARC records: the request as it was sent, the response as it came, both as HTTP/1.1 text.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local headers = require("rill.headers")
local url = require("rill.url")
local warc = require("rill.warc")

local M = {}

local PHRASES = { [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "No Content", [206] = "Partial Content",
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
  [307] = "Temporary Redirect", [308] = "Permanent Redirect", [400] = "Bad Request", [401] = "Unauthorized",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed", [408] = "Request Timeout", [410] = "Gone",
  [421] = "Misdirected Request", [429] = "Too Many Requests", [451] = "Unavailable For Legal Reasons",
  [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout" }
local TRUNCATED = { timeout = "time", maxsize_exceeded = "length", maxsize_exceeded_actual = "length" }
local AS_SENT = { ["content-encoding"] = true, ["content-length"] = true, ["transfer-encoding"] = true }
local PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
local RESPONSE = { "Content-Type", "application/http;msgtype=response" }
local REQUEST = { "Content-Type", "application/http;msgtype=request" }
local CRLF = "\r\n"

---@class rill.CrawlExchange
---@field private _url string
---@field private _at number
---@field private _sent { [1]: string, [2]: string }[] what the client adds to each request
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
---@param options table of the request
---@param now number
---@param user_agent string
---@param fields table those of the client, as rill.headers.fields() makes them
---@return rill.CrawlExchange
---@return table options to ask with
function M.watch(address, options, now, user_agent, fields)
  local self = setmetatable({ _url = address, _at = now, _fields = fields, _given = options.headers,
    _sent = { { "user-agent", user_agent }, { "accept-encoding", ffi.string(C.rill_accept_encoding()) } } }, Exchange)
  local own = {}
  for name, value in pairs(options) do own[name] = value end
  own.on_headers = function(head)
    self._head = head
    local answer = options.on_headers and options.on_headers(head)
    if answer == "stop" then self._stopped = true end
    return answer
  end
  if options.on_chunk then
    self._parts = {}
    own.on_chunk = function(chunk)
      table.insert(self._parts, chunk)
      local answer = options.on_chunk(chunk)
      if answer == "stop" then self._stopped = true end
      return answer
    end
  end
  return self, own
end

--- It has ended.
---@param response rill.Response?
---@param err rill.Error?
function Exchange:done(response, err)
  self._response, self._err = response, err
end

-- The fields that were sent; where no response names them, those that were to be.
local function each_field(self)
  if self._response then return self._response.request.headers:each() end
  local given = headers.fields("headers", self._given or {})
  return headers.new(headers.block(headers.merge(self._fields, given))):each()
end

local function request_text(self)
  local parts = url.parse(self._url)
  local lines = { ("GET %s%s HTTP/1.1"):format(parts.path, parts.query and "?" .. parts.query or ""),
    "host: " .. parts.authority }
  local given = {}
  for name, value in each_field(self) do
    given[name] = true
    lines[#lines + 1] = name .. ": " .. value
  end
  for _, field in ipairs(self._sent) do
    if not given[field[1]] and field[2] ~= "" then lines[#lines + 1] = field[1] .. ": " .. field[2] end
  end
  return table.concat(lines, CRLF) .. CRLF .. CRLF
end

local function head_text(head, length)
  local lines = { ("HTTP/1.1 %d %s"):format(head.status, PHRASES[head.status] or "") }
  for name, value in head.headers:each() do
    lines[#lines + 1] = (AS_SENT[name] and "x-orig-" or "") .. name .. ": " .. value
  end
  if length then lines[#lines + 1] = ("content-length: %d"):format(length) end
  return table.concat(lines, CRLF) .. CRLF .. CRLF
end

local function truncated_of(self)
  if self._stopped then return "length" end
  if self._err then return TRUNCATED[self._err.reason] or "disconnect" end
  return self._response.flags.cut and "disconnect" or nil
end

local function body_of(self)
  if self._parts then return table.concat(self._parts) end
  return self._response and not self._stopped and self._response.body or ""
end

-- Why the body need not be kept: it is that of another page, or of an earlier visit.
local function revisit_of(self, head, outcome)
  if head.status == 304 then return "server-not-modified", self._url end
  local first = outcome.duplicate_of
  if not first or self._parts then return nil end
  return "identical-payload-digest", type(first) == "string" and first or nil
end

-- What the records of an exchange have in common; the rest is added behind it.
local function fields_of(self, id, date)
  local response = self._response
  return { { "WARC-Record-ID", id }, { "WARC-Date", date }, { "WARC-Target-URI", self._url },
    { "WARC-IP-Address", response and response.ip_address }, { "WARC-Protocol", response and response.protocol } }
end

local function response_of(self, head, outcome, fields)
  local body = body_of(self)
  local profile, refers = revisit_of(self, head, outcome)
  local n = #fields
  fields[n + 1] = { "WARC-Payload-Digest", (not profile or body ~= "") and warc.digest(body) }
  fields[n + 2] = { "WARC-Profile", profile and PROFILE .. profile }
  fields[n + 3] = { "WARC-Refers-To-Target-URI", refers }
  fields[n + 4] = { "WARC-Truncated", truncated_of(self) }
  fields[n + 5] = RESPONSE
  local text = head_text(head, not profile and #body or nil)
  return warc.record(profile and "revisit" or "response", fields, profile and text or text .. body)
end

--- Its records; none where no head has come.
---@param outcome table what became of its URL
---@return string[] members
function Exchange:records(outcome)
  local head = self._response or self._head
  if not head then return {} end
  local id, date = warc.id(), warc.date(self._at)
  local response = response_of(self, head, outcome, fields_of(self, id, date))
  local fields = fields_of(self, warc.id(), date)
  fields[#fields + 1] = { "WARC-Concurrent-To", id }
  fields[#fields + 1] = REQUEST
  return { response, warc.record("request", fields, request_text(self)) }
end

return M
