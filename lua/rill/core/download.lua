--- Downloads that report how far they are, and those that go on where an earlier one has ended.
local errors = require("rill.errors")
local facts = require("rill.core.facts")
local follow = require("rill.core.follow")
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

-- What a 206 brings: its first and last byte, and how many the whole has.
local function range_of(head)
  local text = head.headers:get("content-range") or ""
  local first, last, total = text:match("^bytes (%d+)%-(%d+)/([%d*]+)$")
  return tonumber(first), tonumber(last), tonumber(total)
end

-- Starts to report. `before`: bytes that were there already.
local function start(stream, hook, head, before)
  local length = tonumber(head.headers:get("content-length"))
  local total = head.status == 206 and select(3, range_of(head)) or length and before + length
  local progress = { stream = stream, hook = hook, before = before, total = total }
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

-- A value that can be sent back: HTTP/1.1 servers may have control characters in it.
local function validator(fields, name)
  local value = fields:get(name)
  return value and not value:find "%c" and value or nil
end

-- The validator of a response that can be asked for in parts (RFC 9110 section 13.1.5: no weak one).
local function tag_of(head)
  local fields = head.headers
  if fields:has("content-encoding") then return nil end -- what is written is decoded
  local etag, modified = validator(fields, "etag"), validator(fields, "last-modified")
  if etag and etag:sub(1, 1) == '"' then return etag end
  return modified ~= fields:get("date") and modified or nil
end

-- Whether a 206 goes on where the part ends, of the same version. `tag` nil: of any.
local function goes_on(head, size, tag)
  local fields = head.headers
  if range_of(head) ~= size or fields:has("content-encoding") then return false end
  if not tag then return true end
  local etag, modified = fields:get("etag"), fields:get("last-modified")
  if tag:sub(1, 1) == '"' then return etag == nil or etag == tag end
  return modified == nil or modified == tag
end

-- `passes`: whether an answer only leads to another request.
local function open(hop, block, path, passes)
  local stream, err, misused = streams.open(hop.endpoint, hop.method, hop.url, block, hop.body, hop.given, "repeat",
    path)
  if not stream then return request.refused(hop.call, err, misused) end
  stream._state.follows, stream._state.passes = hop.follows, passes
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

-- Has the core write what comes. Returns whether it came to its end.
local function fill(stream, part)
  local own = stream._state
  local ok, err = part:take(own)
  if not ok then
    stream:cancel()
    return nil, err
  end
  own:wait_closed("client:download")
  return not own.failure, own.failure
end

-- An error of the file is one of the request.
local function of_request(err, hop, head)
  err.url, err.method, err.status, err.processed = errors.shown(hop.url), hop.method, head.status, "yes"
  return nil, err
end

local function write(hop, stream, head, size)
  local part, tag = hop.part, tag_of(head)
  local ok, err = part:begin(size, tag, hop.overlap)
  if not ok then
    part:close()
    stream:cancel()
    if size == 0 and not err.busy then part:discard() end
    return of_request(err, hop, head)
  end
  local hook = hop.given.on_progress
  local progress = hook and start(stream, hook, head, size)
  local called, filled, failed = pcall(fill, stream, part)
  local closed, lost = part:close()
  finish(progress, called and filled)
  local useless = size == 0 and (not tag or stream.bytes_received == 0) -- nobody could go on with it
  if useless and not (called and filled) then part:discard() end
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

-- The peer's answer cannot be what was asked for.
local function broken(hop, head, message)
  return of_request(errors.new { reason = "protocol_error", message = message }, hop, head)
end

-- Whether a 206 that was written has left more to ask for. nil, err: it was not what it said.
local function is_short(hop, head, received)
  local first, last, total = range_of(head)
  if received == last + 1 - first then
    if not total or last + 1 >= total then return false end
    if received > 0 and select(2, hop.part:state()) then return true end
    hop.part:discard()
    return broken(hop, head, ("a 206 ends after %.0f of %.0f bytes, and cannot go on"):format(last + 1, total))
  end
  if received > last + 1 - first then hop.part:discard() end
  return broken(hop, head, ("content-range announced bytes %.0f to %.0f, %.0f arrived (RFC 9110 section 14.4)")
    :format(first, last, received))
end

-- Whether an answer is of no use for a part of so many bytes.
local function is_useless(head, size, tag)
  if head.status == 416 then return size > 0 end
  return head.status == 206 and not goes_on(head, size, tag)
end

local function ask(hop)
  local size, tag = hop.part:state()
  if size == 0 or not tag then size, tag = 0, nil end
  if hop.overlap then size = size - 1 end
  local block = tag and ("%s\r\nrange: bytes=%.0f-\r\nif-range: %s"):format(hop.block, size, tag) or hop.block
  local stream, head = open(hop, block, nil, function(seen) return size > 0 and is_useless(seen, size, tag) end)
  return stream, head, size, tag
end

-- Nothing can be asked for behind this part. Where it is as long as the whole, its last byte is asked for again: that
-- it is there proves the rest. Else the file is asked for from the start.
local function ask_again(hop, head, size)
  local whole = (head.headers:get("content-range") or ""):match("^bytes %*/(%d+)$")
  if head.status == 416 and not hop.overlap and size > 1 and tonumber(whole) == size then
    hop.overlap = true
    return
  end
  hop.overlap = nil
  hop.part:discard()
end

-- One request. Third result: the stream of one that is to be followed by another.
local function attempt(hop)
  local stream, head, size, tag = ask(hop)
  if not stream then return nil, head end
  local partial = head.status == 206
  if is_useless(head, size, tag) then
    stream:cancel()
    if size == 0 then return broken(hop, head, "the answer is a 206, and no part was asked for") end
    ask_again(hop, head, size)
    return nil, nil, stream
  end
  if not is_good(head) then return stream:response() end
  local response, err = write(hop, stream, head, partial and size or 0)
  hop.overlap = nil
  if not response then return nil, err end
  if not partial or response.close_reason ~= "ended" then return complete(hop, response) end
  local short, failed = is_short(hop, head, stream.bytes_received)
  if failed then return nil, failed end
  if short then return nil, nil, stream end
  return complete(hop, response)
end

-- The options of the next request of a download: those of the call, with what is left of its time.
local function options_left(given, stream)
  local own = {}
  for name, value in pairs(given) do own[name] = value end
  local left = stream._state:left()
  if left > 0 then own.timeout = left end
  return own
end

-- All requests that it takes. What those before the last one took is `queue` of the last, as with redirects.
local function send_all(hop)
  local began, count = timer.now(), 0
  while true do
    local asked = timer.now()
    local response, err, again = attempt(hop)
    if response then
      facts.add_before(response, asked - began, count)
    elseif err and err.attempts then
      err.attempts = err.attempts + count
    end
    if not again then return response, err end
    follow.count(hop.endpoint, again.close_reason == "ended")
    count = count + 1
    hop.given = options_left(hop.given, again)
    local closed = request.closed(hop.endpoint, hop.method, hop.url)
    if closed then return nil, closed end
  end
end

local function send_resumed(hop)
  local ok, err = hop.part:check()
  if not ok then
    err.url, err.method, err.processed = errors.shown(hop.url), hop.method, "no"
    return nil, err
  end
  return send_all(hop)
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
