--- What a call gives back as `nil, err`, made in one place, and how wrong use is raised.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local on_use = require("rill.core.lazy")
local frames = on_use.module("rill.core.frames")
local headers = on_use.module("rill.headers")

local M = {}

local find, gsub, sub = string.find, string.gsub, string.sub

---@class rill.Error
---@field reason string a close reason, or "invalid_url", "redirect", "invalid_selector", "limit", "error"
---@field message string one sentence
---@field url string? the request's, without user and password
---@field method string?
---@field status integer? of the response head; 499 when cancelled before one arrived
---@field code string? HTTP/2 error code (RFC 9113 section 7), as "REFUSED_STREAM"; one without a name in decimal
---@field kind string? who said no to a connection: "dns", "tcp", "tls", "alpn", "proxy", "preface", "denied"; of a
---  redirect: "too_many", "loop", "scheme", "body"
---@field phase string? what was waited for when the time ran out
---@field expected number? bytes announced, where a limit was passed
---@field limit number? that limit, bytes
---@field path string? the file, or the state, of a crawl's error
---@field at integer? where a selector or an expression is wrong, from 1
---@field errors rill.Error[]? the causes, in order
---@field frames rill.Frame[]? the last frames of the connection that ended with it; made on first use
---@field history {url: string, status: integer, headers: rill.Headers}[]? redirects that came before
---@field processed "no"|"maybe"|"yes"|nil whether the server acted on the request (RFC 9113 section 8.7)
---@field retry_safe boolean processed is "no"
---@field attempts integer? streams this request used
---@field traceback string? where it was raised
---@field private _flight ffi.cdata*? what frames are made of
---@field headers rill.Headers? of the response that failed, where the request asked for it (`keep_head`)
---@field private _head { status: integer, block: string, peer: rill.Peer|false|nil }? that response's
---@field private _raised boolean? out of rill.run: its text shows the traceback
local Error = {}

function Error:__index(name)
  local head = name == "headers" and rawget(self, "_head")
  if head then return headers.new(head.block) end
  local flight = name == "frames" and rawget(self, "_flight")
  if not flight then return nil end
  self.frames, self._flight = frames.list(flight), nil
  return self.frames
end

function Error:__tostring()
  local detail = self.kind or self.phase or self.code
  local text = self.reason
  if detail then text = text .. " (" .. detail .. ")" end
  local named = self.message and self.url and find(self.message, self.url, 1, true)
  if self.url and not named then text = text .. ": " .. self.url end
  if self.message then text = text .. ": " .. self.message end
  if self._raised then text = text .. "\n" .. self.traceback end
  return text
end

function Error.__concat(left, right)
  return tostring(left) .. tostring(right)
end

--- The words for enum rill_reason, by number: "open" for a stream that has not closed.
M.reasons = {}
for number = 0, C.RILL_REASONS - 1 do
  M.reasons[number] = ffi.string(C.rill_reason_name(number))
end

local PROCESSED = {
  [C.RILL_PROCESSED_NO] = "no",
  [C.RILL_PROCESSED_MAYBE] = "maybe",
  [C.RILL_PROCESSED_YES] = "yes",
}

local parts = ffi.new("rill_url")

--- The URL as it may be shown: without user and password.
---@param url string as a caller gave it, perhaps malformed
---@return string
function M.shown(url)
  if not find(url, "@", 1, true) then return url end
  local room = 3 * #url
  local out = ffi.new("char[?]", room)
  if C.rill_url_parse(url, #url, out, room, parts, nil) < 0 then
    return ffi.string(out, C.rill_url_redact(url, #url, out, room))
  end
  if parts.userinfo_length < 0 then return url end
  local after = parts.userinfo + parts.userinfo_length + 1 -- behind its "@"
  return ffi.string(out, parts.userinfo) .. ffi.string(out + after, parts.length - after)
end

--- Makes an error object of its fields.
---@param fields table of rill.Error; the table becomes the object
---@return rill.Error
function M.new(fields)
  fields.retry_safe = fields.processed == "no"
  if fields.url then fields.url = M.shown(fields.url) end
  local err = setmetatable(fields, Error)
  return err
end

--- From now on the text of an error ends with its traceback: it leaves rill.run, and what prints it there
--- has no other.
---@param err any one that is not of rill is left alone
function M.show_traceback(err)
  if M.is(err) then err._raised = true end
end

---@param err any
---@return boolean
function M.is(err)
  return getmetatable(err) == Error
end

-- A C string, nil for "".
local function text(pointer)
  return pointer[0] ~= 0 and ffi.string(pointer) or nil
end

--- An HTTP/2 error code as scripts see it.
---@param number integer
---@return string? name its decimal text where RFC 9113 has none; nil for -1
local function code_name(number)
  return text(C.rill_code_name(number)) or number ~= -1 and ("%.0f"):format(number % 2 ^ 32) or nil
end
M.code_name = code_name

local function positive(number)
  return number > 0 and number or nil
end

local function convert(failure, method, url, attempts)
  return M.new {
    reason = M.reasons[failure.reason],
    message = ffi.string(failure.message),
    url = url,
    method = method,
    status = positive(failure.status),
    code = code_name(failure.code),
    kind = text(C.rill_kind_name(failure.kind)),
    phase = text(C.rill_phase_name(failure.phase)),
    expected = positive(failure.expected),
    limit = positive(failure.limit),
    processed = PROCESSED[failure.processed],
    attempts = attempts,
  }
end

--- Makes an error object of what the core reported. `err.errors` lists the causes; a lost connection
--- for which the core names none is its own.
---@param failures ffi.cdata* const rill_error *, the error and then its causes; copied
---@param count integer 1 or more
---@param method string
---@param url string
---@param attempts integer
---@return rill.Error
function M.from_core(failures, count, method, url, attempts)
  local err = convert(failures[0], method, url, attempts)
  local first = err.reason == "connection_lost" and count == 1 and 0 or 1
  if first < count then
    err.errors = {}
    for i = first, count - 1 do
      err.errors[#err.errors + 1] = convert(failures[i], method, url)
    end
  end
  return err
end

--- Gives an error the last frames of its connection.
---@param err rill.Error
---@param flight ffi.cdata* rill_flight *, whose reference is taken over; NULL: there are none
---@return rill.Error err
function M.keep_flight(err, flight)
  if flight ~= nil then err._flight = frames.own(flight) end
  return err
end

--- Gives an error the head that had come before.
---@param err rill.Error
---@param status integer
---@param block string its header fields
function M.keep_head(err, status, block)
  err._head = { status = status, block = block }
end

--- The head of the response that failed; nil where none had come.
---@param err rill.Error
---@return integer? status
---@return string? block
function M.head(err)
  local head = rawget(err, "_head")
  if head then return head.status, head.block end
end

--- Gives an error whose head had come the peer that sent it.
---@param err rill.Error?
---@param slot integer of the peer's connection
---@param generation integer
---@param of fun(slot: integer, generation: integer): rill.Peer|false
function M.keep_peer(err, slot, generation, of)
  local head = err and rawget(err, "_head")
  if head then head.peer = of(slot, generation) end
end

--- Who had sent the head of the response that failed.
---@param err rill.Error
---@return rill.Peer|false
function M.peer(err)
  local head = rawget(err, "_head")
  return head and head.peer or false
end

local info = ffi.new("rill_stream_info")

local function keep_head_of(err, event)
  if C.rill_event_info(event, info) < 0 or not info.head then return end
  M.keep_head(err, info.status, ffi.string(info.headers, info.headers_length))
end

--- The error of a request or stream that has closed.
---@param event ffi.cdata* rill_event
---@param method string
---@param url string
---@param keeps_head boolean? whether the error is to hold the head, up to 64 KiB that the server has chosen
---@return rill.Error? err nil when all was well: ended, or stopped as asked
function M.of_event(event, method, url, keeps_head)
  local reason = event.reason
  if reason == C.RILL_ENDED or reason == C.RILL_STOPPED then return nil end
  if event.error_count > 0 then
    local err = M.from_core(event.errors, event.error_count, method, url, event.attempts)
    if event.flight ~= nil then M.keep_flight(err, C.rill_flight_hold(event.flight)) end
    if keeps_head then keep_head_of(err, event) end
    return err
  end
  return M.new { reason = M.reasons[reason], message = "out of memory", method = method, url = url,
    processed = "maybe", attempts = event.attempts }
end

--- An HTTP/2 error code as a caller gives it.
---@param call string
---@param given string|integer|nil a name of RFC 9113 section 7, or a number
---@param default string
---@return integer
function M.code(call, given, default)
  local number = given or default
  if type(number) == "string" then number = C.rill_code_number(number) end
  if type(number) ~= "number" or number < 0 or number > 2 ^ 32 - 1 or number % 1 ~= 0 then
    M.raise(("%s: code must be a name or number of an HTTP/2 error code (RFC 9113 section 7), got %s")
      :format(call, M.show(given)))
  end
  return number
end

-- Where rill's own modules are: what is raised points at the line outside of them.
local HERE = debug.getinfo(1, "S").source:match("^(.*)errors%.lua$")

--- Raises an error at the line outside rill that led here: for what is used wrongly.
---@param message string names the argument and shows the value
function M.raise(message)
  local level, caller = 2, debug.getinfo(2, "S")
  while caller and HERE and (caller.what == "C" or sub(caller.source, 1, #HERE) == HERE) do
    level = level + 1
    caller = debug.getinfo(level, "S")
  end
  error(message, caller and level or 2)
end

local function escape(bytes)
  return (gsub(bytes, ".", function(c) return string.format("\\%03d", c:byte()) end))
end

-- In UTF-8: C1 controls, what changes the direction of text, line separators.
local HIDDEN = { "\194[\128-\159]", "\216\156", "\226\128[\142\143\168-\174]", "\226\129[\166-\169]" }

-- The characters of UTF-8 that are no ASCII (RFC 3629).
local CHARACTERS = {
  "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]", "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]", "^\240[\144-\191][\128-\191][\128-\191]",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]", "^\244[\128-\143][\128-\191][\128-\191]",
}

local function end_of_character(run, at)
  for _, pattern in ipairs(CHARACTERS) do
    local _, last = find(run, pattern, at)
    if last then return last end
  end
end

-- A run of bytes that are no ASCII: those that are no UTF-8 are escaped.
local function escape_broken(run)
  local out, at = {}, 1
  while at <= #run do
    local last = end_of_character(run, at)
    out[#out + 1] = last and sub(run, at, last) or escape(sub(run, at, at))
    at = (last or at) + 1
  end
  return table.concat(out)
end

--- Text that others have written, as it may be shown: control characters, and bytes that are no UTF-8, are escaped.
---@param raw string
---@return string
function M.visible(raw)
  local out = gsub(raw, "%c", escape)
  if not find(out, "[\128-\255]") then return out end
  out = gsub(out, "[\128-\255]+", escape_broken)
  for _, pattern in ipairs(HIDDEN) do out = gsub(out, pattern, escape) end
  return out
end

--- A text's first bytes, with "..." behind them when there are more; no character of UTF-8 is cut in two.
---@param whole string
---@param most integer bytes that may stand
---@return string
function M.cut(whole, most)
  if #whole <= most then return whole end
  local last = most - 3
  while last > most - 6 and find(whole, "^[\128-\191]", last + 1) do last = last - 1 end
  return sub(whole, 1, last) .. "..."
end

--- A value as it stands in a message: short, on one line.
---@param value any
---@return string
function M.show(value)
  if type(value) ~= "string" then
    local ok, shown = pcall(tostring, value) -- its own __tostring may raise, or give none
    return ok and type(shown) == "string" and shown or "a " .. type(value)
  end
  return '"' .. M.visible((gsub(M.cut(value, 60), "[\"\\]", escape))) .. '"'
end

return M
