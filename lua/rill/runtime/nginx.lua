--- The world of an nginx worker: light threads are the tasks, and nginx steps the loop. Each task waits on a semaphore
--- of ngx_lua, which the core posts for one of them when there are events, and Lua for those that these wake.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local core = require("rill.runtime.core")
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local loops = require("rill.runtime.loop")
local place = require("rill.runtime.place")
local poller = require("rill.runtime.poller")
local sessions = require("rill.runtime.session")
local slots = require("rill.task.slots")
local values = require("rill.task.values")

local STATE, WORK = slots.STATE, slots.WORK

local M = { name = "openresty", loses_tasks = true, makes_later = true, gives_way = true }

local ngx = package.loaded.ngx
local running, get_phase, spawn, kill, join = coroutine.running, ngx.get_phase, ngx.thread.spawn, ngx.thread.kill,
  ngx.thread.wait
local status = rawget(coroutine, "_status") or coroutine.status -- Lua's own: nginx's sees one request only
local MANY = sessions.MANY

-- Phases whose code runs in a light thread.
local YIELDING = { rewrite = true, server_rewrite = true, access = true, content = true, timer = true, preread = true,
  ssl_cert = true, ssl_client_hello = true, ssl_session_fetch = true }

ffi.cdef("int lua_isyieldable(void *L);")

local tasks = {} -- by coroutine: those of sessions that live
local addresses = setmetatable({}, { __mode = "k" }) -- by coroutine, which nginx uses again
local task_of = lazy.module("rill.task")

local function address_of(co)
  local address = addresses[co]
  if not address then
    address = ffi.cast("void *", tonumber((tostring(co):gsub("^thread: ", ""))))
    addresses[co] = address
  end
  return address
end

local function enlist(task, co, session)
  task[WORK], task._thread, task._session, task._address = co, co, session, address_of(co)
  tasks[co] = task
  session.tasks[task] = true
end

local function delist(task)
  if tasks[task._thread] == task then tasks[task._thread] = nil end
  task._session.tasks[task] = nil
  if task._cell then poller.leave(task._cell) end
  sessions.give_back(task)
end

local function lose(lost)
  for i = 1, #lost do delist(lost[i]) end
  for i = 1, #lost do task_of.lose(lost[i]) end
end

-- What has ended without a word: requests, and light threads that were killed.
local function catch_up()
  loops.take_events()
  if sessions.has_gone() then lose(sessions.take_gone()) end
end

local clearing = false

local function clear()
  clearing = false
  catch_up()
end

-- Coroutines and light threads of a request that have ended, and that rill did not make: nobody else notices.
local function sweep(session)
  local lost, count = {}, 0
  for task in pairs(session.tasks) do
    count = count + 1
    if task._foreign and status(task._thread) == "dead" then lost[#lost + 1] = task end
  end
  session.adopted = count - #lost
  session.most = math.max(MANY, 2 * session.adopted)
  lose(lost)
end

-- A light thread, or a coroutine, that rill did not make. What is due otherwise is left to the call that asks, once
-- it has looked whether it may wait.
local function adopt(co)
  if not YIELDING[get_phase()] then return nil end
  local session = sessions.current()
  if not clearing and sessions.gone_count() > MANY then
    clearing = true
    core.defer(clear)
  end
  session.adopted = session.adopted + 1
  if session.adopted > session.most then
    session.most = math.huge -- once
    core.defer(sweep, session)
  end
  local task = task_of.light(co, session, address_of(co))
  tasks[co], session.tasks[task] = task, true
  return task
end

function M.current()
  local co = running()
  if not co then return nil end
  local task = tasks[co] -- nothing else may happen here: who asks has looked whether it has to wait
  if task and sessions.is_current(task._session) then return task end
  return adopt(co)
end

function M.can_wait(task)
  return ffi.C.lua_isyieldable(task._address) ~= 0
end

-- nginx keeps light threads that have ended until their parent asks for them.
local function join_ended(task)
  local ended = task._ended
  task._ended = nil
  for i = 1, #ended do
    if ended[i].dropped then kill(ended[i].co) else join(ended[i].co) end
  end
end

function M.suspend(task, waiting)
  local cell = task._cell or sessions.give_cell(task)
  local waiter, session = cell.waiter, task._session.core
  local driven = poller.is_driven()
  task._parked = waiting
  repeat
    if C.rill_waiter_park(waiter, session, waiting.slot or 0, waiting.generation or 0) then catch_up() end
    if driven then sessions.wait(cell) else poller.look(cell, catch_up) end
    C.rill_waiter_leave(waiter)
    catch_up()
  until task._ready
  task._ready, task._parked = nil, nil
  if task._ended then join_ended(task) end
end

function M.make_ready(task)
  task._ready = true
  if task._cell then C.rill_waiter_post(task._cell.waiter) end
end

function M.hurry() end

local function leave(task, dropped)
  local parent, co = task._spawner, task._thread
  delist(task)
  task._spawner = nil -- a handle must not hold it
  if parent and parent._session then
    parent._ended = parent._ended or {}
    table.insert(parent._ended, { co = co, dropped = dropped })
  end
end

--- Waits until its parent, or the end of the request, kills it.
function M.drop(task)
  task:_break(require("rill.task.cancelled"), debug.traceback(task._thread))
  leave(task, true)
  while true do ngx.sleep(3600) end
end

local FIRST_TURN = {} -- what a task that was started waits for

-- A light thread runs at once: the task waits for its turn.
local function first(task, session, fn, ...)
  enlist(task, running(), session)
  M.suspend(task, FIRST_TURN)
  task[STATE] = "begun"
  local given = values.pack(...)
  core.root(function()
    if task[STATE] == "begun" then return task, fn, given end
  end)
  leave(task)
end

function M.start(task, fn, ...)
  local parent = M.current()
  task._spawner = parent
  spawn(first, task, parent._session, fn, ...)
  M.make_ready(task)
end

--- A request's own code is a task: rill.run calls its function.
function M.runs_inline()
  return true
end

--- Raises where no request may be sent.
function M.admit(call)
  if not M.current() then errors.raise(place.outside(call)) end
  if core.deferred > 0 then core.run_deferred() end
  poller.is_driven()
end

--- A stream ends with the request that opened it.
function M.own(slot, generation)
  local task = M.current()
  C.rill_session_own(task._session.core, slot, generation)
end

function place.outside(call)
  local phase = get_phase()
  if YIELDING[phase] then
    return call .. " was called outside of a light thread"
  end
  local elsewhere = phase == "init" and "call it in a worker" or "call it in a function that ngx.timer.at(0, fn) runs"
  return ("%s needs a light thread, and nginx's phase %q has none: %s"):format(call, phase, elsewhere)
end

require("rill.core.hooks").write = function(kind, message)
  local level = kind:find "^warning" and ngx.WARN or ngx.ERR
  ngx.log(level, "rill: ", kind, ": ", message)
end

return M
