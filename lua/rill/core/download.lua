--- Downloads that report how far they are, and those that go on where an earlier one has ended.
local errors = require("rill.errors")
local parts = require("rill.core.part")
local request = require("rill.core.request")
local runtime = require("rill.runtime")
local streams = require("rill.stream")
local task = require("rill.task")
local timer = require("rill.task.timer")

local M = {}

local INTERVAL = 0.1 -- seconds between two calls of on_progress, at least

-- Calls on_progress; what it raises is the call's error.
local function report(progress)
  local own = progress.stream._state
  progress.last = timer.now()
  local ok, raised = pcall(progress.hook, progress.before + progress.stream.bytes_received, progress.total)
  if not ok then own:reject(own:error("error", "on_progress raised: " .. tostring(raised), raised)) end
  return ok
end

local function tick(progress)
  while not progress.stream._state.close_reason do
    if not report(progress) then return end
    timer.sleep(INTERVAL)
  end
end

-- Starts to report. `before`: bytes that were there already.
local function start(stream, hook, head, before)
  local length = tonumber(head.headers:get("content-length"))
  local progress = { stream = stream, hook = hook, before = before, total = length and before + length }
  progress.task = task.start(runtime.current(), nil, nil, tick, progress)
  return progress
end

-- The last report, unless one has just been made; none comes after it.
local function finish(progress, ended)
  if not progress then return end
  progress.task:cancel()
  local last = progress.last -- nil: all had come before the task ran
  if ended and (not last or timer.now() - last >= INTERVAL) then report(progress) end
end

-- The validator of a response that can be asked for in parts (RFC 9110 section 13.1.5: no weak one).
local function tag_of(head)
  local fields = head.headers
  if fields:has("content-encoding") then return nil end -- what is written is decoded
  local etag, modified = fields:get("etag"), fields:get("last-modified")
  if etag and etag:sub(1, 1) == '"' then return etag end
  return modified ~= fields:get("date") and modified or nil
end

-- Whether a 206 goes on where the part ends, of the same version.
local function goes_on(head, size, tag)
  local fields = head.headers
  local first = (fields:get("content-range") or ""):match("^bytes (%d+)%-%d+/")
  if tonumber(first) ~= size or fields:has("content-encoding") then return false end
  local etag, modified = fields:get("etag"), fields:get("last-modified")
  if tag:sub(1, 1) == '"' then return etag == nil or etag == tag end
  return modified == nil or modified == tag
end

local function open(hop, block, path)
  local stream, err, misused = streams.open(hop.endpoint, hop.method, hop.url, block, nil, hop.given, "repeat", path)
  if not stream then return request.refused(hop.call, err, misused) end
  stream._state.follows = hop.follows
  local head, failed = stream:headers()
  if not head then return nil, failed end
  return stream, head
end

local function is_good(head)
  return head.status >= 200 and head.status < 300
end

-- A download that only reports: the core writes.
local function send_reported(hop)
  local stream, head = open(hop, hop.block, hop.path)
  if not stream then return nil, head end
  local progress = is_good(head) and start(stream, hop.given.on_progress, head, 0)
  local response, err = stream:response()
  finish(progress, response)
  if response and stream._state.failure then return nil, stream._state.failure end -- of the last report
  return response, err
end

-- Writes what comes. Returns whether it came to its end.
local function fill(stream, part)
  while true do
    local chunk, err = stream:read()
    if not chunk then return not err, err end
    local ok, failed = part:write(chunk)
    if not ok then
      stream:cancel()
      return nil, failed
    end
  end
end

-- An error of the file is one of the request.
local function of_request(err, hop, head)
  err.url, err.method, err.status, err.processed = errors.shown(hop.url), hop.method, head.status, "yes"
  return nil, err
end

local function write(hop, stream, head, size)
  local part, tag = hop.part, tag_of(head)
  local ok, err = part:begin(size > 0, tag)
  if not ok then
    part:close()
    stream:cancel()
    return of_request(err, hop, head)
  end
  local hook = hop.given.on_progress
  local progress = hook and start(stream, hook, head, size)
  local called, filled, failed = pcall(fill, stream, part)
  local closed, lost = part:close()
  finish(progress, called and filled)
  if size == 0 and not tag and not (called and filled) then part:discard() end -- nobody could go on with it
  if not called then error(filled, 0) end -- the task was cancelled
  if not filled then return nil, failed.url and failed or select(2, of_request(failed, hop, head)) end
  if not closed then return of_request(lost, hop, head) end
  return stream:response()
end

-- Puts the part in its place, unless it was stopped.
local function complete(hop, response)
  if response.close_reason ~= "ended" then return response end
  local ok, err = hop.part:commit()
  if not ok then return of_request(err, hop, response) end
  response.path, response.body = hop.path, nil
  return response
end

-- One request. Third result: it is to be made again, from the start.
local function attempt(hop)
  local size, tag = hop.part:state()
  local asks = size > 0 and tag
  local block = asks and ("%s\r\nrange: bytes=%.0f-\r\nif-range: %s"):format(hop.block, size, tag) or hop.block
  local stream, head = open(hop, block)
  if not stream then return nil, head end
  if asks and (head.status == 416 or head.status == 206 and not goes_on(head, size, tag)) then
    stream:cancel()
    hop.part:discard()
    return nil, nil, true
  end
  if not is_good(head) then return stream:response() end
  local response, err = write(hop, stream, head, head.status == 206 and asks and size or 0)
  if not response then return nil, err end
  return complete(hop, response)
end

local function send_resumed(hop)
  local ok, err = hop.part:check()
  if not ok then
    err.url, err.method, err.processed = errors.shown(hop.url), hop.method, "no"
    return nil, err
  end
  local response, again
  repeat
    response, err, again = attempt(hop)
  until not again
  return response, err
end

--- How a hop of a download is sent, where that is not for the core alone.
---@param given table? options
---@param path string
---@return (fun(hop: rill.Hop): rill.Response?, rill.Error?)? send
---@return rill.Part? part
function M.sender(given, path)
  if not given then return nil end
  if given.resume then return send_resumed, parts.new(path) end
  return given.on_progress and send_reported or nil
end

return M
