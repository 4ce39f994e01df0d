--- rill.wait: waiting for a descriptor of another library.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local runtime = require("rill.runtime")
local timer = require("rill.task.timer")

local MODES = { r = false, w = true }

local id = ffi.new("rill_id")
local err = ffi.new("rill_error")

-- What a task in rill.wait waits for; a receiver of events.
local Watch = {}
Watch.__index = Watch

function Watch:on_event()
  runtime.unwatch(self.slot)
  self.slot, self.ready = nil, true
  runtime.wake(self.task)
end

function Watch:abandon()
  if self.slot then
    runtime.unwatch(self.slot, self)
    C.rill_drop(runtime.loop(), self.slot, self.generation)
    self.slot = nil
  end
  if self.timer then self.timer:stop() end
end
Watch.give_back = Watch.abandon -- it was ready, or the time was up: the other one goes on

--- Waits until a descriptor is ready. It stays the caller's: rill neither reads nor closes it, and must not be
--- waiting for one that is closed.
---@param fd integer
---@param mode "r"|"w" ready to be read (or at its end), ready to be written
---@param timeout number? seconds
---@return true? ready
---@return rill.Error? err reason "timeout"
return function(fd, mode, timeout)
  if type(fd) ~= "number" or fd % 1 ~= 0 then
    errors.raise("rill.wait: fd must be a descriptor's number, got " .. errors.show(fd))
  end
  if MODES[mode] == nil then errors.raise('rill.wait: mode must be "r" or "w", got ' .. errors.show(mode)) end
  if type(timeout) ~= "nil" then arguments.seconds("rill.wait: timeout", timeout) end
  local watch = setmetatable({ task = runtime.waiter("rill.wait") }, Watch)
  if C.rill_wait_start(runtime.loop(), fd, MODES[mode], id, err) ~= 0 then
    local message = "rill.wait: " .. ffi.string(err.message)
    err.reason = C.RILL_OPEN
    errors.raise(message)
  end
  watch.slot, watch.generation = id.slot, id.generation
  runtime.watch(watch.slot, watch.generation, watch)
  if timeout and timeout ~= math.huge then watch.timer = timer.start(timeout, watch.task) end
  repeat
    runtime.park(watch)
  until watch.ready or watch.timer and watch.timer.fired
  watch:abandon()
  if watch.ready then return true end
  local text = ("descriptor %d was not ready within %g s"):format(fd, timeout)
  return nil, errors.new { reason = "timeout", message = text }
end
