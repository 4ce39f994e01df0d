--- Scripts that see the core's half of living inside nginx, with a stand-in for what nginx exports.
local lfs = require "lfs"
local script = require "support.script"

local STUB = lfs.currentdir() .. "/build/nginx_stub.so"

local PROLOGUE = [[
local ffi = require "ffi"
local C, rill, loops = require "rill.clib", require "rill", require "rill.runtime.loop"
ffi.cdef [=[
typedef struct { void *ends; } stub_request;
typedef struct { int posted, waiting; } stub_sema;
extern bool stub_refuses, stub_is_full;
extern int stub_fd, stub_attached;
void stub_add_channel_event(); void stub_cleanup_add(); int stub_post(); int stub_count();
void stub_finish(stub_request *request);
bool stub_turn(int ms);
]=]
local path = ...
local tell_texts = tell
local function tell(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
  tell_texts(unpack(texts))
end
local stub, loop = ffi.load(path), loops.get()
local err, id, events = ffi.new "rill_error", ffi.new "rill_id", ffi.new "rill_event[64]"
local function address(fn) return ffi.cast("void *", fn) end
local calls = ffi.new "rill_nginx_calls"
calls.cycle, calls.add_channel_event = err, address(stub.stub_add_channel_event)
calls.cleanup_add, calls.sema_post = address(stub.stub_cleanup_add), address(stub.stub_post)
calls.sema_count = address(stub.stub_count)
assert(C.rill_nginx_use(loop, calls, err) == 0)
local gone = C.rill_nginx_gone(loop)
local function attach() return C.rill_nginx_attach(loop, err) end

local number = 0
local function next_number()
  number = number + 1
  return number
end
local function begin(on_loop, request, own)
  local session = C.rill_session_new(on_loop, own)
  assert(session ~= nil and C.rill_session_begin(session, request))
  return session
end
local function new_request()
  local request = ffi.new "stub_request"
  local own = next_number()
  return { request = request, number = own, session = begin(loop, request, own) }
end
local function new_waiter()
  local sema, own = ffi.new "stub_sema", next_number()
  return { sema = sema, number = own, waiter = C.rill_waiter_new(loop, sema, own) }
end
local function park(waiter, request, stream)
  local state = stream and stream._state
  waiter.sema.posted, waiter.sema.waiting = 0, 1
  return C.rill_waiter_park(waiter.waiter, request.session, state and state.slot or 0, state and state.generation or 0)
end
-- The light thread runs: it takes what there is.
local function resume(waiter)
  waiter.sema.posted, waiter.sema.waiting = 0, 0
  C.rill_waiter_leave(waiter.waiter)
  loops.take_events()
end
local function turn_until(condition)
  for _ = 1, 1000 do
    if condition() then return true end
    stub.stub_turn(1000)
  end
end
]]

local M = {}

--- Runs one to its end. It has `loop`, of which nginx's calls are known, `attach()`, `new_request()`,
--- `begin(loop, request, number)`, `new_waiter()`, `park(waiter, request, stream)`, `resume(waiter)`,
--- `turn_until(condition)`, `stub`, whose functions those are, and its further arguments as `...`.
---@param text string
---@param ... string arguments
---@return string[] lines that it has written
function M.run(text, ...)
  return script.run(PROLOGUE .. text, { STUB, ... })
end

return M

