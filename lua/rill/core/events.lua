--- What on_event is called with: the core's notes, as tables.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local hooks = require("rill.core.hooks")
local runtime = require("rill.runtime")
local by_name = require("rill.core.facts").by_name

local M = {}

local MAX_NOTES = 64 -- at a time
local URLS_KEPT = 1024 -- strings, a power of two: of requests that are on their way
local reasons = errors.reasons

local DIAL, CONNECTED, FAILED, CLOSED, GOAWAY = C.RILL_NOTE_DIAL, C.RILL_NOTE_CONNECTED, C.RILL_NOTE_FAILED,
  C.RILL_NOTE_CLOSED, C.RILL_NOTE_GOAWAY
local REQUEST, SENT, HEAD, DONE = C.RILL_NOTE_REQUEST, C.RILL_NOTE_SENT, C.RILL_NOTE_HEAD, C.RILL_NOTE_DONE

---@class rill.Event
---@field type string
---@field time number monotonic, as rill.now()
---@field client integer its number
---@field connection integer? its number
---@field stream integer? its id on the wire
---@field url string?

-- What an endpoint's notes are read with. They are taken from the core in batches, and what is left of a batch is
-- shared by calls of pass_on() in each other.
---@class rill.EventReader
---@field notes ffi.cdata*
---@field next integer
---@field count integer
---@field numbers ffi.cdata* of the requests whose URLs are kept
---@field urls string[]

local function new_reader()
  local urls = {}
  for i = 1, URLS_KEPT do urls[i] = "" end
  return {
    notes = ffi.new("rill_note[?]", MAX_NOTES),
    next = 0,
    count = 0,
    numbers = ffi.new("uint32_t[?]", URLS_KEPT),
    urls = urls,
  }
end

local function text(note)
  return ffi.string(note.text, note.text_length)
end

local function positive(number)
  return number > 0 and number or nil
end

-- The string is made once for all notes of a request.
local function url(reader, note)
  if note.url_length == 0 then return nil end
  local number = note.request
  local place = bit.band(number, URLS_KEPT - 1)
  if number > 0 and reader.numbers[place] == number then return reader.urls[place + 1] end
  local made = ffi.string(note.url, note.url_length)
  reader.numbers[place], reader.urls[place + 1] = number, made
  return made
end

local function error_of(note, address)
  if note.error == nil then return nil end
  return errors.from_core(note.error, 1, nil, address)
end

local make = {}

make[DIAL] = function(note)
  return { type = "dial", time = note.time, client = note.client, connection = note.connection, address = text(note) }
end

make[CONNECTED] = function(note)
  local timings = note.timings
  return { type = "connected", time = note.time, client = note.client, connection = note.connection,
    address = text(note), protocol = ffi.string(note.protocol), resumed = note.resumed, dns = timings.dns,
    connect = timings.connect, tls = timings.tls }
end

make[FAILED] = function(note)
  return { type = "failed", time = note.time, client = note.client, connection = note.connection,
    error = error_of(note) }
end

make[CLOSED] = function(note)
  return { type = "closed", time = note.time, client = note.client, connection = note.connection,
    error = error_of(note), streams = note.number }
end

make[GOAWAY] = function(note)
  return { type = "goaway", time = note.time, client = note.client, connection = note.connection,
    code = errors.code_name(note.code), last_stream_id = note.number }
end

make[C.RILL_NOTE_RETRY] = function(note)
  local address = ffi.string(note.url, note.url_length)
  return { type = "retry", time = note.time, client = note.client, connection = positive(note.connection),
    stream = positive(note.stream), url = address, error = error_of(note, address), delay = note.delay }
end

make[C.RILL_NOTE_REDIRECT] = function(note)
  return { type = "redirect", time = note.time, client = note.client, url = ffi.string(note.url, note.url_length),
    status = note.status, location = text(note) }
end

make[C.RILL_NOTE_WARNING] = function(note)
  local message = text(note)
  return { type = "warning", time = note.time, client = note.client, url = message:match("^(https?://%S+): "),
    message = message }
end

make[C.RILL_NOTE_DROPPED] = function(note)
  return { type = "dropped", time = note.time, client = note.client, count = note.number }
end

-- Calls the hook with one event. Those of each request are made where the hook is called: compiled code, which has
-- the hook in it, then makes no table of which the hook reads a field or two and lets go.
local function tell(reader, note, hook)
  local kind = note.type
  if kind == REQUEST then
    hook { type = "request", time = note.time, client = note.client, url = url(reader, note), method = text(note) }
  elseif kind == SENT then
    hook { type = "sent", time = note.time, client = note.client, connection = note.connection, stream = note.stream,
      url = url(reader, note), attempt = note.number }
  elseif kind == HEAD then
    hook { type = "head", time = note.time, client = note.client, connection = note.connection, stream = note.stream,
      url = url(reader, note), status = note.status }
  elseif kind == DONE then
    local address = url(reader, note)
    hook { type = "done", time = note.time, client = note.client, connection = positive(note.connection),
      stream = positive(note.stream), url = address, close_reason = reasons[note.reason],
      status = positive(note.status), bytes_received = note.bytes_received, error = error_of(note, address),
      timings = by_name(note.timings) }
  else
    hook(make[kind](note))
  end
end

local function report(err)
  hooks.report("on_event raised: " .. tostring(err), { reason = "error", value = err, hook = "on_event" })
end

-- The hook may not wait: events come in order, and none behind it could.
local function tell_all(reader, hook, task)
  while reader.next < reader.count do
    local note = reader.notes[reader.next]
    reader.next = reader.next + 1
    tell(reader, note, hook)
    if task._hook ~= "runs" then
      task._hook = "runs"
      report("on_event may not wait")
    end
  end
end

local function deliver(reader, hook)
  local task = runtime.current() or {}
  local outer = task._hook
  while reader.next < reader.count do
    task._hook = "runs"
    local ok, err = pcall(tell_all, reader, hook, task)
    if not ok then report(task._hook == "runs" and err or "on_event may not wait") end
  end
  task._hook = outer
end

-- Takes up to MAX_NOTES of what has happened so far.
local function take(reader, id)
  reader.next, reader.count = 0, 0
  local count = C.rill_notes_take(runtime.loop(), id.slot, id.generation, reader.notes, MAX_NOTES)
  if count > 0 then reader.count = count end
end

--- Passes on what has happened. From an event handler: `runtime.defer(events.pass_on, endpoint)`.
---@param endpoint rill.Endpoint? nil when the script has dropped it
function M.pass_on(endpoint)
  if not endpoint or not endpoint._on_event or not endpoint._id then return end
  local reader = endpoint._reader
  if not reader then
    reader = new_reader()
    endpoint._reader = reader
  end
  local full
  repeat
    deliver(reader, endpoint._on_event) -- what a call around this one has not come to
    take(reader, endpoint._id)
    full = reader.count == MAX_NOTES
    deliver(reader, endpoint._on_event)
  until not full
end

--- A redirect of this endpoint's is followed.
---@param endpoint rill.Endpoint
---@param from string URL
---@param status integer
---@param location string
function M.redirect(endpoint, from, status, location)
  local id = endpoint._id
  from = errors.shown(from)
  C.rill_notes_redirect(runtime.loop(), id.slot, id.generation, from, #from, status, location, #location)
end

return M
