--- Waiting for a condition under a deadline: what specs do instead of sleeping.
local ffi = require "ffi"

pcall(ffi.cdef, "int poll(void *descriptors, unsigned long count, int timeout);")

local M = {}
local PAUSE = 0.005 -- seconds between two looks
local LEAST = 60 -- seconds: on a busy machine nobody waits in vain for want of processor time

-- Inside a task the others must go on, and the loop with them.
local function pause()
  local runtime = package.loaded["rill.runtime"]
  if runtime and runtime.current() then
    require("rill").sleep(PAUSE)
  else
    ffi.C.poll(nil, 0, PAUSE * 1000)
  end
end

--- Monotonic seconds.
function M.now()
  local file = assert(io.open "/proc/uptime")
  local seconds = file:read "*n"
  file:close()
  return seconds
end

--- Waits for so long at most, whatever the machine is busy with; returns whether the condition holds.
---@param condition fun(): any
---@param seconds number
---@return boolean
function M.holds_within(condition, seconds)
  local last = M.now() + seconds
  while not condition() do
    if M.now() > last then return false end
    pause()
  end
  return true
end

--- Waits until the condition holds; raises when it does not within `seconds`, or LEAST where that is more.
---@param condition fun(): any
---@param seconds number
---@param what string? what is waited for, for the message
---@return any whatever the condition returned
function M.wait(condition, seconds, what)
  local last = M.now() + math.max(seconds, LEAST)
  while true do
    local result = condition()
    if result then return result end
    if M.now() > last then error(("waited %g s for %s"):format(seconds, what or "a condition"), 2) end
    pause()
  end
end

return M
