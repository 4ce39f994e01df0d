--- What on_event is called with: the core's notes, as tables.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local hooks = require("rill.core.hooks")
local runtime = require("rill.runtime")

local M = {}

local MAX_NOTES = 64 -- at a time
local notes = ffi.new("rill_note[?]", MAX_NOTES)
local PHASES = { "queue", "dns", "connect", "tls", "wait", "body", "stalled_local", "stalled_remote", "total" }
local Timings = ffi.typeof("rill_timings")
local TIMINGS_SIZE = ffi.sizeof("rill_timings")

---@class rill.Event
---@field type string
---@field time number monotonic, as rill.now()
---@field client integer its number
---@field connection integer? its number
---@field stream integer? its id on the wire
---@field url string?
---@field private _timings ffi.cdata*? what `timings` is made of

local function text(note)
  return ffi.string(note.text, note.text_length)
end

local function positive(number)
  return number > 0 and number or nil
end

local function url(note)
  return note.url_length > 0 and ffi.string(note.url, note.url_length) or nil
end

local function error_of(note, address)
  if note.error == nil then return nil end
  return errors.from_core(note.error, 1, nil, address)
end

-- `timings` of a `done` is made when it is asked for: most who count never do.
local Done = {}

function Done:__index(name)
  local timings = name == "timings" and rawget(self, "_timings")
  if not timings then return nil end
  local named = {}
  for _, phase in ipairs(PHASES) do named[phase] = timings[phase] end
  self.timings, self._timings = named, nil
  return named
end

local make = {}

make[C.RILL_NOTE_DIAL] = function(note)
  return { type = "dial", time = note.time, client = note.client, connection = note.connection, address = text(note) }
end

make[C.RILL_NOTE_CONNECTED] = function(note)
  local timings = note.timings
  return { type = "connected", time = note.time, client = note.client, connection = note.connection,
    address = text(note), protocol = ffi.string(note.protocol), resumed = note.resumed, dns = timings.dns,
    connect = timings.connect, tls = timings.tls }
end

make[C.RILL_NOTE_FAILED] = function(note)
  return { type = "failed", time = note.time, client = note.client, connection = note.connection,
    error = error_of(note) }
end

make[C.RILL_NOTE_CLOSED] = function(note)
  return { type = "closed", time = note.time, client = note.client, connection = note.connection,
    error = error_of(note), streams = note.number }
end

make[C.RILL_NOTE_GOAWAY] = function(note)
  return { type = "goaway", time = note.time, client = note.client, connection = note.connection,
    code = errors.code_name(note.code), last_stream_id = note.number }
end

make[C.RILL_NOTE_REQUEST] = function(note)
  return { type = "request", time = note.time, client = note.client, url = url(note), method = text(note) }
end

make[C.RILL_NOTE_SENT] = function(note)
  return { type = "sent", time = note.time, client = note.client, connection = note.connection, stream = note.stream,
    url = url(note), attempt = note.number }
end

make[C.RILL_NOTE_HEAD] = function(note)
  return { type = "head", time = note.time, client = note.client, connection = note.connection, stream = note.stream,
    url = url(note), status = note.status }
end

make[C.RILL_NOTE_DONE] = function(note)
  local timings, address = Timings(), url(note)
  ffi.copy(timings, note.timings, TIMINGS_SIZE)
  return setmetatable({ type = "done", time = note.time, client = note.client, connection = positive(note.connection),
    stream = positive(note.stream), url = address, close_reason = errors.reasons[note.reason],
    status = positive(note.status), bytes_received = note.bytes_received, error = error_of(note, address),
    _timings = timings }, Done)
end

make[C.RILL_NOTE_RETRY] = function(note)
  local address = url(note)
  return { type = "retry", time = note.time, client = note.client, connection = positive(note.connection),
    stream = positive(note.stream), url = address, error = error_of(note, address), delay = note.delay }
end

make[C.RILL_NOTE_REDIRECT] = function(note)
  return { type = "redirect", time = note.time, client = note.client, url = url(note), status = note.status,
    location = text(note) }
end

make[C.RILL_NOTE_WARNING] = function(note)
  local message = text(note)
  return { type = "warning", time = note.time, client = note.client, url = message:match("^(https?://%S+): "),
    message = message }
end

make[C.RILL_NOTE_DROPPED] = function(note)
  return { type = "dropped", time = note.time, client = note.client, count = note.number }
end

-- Takes up to MAX_NOTES of what has happened so far.
local function take(endpoint)
  local id, list = endpoint._id, {}
  if not id then return list end
  local count = C.rill_notes_take(runtime.loop(), id.slot, id.generation, notes, MAX_NOTES)
  for i = 0, count - 1 do
    local note = notes[i]
    list[i + 1] = make[note.type](note)
  end
  return list
end

local function report(err)
  hooks.report("on_event raised: " .. tostring(err), { reason = "error", value = err, hook = "on_event" })
end

-- Calls the hook, which may not wait: events come in order, and none behind it could.
local function deliver(hook, list)
  local task = runtime.current()
  local outer = task and task._hook
  for i = 1, #list do
    if task then task._hook = "runs" end
    local ok, err = pcall(hook, list[i])
    if task and task._hook == "waited" then ok, err = false, "on_event may not wait" end
    if task then task._hook = outer end
    if not ok then report(err) end
  end
end

--- Passes on what has happened. From an event handler: `runtime.defer(events.pass_on, endpoint)`.
---@param endpoint rill.Endpoint? nil when the script has dropped it
function M.pass_on(endpoint)
  if not endpoint or not endpoint._on_event then return end
  local list
  repeat
    list = take(endpoint)
    deliver(endpoint._on_event, list)
  until #list < MAX_NOTES
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
