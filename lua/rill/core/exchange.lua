--- One request from the call to its response, over a client or a connection.
local body_value = require("rill.core.body_value")
local lazy = require("rill.core.lazy")
local auth = lazy.module("rill.core.auth")
local download = lazy.module("rill.core.download")
local errors = require("rill.errors")
local follow = lazy.module("rill.core.follow")
local headers = require("rill.headers")
local jars = lazy.module("rill.core.jars")
local new_response = require("rill.response").new
local options = require("rill.core.options")
local query = lazy.module("rill.core.fields")
local request = require("rill.core.request")
local runtime = require("rill.runtime")
local slots = require("rill.core.slots")
local streams = lazy.module("rill.stream")
local upload = lazy.module("rill.core.upload")

local M = {}

local type = type -- compiled code need not look for these
local start, waiter, park = request.start, runtime.waiter, runtime.park

local TASK, FAILURE = slots.TASK, slots.FAILURE

local NONE = {} -- options of a request without any

-- The header fields of a request with these options: a flat list, not to be changed.
local function fields_of(endpoint, call, given, body)
  local brings = body_value.is(body)
  if not brings and not given then return endpoint._fields end
  local own = given or NONE
  local changes = brings or own.headers or own.user_agent or own.auth ~= nil or own.decompress ~= nil
  if not changes then return endpoint._fields end
  local below, decompress = endpoint._start, own.decompress
  if brings then below = headers.merge({ "content-type", body.content_type }, below) end
  if own.auth ~= nil then below = headers.merge(below, { "authorization", auth.value(own.auth) }) end
  if decompress == nil then decompress = endpoint._decompress end
  return options.sent(options.fields(call, own, below), decompress)
end

-- The same as a header block.
local function block_of(endpoint, call, given, body)
  local fields = fields_of(endpoint, call, given, body)
  return fields == endpoint._fields and endpoint._block or headers.block(fields)
end

local function check_target(call, url, method, body)
  if type(url) ~= "string" then
    errors.raise(("%s: url must be a string, got %s"):format(call, errors.show(url)))
  end
  if type(method) ~= "string" then
    errors.raise(("%s: method must be a string, got %s"):format(call, errors.show(method)))
  end
  if type(body) ~= "nil" then upload.check(call, body) end
end

local function check_whole(call, given)
  options.check_request(call, given, "whole")
  check_target(call, given.url, given.method or "GET", given.body)
end

-- Hooks, or a body that is asked for in pieces: somebody has to act while the response is on its way.
local function is_watched(endpoint, body, given)
  return endpoint._on_headers or endpoint._on_chunk or body and upload.is_asked(body)
    or given and (given.on_headers or given.on_chunk)
end

local function send_watched(endpoint, call, method, url, block, body, given, path)
  local stream, err, misused = streams.open(endpoint, method, url, block, body, given, "repeat", path)
  if not stream then return request.refused(call, err, misused) end
  stream._state.follows = follow.limit(endpoint, given) > 0
  return stream:response()
end

-- One request, no redirect followed. The fast path: one table a request, the response itself.
local function send(endpoint, call, method, url, body, given, block, path)
  local task = waiter(call)
  if runtime.deferred > 0 then runtime.run_deferred() end
  if body and body == upload.streaming then
    errors.raise(call .. ": a body of rill.streaming is written to a stream: use open")
  end
  if is_watched(endpoint, body, given) then
    return send_watched(endpoint, call, method, url, block, body, given, path)
  end

  local response = new_response(method, url, block, task)
  if path then response._save_path = path end
  if given and given.keep_head then response._keeps_head = true end
  local started, err, misused = start(response, endpoint, method, url, body, given, nil, path)
  if not started then return request.refused(call, err, misused) end
  park(response, task)
  while not response.close_reason do -- a loop that is not entered does not stop the compiler
    runtime.park(response)
  end
  response[TASK] = false
  if body then response._body = nil end -- the core has done with it
  local failure = response[FAILURE]
  if failure then return nil, failure end
  return response
end

-- One request of a chain of redirects.
local function send_hop(hop)
  local endpoint = hop.endpoint
  local response, err = send(endpoint, hop.call, hop.method, hop.url, hop.body, hop.given, hop.block, hop.path)
  if response and endpoint._jar then jars.keep(endpoint._jar, hop.url, response) end
  return response, err
end

-- The same of a client with a jar, or whose answer is a redirect: `response` is what came then.
local function send_chain(response, endpoint, call, method, url, body, given, path)
  local fields, jar = fields_of(endpoint, call, given, body), endpoint._jar
  local hop = { endpoint = endpoint, call = call, method = method, url = url, body = body, given = given, path = path,
    fields = fields }
  if not response then
    hop.block = headers.block(jars.with_cookie(jar, url, fields))
    local err
    response, err = send_hop(hop)
    if not response then return nil, err end
  end
  local limit = follow.limit(endpoint, given)
  if limit == 0 then return response end
  return follow.go(hop, response, limit, send_hop)
end

-- The URL with what the options append to its query.
local function with_query(endpoint, call, url, given)
  local own = given and given.query and query.pairs(call .. ": query", given.query)
  if not own and not endpoint._query then return url end
  return query.append(url, query.over(endpoint._query, own or {}))
end

local function fetch(endpoint, call, method, url, body, given, path)
  if given or endpoint._query then url = with_query(endpoint, call, url, given) end
  if endpoint._jar then return send_chain(nil, endpoint, call, method, url, body, given, path) end
  local block = (given or body) and block_of(endpoint, call, given, body) or endpoint._block
  local response, err = send(endpoint, call, method, url, body, given, block, path)
  if not response then return nil, err end
  local status = response.status
  if status > 300 and status < 309 then
    return send_chain(response, endpoint, call, method, url, body, given, path)
  end
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
    if type(url) ~= "string" or type(body) ~= "nil" then check_target(call, url, method, body) end
    return fetch(endpoint, call, method, url, body)
  end
  check_target(call, url, method, body)
  options.check_request(call, given)
  return fetch(endpoint, call, method, url, body, given)
end

-- Parts of a coded body cannot be put together: a download that may go on is asked for as it is.
local function as_it_is(call, fields)
  for i = 1, #fields, 2 do
    if fields[i] == "range" or fields[i] == "if-range" then
      errors.raise(("%s: resume makes a %s of its own, got %s"):format(call, fields[i], errors.show(fields[i + 1])))
    end
  end
  return headers.merge(fields, { "accept-encoding", "identity" })
end

-- A download that is sent in its own way.
local function fetch_by(sender, endpoint, call, url, given, path, part)
  runtime.waiter(call)
  if runtime.deferred > 0 then runtime.run_deferred() end
  url = with_query(endpoint, call, url, given)
  local body, jar, limit = given.body, endpoint._jar, follow.limit(endpoint, given)
  local fields = fields_of(endpoint, call, given, body)
  if part then fields = as_it_is(call, fields) end
  local hop = { endpoint = endpoint, call = call, method = given.method or "GET", url = url, body = body, given = given,
    path = path, part = part, fields = fields, follows = limit > 0 }
  hop.block = headers.block(jar and jars.with_cookie(jar, url, fields) or fields)
  local function send_next(next_hop)
    local response, err = sender(next_hop)
    if response and jar then jars.keep(jar, next_hop.url, response) end
    return response, err
  end
  local response, err = send_next(hop)
  if not response then return nil, err end
  if limit == 0 then return response end
  return follow.go(hop, response, limit, send_next)
end

-- What a download sends. Only a GET brings the same again, so that a part of it can go on.
local function check_download(call, url, given)
  options.check_request(call, given, "download")
  local method, body = given.method or "GET", given.body
  check_target(call, url, method, body)
  if method == "HEAD" then errors.raise(call .. ": method HEAD brings no body that could go to a file") end
  if body == upload.streaming and body then
    errors.raise(call .. ": a body of rill.streaming is written to a stream: use open")
  end
  if given.resume and (method ~= "GET" or body ~= nil) then
    errors.raise(("%s: resume is for a GET without a body, got %s"):format(call,
      method ~= "GET" and errors.show(method) or "a body"))
  end
end

--- Sends a request, a GET unless options say otherwise, whose response's body the core writes to a file.
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
  check_download(call, url, given or NONE)
  if endpoint._on_chunk or given and given.on_chunk then
    errors.raise(call .. ": on_chunk sees no body that goes to a file")
  end
  local sender, part = download.sender(given, path)
  if sender then return fetch_by(sender, endpoint, call, url, given, path, part) end
  local own = given or NONE
  return fetch(endpoint, call, own.method or "GET", url, own.body, given, path)
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
  return fetch(endpoint, call, given.method or "GET", url, given.body, given)
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
  runtime.admit(call)
  local url = given.url
  if base and url:sub(1, 1) == "/" then url = base .. url end
  url = with_query(endpoint, call, url, given)
  local block = block_of(endpoint, call, given, given.body)
  local stream, err, misused = streams.open(endpoint, given.method or "GET", url, block, given.body, given, "once")
  if not stream then return request.refused(call, err, misused) end
  return stream
end

return M
