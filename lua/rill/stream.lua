--- One attempt to carry one request, in a script's hands. Dropped while it is open, it is cancelled
--- when it is collected.
local ffi = require("ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local headers = require("rill.headers")
local request = require("rill.request")
local runtime = require("rill.runtime")
local state = require("rill.stream_state")

local M = {}

local MAX_CHUNK = 64 * 1024 -- bytes that one read returns at most
local data = ffi.new("const char *[1]")

---@class rill.Stream
---@field id integer? on the wire; nil while it waits
---@field status integer? of the head; 499 when cancelled before one arrived
---@field close_reason string? nil while open, then never changed
---@field error_code string? name of the HTTP/2 code, if any
---@field timings table<string, number> seconds per phase
---@field bytes_received number DATA payload without padding, before decoding
---@field bytes_sent number
---@field request_content_length number
---@field remaining_content_length number
---@field request_sent boolean
---@field reached_warnsize boolean
---@field closed_local boolean
---@field closed_remote boolean
---@field private _state rill.StreamState
---@field private _handle ffi.cdata* its finalizer drops the core's stream
---@field private _client rill.Client not closed while one of its streams is in use
local Stream = {}
local methods = {}

function Stream:__index(name)
  return methods[name] or self._state:get(name)
end

--- Waits for the final response head.
---@return {status: integer, headers: rill.Headers, informational: table[]}? head
---@return rill.Error? err
function methods:headers()
  local own = self._state
  while not own.head and not own.close_reason do
    own:wait("stream:headers")
  end
  if own.head then return own.head end
  return nil, own.failure
end

--- Waits for the next piece of the body. Reading gives the peer that much window back.
---@param max integer? bytes; at most 64 KiB, which is the default
---@return string? chunk nil at the end
---@return rill.Error? err where the stream failed, once what had arrived was read
function methods:read(max)
  if max ~= nil and not (type(max) == "number" and max >= 1) then
    errors.raise("stream:read: max must be a number of bytes from 1, got " .. errors.show(max))
  end
  local own = self._state
  if own._collected then own:wait_closed("stream:read") end
  while true do
    local length = C.rill_stream_read(runtime.loop(), own.slot, own.generation,
      math.min(max or MAX_CHUNK, MAX_CHUNK), data)
    if length > 0 then return ffi.string(data[0], length) end
    if own.close_reason then
      own:release()
      return nil, own.failure
    end
    own:wait("stream:read")
  end
end

--- Iterates over the pieces of the body. Look at close_reason afterwards: it says whether it is whole.
---@return fun(): string?
function methods:chunks()
  return function()
    return (self:read())
  end
end

--- Waits for the end. Several tasks may; all get the same response, whose body is what nobody read.
---@return rill.Response?
---@return rill.Error? err
function methods:response()
  local own = self._state
  own:collect()
  own:wait_closed("stream:response")
  if own.failure then return nil, own.failure end
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
  own:wait_closed("stream:trailers")
  if own.failure then return nil, own.failure end
  return own._trailers and headers.new(own._trailers) or nil
end

--- Ends the stream: unsent, it is never sent; sent, with RST_STREAM CANCEL. Ended already: nothing.
function methods:cancel()
  C.rill_stream_cancel(runtime.loop(), self._state.slot, self._state.generation)
end

--- Ends the stream; all that has arrived is the response's body.
function methods:stop()
  C.rill_stream_stop(runtime.loop(), self._state.slot, self._state.generation)
end

--- Waits for the end.
---@return string close_reason
---@return rill.Error? err
function methods:closed()
  self._state:wait_closed("stream:closed")
  return self._state.close_reason, self._state.failure
end

--- Opens a stream.
---@param client rill.Client
---@param method string
---@param url string
---@param block string the header block that is sent
---@param body string?
---@param options table? checked
---@param mode "repeat"|"once" whether what was certainly not processed is sent again by itself
---@return rill.Stream?
---@return rill.Error? err
function M.open(client, method, url, block, body, options, mode)
  local own = state.new(method, url, block)
  local started, err = request.start(own, client, method, url, body, options, mode)
  if not started then return nil, err end
  local handle = ffi.new("rill_handle")
  C.rill_handle_hold(handle, runtime.loop(), own.slot, own.generation)
  local stream = setmetatable({
    _state = own,
    _handle = ffi.gc(handle, C.rill_handle_drop),
    _client = client,
  }, Stream)
  return stream
end

return M
