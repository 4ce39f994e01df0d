--- The loop of this thread, and who receives its events.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")

local M = {}

local MAX_EVENTS = 64 -- per poll: more of them only makes the first task wait longer

local events = ffi.new("rill_event[?]", MAX_EVENTS)
local receivers, generations = {}, {} -- by slot
local handle
local first_slot = 0 -- ids before that one were made by a parent of this process

--- Called in a child made by fork(), after it has got a loop of its own: rill.runtime.core replaces it.
function M.on_renewal() end

--- Called with a loop that was made: a world may replace it.
function M.on_made() end

-- In a child of the process that made the loop: what was waited for there is not received here.
local function renew(err)
  local made = C.rill_loop_renew(handle, err)
  if made == nil then return made end
  C.rill_loop_free(ffi.gc(handle, nil)) -- objects that stand on it still hold it
  first_slot = C.rill_loop_first_slot(made)
  receivers = {}
  M.on_renewal()
  return made
end

local function make()
  local err = ffi.new("rill_error")
  local made = handle == nil and C.rill_loop_new(err) or handle ~= nil and renew(err) or nil
  if made == nil then error("rill: no event loop: " .. ffi.string(err.message), 0) end
  handle = ffi.gc(made, C.rill_loop_free)
  M.on_made(handle)
end

--- Called in each turn, with whether there is nothing else to do: a module that has work of its own replaces it.
--- Returns whether there is more of it, for a turn that comes at once.
---@return boolean
function M.on_turn()
  return false
end

--- The loop of this process, made on first use.
---@return ffi.cdata* rill_loop *
function M.get()
  if handle == nil or not C.rill_loop_is_own(handle) then make() end
  return handle
end

--- Whether this process has made its loop.
---@return boolean
function M.exists()
  return handle ~= nil and C.rill_loop_is_own(handle)
end

M.INHERITED = "it belongs to the process that forked this one: a child makes clients of its own"

--- Whether what the id names was made by a parent of this process. To be asked after get().
---@param slot integer
---@return boolean
function M.is_inherited(slot)
  return slot < first_slot
end

--- The loop, for a call on an object: raises where that was made by a parent.
---@param slot integer of its id
---@param call string
---@return ffi.cdata* rill_loop *
function M.get_for(slot, call)
  local loop = M.get()
  if slot < first_slot then errors.raise(call .. ": " .. M.INHERITED) end
  return loop
end

--- From now on `receiver` gets the events of an id.
---@param slot integer
---@param generation integer
---@param receiver table
function M.watch(slot, generation, receiver)
  receivers[slot], generations[slot] = receiver, generation
end

--- Forgets the receiver of `slot`. To be called when the id is released: in on_event, or with rill_drop.
---@param slot integer
---@param receiver table? only if it still is that one: where the core may have released the id by itself
function M.unwatch(slot, receiver)
  if not receiver or receivers[slot] == receiver then receivers[slot] = nil end
end

--- Hands events to their receivers. A body that nobody waits for any more is freed.
local function hand_over(count)
  for i = 0, count - 1 do
    local ev = events[i]
    local slot = ev.slot
    local receiver = receivers[slot]
    if receiver and generations[slot] == ev.generation then
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
  if M.on_turn(timeout_ms ~= 0) then timeout_ms = 0 end
  local count = C.rill_poll(M.get(), events, MAX_EVENTS, timeout_ms)
  if count < 0 then error("rill: the event loop failed: " .. errors.reasons[-count], 0) end
  hand_over(count)
  return count
end

--- Hands over the events that are queued, without making the loop work: before an id is dropped.
function M.take_events()
  M.on_turn(false)
  repeat
    local count = C.rill_events(M.get(), events, MAX_EVENTS)
    hand_over(count)
  until count < MAX_EVENTS
end

return M
