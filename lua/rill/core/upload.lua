--- Request bodies: a string, a file, pieces that a stream is given, pieces that a function is asked for.
--
-- The last is asked by a task of its own, so a response that comes first is seen while it waits; it is
-- cancelled when the stream has closed.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local arguments = require("rill.core.arguments")
local body_value = require("rill.core.body_value")
local cancelled = require("rill.task.cancelled")
local errors = require("rill.errors")
local headers = require("rill.headers")
local runtime = require("rill.runtime")
local lazy = require("rill.core.lazy")
local suggest = lazy.module("rill.core.suggest")
local task = require("rill.task")
local timer = require("rill.task.timer")

local M = {}

local failure = ffi.new("rill_error[1]")

--- As a request's body: stream:write and stream:finish follow.
M.streaming = setmetatable({}, {
  __tostring = function()
    return "rill.streaming"
  end,
})

local FILE = { file = true }

local function check_file(call, body)
  for key in pairs(body) do
    if key ~= "file" then
      local hint = suggest.hint(key, { FILE }, suggest.body)
      errors.raise(("%s: body: unknown field %s%s; a table as body is { file = path }, options come after it")
        :format(call, errors.show(key), hint))
    end
  end
  local path = body.file
  if type(path) ~= "string" or path == "" or path:find("%z") then
    errors.raise(("%s: body: file must be a path, got %s"):format(call, errors.show(path)))
  end
end

--- Checks the body of a request.
---@param call string
---@param body any nil: none
function M.check(call, body)
  local kind = type(body)
  if kind == "nil" or kind == "string" or body == M.streaming then return end
  if body_value.is(body) or arguments.is_callable(body) then return end
  if kind == "table" then return check_file(call, body) end
  errors.raise(("%s: body must be a string, { file = path }, a function, rill.form, rill.json, rill.multipart or "
    .. "rill.streaming, got %s")
    :format(call, errors.show(body)))
end

--- Whether this body is asked for its pieces.
---@param body any checked
---@return boolean
function M.is_asked(body)
  return arguments.is_callable(body)
end

--- Whether the core is fed this body in pieces.
---@param body any checked
---@return boolean
function M.is_fed(body)
  return M.is_asked(body) or body == M.streaming
end

--- Whether this body can be sent again after it was sent once.
---@param body any checked
---@return boolean
function M.is_repeatable(body)
  if type(body) ~= "table" then return type(body) == "string" end
  if body_value.is(body) then return true end
  return not M.is_fed(body) and C.rill_file_repeats(body.file)
end

--- Trailers as a header block.
---@param call string
---@param given table|function|nil a map of fields, an ordered list of them, or a function that returns one
---@return string? block nil: none
function M.trailers(call, given)
  if arguments.is_callable(given) then given = given() end
  if given == nil then return nil end
  return headers.block(headers.merge({}, headers.fields(call .. ": trailers", given)))
end

-- What a write to a stream that takes no more gives back.
local function ended(own, call)
  own:wait_closed(call)
  return nil, own.failure
    or own:error(own:final_reason(own.close_reason), "the stream has ended and takes no more of the body")
end

-- The outcome of a call that fed the core, unless it went well.
local function refused(own, call, code)
  local message = ffi.string(failure[0].message)
  if code == -C.RILL_ARGUMENT then errors.raise(call .. ": " .. message) end
  if code == -C.RILL_ERROR then return nil, errors.new { reason = "error", message = message } end
  return ended(own, call)
end

--- Feeds a piece of the body; waits while more than 256 KiB of it are queued beyond the peer's window.
---@param own rill.StreamState
---@param data string
---@return boolean? written
---@return rill.Error? err the stream has ended; its failure where it failed
function M.write(own, data)
  if C.rill_stream_would_wait(runtime.loop_for(own.slot, "stream:write"), own.slot, own.generation, #data) then
    runtime.waiter("stream:write", own)
  end
  local code = C.rill_stream_write(runtime.loop(), own.slot, own.generation, data, #data, failure)
  if code < 0 then return refused(own, "stream:write", code) end
  if own.recording then own.recording:of_upload(data) end
  if code == 1 then
    own.writable = false
    while not own.writable and not own.close_reason do
      own:wait("stream:write")
    end
    if own.close_reason then return ended(own, "stream:write") end
  end
  return true
end

--- Ends the body.
---@param own rill.StreamState
---@param trailers string? header block
---@return boolean? finished
---@return rill.Error? err
function M.finish(own, trailers)
  local code = C.rill_stream_finish(runtime.loop_for(own.slot, "stream:finish"), own.slot, own.generation, trailers,
    trailers and #trailers or 0, failure)
  if code < 0 then return refused(own, "stream:finish", code) end
  return true
end

-- Asks for pieces until there are no more, or the stream takes no more.
local function pump(own, produce, trailers)
  while true do
    local chunk, err = produce()
    if chunk == nil then
      if err ~= nil then error(err, 0) end
      return M.finish(own, M.trailers("the body", trailers))
    end
    if type(chunk) ~= "string" then
      error("the body function returned " .. errors.show(chunk) .. ": it must return a string, or nil at the end", 0)
    end
    if not M.write(own, chunk) then return end
    if chunk == "" then timer.sleep(0) end -- no write will wait: deadlines and other tasks have their turn here
  end
end

-- `stream` is here to live as long as its upload.
local function feed(stream, produce, trailers)
  local own = stream._state
  local ok, raised = pcall(pump, own, produce, trailers)
  if ok then return end
  if raised == cancelled then
    C.rill_stream_cancel(runtime.loop(), own.slot, own.generation)
  else
    own.raised = raised
    C.rill_stream_fail(runtime.loop(), own.slot, own.generation, tostring(raised))
  end
end

--- Starts the task that asks a body function.
---@param stream rill.Stream
---@param produce function
---@param trailers table|function|nil sent when it has returned nil
function M.start(stream, produce, trailers)
  stream._state.feeder = task.start(runtime.current(), nil, nil, feed, stream, produce, trailers)
end

return M
