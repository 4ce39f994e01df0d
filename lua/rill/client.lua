--- Requests by URL, over a pool of connections.
local ffi = require("ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local headers = require("rill.headers")
local hooks = require("rill.hooks")
local new_response = require("rill.response").new
local options = require("rill.options")
local request = require("rill.request")
local runtime = require("rill.runtime")
local streams = require("rill.stream")

local M = {}

local VERSION = ffi.string(C.rill_version())
local DEFAULTS = { "user-agent", "rill/" .. VERSION } -- header fields, where no option says otherwise

local stats = ffi.new("rill_stats")
local COUNTS = {
  "connections", "connections_opened", "handshakes", "resumptions", "streams", "pending", "requests",
  "attempts", "responses", "bytes_sent", "bytes_received", "retries", "buffered",
}

---@class rill.Client
---@field private _id ffi.cdata* rill_id
---@field private _handle ffi.cdata* its finalizer closes the core's client
---@field private _fields table header fields of every request, flat list
---@field private _block string the same as a header block
---@field private _on_headers function?
---@field private _on_warning function?
local Client = {}
Client.__index = Client

-- Hears a client's warnings. Weak: the runtime holds it, and it must not hold the client.
local Warnings = { __mode = "v" }
Warnings.__index = Warnings

function Warnings:on_event(event)
  local client = self.client
  runtime.defer(client and client._on_warning or hooks.warn, ffi.string(event.text), { client = client })
end

--- Makes a client.
---@param given table? options, API.md section 2; what is wrong with them is raised
---@return rill.Client?
---@return rill.Error? err a file that cannot be read (reason "file_error")
function M.new(given)
  given = given or {}
  options.check_client("rill.client", given)
  local fields = options.fields("rill.client", given, DEFAULTS)
  local block = headers.block(fields)
  local wanted, anchor = options.for_core("rill.client", given, block)
  local id, failure = ffi.new("rill_id"), ffi.new("rill_error[1]")
  local code = C.rill_client_new(runtime.loop(), wanted, id, failure)
  anchor[1] = nil -- here ends what the core borrowed
  if code == -C.RILL_ARGUMENT then errors.raise("rill.client: " .. ffi.string(failure[0].message)) end
  if code ~= 0 then return nil, errors.from_core(failure, 1) end

  local handle = ffi.new("rill_handle")
  C.rill_handle_hold(handle, runtime.loop(), id.slot, id.generation)
  local client = setmetatable({
    _id = id,
    _handle = ffi.gc(handle, C.rill_handle_drop),
    _fields = fields,
    _block = block,
    _on_headers = given.on_headers,
    _on_warning = given.on_warning,
  }, Client)
  runtime.watch(id.slot, setmetatable({ generation = id.generation, client = client }, Warnings))
  return client
end

-- The header block of a request with these options.
local function block_of(client, call, given)
  if not given or not (given.headers or given.user_agent) then return client._block end
  return headers.block(options.fields(call, given, client._fields))
end

local function check_target(call, url, method, body)
  if type(url) ~= "string" then
    errors.raise(("%s: url must be a string, got %s"):format(call, errors.show(url)))
  end
  if type(method) ~= "string" then
    errors.raise(("%s: method must be a string, got %s"):format(call, errors.show(method)))
  end
  options.check_body(call, body)
end

-- Runs on_headers, which may not wait. Returns its verdict, or nil and what went wrong.
local function ask_hook(task, hook, head, stream)
  task._hook = "runs"
  local ok, verdict = pcall(hook, head, stream)
  local waited = task._hook == "waited"
  task._hook = nil
  if waited then return nil, "on_headers may not wait" end
  if not ok then return nil, "on_headers raised: " .. tostring(verdict), verdict end
  return verdict or "go on"
end

-- A request whose head is shown to the script before the body is taken.
local function fetch_shown(client, task, method, url, body, given, block, hook)
  local stream, err = streams.open(client, method, url, block, body, given, "repeat")
  if not stream then return nil, err end
  local head, failure = stream:headers()
  if not head then return nil, failure end
  local verdict, wrong, raised = ask_hook(task, hook, head, stream)
  if wrong then
    stream:cancel()
    return nil, errors.new { reason = "error", message = wrong, value = raised, method = method,
      url = url, status = head.status, processed = "yes" }
  end
  if verdict == "stop" then stream:stop() end
  if verdict == "cancel" then stream:cancel() end
  return stream:response()
end

-- The fast path: one table a request, the response itself.
local function fetch(client, call, method, url, body, given, block)
  local task = runtime.current()
  if not task then errors.raise(call .. " waits: call it in a task, as rill.run makes them") end
  if runtime.deferred > 0 then runtime.run_deferred() end
  local hook = given and given.on_headers or client._on_headers
  if hook then return fetch_shown(client, task, method, url, body, given, block, hook) end

  local response = new_response(client, method, url, block, task)
  local started, err = request.start(response, client, method, url, body, given)
  if not started then return nil, err end
  repeat
    runtime.park(response)
  until response.close_reason
  response._client, response._task = nil, nil
  if body then response._body = nil end -- the core has done with it
  local failure = response._failure
  if failure then return nil, failure end
  return response
end

-- The calls that take a URL, perhaps a body, perhaps options.
local function call_with(client, call, method, url, body, given)
  if given == nil then
    if type(url) ~= "string" or body ~= nil then check_target(call, url, method, body) end
    return fetch(client, call, method, url, body, nil, client._block)
  end
  check_target(call, url, method, body)
  options.check_request(call, given)
  return fetch(client, call, method, url, body, given, block_of(client, call, given))
end

---@param url string
---@param given table? options of a request, API.md section 2
---@return rill.Response?
---@return rill.Error? err
function Client:get(url, given)
  return call_with(self, "client:get", "GET", url, nil, given)
end

---@param url string
---@param given table?
---@return rill.Response? response without a body
---@return rill.Error? err
function Client:head(url, given)
  return call_with(self, "client:head", "HEAD", url, nil, given)
end

---@param url string
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function Client:delete(url, given)
  return call_with(self, "client:delete", "DELETE", url, nil, given)
end

---@param url string
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function Client:options(url, given)
  return call_with(self, "client:options", "OPTIONS", url, nil, given)
end

---@param url string
---@param body string?
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function Client:post(url, body, given)
  return call_with(self, "client:post", "POST", url, body, given)
end

---@param url string
---@param body string?
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function Client:put(url, body, given)
  return call_with(self, "client:put", "PUT", url, body, given)
end

---@param url string
---@param body string?
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function Client:patch(url, body, given)
  return call_with(self, "client:patch", "PATCH", url, body, given)
end

local function check_whole(call, given)
  options.check_request(call, given, true)
  check_target(call, given.url, given.method or "GET", given.body)
end

--- Sends a request and waits for the whole response.
---@param given table url, method ("GET"), body, and the options of a request
---@return rill.Response?
---@return rill.Error? err
function Client:request(given)
  check_whole("client:request", given)
  return fetch(self, "client:request", given.method or "GET", given.url, given.body, given,
    block_of(self, "client:request", given))
end

--- Opens a stream and returns it at once: queued, dialling or sent. It is never repeated.
---@param given table url, method ("GET"), body, and the options of a request
---@return rill.Stream?
---@return rill.Error? err reason "invalid_url"
function Client:open(given)
  check_whole("client:open", given)
  return streams.open(self, given.method or "GET", given.url, block_of(self, "client:open", given), given.body,
    given, "once")
end

--- Counts since the client was made; connections, streams, pending and buffered as they are now.
---@return table<string, number> counts and closed = {reason = count}
function Client:stats()
  local id = self._id
  if self._closed or C.rill_client_stats(runtime.loop(), id.slot, id.generation, stats) ~= 0 then
    errors.raise("client:stats: the client is closed")
  end
  local counts = { closed = {} }
  for _, name in ipairs(COUNTS) do
    counts[name] = stats[name]
  end
  for number = 1, C.RILL_REASONS - 1 do
    if stats.closed[number] > 0 then counts.closed[errors.reasons[number]] = stats.closed[number] end
  end
  return counts
end

--- Idle connections close gracefully; sent streams end as cancelled, unsent ones as inactive. May be
--- called twice; any other use afterwards raises.
function Client:close()
  if self._closed then return end
  self._closed = true
  runtime.unwatch(self._id.slot)
  C.rill_client_close(runtime.loop(), self._id.slot, self._id.generation)
end

return M
