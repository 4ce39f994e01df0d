--- One request from the call to its response, over a client or a connection.
local errors = require("rill.errors")
local headers = require("rill.headers")
local new_response = require("rill.response").new
local options = require("rill.core.options")
local request = require("rill.core.request")
local runtime = require("rill.runtime")
local streams = require("rill.stream")
local upload = require("rill.core.upload")

local M = {}

--- The header block of a request with these options.
---@param endpoint rill.Endpoint
---@param call string
---@param given table? checked
---@return string
local function block_of(endpoint, call, given)
  if not given or not (given.headers or given.user_agent) then return endpoint._block end
  return headers.block(options.fields(call, given, endpoint._fields))
end

local function check_target(call, url, method, body)
  if type(url) ~= "string" then
    errors.raise(("%s: url must be a string, got %s"):format(call, errors.show(url)))
  end
  if type(method) ~= "string" then
    errors.raise(("%s: method must be a string, got %s"):format(call, errors.show(method)))
  end
  upload.check(call, body)
end

local function check_whole(call, given)
  options.check_request(call, given, true)
  check_target(call, given.url, given.method or "GET", given.body)
end

-- Hooks, or a body that is asked for in pieces: somebody has to act while the response is on its way.
local function is_watched(endpoint, body, given)
  return endpoint._on_headers or endpoint._on_chunk or type(body) == "function"
    or given and (given.on_headers or given.on_chunk)
end

local function fetch_watched(endpoint, call, method, url, block, body, given, path)
  local stream, err, misused = streams.open(endpoint, method, url, block, body, given, "repeat", path)
  if not stream then return request.refused(call, err, misused) end
  return stream:response()
end

-- The fast path: one table a request, the response itself.
local function fetch(endpoint, call, method, url, body, given, block, path)
  local task = runtime.waiter(call)
  if runtime.deferred > 0 then runtime.run_deferred() end
  if body == upload.streaming then
    errors.raise(call .. ": a body of rill.streaming is written to a stream: use open")
  end
  if is_watched(endpoint, body, given) then
    return fetch_watched(endpoint, call, method, url, block, body, given, path)
  end

  local response = new_response(endpoint, method, url, block, task)
  if path then response._save_path = path end
  local started, err, misused = request.start(response, endpoint, method, url, body, given)
  if not started then return request.refused(call, err, misused) end
  runtime.park(response)
  while not response.close_reason do -- a loop that is not entered does not stop the compiler
    runtime.park(response)
  end
  response._client, response._task = nil, nil
  if body then response._body = nil end -- the core has done with it
  local failure = response._failure
  if failure then return nil, failure end
  return response
end

--- The calls that take a URL, perhaps a body, perhaps options.
---@param endpoint rill.Endpoint
---@param call string
---@param method string
---@param url string
---@param body any
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function M.call(endpoint, call, method, url, body, given)
  if given == nil then
    if type(url) ~= "string" or body ~= nil then check_target(call, url, method, body) end
    return fetch(endpoint, call, method, url, body, nil, endpoint._block)
  end
  check_target(call, url, method, body)
  options.check_request(call, given)
  return fetch(endpoint, call, method, url, body, given, block_of(endpoint, call, given))
end

--- Sends a GET whose body the core writes to a file.
---@param endpoint rill.Endpoint
---@param call string
---@param url string
---@param path string
---@param given table?
---@return rill.Response?
---@return rill.Error? err
function M.download(endpoint, call, url, path, given)
  if type(path) ~= "string" or path == "" or path:find("%z") then
    errors.raise(("%s: path must be a string without NUL, got %s"):format(call, errors.show(path)))
  end
  check_target(call, url, "GET")
  options.check_request(call, given or {})
  if endpoint._on_chunk or given and given.on_chunk then
    errors.raise(call .. ": on_chunk sees no body that goes to a file")
  end
  return fetch(endpoint, call, "GET", url, nil, given, block_of(endpoint, call, given), path)
end

--- Sends a request and waits for the whole response.
---@param endpoint rill.Endpoint
---@param call string
---@param given table url, method ("GET"), body, and the options of a request
---@param base string? what stands before a URL that begins with "/"
---@return rill.Response?
---@return rill.Error? err
function M.request(endpoint, call, given, base)
  check_whole(call, given)
  local url = given.url
  if base and url:sub(1, 1) == "/" then url = base .. url end
  return fetch(endpoint, call, given.method or "GET", url, given.body, given, block_of(endpoint, call, given))
end

--- Opens a stream and returns it at once; it is never repeated.
---@param endpoint rill.Endpoint
---@param call string
---@param given table as for request
---@param base string? the same
---@return rill.Stream?
---@return rill.Error? err
function M.open(endpoint, call, given, base)
  check_whole(call, given)
  local url = given.url
  if base and url:sub(1, 1) == "/" then url = base .. url end
  local block = block_of(endpoint, call, given)
  local stream, err, misused = streams.open(endpoint, given.method or "GET", url, block, given.body, given, "once")
  if not stream then return request.refused(call, err, misused) end
  return stream
end

return M
