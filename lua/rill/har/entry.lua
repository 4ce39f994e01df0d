--- An exchange as HAR 1.2 has it, made of what a recorder keeps of one.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local base64 = require("rill.core.base64")
local body = require("rill.core.body")
local cookies = require("rill.cookies.parse")
local facts = require("rill.core.facts")
local headers = require("rill.headers")
local json = require("rill.core.plain_json")
local text = require("rill.core.text")
local url = require("rill.url")

local M = {}

local VERSIONS = { h2 = "HTTP/2", h2c = "HTTP/2", ["http/1.1"] = "HTTP/1.1" }
local UNKNOWN = "unknown" -- no connection came of it
local NO_TYPE = "x-unknown" -- as browsers have it
local BRINGS_LENGTH = { POST = true, PUT = true, PATCH = true } -- also without a body
local REPLACEMENT = "\239\191\189" -- U+FFFD

---@class rill.HarEntry what HAR 1.2 calls an entry, and more, whose names begin with "_"
---@field private _stream integer? on the wire
---@field private _attempts integer streams that were used
---@field private _reason string a close reason
---@field private _error string?
---@field private _stalled_local number of its timings: milliseconds
---@field private _stalled_remote number

local OBJECT = { __jsontype = "object" }

local utf8 = json.utf8

local function date(seconds)
  local us = math.floor(seconds * 1e6 + 0.5)
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(us / 1e6)) .. (".%06dZ"):format(us % 1e6)
end

local function unescaped(value)
  return (value:gsub("%+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function query_of(query)
  local list = {}
  for piece in (query or ""):gmatch "[^&]+" do
    local name, value = piece:match "^([^=]*)=?(.*)$"
    list[#list + 1] = { name = utf8(unescaped(name)), value = utf8(unescaped(value)) }
  end
  return list
end

local function sent_cookies(fields)
  local list = {}
  for _, line in ipairs(fields:all "cookie") do
    for piece in line:gmatch "[^;]+" do
      local name, value = piece:match "^%s*([^=]-)%s*=%s*(.-)%s*$"
      if name then list[#list + 1] = { name = utf8(name), value = utf8(value) } end
    end
  end
  return list
end

local function set_cookies(fields, now)
  local list = {}
  for _, line in ipairs(fields:all "set-cookie") do
    local cookie = cookies.set_cookie(line, now)
    if cookie then
      list[#list + 1] = { name = utf8(cookie.name), value = utf8(cookie.value),
        path = cookie.path and utf8(cookie.path), domain = cookie.domain and utf8(cookie.domain),
        httpOnly = cookie.http_only, secure = cookie.secure,
        expires = cookie.expires and date(math.max(cookie.expires, 0)) or nil, sameSite = cookie.same_site }
    end
  end
  return list
end

local function add(list, name, value)
  list[#list + 1] = { name = utf8(name), value = utf8(value) }
end

-- What stood before the fields of the script: only where a connection shows which version it was.
local function add_first(list, record, parts, host)
  local protocol = record.peer and record.peer.protocol
  if protocol == "http/1.1" then return add(list, "host", host) end
  if not protocol then return end
  add(list, ":method", record.method)
  add(list, ":scheme", parts.scheme)
  add(list, ":authority", host)
  add(list, ":path", record.method == "OPTIONS" and parts.path == "*" and "*" or parts.target)
end

-- The length that is sent: the core knows it, whatever the script gave.
local function length_of(record)
  if record.length > 0 then return ("%d"):format(record.length) end
  return record.length == 0 and (BRINGS_LENGTH[record.method] or record.has_body) and "0" or nil
end

local function sent_fields(record, fields, parts)
  local list = {}
  local one = record.peer and record.peer.protocol == "http/1.1"
  add_first(list, record, parts, fields:get "host" or parts.authority)
  for name, value in fields:each() do
    if name ~= "host" and name ~= "content-length" then add(list, name, value) end
  end
  local length = length_of(record)
  if one and not length and record.has_body then add(list, "transfer-encoding", "chunked") end
  if length then add(list, "content-length", length) end
  if record.expect then add(list, "expect", "100-continue") end
  return list
end

local function received_fields(fields)
  local list = {}
  for name, value in fields:each() do add(list, name, value) end
  return list
end

local function ms(seconds)
  return math.floor(seconds * 1e6 + 0.5) / 1000
end

local function happened(seconds)
  return seconds > 0 and ms(seconds) or -1
end

-- HAR's connect has TLS in it; -1 is a phase that did not happen. What sending took is part of our `wait`.
local function timings_of(t, sending)
  local send = math.min(sending, t.wait)
  return {
    blocked = ms(t.queue), dns = happened(t.dns), connect = happened(t.connect + t.tls), ssl = happened(t.tls),
    send = ms(send), wait = ms(t.wait - send), receive = ms(t.body), _stalled_local = ms(t.stalled_local),
    _stalled_remote = ms(t.stalled_remote),
  }
end

local PARTS = { "blocked", "dns", "connect", "send", "wait", "receive" }

local function sum(timings)
  local time = 0
  for _, phase in ipairs(PARTS) do time = time + math.max(timings[phase], 0) end
  return math.floor(time * 1000 + 0.5) / 1000
end

-- A body in one piece.
local function whole(kept)
  if type(kept) == "string" then return kept end
  if type(kept) == "cdata" then return body.string(kept) end
  local pieces = {}
  for i, piece in ipairs(kept) do pieces[i] = whole(piece) end
  return table.concat(pieces)
end

local function is_textual(kind)
  kind = (kind or ""):lower():match "^[^;%s]*"
  return kind:find "^text/" or kind:find "[/+]json$" or kind:find "[/+]xml$" or kind:find "javascript$"
end

-- A text in UTF-8; nil where the bytes are none, or would not come back.
local function text_of(bytes, kind)
  if not bytes:find "%z" and utf8(bytes) == bytes then return bytes end
  if not is_textual(kind) then return nil end
  local read = text.read(ffi.cast("const char *", bytes), #bytes, kind)
  return not read:find(REPLACEMENT, 1, true) and read or nil
end

local function fill_text(into, kept, kind, mark)
  local bytes = whole(kept)
  local read = text_of(bytes, kind)
  into.text = read or base64(bytes)
  if not read then into[mark] = "base64" end
end

local function content_of(record, fields)
  local received = facts.bytes_received(record)
  local content = { size = record.decoded and (record.size or 0) or received,
    mimeType = utf8(fields:get "content-type" or NO_TYPE) }
  if record.decoded and record.size then content.compression = record.size - received end
  if record.body then fill_text(content, record.body, content.mimeType, "encoding") end
  if record.left_out then content.comment = "the body was left out: " .. record.left_out end
  return content
end

local function post_data(record, fields)
  if not record.sent and not record.sent_left_out then return nil end
  local kind = utf8(fields:get "content-type" or NO_TYPE)
  local data = { mimeType = kind }
  if record.sent then fill_text(data, record.sent, kind, "_encoding") else data.text = "" end
  if record.sent_left_out then data.comment = "the body was left out: " .. record.sent_left_out end
  if record.sent and kind:find "^application/x%-www%-form%-urlencoded" then data.params = query_of(data.text) end
  return data
end

local function request_of(record, parts, version)
  local fields = headers.new(record.block)
  return {
    method = utf8(record.method), url = ("%s://%s%s"):format(parts.scheme, parts.authority, parts.target),
    httpVersion = version, headers = sent_fields(record, fields, parts), queryString = query_of(parts.query),
    cookies = sent_cookies(fields), headersSize = -1, bodySize = record.bytes_sent,
    postData = post_data(record, fields),
  }
end

local function response_of(record, version, now)
  local fields = headers.new(record.head)
  local redirect = record.status > 300 and record.status < 400 and fields:get "location"
  return {
    status = record.status, statusText = "", httpVersion = version, headers = received_fields(fields),
    cookies = set_cookies(fields, now), content = content_of(record, fields), headersSize = -1,
    bodySize = facts.bytes_received(record), redirectURL = utf8(redirect or ""),
  }
end

--- The entry of what a recorder has kept.
---@param record rill.Record
---@param epoch number what is added to rill.now() for seconds since 1970
---@return table entry HAR 1.2
function M.of(record, epoch)
  local now, timings = record.started + epoch, timings_of(facts.timings(record), record.sending)
  local parts = url.parse(record.url)
  local version = VERSIONS[record.peer and record.peer.protocol] or UNKNOWN
  local address = record.peer and record.peer.ip_address
  return {
    startedDateTime = date(now), time = sum(timings), request = request_of(record, parts, version),
    response = response_of(record, version, now), cache = setmetatable({}, OBJECT), timings = timings,
    serverIPAddress = address ~= "" and address or nil,
    connection = record.connection > 0 and ("%d"):format(record.connection) or nil,
    _stream = record.stream > 0 and record.stream or nil, _attempts = facts.attempts(record), _reason = record.reason,
    _error = record.err and utf8(record.err) or nil,
  }
end

--- A HAR file, in pieces.
---@param records rill.Record[]
---@param epoch number
---@param comment string?
---@return fun(): string?
function M.pieces(records, epoch, comment)
  local creator = json.encode { name = "rill", version = ffi.string(C.rill_version()) }
  local i = -1
  return function()
    i = i + 1
    if i == 0 then
      return ('{"log":{"version":"1.2","creator":%s,"pages":[],%s"entries":['):format(creator,
        comment and '"comment":' .. json.encode(comment) .. "," or "")
    end
    if i <= #records then return (i > 1 and ",\n" or "\n") .. json.encode(M.of(records[i], epoch)) end
    return i == #records + 1 and "\n]}}\n" or nil
  end
end

return M
