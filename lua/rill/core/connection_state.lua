--- What the core has reported of one connection, and the tasks that wait for more. The runtime holds it; the
--- script's connection does not hang from it, or a dropped one would never be collected.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local endpoints = require("rill.core.endpoint")
local errors = require("rill.errors")
local peer = require("rill.core.peer")
local runtime = require("rill.runtime")
local waiting = require("rill.task.waiting")

local M = {}

local NOTES = C.RILL_EVENT_NOTES
local CONNECTED, CLOSED, PONG, WARNING =
  C.RILL_EVENT_CONNECTED, C.RILL_EVENT_CLOSED, C.RILL_EVENT_PONG, C.RILL_EVENT_WARNING
local core = ffi.new("rill_connection_state")
local WEAK = { __mode = "v" }

-- By their numbers from 1 (RFC 9113 section 6.5.2).
local SETTINGS = { "header_table_size", "enable_push", "max_concurrent_streams", "initial_window_size",
  "max_frame_size", "max_header_list_size" }

---@class rill.ConnectionState
---@field slot integer
---@field generation integer
---@field connected boolean
---@field closed rill.Error? why it can no longer be used
---@field drained boolean? by the script: what the peer says to that is no reason
---@field give_back fun(self: rill.ConnectionState, task: rill.Task)
---@field pongs integer that came
---@field round_trip number seconds, of the last one
---@field peer rill.Peer|false
---@field private _owner table weak: { connection = rill.Connection }
---@field private _url string what it was made for
---@field private _waiting rill.Task[]
---@field private _final table? what its C side reported last, by name
local State = {}
State.__index = State

---@param id ffi.cdata* rill_id
---@param url string what it was made for
---@param connection rill.Connection
---@return rill.ConnectionState
function M.new(id, url, connection)
  local state = setmetatable({
    slot = id.slot,
    generation = id.generation,
    connected = false,
    pongs = 0,
    peer = false,
    _url = url,
    _owner = setmetatable({ connection = connection }, WEAK),
    _waiting = {},
  }, State)
  runtime.watch(id.slot, id.generation, state)
  return state
end

-- A connection that was closed without error has no error of the core's.
local function peaceful_end(url, goaway)
  return errors.new { reason = goaway and "goaway" or "inactive", url = url, code = goaway and goaway.code,
    message = goaway and "the peer has said GOAWAY, and the connection is closed" or "the connection is closed",
    processed = "no" }
end

-- Reads the core's account: whether it could.
local function look(self)
  return C.rill_connection_get(runtime.loop(), self.slot, self.generation, core) == 0
end

-- What a script may ask at any time: name -> how it is read from the core's account.
local readers = {}

function readers.streams()
  return core.streams
end

function readers.pending()
  return core.pending
end

function readers.goaway()
  if not core.goaway then return nil end
  return { code = errors.code_name(core.goaway_code), last_stream_id = core.goaway_last,
    debug = ffi.string(core.goaway_debug) }
end

function readers.peer_settings()
  local settings = {}
  for i, name in ipairs(SETTINGS) do
    settings[name] = core.peer_settings[i - 1]
  end
  return settings.max_frame_size ~= 0 and settings or {} -- HTTP/1.1 has none
end

--- One of the above, as it is now; after close(), as it was then.
---@param name string
---@return any value nil for other names
function State:get(name)
  local read = readers[name]
  if not read then return nil end
  if self._final then return self._final[name] end
  return look(self) and read() or nil
end

-- Why it has closed, as the core sees it.
local function why(self)
  if look(self) and core.error ~= nil then
    local err = errors.from_core(core.error, 1, nil, self._url)
    return errors.keep_flight(err, C.rill_connection_frames(runtime.loop(), self.slot, self.generation))
  end
  return peaceful_end(self._url, not self.drained and self:get("goaway") or nil)
end

--- Called by the runtime, before any task resumes.
---@param event ffi.cdata* rill_event, borrowed
function State:on_event(event)
  if event.type == NOTES then
    return endpoints.news(self._owner.connection)
  elseif event.type == WARNING then
    return endpoints.warn(self._owner.connection, "connection", event)
  elseif event.type == CONNECTED then
    self.connected = true
    if look(self) then self.peer = peer.of(core.peer_slot, core.peer_generation) end
  elseif event.type == PONG then
    self.pongs, self.round_trip = self.pongs + 1, event.seconds
  elseif event.type == CLOSED then
    self.closed = self.closed or why(self)
  end
  self:_wake()
end

---@private
function State:_wake()
  local tasks = self._waiting
  self._waiting = {}
  waiting.wake(tasks)
end

--- The script closes it: what there is to know is kept, as the core will forget it.
function State:shut()
  self.closed = self.closed or why(self)
  self._final = {}
  for name, read in pairs(readers) do
    self._final[name] = look(self) and read() or nil
  end
  self._final.streams, self._final.pending = 0, 0
  self:_wake()
end

--- Waits for the next event, whatever it is.
---@param call string what is called, for the error outside of a task
function State:wait(call)
  waiting.park(self._waiting, self, call)
end

--- A task that waits was cancelled. One that waits for the connection to be made takes it along.
---@param task table
function State:abandon(task)
  waiting.leave(self._waiting, task)
  if self.connected then return end
  runtime.unwatch(self.slot, self)
  C.rill_drop(runtime.loop(), self.slot, self.generation)
end
State.give_back = State.abandon -- an event that was none of its making had woken it

return M
