-- The core's half of living inside nginx, with a stand-in for what nginx exports: so that sanitizers see it.
local run = require("support.nginx_stub").run
local support = require "support"

describe("the core inside nginx", function()
  local silent -- accepts connections, and says nothing
  before_each(function()
    silent = support.tcp "silent"
  end)
  after_each(function()
    silent:stop()
  end)

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
    local lines = run([[
    local _, url = ...
    assert(attach() == 0)
    local client = rill.client { timeout = 60 }
    local counters = ffi.new "rill_counters"
    local other, there = new_request(), new_waiter()
    park(there, other)
    local requests = {}
    for i = 1, 100 do
      local request, waiter = new_request(), new_waiter()
      local stream = client:open { url = url }
      park(waiter, request, stream)
      for _ = 1, 20 do -- more than a session has room for at first
        local opened = client:open { url = url }
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
    tell(C.rill_session_has_ended(other.session))]], silent.url)
    assert.same({ "1 100", "0 0", "true" }, lines)
  end)

  it("uses the session of a request that has ended, and was taken, for another one", function()
    local lines = run([[
    local _, url = ...
    assert(attach() == 0)
    local client = rill.client { timeout = 60 }
    local counters = ffi.new "rill_counters"
    local function requests()
      stub.stub_turn(0)
      C.rill_loop_counters(loop, counters)
      return counters.requests
    end
    local first = new_request()
    local function open()
      local opened = client:open { url = url }
      C.rill_session_own(first.session, opened._state.slot, opened._state.generation)
    end
    open()
    tell(requests(), C.rill_session_has_ended(first.session))
    stub.stub_finish(first.request)
    tell(requests(), C.rill_session_has_ended(first.session))
    tell(C.rill_session_take_ended(loop) == first.number, C.rill_session_has_ended(first.session))
    local second, waiter = ffi.new "stub_request", new_waiter()
    assert(C.rill_session_begin(first.session, second))
    stub.stub_finish(first.request) -- nothing of it is called twice
    open()
    park(waiter, first)
    tell(requests(), C.rill_session_has_ended(first.session))
    stub.stub_finish(second)
    tell(requests(), gone[0], C.rill_session_take_ended(loop) == first.number, C.rill_session_take_ended(loop))
    ]], silent.url)
    assert.same({ "1 false", "0 true", "true false", "1 false", "0 1 true 0" }, lines)
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

  it("does not take the light thread that steps it for a killed one, were it posted before it waits", function()
    local lines = run [[
    local request, running, other = new_request(), new_waiter(), new_waiter()
    park(running, request)
    park(other, request)
    running.sema.waiting = 0
    C.rill_waiter_post(running.waiter)
    assert(C.rill_timer_start(loop, 0.1, id, err) == 0) -- killed ones have been looked for by then
    local count
    repeat count = C.rill_waiter_step(running.waiter) until count ~= 0
    tell(count, gone[0], running.sema.posted, other.sema.posted)
    stub.stub_finish(request.request)]]
    assert.same({ "1 0 1 0" }, lines)
  end)
end)
