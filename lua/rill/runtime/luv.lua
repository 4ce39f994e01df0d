--- The world of a script on a luv loop: its own uv.run, or Neovim's. Tasks are coroutines, those of the script too.
local C = require("rill.clib")
local core = require("rill.runtime.core")
local coroutines = require("rill.runtime.coroutines")
local errors = require("rill.errors")
local ffi = require("rill.core.ffi")
local loops = require("rill.runtime.loop")
local task_of = require("rill.task")
local unjoined = require("rill.task.unjoined")

local WAITING = require("rill.task.slots").WAITING

local M = { name = "luv", drop = coroutines.drop, makes_later = true, gives_way = true }

local ROUNDS = 4 -- of work and tasks in a row, before the loop's other handles have their turn

local uv -- the module luv
local in_editor = false -- its loop runs all the time, and uv.run is not ours to call
local attached -- the rill loop whose descriptor is watched
local poll, kick -- handles: of that descriptor; of tasks that are ready
local holds = false -- poll keeps uv.run going
local stepping = false
local driving = false -- by rill.run

local function hold(wanted)
  if wanted == holds then return end
  holds = wanted
  if wanted then poll:ref() else poll:unref() end
end

local step

local function detach()
  poll:close()
  poll, attached, holds = nil, nil, false
end

-- Watches the loop's descriptor from the first request or timer on.
local function attach()
  local loop = loops.get()
  if attached == loop then return end
  if poll then detach() end
  local err = ffi.new("rill_error")
  local fd = C.rill_loop_fd(loop, err)
  if fd < 0 then error("rill: " .. ffi.string(err.message), 0) end
  poll, attached, holds = assert(uv.new_poll(fd)), loop, true
  poll:start("r", step)
end

-- Work, events, then tasks: what tasks ask for goes out in the next round. Returns less than 0: the loop failed;
-- whether tasks ran in the last round too.
local function rounds()
  for _ = 1, ROUNDS do
    local count = attached and C.rill_loop_step(attached) or 0
    if count < 0 then return count end
    if count > 0 then loops.take_events() end
    if coroutines.is_idle() then return 0, false end
    coroutines.run_ready()
    if not attached and loops.exists() then attach() end
  end
  return 0, true
end

-- Called by the loop: the descriptor is readable, or tasks are ready.
function step()
  stepping = true
  if attached then C.rill_loop_quiet(attached, true) end
  local code, more = rounds()
  stepping = false
  if code < 0 then
    detach()
    coroutines.clear()
    error("rill: the event loop failed: " .. errors.reasons[-code], 0)
  end
  if more then kick:start(step) else kick:stop() end
  if poll and not more then C.rill_loop_quiet(attached, false) end
  if poll then hold(core.is_awaited()) end
  if not more and not driving and coroutines.alive() == 0 then unjoined.send_all() end
  if core.deferred > 0 then core.run_deferred() end
end

-- The loop calls step() soon.
local function wake_loop()
  if not stepping and not kick:is_active() then kick:start(step) end
end

function M.current()
  return coroutines.current() or coroutines.foreign(task_of.foreign)
end

M.can_wait = coroutines.can_wait

function M.suspend(task)
  attach()
  if not task[WAITING].dormant then hold(true) end
  repeat -- the script may resume a coroutine of its own for another reason
    coroutines.suspend()
  until not task[WAITING]
end

M.rest = coroutines.rest

function M.make_ready(task)
  coroutines.make_ready(task)
  wake_loop()
end

function M.hurry(task)
  coroutines.hurry(task)
  wake_loop()
end

function M.start(task, fn, ...)
  coroutines.start(task, fn, ...)
  wake_loop()
end

function M.start_again(task)
  coroutines.start_again(task)
  wake_loop()
end

--- Whether somebody else runs the loop now: rill.run starts its task there and returns.
---@return boolean
function M.is_driven()
  return in_editor or uv.loop_mode() ~= nil
end

local function drive(stuck)
  while coroutines.alive() > 0 do
    local more = uv.run("once")
    if not more and coroutines.is_idle() and coroutines.alive() > 0 then stuck() end
  end
end

--- Starts the first task and runs the loop until it and all others have ended.
---@param stuck function called when no task is ready and nothing outside of them can change that
---@return boolean ok, any err
function M.run(stuck, task, fn, ...)
  M.start(task, fn, ...)
  driving = true
  local ok, err = pcall(drive, stuck)
  driving = false
  if not ok then coroutines.clear() end
  return ok, err
end

--- Takes the loop of that module luv.
---@param module table
---@param is_editor boolean
---@return rill.World
function M.open(module, is_editor)
  uv, in_editor = module, is_editor
  coroutines.holds_back = false -- nobody polls for a crowd here
  kick = uv.new_idle()
  return M
end

return M
