--- What recorders keep of a request, seen by the one that receives its events. Where no recorder is, none of this runs.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local body = require("rill.core.body")
local body_value = require("rill.core.body_value")
local errors = require("rill.errors")
local facts = require("rill.core.facts")
local peer = require("rill.core.peer")
local runtime = require("rill.runtime")
local slots = require("rill.core.slots")
local timer = require("rill.task.timer")

local M = {}

local METHOD, URL, BLOCK, FAILURE = slots.METHOD, slots.URL, slots.BLOCK, slots.FAILURE

local info = ffi.new("rill_stream_info")
local READABLE, WRITABLE, HEAD = C.RILL_EVENT_READABLE, C.RILL_EVENT_WRITABLE, C.RILL_EVENT_HEAD

---@class rill.Record one request, in little memory
---@field method string
---@field url string
---@field block string of the header fields that were sent
---@field started number as rill.now()
---@field has_body boolean
---@field expect boolean? its body waited for 100
---@field length number of its body as announced; -1: not known
---@field bytes_sent number
---@field sending number seconds that this took, a part of the phase `wait`
---@field status integer 0: no head came
---@field head string header block
---@field reason string a close reason
---@field err string?
---@field decoded boolean? a content coding was undone
---@field size number? bytes of the body after decoding, where they differ
---@field connection integer 0: none
---@field stream integer 0: none
---@field peer rill.Peer|false
---@field sent string|table|nil the request's body, or its pieces
---@field body string|ffi.cdata*|table|nil the response's body, or its pieces
---@field left_out string? why the response's body is not here
---@field sent_left_out string? why the request's is not
---@field cost integer bytes of all these texts
---@field added boolean? it has ended, and is the recorder's
---@field [integer] number timings, bytes received, attempts: see rill.core.facts

---@class rill.Recording of one request, for all recorders of its client
---@field private _list { [1]: rill.Recorder, [2]: rill.Record }[]
local Recording = {}
Recording.__index = Recording

-- A body that is kept as it is sent: pieces of it come later.
local function keep_sent(record, given)
  if body_value.is(given) then given = given.text or given.parts end
  if type(given) == "string" then
    record.sent = given
  elseif type(given) == "table" and given.file then
    record.sent_left_out = "it is a file"
  elseif type(given) == "table" then
    for _, part in ipairs(given) do
      if type(part) ~= "string" then record.sent_left_out = "a file is part of it" end
    end
    record.sent = not record.sent_left_out and table.concat(given) or nil
  end
end

-- What is known at the end, or when nobody waits any more.
local function keep(record, reason)
  record.status, record.head = info.head and info.status or 0, ffi.string(info.headers, info.headers_length)
  record.reason, record.decoded = reason, info.decoded[0] ~= 0
  record.started, record.connection, record.stream = info.started, info.connection, info.id
  record.length, record.bytes_sent = info.request_content_length, info.bytes_sent
  record.peer = peer.of(info.peer_slot, info.peer_generation)
  record.sending = info.sending
  facts.keep(record, info.timings, info.bytes_received, info.attempts)
end

-- Bytes of a file that the core has written, decoded.
local function size_of_file(path)
  local file = io.open(path, "rb")
  local size = file and file:seek("end")
  if file then file:close() end
  return size
end

-- The body of a response that came whole. A large one stays where it is.
local function keep_whole(recorder, record, response)
  if response.path then
    record.left_out, record.size = "it is in a file", record.decoded and size_of_file(response.path) or nil
    return
  end
  local large = rawget(response, "_large")
  record.size = large and select(2, body.data(large)) or #response.body
  if not recorder.bodies then return end
  record.body = large or response.body
  if large then response._pinned = true end
end

local function finish(recording, receiver)
  for _, pair in ipairs(recording._list) do
    local recorder, record = pair[1], pair[2]
    local err = receiver[FAILURE] or rawget(receiver, "failure")
    record.err = err and tostring(err) or nil
    if not receiver._waiting and not err then keep_whole(recorder, record, receiver) end
    recorder:_add(record)
  end
end

-- Its class's methods receive again what comes.
local function leave(receiver)
  receiver.on_event, receiver.abandon = nil, nil
  if not receiver._waiting then receiver.recording = nil end
end

local function on_event(receiver, event)
  local recording, kind = receiver.recording, event.type
  if kind == HEAD or kind == READABLE or kind == WRITABLE then return recording._on_event(receiver, event) end
  if C.rill_event_info(event, info) == 0 then
    for _, pair in ipairs(recording._list) do keep(pair[2], errors.reasons[event.reason]) end
  end
  leave(receiver)
  receiver:on_event(event)
  finish(recording, receiver)
end

-- The task that waited for a response was cancelled: no event will come.
local function abandon(receiver)
  local recording = receiver.recording
  leave(receiver)
  if C.rill_stream_info_get(runtime.loop(), receiver.slot, receiver.generation, info) == 0 then
    for _, pair in ipairs(recording._list) do
      keep(pair[2], "cancelled")
      pair[2].err = "cancelled: the task that waited for it was cancelled"
      pair[1]:_add(pair[2])
    end
  end
  receiver:abandon()
end

--- A request has begun.
---@param receiver rill.Response|rill.StreamState that receives its events
---@param client rill.Endpoint
---@param given any the body
---@param options table?
function M.begin(receiver, client, given, options)
  local expect = options and options.expect_continue
  if expect == nil then expect = client._expect_continue end
  local list = {}
  for i, recorder in ipairs(client._recorders) do
    local record = { method = receiver[METHOD], url = receiver[URL], block = receiver[BLOCK], started = timer.now(),
      has_body = given ~= nil, expect = given ~= nil and expect or nil, length = 0, bytes_sent = 0, status = 0,
      head = "", reason = "", connection = 0, stream = 0, peer = false, cost = 0 }
    if recorder.bodies then keep_sent(record, given) end
    list[i] = { recorder, record }
  end
  receiver.recording = setmetatable({ _list = list, _on_event = receiver.on_event }, Recording)
  if not receiver._waiting then receiver.abandon = abandon end
  receiver.on_event = on_event
end

local function add_piece(recording, name, piece, length)
  for _, pair in ipairs(recording._list) do
    local recorder, record = pair[1], pair[2]
    local left_out = name == "body" and record.left_out or name == "sent" and record.sent_left_out
    if recorder.bodies and not left_out then
      local pieces = record[name] or {}
      record[name] = pieces
      pieces[#pieces + 1] = piece
      recorder:_charge(record, length)
    end
  end
end

--- A piece of the response's body was read.
---@param piece string
function Recording:of_body(piece)
  for _, pair in ipairs(self._list) do
    local record = pair[2]
    record.size = (record.size or 0) + #piece
  end
  add_piece(self, "body", piece, #piece)
end

--- What was not read in pieces stands in the response.
---@param response rill.Response
function Recording:of_rest(response)
  local large = rawget(response, "_large")
  if not large then
    local rest = rawget(response, "body") or ""
    if rest ~= "" then self:of_body(rest) end
    return
  end
  local length = select(2, body.data(large))
  for _, pair in ipairs(self._list) do
    local record = pair[2]
    record.size = (record.size or 0) + length
    if pair[1].bodies then response._pinned = true end
  end
  add_piece(self, "body", large, length)
end

--- A piece of the request's body was given.
---@param piece string
function Recording:of_upload(piece)
  add_piece(self, "sent", piece, #piece)
end

return M
