--- Who steps the loop inside nginx: the worker's own loop, or, where that cannot be had, a light thread that looks each
--- millisecond, and lives only while somebody waits.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local loops = require("rill.runtime.loop")

local M = {}

local ngx = package.loaded.ngx

local LOOK = 0.001 -- seconds between two looks
local AGAIN = 1 -- seconds after which attaching is tried again

local attached -- the loop that nginx steps
local polled = false -- a light thread steps it
local next_try = 0

local err = ffi.new("rill_error")

--- Whether nginx steps the loop.
---@return boolean
function M.is_driven()
  return attached ~= nil and attached == loops.get()
end

local function poll()
  local loop = loops.get()
  while C.rill_nginx_is_awaited(loop) and not M.is_driven() do
    local count = C.rill_nginx_step(loop)
    if count < 0 then
      ngx.log(ngx.ERR, "rill: the event loop failed: ", errors.reasons[-count])
      break
    end
    ngx.sleep(count > 0 and 0 or LOOK)
  end
  polled = false
end

--- Has the loop stepped while the current light thread waits.
function M.drive()
  local loop = loops.get()
  if C.rill_now() >= next_try then
    if C.rill_nginx_attach(loop, err) == 0 then
      attached = loop
      return
    end
    next_try = C.rill_now() + AGAIN
    err.reason = C.RILL_OPEN
  end
  if polled then return end
  polled = true
  local started, why = ngx.timer.at(0, poll)
  if not started then
    polled = false
    error("rill: nobody steps the loop: " .. why, 0)
  end
end

return M
