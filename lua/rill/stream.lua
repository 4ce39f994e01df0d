--- One attempt to carry one request, in a script's hands. Dropped while it is open, it is cancelled
--- when it is collected.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local lazy = require("rill.core.lazy")
local headers = require("rill.headers")
local request = require("rill.core.request")
local runtime = require("rill.runtime")
local shown = require("rill.core.shown")
local state = require("rill.core.stream_state")
local upload = require("rill.core.upload")
local hooks = require("rill.core.stream_hooks")

local M = {}

local MAX_CHUNK = 64 * 1024 -- bytes that one read returns at most
local MAX_AT_ONCE = 256 * 1024 -- bytes read without a wait where a foreign loop has other work
local data = ffi.new("const char *[1]")
local timer = lazy.module("rill.task.timer")

---@class rill.Stream
---@field id integer? on the wire; nil while it waits
---@field status integer? of the head; 499 when cancelled before one arrived
---@field close_reason string? nil while open, then never changed
---@field error_code string? name of the HTTP/2 code, if any; one without a name in decimal
---@field timings table<string, number> seconds per phase
---@field bytes_received number DATA payload without padding, before decoding
---@field bytes_sent number
---@field request_content_length number? of the body; nil where it is fed and announces none
---@field remaining_content_length number? of it, not sent yet
---@field request_sent boolean
---@field reached_warnsize boolean
---@field closed_local boolean
---@field closed_remote boolean
---@field private _state rill.StreamState
---@field private _handle ffi.cdata* its finalizer drops the core's stream
---@field private _client rill.Endpoint not closed while one of its streams is in use
---@field private _streaming "open"|"finished"|false whether stream:write feeds the body
---@field private _tail table|function|nil trailers that follow it
local Stream = {}
local methods = {}

function Stream:__index(name)
  return methods[name] or self._state:get(name)
end

-- Waits for the next event. Hooks run in the task that waits, as it resumes.
local function wait(stream, call)
  stream._state:wait(call)
  stream._state.at_once = nil
  hooks.of_head(stream)
end

local function wait_closed(stream, call)
  hooks.of_head(stream)
  stream._state:decide(true)
  while not stream._state.close_reason do
    wait(stream, call)
  end
end

-- A reader who has found enough lets others run.
local function give_way(own)
  if (own.at_once or 0) < MAX_AT_ONCE then return end
  own.at_once = nil
  if runtime.may_wait() then timer.sleep(0) end
end

-- The next piece of the body; nil at its end, which may be a failure.
local function next_chunk(stream, call, max)
  local own = stream._state
  hooks.of_head(stream)
  local counts = runtime.gives_way
  if counts then give_way(own) end
  while true do
    local length = C.rill_stream_read(runtime.loop_for(own.slot, call), own.slot, own.generation, max, data)
    if length > 0 then
      if counts then own.at_once = (own.at_once or 0) + length end
      if not own.cut then
        local chunk = ffi.string(data[0], length)
        if own.recording then own.recording:of_body(chunk) end
        return chunk
      end
    elseif own.close_reason then
      return nil
    else
      wait(stream, call)
    end
  end
end

--- Waits for the final response head.
---@return {status: integer, headers: rill.Headers, informational: table[]}? head
---@return rill.Error? err
function methods:headers()
  local own = self._state
  hooks.of_head(self)
  while not own.head and not own.close_reason do
    wait(self, "stream:headers")
  end
  if own.head then return own.head end
  return nil, own:lack()
end

--- Waits for the next piece of the body. Reading gives the peer that much window back.
---@param max integer? bytes; at most 64 KiB, which is the default
---@return string? chunk nil at the end
---@return rill.Error? err where the stream failed, once what had arrived was read
function methods:read(max)
  if type(max) ~= "nil" and not (type(max) == "number" and max >= 1) then
    errors.raise("stream:read: max must be a number of bytes from 1, got " .. errors.show(max))
  end
  local own = self._state
  if own._collected then wait_closed(self, "stream:read") end
  local chunk = next_chunk(self, "stream:read", math.min(max or MAX_CHUNK, MAX_CHUNK))
  if not chunk then
    own:release()
    return nil, own.failure
  end
  hooks.of_chunk(self, chunk)
  return chunk
end

--- Iterates over the pieces of the body. Look at close_reason afterwards: it says whether it is whole.
---@return fun(): string?
function methods:chunks()
  return function()
    return (self:read())
  end
end

-- Shows on_chunk the body, and keeps it as well. Several tasks may be at it: each piece is shown once.
local function gather(stream)
  local own = stream._state
  own.parts = own.parts or {}
  while true do
    local chunk = next_chunk(stream, "stream:response", MAX_CHUNK)
    if not chunk then return end
    table.insert(own.parts, chunk)
    hooks.of_chunk(stream, chunk)
  end
end

--- Waits for the end. Several tasks may; all get the same response, whose body is what nobody read.
---@return rill.Response?
---@return rill.Error? err
function methods:response()
  local own = self._state
  if own.on_headers then self:headers() end -- the hook decides before more of the body comes
  if own.on_chunk or own.parts or own.cut then
    gather(self)
  else
    if not own.close_reason then runtime.waiter("stream:response", own) end -- before the body is collected
    own:collect()
    wait_closed(self, "stream:response")
  end
  local err = own:lack()
  if err then
    own:release() -- what had come is no body
    return nil, err
  end
  return own:response()
end

--- Waits for the end.
---@return string? body what nobody read
---@return rill.Error? err
function methods:body()
  local response, err = self:response()
  if not response then return nil, err end
  return response.body
end

--- Waits for the end; the body must be read by somebody, or fit the window.
---@return rill.Headers? trailers
---@return rill.Error? err
function methods:trailers()
  local own = self._state
  wait_closed(self, "stream:trailers")
  if own.failure then return nil, own.failure end
  return own._trailers and headers.new(own._trailers) or nil
end

-- That the body is written by the script, and not finished.
local function check_streaming(stream, call)
  if not stream._streaming then
    errors.raise(call .. ": this request's body is not rill.streaming")
  elseif stream._streaming == "finished" then
    errors.raise(call .. ": stream:finish was called before")
  end
end

--- Sends a piece of a body of rill.streaming; waits while more than 256 KiB of it are queued beyond the
--- peer's window.
---@param piece string
---@return boolean? written
---@return rill.Error? err the stream has ended: its failure, or reason "ended"
function methods:write(piece)
  check_streaming(self, "stream:write")
  if type(piece) ~= "string" then
    errors.raise("stream:write: data must be a string, got " .. errors.show(piece))
  end
  return upload.write(self._state, piece)
end

--- Ends a body of rill.streaming.
---@param trailers table|function|nil fields, instead of the request's option `trailers`
---@return boolean? finished
---@return rill.Error? err the stream has ended
function methods:finish(trailers)
  check_streaming(self, "stream:finish")
  local block = upload.trailers("stream:finish", trailers or self._tail)
  self._streaming = "finished"
  return upload.finish(self._state, block)
end

--- Ends the stream: unsent, it is never sent; sent, with RST_STREAM CANCEL. Ended already: nothing.
function methods:cancel()
  self._state:cancel()
end

--- Ends the stream; all that has arrived is the response's body. In on_chunk: all that was shown to it.
function methods:stop()
  self._state:stop()
end

--- Ends the stream with RST_STREAM; it closes as "reset". Unsent, it is never sent.
---@param code string|integer|nil name or number of RFC 9113 section 7; "CANCEL"
function methods:reset(code)
  C.rill_stream_reset(runtime.loop_for(self._state.slot, "stream:reset"), self._state.slot, self._state.generation,
    errors.code("stream:reset", code, "CANCEL"))
end

--- Waits for the end.
---@return string close_reason
---@return rill.Error? err
function methods:closed()
  wait_closed(self, "stream:closed")
  local own = self._state
  return own:final_reason(own.close_reason), own.failure
end

Stream.__tostring = shown.stream
guard("stream", Stream, methods)

-- What follows the head of the request, and who is shown the response.
local function equip(stream, endpoint, body, options)
  local own, trailers = stream._state, options and options.trailers
  own.on_headers = options and options.on_headers or endpoint._on_headers
  own.on_chunk = options and options.on_chunk or endpoint._on_chunk
  own.keeps_head = options and options.keep_head
  if body and upload.is_asked(body) then
    upload.start(stream, body, trailers)
  elseif body == upload.streaming then
    stream._streaming, stream._tail = "open", trailers
  end
end

--- Opens a stream.
---@param endpoint rill.Endpoint
---@param method string
---@param url string
---@param block string the header block that is sent
---@param body string|table|function|nil
---@param options table? checked
---@param mode "repeat"|"once" whether what was certainly not processed is sent again by itself
---@param path string? the file that the core writes the body to
---@return rill.Stream?
---@return rill.Error? err
---@return boolean? misused err tells of wrong use
function M.open(endpoint, method, url, block, body, options, mode, path)
  if body and upload.is_asked(body) and not runtime.current() then
    errors.raise("a body function is asked in a task: open the stream in one, as rill.run makes them")
  end
  local own = state.new(method, url, block)
  own._save_path = path
  local started, err, misused = request.start(own, endpoint, method, url, body, options, mode, path)
  if not started then return nil, err, misused end
  local handle = ffi.new("rill_handle")
  C.rill_handle_hold(handle, runtime.loop(), own.slot, own.generation)
  local stream = setmetatable({
    _state = own,
    _handle = ffi.gc(handle, C.rill_handle_drop),
    _client = endpoint,
    _streaming = false,
    _tail = false,
  }, Stream)
  equip(stream, endpoint, body, options)
  return stream
end

return M
