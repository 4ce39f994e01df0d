--- What the core has reported of one stream, and the tasks that wait for more. It receives the stream's
--- events, so the runtime holds it; the script's stream object does not hang from it, or a dropped
--- one would never be collected.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local facts = require("rill.core.facts")
local headers = require("rill.headers")
local peer = require("rill.core.peer")
local response = require("rill.response")
local runtime = require("rill.runtime")
local slots = require("rill.core.slots")
local waiting = require("rill.task.waiting")

local M = {}

local EVENT_HEAD, WRITABLE, CLOSED = C.RILL_EVENT_HEAD, C.RILL_EVENT_WRITABLE, C.RILL_EVENT_CLOSED
local METHOD, URL, BLOCK, HEAD, PEER = slots.METHOD, slots.URL, slots.BLOCK, slots.HEAD, slots.PEER
local Info = ffi.typeof("rill_stream_info")
local info = ffi.new("rill_stream_info")
local rest = ffi.new("rill_body *[1]")
local failure = ffi.new("rill_error[1]")

---@class rill.StreamState
---@field slot integer
---@field generation integer
---@field head {status: integer, headers: rill.Headers, informational: table[]}?
---@field close_reason string?
---@field failure rill.Error?
---@field writable boolean? the core takes more of the body, as far as is known
---@field at_once integer? bytes of its body that were read since a task last waited for more
---@field feeder rill.Task? that asks a body function
---@field raised any what that raised
---@field parts string[]? of the body, where on_chunk was shown them
---@field hook string? the name of one that runs now: what it asks for counts as its answer
---@field cut boolean? on_chunk wants no more: what it was not shown is not of the body
---@field passes (fun(head: table): boolean)? whether its answer only leads to another request: hooks are not shown it
---@field follows boolean? a redirect would be followed: it is not shown to hooks
---@field keeps_head boolean? its error is to have the head
---@field recording rill.Recording? of a client that is recorded
---@field private _verdict rill.Error? of a hook: the outcome, however the stream closes
---@field private _wanted string? the close reason that goes with a hook's answer
---@field private _shown_reason string? the close reason, once a script has seen it
---@field private _final ffi.cdata*? rill_stream_info: what its C side reported last
---@field private _trailers string?
---@field private _saved boolean? the body is in the file
---@field private _save_path string? where the core writes the body
---@field private _body string? that is sent: borrowed by the core
---@field private [integer] any see rill.core.slots
---@field private _headless rill.Error? it was stopped before a head came
---@field private _collected boolean? its body is kept whole
---@field private _cut boolean? the body may lack its end
---@field private _decoded string[]? content codings that were undone
---@field private _response rill.Response? made of it
local State = {}
State.__index = State

---@param method string
---@param url string
---@param block string the header block that is sent
---@return rill.StreamState
function M.new(method, url, block)
  local state = setmetatable({
    0, 0, 0, 0, 0, 0, 0, method, url, block, "", false, -- see rill.core.slots
    slot = 0,
    generation = 0,
    _waiting = {},
  }, State)
  return state
end

-- What a script may ask of a stream at any time: name -> how it is read from rill_stream_info.
local readers = {}

for _, name in ipairs { "bytes_received", "bytes_sent", "request_sent", "reached_warnsize", "closed_local",
  "closed_remote" } do
  readers[name] = function(from)
    return from[name]
  end
end

for _, name in ipairs { "request_content_length", "remaining_content_length" } do
  readers[name] = function(from)
    return from[name] >= 0 and from[name] or nil -- a fed body may have no announced length
  end
end

function readers.id(from)
  return from.id ~= 0 and from.id or nil
end

function readers.status(from)
  return from.status ~= 0 and from.status or nil
end

function readers.error_code(from)
  return errors.code_name(from.code)
end

function readers.close_reason(from)
  return from.reason ~= C.RILL_OPEN and errors.reasons[from.reason] or nil
end

function readers.timings(from)
  return facts.by_name(from.timings)
end

--- One of the above, as it is now; after the end, as it was then.
---@param name string
---@return any value nil for other names
function State:get(name)
  local read = readers[name]
  if not read then return nil end
  local value
  if name == "close_reason" then self:decide(false) end
  if self._final then
    value = read(self._final)
  elseif C.rill_stream_info_get(runtime.loop(), self.slot, self.generation, info) == 0 then
    value = read(info)
  end
  if name == "close_reason" then return self:final_reason(value) end
  return value
end

--- Somebody asks how it ends: what waits coded is decoded for that.
---@param wait boolean? also when its end comes later
function State:decide(wait)
  if not self.close_reason then C.rill_stream_decide(runtime.loop(), self.slot, self.generation, wait) end
end

--- The close reason as scripts see it, the same for ever: a hook's answer goes before an end that
--- nobody had seen.
---@param reason string? the core's
---@return string?
function State:final_reason(reason)
  local shown = self._shown_reason
  if not shown and reason then
    local wanted = self._wanted
    shown = wanted == "cancelled" and wanted or reason == "ended" and wanted or reason
    self._shown_reason = shown
  end
  return shown
end

--- Whether the server acted on the request, as far as is known (RFC 9113 section 8.7).
---@return "no"|"maybe"|"yes"
function State:processed()
  return self.head and "yes" or self:get("request_sent") and "maybe" or "no"
end

--- An error of this stream.
---@param reason string
---@param message string
---@param value any what was raised, if anything
---@return rill.Error
function State:error(reason, message, value)
  local err = errors.new { reason = reason, message = message, value = value, method = self[METHOD], url = self[URL],
    status = self.head and self.head.status, processed = self:processed() }
  if self.head and self.keeps_head then errors.keep_head(err, self.head.status, self[HEAD]) end
  return err
end

--- Why there is no response: nil where the stream has closed well, with a head.
---@return rill.Error?
function State:lack()
  if self.failure or self.head then return self.failure end
  self._headless = self._headless or self:error("stopped", "stopped before a response head came")
  return self._headless
end

local function text(pointer, length)
  return pointer ~= nil and ffi.string(pointer, length) or nil
end

-- `from`: an event or rill_stream_info, which name these alike.
function State:_keep_head(from)
  local informational = text(from.informational, from.informational_length)
  self[HEAD] = ffi.string(from.headers, from.headers_length)
  self.head = {
    status = from.status,
    headers = headers.new(self[HEAD]),
    informational = informational and headers.informational(informational) or {},
  }
end

--- What is left of `timeout`.
---@return number seconds; 0: there is no limit
function State:left()
  if self._final then return facts.left(self) end
  local known = C.rill_stream_info_get(runtime.loop(), self.slot, self.generation, info) == 0
  return known and info.timings.left or 0
end

function State:_keep_end(event)
  if C.rill_stream_info_get(runtime.loop(), self.slot, self.generation, info) == 0 then
    if info.head and not self.head then self:_keep_head(info) end
    self._trailers = text(info.trailers, info.trailers_length)
    self._final = Info(info) -- what it points to goes
    self._saved, self._cut = info.saved, info.cut
    response.keep_decoded(self, info.decoded)
    self[PEER] = peer.of(info.peer_slot, info.peer_generation)
    facts.keep(self, info.timings, info.bytes_received, info.attempts)
  end
  self.close_reason = errors.reasons[event.reason]
  self.failure = self._verdict or errors.of_event(event, self[METHOD], self[URL], self.keeps_head)
  errors.keep_peer(self.failure, event.peer_slot, event.peer_generation, peer.of)
  if self.failure then self.failure.value = self.failure.value or self.raised end
end

--- A hook wants no response, or failed: the stream closes as cancelled, and its failure is `err`.
---@param err rill.Error
function State:reject(err)
  self._verdict, self._wanted = err, "cancelled"
  if self.close_reason then self.failure = err end -- its end came before its hooks ran
  C.rill_stream_cancel(runtime.loop(), self.slot, self.generation)
end

--- Whether a hook has ended it.
---@return boolean
function State:is_judged()
  return self._wanted ~= nil
end

--- A script wants no response.
function State:cancel()
  if self.hook then return self:reject(self:error("cancelled", self.hook .. " wants no response")) end
  C.rill_stream_cancel(runtime.loop(), self.slot, self.generation)
end

--- A script wants no more of the response.
function State:stop()
  if self.hook then
    self._wanted = self._wanted or "stopped"
    if self.hook == "on_chunk" and not self._shown_reason then self.cut = true end
  end
  C.rill_stream_stop(runtime.loop(), self.slot, self.generation)
end

--- Called by the runtime, before any task resumes.
---@param event ffi.cdata* rill_event, borrowed
function State:on_event(event)
  if event.type == EVENT_HEAD then
    self:_keep_head(event)
  elseif event.type == WRITABLE then
    self.writable = true
  elseif event.type == CLOSED then
    self:_keep_end(event)
    self._body = nil -- what was sent: the core has done with it
    runtime.unwatch(self.slot)
  end
  local tasks = self._waiting
  self._waiting = {}
  waiting.wake(tasks)
  local feeder = self.feeder
  if feeder and self.close_reason then
    self.feeder = nil
    feeder:cancel() -- nobody wants more of the body
  end
end

--- Waits for the next event, whatever it is: the caller looks again at what it waits for.
---@param call string what is called, for the error outside of a task
function State:wait(call)
  waiting.park(self._waiting, self, call)
end

--- A task that waits was cancelled. The stream is, too, unless another task waits for it; the one that
--- feeds its body does not count.
---@param task table
function State:abandon(task)
  waiting.leave(self._waiting, task)
  local tasks = self._waiting
  local others = #tasks > 1 or #tasks == 1 and tasks[1] ~= self.feeder
  if not others then C.rill_stream_cancel(runtime.loop(), self.slot, self.generation) end
end

State.give_back = State.abandon -- it was cancelled after an event had woken it

---@param call string
function State:wait_closed(call)
  self:decide(true)
  while not self.close_reason do
    self:wait(call)
  end
end

--- Gives the core's memory back: everything worth keeping is here.
function State:release()
  C.rill_drop(runtime.loop(), self.slot, self.generation)
end

--- From now on the body is collected whole.
function State:collect()
  if self._collected or self.close_reason then return end
  self._collected = true
  if C.rill_stream_collect(runtime.loop(), self.slot, self.generation) == -C.RILL_ERROR then
    self:reject(self:error("error", "out of memory"))
  end
end

--- From now on the body goes to a file.
---@param fd integer
---@param path string for errors
---@return boolean? begun
---@return rill.Error? err
function State:save(fd, path)
  self._collected = true
  local code = C.rill_stream_save(runtime.loop(), self.slot, self.generation, fd, path, failure)
  if code == 0 then
    self._saved = self._saved or self.close_reason == "ended" -- all had come before
    return true
  end
  return nil, self:error(errors.reasons[-code], ffi.string(failure[0].message))
end

--- The response of a stream that has closed well; the same one each time.
---@return rill.Response?
---@return rill.Error? err out of memory: the body can still be had
function State:response()
  if self._response then return self._response end
  if C.rill_stream_body(runtime.loop(), self.slot, self.generation, rest) == -C.RILL_ERROR then
    return nil, self:error("error", "out of memory for the body")
  end
  local made = response.new(self[METHOD], self[URL], self[BLOCK])
  made.status, made.headers, made.informational = self.head.status, self.head.headers, self.head.informational
  made.close_reason = self:final_reason(self.close_reason)
  made[HEAD], made._trailers, made._decoded = self[HEAD], self._trailers, self._decoded
  facts.copy(made, self)
  made[PEER], made._cut = self[PEER], self._cut
  if rest[0] ~= nil then response.keep_body(made, rest[0]) end
  if self.recording then self.recording:of_rest(made) end
  if self._saved then
    made._save_path = self._save_path
    response.in_file(made)
  end
  if self.parts then made.body = table.concat(self.parts) .. made.body end
  self:release()
  self._response = made
  return made
end

return M
