--- The loop of this thread, and who receives its events.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local refuse_in_nginx = require("rill.runtime.nginx")

local M = {}

local MAX_EVENTS = 64 -- per poll: more of them only makes the first task wait longer

local events = ffi.new("rill_event[?]", MAX_EVENTS)
local receivers = {} -- by slot
local handle

--- The loop, made on first use.
---@return ffi.cdata* rill_loop *
function M.get()
  if handle == nil then
    refuse_in_nginx()
    local err = ffi.new("rill_error")
    local made = C.rill_loop_new(err)
    if made == nil then error("rill: no event loop: " .. ffi.string(err.message), 0) end
    handle = ffi.gc(made, C.rill_loop_free)
  end
  return handle
end

--- From now on `receiver` is told of events of `slot` that carry its generation.
---@param slot integer
---@param receiver table
function M.watch(slot, receiver)
  receivers[slot] = receiver
end

--- Forgets the receiver of `slot`. To be called when the id is released: in on_event, or with rill_drop.
---@param slot integer
function M.unwatch(slot)
  receivers[slot] = nil
end

--- Hands events to their receivers. A body that nobody waits for any more is freed.
local function hand_over(count)
  for i = 0, count - 1 do
    local ev = events[i]
    local receiver = receivers[ev.slot]
    if receiver and receiver.generation == ev.generation then
      receiver:on_event(ev)
    elseif ev.large ~= nil then
      C.rill_body_free(ev.large)
    end
  end
end

--- Lets the loop work, then hands events over. Before tasks: what events point to is gone as soon as a
--- task makes the loop work.
---@param timeout_ms integer as for rill_poll
---@return integer count of events
function M.poll(timeout_ms)
  local count = C.rill_poll(M.get(), events, MAX_EVENTS, timeout_ms)
  if count < 0 then error("rill: the event loop failed: " .. errors.reasons[-count], 0) end
  hand_over(count)
  return count
end

--- Hands over the events that are queued, without making the loop work: before an id is dropped.
function M.take_events()
  repeat
    local count = C.rill_events(M.get(), events, MAX_EVENTS)
    hand_over(count)
  until count < MAX_EVENTS
end

return M
