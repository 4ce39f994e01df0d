-- The core's half of living inside nginx, with a stand-in for what nginx exports: so that sanitizers see it.
local script = require "support.script"
local support = require "support"

local STUB = require("lfs").currentdir() .. "/build/nginx_stub.so"

local PROLOGUE = [[
local ffi = require "ffi"
local C, rill, loops = require "rill.clib", require "rill", require "rill.runtime.loop"
ffi.cdef [=[
typedef struct { void *ends; } stub_request;
typedef struct { int posted, waiting; } stub_sema;
extern bool stub_refuses;
void stub_add_channel_event(); void stub_cleanup_add(); int stub_post(); int stub_count();
void stub_finish(stub_request *request);
bool stub_turn(int ms);
]=]
local refused, path = ...
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
local function new_request()
  local request = ffi.new "stub_request"
  local own = next_number()
  return { request = request, number = own, session = C.rill_session_new(loop, request, own) }
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

local function run(text)
  return script.run(PROLOGUE .. text, { support.refused() .. "/", STUB })
end

describe("the core inside nginx", function()
  it("posts one light thread when there is something to take, and not before", function()
    local lines = run [[
    assert(attach() == 0 and attach() == 0)
    local request, first, second = new_request(), new_waiter(), new_waiter()
    park(first, request)
    park(second, request)
    stub.stub_turn(0)
    tell(first.sema.posted, second.sema.posted)
    assert(C.rill_timer_start(loop, 0, id, err) == 0)
    assert(turn_until(function() return first.sema.posted > 0 end))
    tell(first.sema.posted, second.sema.posted)
    C.rill_waiter_post(second.waiter)
    C.rill_waiter_post(second.waiter)
    tell(second.sema.posted)
    resume(first)
    resume(second)
    C.rill_waiter_post(first.waiter)
    tell(first.sema.posted)
    stub.stub_finish(request.request)
    tell(gone[0], C.rill_session_take_ended(loop) == request.number, gone[0], C.rill_session_take_ended(loop))]]
    assert.same({ "0 0", "1 0", "1", "0", "1 true 0 0" }, lines)
  end)

  it("cancels what an ended request waited for and had opened, and has another one take it", function()
    local lines = run [[
    assert(attach() == 0)
    local client = rill.client { timeout = 60 }
    local counters = ffi.new "rill_counters"
    local other, there = new_request(), new_waiter()
    park(there, other)
    local requests = {}
    for i = 1, 100 do
      local request, waiter = new_request(), new_waiter()
      local stream = client:open { url = "https://192.0.2.1:1/" }
      park(waiter, request, stream)
      for _ = 1, 20 do -- more than a session has room for at first
        local opened = client:open { url = "https://192.0.2.1:1/" }
        C.rill_session_own(request.session, opened._state.slot, opened._state.generation)
      end
      requests[i] = { request, waiter, stream }
    end
    for _, each in ipairs(requests) do stub.stub_finish(each[1].request) end
    tell(there.sema.posted, gone[0])
    repeat
      resume(there)
      while C.rill_session_take_ended(loop) ~= 0 do end
      park(there, other)
      C.rill_loop_counters(loop, counters)
    until counters.requests == 0 or not stub.stub_turn(1000)
    tell(counters.requests, gone[0])
    stub.stub_finish(other.request)
    tell(C.rill_session_has_ended(other.session))]]
    assert.same({ "1 100", "0 0", "true" }, lines)
  end)

  it("finds light threads that were killed", function()
    local lines = run [[
    assert(attach() == 0)
    local request, killed, alive = new_request(), new_waiter(), new_waiter()
    park(killed, request)
    park(alive, request)
    killed.sema.waiting = 0
    assert(turn_until(function() return alive.sema.posted > 0 end))
    tell(gone[0], C.rill_waiter_take_lost(loop) == killed.number, C.rill_waiter_take_lost(loop), gone[0])
    C.rill_waiter_free(killed.waiter)
    resume(alive)
    stub.stub_finish(request.request)]]
    assert.same({ "1 true 0 0" }, lines)
  end)

  it("outlives its loop: a request that ends later finds nothing", function()
    local lines = run [[
    assert(attach() == 0)
    local request, waiter = new_request(), new_waiter()
    park(waiter, request)
    C.rill_loop_free(ffi.gc(loop, nil))
    tell(stub.stub_turn(0))
    stub.stub_finish(request.request)
    tell "ended"
    io.stdout:flush()
    ffi.cdef "void _exit(int status);"
    ffi.C._exit(0)]]
    assert.same({ "false", "ended" }, lines)
  end)

  it("is stepped by a light thread where nginx takes no descriptor", function()
    local lines = run [[
    stub.stub_refuses = true
    tell(attach() == -C.RILL_ERROR, ffi.string(err.message))
    local request, waiter = new_request(), new_waiter()
    park(waiter, request)
    assert(C.rill_timer_start(loop, 0.001, id, err) == 0)
    waiter.sema.waiting = 0
    local count
    repeat count = C.rill_waiter_step(waiter.waiter) until count > 0
    tell(count, waiter.sema.posted, gone[0])
    resume(waiter)
    stub.stub_refuses, err.reason = false, 0
    tell(attach())
    stub.stub_finish(request.request)]]
    assert.same({ "true nginx takes no descriptor more: see worker_connections", "1 0 0", "0" }, lines)
  end)
end)
