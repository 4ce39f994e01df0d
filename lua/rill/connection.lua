--- One connection to one origin, in a script's hands. Dropped without close(), it drains when it is
--- collected.
local C = require("rill.clib")
local endpoints = require("rill.core.endpoint")
local errors = require("rill.errors")
local exchange = require("rill.core.exchange")
local frames = require("rill.core.lazy").module("rill.core.frames")
local guard = require("rill.core.guard")
local runtime = require("rill.runtime")
local shown = require("rill.core.shown")
local state = require("rill.core.connection_state")
local url = require("rill.url")

local M = {}

---@class rill.Connection: rill.Endpoint
---@field ip_address string the peer's; "" for a Unix socket
---@field port integer the peer's
---@field protocol string "h2", "h2c" or "http/1.1"
---@field certificate rill.Certificate?
---@field tls {version: string, cipher: string, resumed: boolean}?
---@field peer_settings table<string, number> RFC 9113 names in lower case, defaults where the peer sends none;
---  2^32-1 is no limit; over HTTP/1.1 empty
---@field streams integer open now
---@field pending integer waiting for a slot now
---@field closed rill.Error? nil while it is open; "inactive" and "goaway" where it ended without error
---@field goaway {code: string, last_stream_id: integer, debug: string}? what the peer said
---@field private _state rill.ConnectionState
---@field private _base string scheme and authority, for URLs that begin with "/"
---@field private _closed boolean? by close()
local Connection = {}
local methods = {}

local OF_PEER = { ip_address = true, port = true, protocol = true, certificate = true, tls = true }

function Connection:__index(name)
  local method = methods[name]
  if method then return method end
  local own = rawget(self, "_state")
  if name == "closed" then return own.closed end
  if OF_PEER[name] then return own.peer and own.peer[name] end
  return own and own:get(name)
end

local function check_open(connection, call)
  if rawget(connection, "_closed") then errors.raise(call .. ": the connection is closed") end
  runtime.loop_for(connection._state.slot, call)
end

--- Opens a stream and returns it at once.
---@param given rill.Request url, method ("GET"), body, and the options of a request. One that begins with "/" is a path
---  on the connection's own authority; one of another origin closes the stream as "invalid_hostname"
---@return rill.Stream?
---@return rill.Error? err reason "invalid_url"; "file_error" for the body's file
function methods:open(given)
  check_open(self, "connection:open")
  return exchange.open(self, "connection:open", given, self._base)
end

--- Sends a request and waits for the whole response. Nothing is repeated.
---@param given rill.Request as for open
---@return rill.Response?
---@return rill.Error? err
function methods:request(given)
  check_open(self, "connection:request")
  return exchange.request(self, "connection:request", given, self._base)
end

--- Measures a round trip with PING. Calls that wait at the same time share one.
---@return number? seconds in steps of a millisecond
---@return rill.Error? err why the connection has closed
function methods:ping()
  check_open(self, "connection:ping")
  local own = self._state
  local before = own.pongs
  if not own.closed then
    runtime.waiter("connection:ping")
    if C.rill_connection_ping(runtime.loop(), own.slot, own.generation) == -C.RILL_ERROR then
      return nil, errors.new { reason = "error", message = "HTTP/1.1 has no PING" }
    end
  end
  while own.pongs == before do
    if own.closed then return nil, own.closed end
    own:wait("connection:ping")
  end
  return own.round_trip
end

--- Its last 256 frames, oldest first; of HTTP/1.1 its messages. Never field values or payload.
---@return rill.Frame[] list its tostring is one frame a line
function methods:frames()
  check_open(self, "connection:frames")
  local own = self._state
  local flight = C.rill_connection_frames(runtime.loop(), own.slot, own.generation)
  return frames.list(frames.own(flight))
end

--- Says GOAWAY and returns at once: open streams finish, unsent ones close as "inactive", and so does
--- what is asked for later; then the connection closes.
function methods:drain()
  check_open(self, "connection:drain")
  self._state.drained = true
  C.rill_connection_drain(runtime.loop(), self._state.slot, self._state.generation)
end

--- Says GOAWAY and closes at once: sent streams close as "cancelled", unsent ones as "inactive". May be
--- called twice; any other use afterwards raises.
---@param code string|integer|nil name or number of RFC 9113 section 7; "NO_ERROR"
function methods:close(code)
  local number = errors.code("connection:close", code, "NO_ERROR")
  if rawget(self, "_closed") then return end
  self._closed = true
  local own = self._state
  C.rill_connection_close(runtime.loop(), own.slot, own.generation, number)
  own:shut()
  endpoints.drop(self)
end

Connection.__tostring = shown.connection
guard("connection", Connection, methods)

--- Dials one connection and waits until it can be used.
---@param address string URL of its origin: what stands behind the authority is of no interest
---@param given rill.ClientOptions? doc/reference/options.md
---@return rill.Connection?
---@return rill.Error? err reason "invalid_url", "connect_failed", "timeout", "file_error"
function M.connect(address, given)
  if type(address) ~= "string" then
    errors.raise("rill.connect: url must be a string, got " .. errors.show(address))
  end
  runtime.waiter("rill.connect")
  local endpoint, err = endpoints.new("rill.connect", given == nil and {} or given, function(options, id, failure)
    return C.rill_connect(runtime.loop(), options, address, #address, id, failure)
  end, address)
  if not endpoint then return nil, err end
  local parts = url.parse(address)
  endpoint._base = parts.scheme .. "://" .. parts.authority
  endpoint._state = state.new(endpoint._id, address, endpoint)
  local connection = setmetatable(endpoint, Connection)
  local own = connection._state
  while not own.connected do
    if own.closed then
      endpoints.drop(connection)
      return nil, own.closed
    end
    own:wait("rill.connect")
  end
  return connection
end

return M
