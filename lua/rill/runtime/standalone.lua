--- The world of a script of its own: rill.run polls the loop and resumes tasks, which are coroutines.
local core = require("rill.runtime.core")
local coroutines = require("rill.runtime.coroutines")
local crowd = require("rill.runtime.crowd")
local errors = require("rill.errors")
local poll = require("rill.runtime.loop").poll

local M = {
  name = "standalone", current = coroutines.current, can_wait = coroutines.can_wait, suspend = coroutines.suspend,
  drop = coroutines.drop, make_ready = coroutines.make_ready, hurry = coroutines.hurry, rest = coroutines.rest,
  start_again = coroutines.start_again,
}

local MOST = 256 -- held tasks that begin in a pass where there is no crowd any more

local start, alive, is_idle, run_ready, begin_in_turn =
  coroutines.start, coroutines.alive, coroutines.is_idle, coroutines.run_ready, coroutines.begin_in_turn
local driving = false

function M.start(task, fn, ...)
  if not driving then errors.raise("tasks run inside rill.run(fn) only") end
  start(task, fn, ...)
end

--- Whether somebody else runs the loop.
---@return boolean
function M.is_driven()
  return false
end

--- A pass otherwise. Polls once more at the end: what was queued goes out.
---@param idle boolean
---@param stuck function see drive()
local function pass(idle, stuck)
  local waits = idle and core.is_awaited()
  local count = poll(waits and -1 or 0)
  if idle and not waits and count == 0 and alive() > 0 then stuck() end
end

--- Runs until every task has ended.
---@param stuck function called when no task is ready and nothing outside of them can change that
local function drive(stuck)
  while alive() > 0 do
    run_ready()
    local idle = is_idle()
    if crowd.holds() then
      crowd.pass(idle, begin_in_turn, MOST)
    else
      pass(idle, stuck)
    end
  end
end

--- Starts the first task and runs until it and all others have ended.
---@param stuck function see drive()
---@param task rill.Task
---@param fn function
---@return boolean ok, any err false when the loop failed: no task can go on then
function M.run(stuck, task, fn, ...)
  if driving then errors.raise("rill.run: it runs already; rill.spawn starts a task in it") end
  driving = true
  M.start(task, fn, ...)
  local ok, err = pcall(drive, stuck)
  driving = false
  crowd.clear() -- those that are left have ended
  if not ok then coroutines.clear() end -- the loop, or what luajit raises after Ctrl-C
  return ok, err
end

return M
