--- A response, which is also what waits for it: on the way in it receives the request's one event.
--- Its fields that not every script reads are made when they are first asked for.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local body = require("rill.core.body")
local errors = require("rill.errors")
local facts = require("rill.core.facts")
local guard = require("rill.core.guard")
local headers = require("rill.headers")
local on_use = require("rill.core.lazy")
local json = on_use.module("rill.json")
local peer = require("rill.core.peer")
local runtime = require("rill.runtime")
local shown = require("rill.core.shown")
local slots = require("rill.core.slots")
local text = on_use.module("rill.core.text")
local url = on_use.module("rill.url")

local M = {}

local setmetatable, text_of = setmetatable, ffi.string -- compiled code need not look for them, and so on
local new_headers, unwatch, wake = headers.new, runtime.unwatch, runtime.wake
local reasons = errors.reasons

local RESPONSE = C.RILL_EVENT_RESPONSE
local METHOD, URL, BLOCK, HEAD, PEER, TASK, FAILURE = slots.METHOD, slots.URL, slots.BLOCK, slots.HEAD, slots.PEER,
  slots.TASK, slots.FAILURE
local SLOT, GENERATION = slots.SLOT, slots.GENERATION

---@class rill.Response
---@field status integer
---@field ok boolean a 2xx
---@field headers rill.Headers
---@field body string? made on first use when it is larger than 64 KiB; nil where it is in a file
---@field path string? the file that client:download has written
---@field trailers rill.Headers?
---@field informational {status: integer, headers: rill.Headers}[]
---@field url string that answered, without user and password; with a fragment where redirects were followed
---@field request {method: string, url: string, headers: rill.Headers}
---@field protocol string? "h2", "h2c" or "http/1.1"
---@field ip_address string?
---@field certificate rill.Certificate?
---@field timings table<string, number> seconds per phase
---@field flags {stopped: boolean, decoded: string[], cut: boolean}
---@field close_reason string "ended" or "stopped"
---@field history {url: string, status: integer, headers: rill.Headers}[] redirects that were followed, in order
---@field attempts integer
---@field bytes_received number DATA payload without padding, before decoding
---@field private _fragment string? of the URL that redirects led to
---@field private _trailers string?
---@field private _informational string?
---@field private _body string? that is sent: borrowed by the core until the request is over
---@field private _large ffi.cdata*? the body, as long as nobody has read it
---@field private _cut boolean? the body may lack its end
---@field private _decoded string[]? content codings that were undone
---@field private _pinned boolean? the body is kept as it is read
---@field private _save_path string? where the core writes the body
---@field private _keeps_head boolean? if it fails the error is to have its head
---@field private [integer] any see rill.core.slots
---@field private dormant false as what a task waits for
---@field recording rill.Recording? of a client that is recorded, while it waits
local methods = {}

--- Where the body lies in memory, until somebody reads `body`.
---@param response rill.Response
---@return ffi.cdata* data const uint8_t *
---@return integer length
function M.data(response)
  local large = rawget(response, "_large")
  if not large then
    local kept = response.body
    if not kept then errors.raise("response: the body is in " .. response.path) end
    return ffi.cast("const uint8_t *", kept), #kept
  end
  local data, length = body.data(large)
  return ffi.cast("const uint8_t *", data), length
end

--- Where the body lies in memory. It stays there while the response is reachable.
---@return ffi.cdata* data const uint8_t *
---@return integer length
function methods:pointer()
  if rawget(self, "_large") then self._pinned = true end
  return M.data(self)
end

--- The body, where it is a string already.
---@param response rill.Response
---@return string?
function M.small(response)
  return rawget(response, "body")
end

--- Its header blocks, as they were sent and as they were received.
---@param response rill.Response
---@return string sent
---@return string received
function M.blocks(response)
  return response[BLOCK], response[HEAD]
end

--- Who has answered.
---@param response rill.Response
---@return rill.Peer|false
function M.peer(response)
  return response[PEER]
end

--- Whether the body may lack its end.
---@param response rill.Response
---@return boolean
function M.is_cut(response)
  return rawget(response, "_cut") or false
end

local failure = ffi.new("rill_error[1]")

--- Writes the body to a file: beside it and renamed when complete, so no part of a body ever stands under its
--- name. A large body makes no large string.
---@param path string a regular file that is there is replaced and keeps its mode, a link to one is replaced; the disk
---  is not waited for (fsync)
---@return boolean? saved
---@return rill.Error? err reason "file_error"
function methods:save(path)
  if type(path) ~= "string" or path == "" or path:find("%z") then
    errors.raise("response:save: path must be a string without NUL, got " .. errors.show(path))
  end
  local data, length = self:pointer()
  local code = C.rill_file_save(runtime.loop(), path, data, length, 0, failure)
  if code == 0 then return true end
  return nil, errors.new { reason = errors.reasons[-code], message = ffi.string(failure[0].message), url = self.url,
    method = self[METHOD], status = self.status, processed = "yes" }
end

--- The body as text in UTF-8. Its encoding is named by a byte order mark, content-type, or for HTML its meta; bytes
--- that mean nothing become U+FFFD. In a task a large body gives way.
---@return string
function methods:text()
  local data, length = self:pointer()
  return text.read(data, length, self.headers:get("content-type"))
end

--- What the body says in JSON, by the cjson or dkjson that is installed.
---@return any value null is what the library has for it
---@return rill.Error? err reason "decode_error"
function methods:json()
  local body_text = self.body
  if not body_text then errors.raise("response: the body is in " .. self.path) end
  local value, why = json.decode((body_text:gsub("^\239\187\191", "")))
  if value ~= nil then return value end
  return nil, errors.new { reason = "decode_error", message = "the body is no JSON: " .. tostring(why), url = self.url,
    method = self[METHOD], status = self.status, processed = "yes" }
end

-- Fields made at each use: an object that is not kept, compiled code need not make.
local fresh = {}

function fresh:headers()
  return new_headers(self[HEAD])
end

function fresh:slot()
  return self[SLOT]
end

function fresh:generation()
  return self[GENERATION]
end

-- Fields made on first use. What they return is kept, unless it is nil.
local lazy = {}

function lazy:ok()
  return self.status >= 200 and self.status < 300
end

function lazy:body()
  if not self._large then return nil end -- it is in a file
  local whole = body.string(self._large)
  if not self._pinned then
    body.free(self._large)
    self._large = nil
  end
  return whole
end

function lazy:trailers()
  return self._trailers and headers.new(self._trailers)
end

function lazy:informational()
  return self._informational and headers.informational(self._informational) or {}
end

function lazy:url()
  local parts = url.parse(self[URL])
  if not parts then return errors.shown(self[URL]) end
  local query = parts.query and "?" .. parts.query or ""
  local fragment = self._fragment and "#" .. self._fragment or ""
  return parts.scheme .. "://" .. parts.authority .. parts.path .. query .. fragment
end

function lazy:request()
  return { method = self[METHOD], url = self.url, headers = headers.new(self[BLOCK]) }
end

function lazy:protocol()
  return self[PEER] and self[PEER].protocol or nil
end

function lazy:ip_address()
  return self[PEER] and self[PEER].ip_address or nil
end

function lazy:certificate()
  return self[PEER] and self[PEER].certificate or nil
end

function lazy:timings()
  return facts.timings(self)
end

function lazy:attempts()
  return facts.attempts(self)
end

function lazy:bytes_received()
  return facts.bytes_received(self)
end

function lazy:flags()
  return { stopped = self.close_reason == "stopped", decoded = self._decoded or {}, cut = self._cut or false }
end

function lazy.history()
  return {}
end

local Response = {}

function Response:__index(name)
  local method = methods[name]
  if method then return method end
  local view = fresh[name]
  if view then return view(self) end
  local make = lazy[name]
  if not make then return nil end
  local value = make(self)
  self[name] = value
  return value
end

Response.__tostring = shown.response
guard("response", Response, methods)

-- What stands in rill.core.slots at first. Variables: of constants the compiler makes a table that is copied, whose
-- array part is one larger than the 16 that LuaJIT allocates together with the table itself.
local zero, no, nothing = 0, false, ""

--- Makes a response that waits to be filled in. All fields of the fast path are named here, so the
--- table never grows while it is on its way.
---@param method string
---@param address string the URL as it was given
---@param block string the header block that is sent
---@param task table? who waits
---@return rill.Response
function M.new(method, address, block, task)
  local response = setmetatable({
    zero, zero, zero, zero, zero, zero, zero, method, address, block, nothing, no, task, no, zero, [0] = zero,
    status = 0,
    close_reason = false,
    body = "",
    dormant = false, -- see rill.runtime.core: each wait asks, and what is not there is looked for in the class
  }, Response)
  return response
end

--- Keeps which content codings were undone.
---@param response table rill.Response
---@param names ffi.cdata* const char *: "br, gzip"
local function keep_decoded(response, names)
  local list = {}
  for name in ffi.string(names):gmatch("[^, ]+") do
    list[#list + 1] = name
  end
  response._decoded = list
end

local function keep_large(response, large)
  response.body = nil -- made by __index on first use
  response._large = body.own(large)
end

--- Gives a response its body.
---@param response rill.Response
---@param rest ffi.cdata* rill_body *, taken over
function M.keep_body(response, rest)
  if C.rill_body_length(rest) > body.SMALL then return keep_large(response, rest) end
  response.body = body.string(rest)
  C.rill_body_free(rest)
end

M.keep_decoded = keep_decoded

--- The body stands in the file that was asked for.
---@param response rill.Response
function M.in_file(response)
  response.path, response.body = response._save_path, nil
end

--- The request is over: called by the runtime, before any task resumes.
---@param event ffi.cdata* rill_event, borrowed
function methods:on_event(event)
  self.close_reason = reasons[event.reason]
  if event.type == RESPONSE then
    self.status = event.status
    self[HEAD] = text_of(event.headers, event.headers_length)
    if event.large ~= nil then
      keep_large(self, event.large)
    elseif event.body_length ~= 0 then
      self.body = text_of(event.body, event.body_length)
    end
    if event.trailers ~= nil then
      self._trailers = ffi.string(event.trailers, event.trailers_length)
    end
    if event.informational ~= nil then
      self._informational = ffi.string(event.informational, event.informational_length)
    end
    if event.saved ~= 0 then M.in_file(self) end
    if event.cut ~= 0 then self._cut = true end
    if event.decoded[0] ~= 0 then keep_decoded(self, event.decoded) end
    self[PEER] = peer.of(event.peer_slot, event.peer_generation)
    facts.keep(self, event.timings, event.bytes_received, event.attempts)
  else
    self[FAILURE] = errors.of_event(event, self[METHOD], self[URL], rawget(self, "_keeps_head"))
    errors.keep_peer(self[FAILURE], event.peer_slot, event.peer_generation, peer.of)
  end
  unwatch(self[SLOT])
  wake(self[TASK])
end

--- The task that waits was cancelled: so is the request.
function methods:abandon()
  runtime.unwatch(self[SLOT], self)
  C.rill_drop(runtime.loop(), self[SLOT], self[GENERATION])
end

return M
