--- What on_event is called with: the core's notes, as tables.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local hooks = require("rill.core.hooks")
local runtime = require("rill.runtime")
local by_name = require("rill.core.facts").by_name
local HOOK = require("rill.task.slots").HOOK

local M = {}

local URLS_KEPT = 1024 -- strings, a power of two: of requests that are on their way
local reasons = errors.reasons
local band, text_of = bit.band, ffi.string

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

-- The core's notes that an endpoint reads at present, in place. Calls of pass_on() in each other share them. `halved`:
-- the note at `next` stands for `head` and `done`, and the hook has had `head`.
local Batch = ffi.typeof "struct { const rill_note *notes[1]; int32_t next, count; bool halved; }"

---@class rill.EventReader
---@field batch ffi.cdata*
---@field numbers ffi.cdata* of the requests whose URLs are kept
---@field urls string[]

local function new_reader()
  local urls = {}
  for i = 1, URLS_KEPT do urls[i] = "" end
  return { batch = Batch(), numbers = ffi.new("int32_t[?]", URLS_KEPT), urls = urls }
end

local function text(note)
  return ffi.string(note.text, note.text_length)
end

local function positive(number)
  return number > 0 and number or nil
end

local function method(note)
  local at = note.text
  if note.text_length == 3 and at[0] == 71 and at[1] == 69 and at[2] == 84 then return "GET" end -- nearly always
  return ffi.string(at, note.text_length)
end

local function error_of(note, address)
  if note.error == nil then return nil end
  return errors.from_core(note.error, 1, nil, address)
end

-- What `done` has beside its fields: how long the phases took as a table, of those numbers, when it is first asked for.
local Done = {
  __index = function(event, key)
    if key ~= "timings" then return nil end
    local timings = by_name(event)
    event.timings = timings
    return timings
  end,
}

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

local function report(err)
  hooks.report("on_event raised: " .. hooks.text_of(err), { reason = "error", value = err, hook = "on_event" })
end

-- Calls the hook with what the batch still holds. Events of requests are made where the hook is called: compiled code,
-- which has the hook in it, then makes no table of which the hook reads a field or two and lets go. A URL is one string
-- for all events of a request.
local function tell_all(batch, numbers, urls, hook)
  while batch.next < batch.count do
    local note = batch.notes[0][batch.next]
    local kind, number = note.type, note.request
    local place = band(number, URLS_KEPT - 1)
    if numbers[place] ~= number then
      numbers[place], urls[place + 1] = number, note.url_length > 0 and text_of(note.url, note.url_length)
    end
    local url = urls[place + 1] or nil
    if kind == DONE and note.with_head ~= 0 and not batch.halved then
      batch.halved = true -- and the note is looked up anew: the hook may have come back after others had read on
      hook { type = "head", time = note.time, client = note.client, connection = note.connection,
        stream = note.stream, url = url, status = note.status }
    elseif kind == DONE then
      local timings = note.timings
      batch.next, batch.halved = batch.next + 1, false
      hook(setmetatable({ type = "done", time = note.time, client = note.client,
        connection = positive(note.connection), stream = positive(note.stream), url = url,
        close_reason = reasons[note.reason], status = positive(note.status), bytes_received = note.bytes_received,
        error = error_of(note, url), queue = timings.queue, dns = timings.dns, connect = timings.connect,
        tls = timings.tls, wait = timings.wait, body = timings.body, stalled_local = timings.stalled_local,
        stalled_remote = timings.stalled_remote, total = timings.total }, Done))
    else
      batch.next = batch.next + 1
      if kind == SENT then
        hook { type = "sent", time = note.time, client = note.client, connection = note.connection,
          stream = note.stream, url = url, attempt = note.number }
      elseif kind == REQUEST then
        hook { type = "request", time = note.time, client = note.client, url = url, method = method(note) }
      elseif kind == HEAD then
        hook { type = "head", time = note.time, client = note.client, connection = note.connection,
          stream = note.stream, url = url, status = note.status }
      else
        hook(make[kind](note))
      end
    end
  end
end

local function is_wait(err)
  return type(err) == "string" and err:find("a hook may not wait", 1, true)
end

-- The hook may not wait: events come in order, and none behind it could.
local function deliver(reader, hook)
  local task = runtime.current() or {}
  local outer = task[HOOK]
  local batch = reader.batch
  while batch.next < batch.count do
    task[HOOK] = "runs"
    local ok, err = pcall(tell_all, batch, reader.numbers, reader.urls, hook)
    local waited = task[HOOK] == "waited" -- it may have caught what a wait raises
    task[HOOK] = outer -- rill.on_error may wait, and may raise
    if waited then report "on_event may not wait" end
    if not ok and not is_wait(err) then report(err) end
  end
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
  local batch, id = reader.batch, endpoint._id
  repeat
    deliver(reader, endpoint._on_event) -- at first what a call around this one has not come to
    batch.next = 0
    batch.count = math.max(C.rill_notes_take(runtime.loop(), id.slot, id.generation, batch.notes), 0)
  until batch.count == 0
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
