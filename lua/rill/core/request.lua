--- Hands a request to the core. The core's description of it is one reused struct: a plain GET sets
--- its method and URL and nothing else.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local arguments = require("rill.core.arguments")
local body_value = require("rill.core.body_value")
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local har = lazy.module("rill.har.watch")
local runtime = require("rill.runtime")
local slots = require("rill.core.slots")
local upload = lazy.module("rill.core.upload")

local M = {}

local type = type -- compiled code need not look for these
local get_loop, is_inherited, watch = runtime.loop, runtime.is_inherited, runtime.watch

local BLOCK, SLOT, GENERATION = slots.BLOCK, slots.SLOT, slots.GENERATION

local id = ffi.new("rill_id")
local failure = ffi.new("rill_error[1]")
local request = ffi.new("rill_request")

-- What stands in the struct between calls: a whole response, repeated where that is certainly safe.
local function reset()
  C.rill_request_init(request)
  request["repeat"] = true
end
reset()

-- A list of strings and { file = path }: the core copies the array, and borrows what it points to.
local function fill_parts(receiver, list)
  local parts = ffi.new("rill_body_part[?]", #list)
  for i, part in ipairs(list) do
    if type(part) == "string" then
      parts[i - 1].data, parts[i - 1].length = part, #part
    else
      parts[i - 1].file = part.file
    end
  end
  request.parts, request.part_count = parts, #list
  receiver._body = { list, parts }
end

-- Where the body comes from. What is fed in pieces follows later.
local function fill_body(receiver, body)
  request.has_body = true
  if body_value.is(body) then
    if body.parts then return fill_parts(receiver, body.parts) end
    body = body.text
  end
  if type(body) == "string" then
    request.body, request.body_length = body, #body
    receiver._body = body -- borrowed by the core until the request is over
  elseif not upload.is_fed(body) then
    request.body_file = body.file
  end
end

-- What most requests do without. Limits are of `options`; nil leaves the client's.
local function fill(options)
  if options.timeout then request.timeout = options.timeout end
  if options.queue_timeout then request.queue_timeout = options.queue_timeout end
  if options.read_timeout then request.read_timeout = options.read_timeout end
  if options.retries then request.retries = options.retries end
  if options.retry_idempotent ~= nil then request.retry_idempotent = options.retry_idempotent and 1 or 0 end
  if options.idempotent ~= nil then request.idempotent = options.idempotent and 1 or 0 end
  if options.lenient_eof ~= nil then request.lenient_eof = options.lenient_eof and 1 or 0 end
  if options.decompress ~= nil then request.decompress = options.decompress and 1 or 0 end
  if options.maxsize then request.maxsize = options.maxsize end
  if options.bind_address then request.bind_address = options.bind_address end
  if options.proxy ~= nil then request.proxy = options.proxy or "" end
  if options.warnsize then request.warnsize = options.warnsize end
  if options.types then request.types = options.types end
end

local function choose(own, default)
  if own == nil then return default end
  return own
end

-- Trailers that are known when the request starts: those of a fed body follow it.
local function trailers_of(options, body, method, url)
  local trailers = options and options.trailers
  if not trailers or upload.is_fed(body) then return nil end
  if not arguments.is_callable(trailers) then return upload.trailers("request", trailers) end
  local ok, given = pcall(trailers)
  if ok then return given and upload.trailers("request", given) end
  return nil, errors.new { reason = "body_error", message = "trailers raised: " .. tostring(given), value = given,
    method = method, url = url, processed = "no", attempts = 0 }
end

local function refuse(code, method, url)
  local err = errors.from_core(failure, 1, method, url, 0)
  failure[0].reason = C.RILL_OPEN -- the core keeps the first error that is written to it
  return nil, err, code == -C.RILL_CLOSED or code == -C.RILL_ARGUMENT
end

--- Gives back what start() has refused; wrong use is raised.
---@param call string what the script called
---@param err rill.Error
---@param misused boolean?
---@return nil
---@return rill.Error err
function M.refused(call, err, misused)
  if misused then errors.raise(("%s: %s"):format(call, (err.message:gsub("^header field", "headers: %0")))) end
  return nil, err
end

--- Why a call that needs another request gets none, where its client was closed since the first one.
---@param endpoint rill.Endpoint
---@param method string
---@param url string
---@return rill.Error? err nil: it is open
function M.closed(endpoint, method, url)
  if not endpoint._closed then return nil end
  return errors.new { reason = "inactive", message = "the client was closed", method = method, url = errors.shown(url),
    processed = "no", attempts = 0 }
end

--- Starts a request; its events go to `receiver` from now on.
---@param receiver table a response gets its id at SLOT and GENERATION, a stream's state as slot and generation; at
---  BLOCK is the header block that is sent
---@param client rill.Endpoint
---@param method string
---@param url string
---@param body string|table|function|nil a string is kept in receiver._body while the core borrows it: the
---  receiver clears it
---@param options table? checked
---@param stream "repeat"|"once"|nil read in pieces; "once": never repeated by itself
---@param path string? where the core writes the body
---@return boolean? started
---@return rill.Error? err reason "invalid_url", "file_error", "body_error" or "error"
---@return boolean? misused err tells of wrong use: see refused()
function M.start(receiver, client, method, url, body, options, stream, path)
  local trailers, err = trailers_of(options, body, method, url) -- a function of the script may run here
  if not err and client._later then err = client:_make() end
  if err then return nil, err end
  local loop = get_loop()
  if is_inherited(client._id.slot) then
    return nil, errors.new { reason = "error", message = runtime.INHERITED }, true
  end
  request.method, request.method_length = method, #method
  request.url, request.url_length = url, #url
  local block = receiver[BLOCK]
  local own_block = block ~= client._block
  local special = body or options or stream or path or own_block
  if special then
    if body then
      fill_body(receiver, body)
      request.expect_continue = choose(options and options.expect_continue, client._expect_continue)
    end
    if own_block then request.headers, request.headers_length = block, #block end
    if options then fill(options) end
    if trailers then request.trailers, request.trailers_length = trailers, #trailers end
    if path then request.save_path = path end
    request.stream = stream ~= nil
    if stream then request.head_first = (options and options.on_headers or client._on_headers) and true end
    request["repeat"] = stream ~= "once"
  end
  local code = C.rill_request_start(loop, client._id, request, id, failure)
  if special then reset() end
  if code ~= 0 then return refuse(code, method, url) end
  if stream then
    receiver.slot, receiver.generation = id.slot, id.generation
    runtime.own(id.slot, id.generation)
  else
    receiver[SLOT], receiver[GENERATION] = id.slot, id.generation
  end
  watch(id.slot, id.generation, receiver)
  if client._recorders then har.begin(receiver, client, body, options) end
  return true
end

return M
