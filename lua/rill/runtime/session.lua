--- The requests of nginx in which rill is used, and what their light threads wait with. A request ends without a word
--- to Lua: the core notes it, and the next one that comes along here takes it.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local loops = require("rill.runtime.loop")
local semaphore = require("ngx.semaphore")

local M = {
  -- requests that have ended and were not taken; coroutines of one before it is looked which live; tasks in a table
  -- that is used again
  MANY = 64,
}

local get_request = require("resty.core.base").get_request
local subsystem = package.loaded.ngx.config.subsystem

local DAYS = 10 * 86400 -- seconds: the longest wait that nginx's milliseconds hold is 24 days

---@class rill.Session what a request has; when that has ended, and was taken, another one may have it
---@field core ffi.cdata* rill_session *
---@field number integer
---@field address integer of nginx's request
---@field tasks table<rill.Task, boolean> that have not ended
---@field adopted integer of them: coroutines and light threads that rill did not make, those included that have ended
---@field most integer so many of these, then it is looked which have

---@class rill.Cell what a light thread waits with
---@field number integer
---@field semaphore table of ngx.semaphore
---@field waiter ffi.cdata* rill_waiter *
---@field task rill.Task|false
---@field looks boolean see rill.runtime.poller

local by_number, by_address = {}, {} -- sessions; those that a request has
local spare, spare_count = {}, 0 -- sessions that none has
local cells, free, free_count = {}, {}, 0
local gone -- what the core has noted: const uint32_t *

local SYMBOLS = [[
intptr_t ngx_add_channel_event(void *cycle, int fd, intptr_t event, void (*handler)(void *));
void *ngx_http_cleanup_add(void *request, size_t size);
extern void *ngx_cycle;
]]

-- What nginx exports; nil where it does not.
local function find(name)
  local found, symbol = pcall(function() return ffi.cast("void *", ffi.C[name]) end)
  return found and symbol or nil
end

--- A loop was made: it resumes light threads.
function loops.on_made(loop)
  if subsystem ~= "http" then
    error(("rill: nginx's subsystem %q is none that it runs in: http is"):format(subsystem), 0)
  end
  pcall(ffi.cdef, SYMBOLS) -- again in a second Lua state
  local calls, err = ffi.new("rill_nginx_calls"), ffi.new("rill_error")
  calls.cycle = find "ngx_cycle"
  calls.add_channel_event = find "ngx_add_channel_event"
  calls.cleanup_add = find "ngx_http_cleanup_add"
  calls.sema_post = find "ngx_http_lua_ffi_sema_post"
  calls.sema_count = find "ngx_http_lua_ffi_sema_count"
  if C.rill_nginx_use(loop, calls, err) ~= 0 then
    error("rill: this nginx cannot be used: " .. ffi.string(err.message), 0)
  end
  gone = C.rill_nginx_gone(loop)
  by_number, by_address, spare, spare_count, cells, free, free_count = {}, {}, {}, 0, {}, {}, 0
end

--- Whether a session has ended, or a light thread was killed, and nobody has taken that.
---@return boolean
function M.has_gone()
  return gone ~= nil and gone[0] ~= 0
end

-- Not taken yet: its address may be another request's by now.
local function has_ended(session)
  return gone[0] ~= 0 and C.rill_session_has_ended(session.core)
end

--- How many that are.
---@return integer
function M.gone_count()
  return gone[0]
end

local function put_back(session)
  spare_count = spare_count + 1
  spare[spare_count] = session
end

-- Its tasks are lost.
local function clear(session, lost)
  local before = #lost
  for task in pairs(session.tasks) do lost[#lost + 1] = task end
  if #lost - before > M.MANY then session.tasks = {} end -- else who takes them empties it
  if by_address[session.address] == session then by_address[session.address] = nil end
end

--- Takes what has gone. No request may begin before its tasks were taken out of their session.
---@return rill.Task[] that will not go on
function M.take_gone()
  local loop, lost = loops.get(), {}
  local number = C.rill_session_take_ended(loop)
  while number ~= 0 do
    clear(by_number[number], lost)
    put_back(by_number[number])
    number = C.rill_session_take_ended(loop)
  end
  number = C.rill_waiter_take_lost(loop)
  while number ~= 0 do
    lost[#lost + 1] = cells[number].task or nil
    number = C.rill_waiter_take_lost(loop)
  end
  return lost
end

local function new()
  local number = #by_number + 1
  local core = C.rill_session_new(loops.get(), number)
  if core == nil then error("rill: out of memory", 0) end
  by_number[number] = { core = core, number = number, address = 0, tasks = {}, adopted = 0, most = M.MANY }
  return by_number[number]
end

local function begin(request, address)
  local session = spare[spare_count]
  if session then
    spare_count = spare_count - 1
  else
    session = new()
  end
  if not C.rill_session_begin(session.core, request) then
    put_back(session)
    error("rill: out of memory", 0)
  end
  session.address, session.adopted, session.most = address, 0, M.MANY
  by_address[address] = session
  return session
end

local function address_of(request)
  return tonumber(ffi.cast("intptr_t", request))
end

--- The session of the request that runs.
---@return rill.Session
function M.current()
  local request = get_request()
  loops.get()
  local address = address_of(request)
  local session = by_address[address]
  if session and not has_ended(session) then return session end
  return begin(request, address)
end

---@param session rill.Session
---@return boolean
function M.is_current(session)
  return session.address == address_of(get_request()) and not has_ended(session)
end

local function new_cell()
  local number = #cells + 1
  local made = assert(semaphore.new(0))
  local waiter = C.rill_waiter_new(loops.get(), made.sem, number)
  if waiter == nil then error("rill: out of memory", 0) end
  cells[number] = { number = number, semaphore = made, waiter = waiter, task = false, looks = false }
  return cells[number]
end

--- Gives a task what it waits with.
---@param task rill.Task
---@return rill.Cell
function M.give_cell(task)
  local cell
  if free_count > 0 then
    cell = free[free_count]
    free[free_count] = nil
    free_count = free_count - 1
  else
    cell = new_cell()
  end
  cell.task, task._cell = task, cell
  return cell
end

-- One that was killed after its semaphore was posted leaves that behind.
local function clean(cell)
  if cell.semaphore:count() == 0 then return end
  cell.semaphore = assert(semaphore.new(0))
  C.rill_waiter_free(cell.waiter)
  cell.waiter = C.rill_waiter_new(loops.get(), cell.semaphore.sem, cell.number)
end

--- Takes it back: the task does not wait, and will not.
---@param task rill.Task
function M.give_back(task)
  local cell = task._cell
  if not cell then return end
  task._cell, cell.task = nil, false
  clean(cell)
  free_count = free_count + 1
  free[free_count] = cell
end

--- Waits until the cell's semaphore is posted.
---@param cell rill.Cell
function M.wait(cell)
  repeat
    local posted, why = cell.semaphore:wait(DAYS)
    if not posted and why ~= "timeout" then error("rill: " .. tostring(why), 0) end
  until posted
end

return M
