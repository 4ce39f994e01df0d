-- The core's half of living inside nginx: several loops in one worker, as several Lua states have them, a child,
-- requests that are answered, and what nginx refuses. With the same stand-in as core_spec.lua.
local run = require("support.nginx_stub").run
local support = require "support"

describe("the core inside nginx", function()
  it("gives nginx one descriptor for all loops of the process, and steps the one that has work", function()
    local lines = run [[
    assert(attach() == 0)
    local request, waiter = new_request(), new_waiter()
    park(waiter, request)
    local other = ffi.gc(C.rill_loop_new(err), C.rill_loop_free)
    assert(C.rill_nginx_use(other, calls, err) == 0 and C.rill_nginx_attach(other, err) == 0)
    local first_request, first = request, waiter
    local second_request = { request = ffi.new "stub_request" }
    second_request.session = begin(other, second_request.request, 1)
    local second = { sema = ffi.new "stub_sema" }
    second.waiter = C.rill_waiter_new(other, second.sema, 1)
    park(second, second_request)
    assert(C.rill_timer_start(other, 0, id, err) == 0)
    assert(turn_until(function() return second.sema.posted > 0 end))
    tell(stub.stub_attached, first.sema.posted, second.sema.posted)
    assert(C.rill_timer_start(loop, 0, id, err) == 0)
    assert(turn_until(function() return first.sema.posted > 0 end))
    tell(first.sema.posted, second.sema.posted)
    tell(C.rill_events(other, events, 64), C.rill_events(loop, events, 64))
    stub.stub_finish(second_request.request)
    tell(gone[0], C.rill_nginx_gone(other)[0], C.rill_session_take_ended(other))
    stub.stub_finish(first_request.request)]]
    assert.same({ "1 0 1", "1 1", "1 1", "0 1 1" }, lines)
  end)

  it("goes on when one of the loops ends, and takes the place of the last one", function()
    local lines = run [[
    local function new_loop()
      local made = C.rill_loop_new(err)
      assert(C.rill_nginx_use(made, calls, err) == 0 and C.rill_nginx_attach(made, err) == 0)
      return made
    end
    assert(attach() == 0)
    local requests = {}
    for i = 1, 200 do -- each with a loop of its own, as without lua_code_cache
      local other, request, sema = new_loop(), ffi.new "stub_request", ffi.new "stub_sema"
      local session = begin(other, request, 1)
      local waiter = C.rill_waiter_new(other, sema, 1)
      sema.waiting = 1
      C.rill_waiter_park(waiter, session, 0, 0)
      C.rill_timer_start(other, 0, id, err)
      stub.stub_turn(1000)
      if i % 2 == 0 then -- the loop goes first, or the request
        C.rill_loop_free(other)
        stub.stub_finish(request)
      else
        stub.stub_finish(request)
        C.rill_loop_free(other)
      end
      requests[i] = { request, sema }
    end
    local request, waiter = new_request(), new_waiter()
    park(waiter, request)
    assert(C.rill_timer_start(loop, 0, id, err) == 0)
    assert(turn_until(function() return waiter.sema.posted > 0 end))
    tell(stub.stub_attached, waiter.sema.posted)
    stub.stub_finish(request.request)]]
    assert.same({ "1 1" }, lines)
  end)

  it("of a child is its own, and leaves the parent's alone", function()
    local silent = support.tcp "silent"
    local lines = run([[
    local _, url = ...
    ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status);"
    assert(attach() == 0)
    local request, waiter = new_request(), new_waiter()
    local client = rill.client {}
    local stream = client:open { url = url }
    park(waiter, request, stream)
    local parents_fd = stub.stub_fd
    io.stdout:flush()
    local pid = ffi.C.fork()
    if pid == 0 then
      stub.stub_finish(request.request) -- the child has a copy of the request
      tell(attach() == -C.RILL_ARGUMENT, waiter.sema.posted)
      loop = loops.get()
      assert(C.rill_nginx_use(loop, calls, err) == 0)
      tell(attach(), stub.stub_attached)
      local own_request, own = new_request(), new_waiter()
      park(own, own_request)
      assert(C.rill_timer_start(loop, 0, id, err) == 0)
      assert(turn_until(function() return own.sema.posted > 0 end))
      tell("child", own.sema.posted)
      io.stdout:flush()
      ffi.C._exit(0)
    end
    local status = ffi.new "int[1]"
    ffi.C.waitpid(pid, status, 0)
    local counters = ffi.new "rill_counters"
    C.rill_loop_counters(loop, counters)
    tell(status[0], stub.stub_attached, stub.stub_fd == parents_fd, counters.requests)
    stub.stub_finish(request.request)
    C.rill_loop_counters(loop, counters)
    tell(gone[0], C.rill_session_take_ended(loop) == request.number)]], silent.url)
    silent:stop()
    assert.same({ "true 0", "0 2", "child 1", "0 1 true 1", "1 true" }, lines)
  end)

  it("carries requests, and posts one light thread for all that has come", function()
    local upstream = support.node {}
    local lines = run([[
    local _, url, ca = ...
    local wanted = ffi.new "rill_request"
    C.rill_request_init(wanted)
    wanted.method, wanted.method_length = "GET", 3
    local client = assert(rill.client { tls = { ca_file = ca } })
    assert(attach() == 0)
    local request, done = new_request(), 0
    local Receiver = {}
    Receiver.__index = Receiver
    function Receiver:on_event(event)
      loops.unwatch(self.slot)
      if event.type == C.RILL_EVENT_RESPONSE and event.status == 200 then done = done + 1 end
    end
    local waiters = {}
    for i = 1, 100 do
      local address = url .. "/size?n=" .. i
      wanted.url, wanted.url_length = address, #address
      assert(C.rill_request_start(loop, client._id, wanted, id, err) == 0)
      local receiver = setmetatable({ slot = id.slot, generation = id.generation }, Receiver)
      loops.watch(id.slot, id.generation, receiver)
      waiters[i] = new_waiter()
      park(waiters[i], request, { _state = receiver })
    end
    local function next_posted()
      local found
      for i = 1, 100 do
        assert(not (found and waiters[i].sema.posted > 0), "two of them")
        if waiters[i].sema.posted > 0 then found = waiters[i] end
      end
      return found
    end
    repeat
      assert(turn_until(next_posted))
      local waiter = next_posted()
      resume(waiter)
      park(waiter, request)
    until done == 100
    local counters = ffi.new "rill_counters"
    C.rill_loop_counters(loop, counters)
    tell(done, counters.requests, counters.connections, gone[0])
    stub.stub_finish(request.request)
    client:close()]], upstream.url, upstream.ca)
    upstream:stop()
    assert.same({ "100 0 1 0" }, lines)
  end)

  it("refuses what nginx does not have, or give", function()
    local lines = run [[
    tell(C.rill_nginx_use(loop, nil, err) == -C.RILL_ARGUMENT)
    local other = ffi.gc(C.rill_loop_new(err), C.rill_loop_free)
    tell(C.rill_nginx_gone(other) == nil, C.rill_session_new(other, 1) == nil,
      C.rill_waiter_new(other, err, 1) == nil)
    tell(C.rill_nginx_attach(other, err) == -C.RILL_ARGUMENT, ffi.string(err.message))
    for _, name in ipairs { "cleanup_add", "sema_post", "sema_count" } do
      local kept = calls[name]
      calls[name] = nil
      err.reason = 0
      assert(C.rill_nginx_use(other, calls, err) == -C.RILL_ARGUMENT)
      tell(ffi.string(err.message))
      calls[name] = kept
    end
    calls.add_channel_event, err.reason = nil, 0
    assert(C.rill_nginx_use(other, calls, err) == 0)
    tell(C.rill_nginx_attach(other, err) == -C.RILL_ERROR, ffi.string(err.message))
    stub.stub_is_full = true
    local session = C.rill_session_new(loop, 1)
    tell(C.rill_session_begin(session, ffi.new "stub_request"))
    tell(C.rill_session_begin(session, nil), C.rill_waiter_new(loop, nil, 1) == nil)
    tell(C.rill_session_take_ended(loop), C.rill_waiter_take_lost(loop), C.rill_session_take_ended(other))]]
    assert.same({ "true", "true true true", "true nginx is NULL", "cleanup_add is NULL",
      "sema_post is NULL", "sema_count is NULL", "true nginx exports no ngx_add_channel_event", "false",
      "false true", "0 0 0" }, lines)
  end)
end)
