--- Who steps the loop inside nginx: the worker's own loop, or, where that takes no descriptor more, the light threads
--- that wait: each looks every few milliseconds.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local loops = require("rill.runtime.loop")

local M = {
  looking = 0, -- light threads that wait for their next look
}

local LOOK = 0.001 -- seconds between two looks, of whichever light thread
local LONGEST = 0.05 -- of one light thread
local AGAIN = 1 -- seconds after which attaching is tried again

local attached -- the loop that nginx steps
local next_try = 0

local err = ffi.new("rill_error")

--- Whether nginx steps the loop. Where it does not, that is tried from time to time.
---@return boolean
function M.is_driven()
  local loop = loops.get()
  if attached == loop then return true end
  local now = C.rill_now()
  if now < next_try then return false end
  if C.rill_nginx_attach(loop, err) == 0 then
    attached = loop
    return true
  end
  err.reason = C.RILL_OPEN
  next_try = now + AGAIN
  return false
end

--- A light thread that looked does so no longer: it goes on, or was killed.
---@param cell rill.Cell
function M.leave(cell)
  if cell.looks then
    cell.looks = false
    M.looking = M.looking - 1
  end
end

--- Steps the loop once, then waits for a moment, or for the cell's semaphore.
---@param cell rill.Cell of the light thread that runs
---@param catch_up function takes what came of the step
function M.look(cell, catch_up)
  local code = C.rill_waiter_step(cell.waiter)
  if code < 0 then error("rill: the event loop failed: " .. errors.reasons[-code], 0) end
  catch_up()
  if cell.task._ready then
    cell.semaphore:wait(0) -- takes what was posted, and does not wait
  else
    cell.looks, M.looking = true, M.looking + 1
    cell.semaphore:wait(math.min(LOOK * M.looking, LONGEST))
    M.leave(cell)
  end
end

return M
