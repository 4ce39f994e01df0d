local rill = require "rill"
local support = require "support"

local node

local function with_node()
  before_each(function()
    support.begin()
    node = support.node()
  end)
  after_each(support.check_clean)
end

local function closed_with(path)
  return node:wait_events(function(event) return event.event == "stream_close" and event.path == path end)[1].code
end

describe("on_chunk", function()
  with_node()

  local function get(path, hook, options)
    local client = support.client(options)
    return support.run(function()
      return client:get(node.url .. path, { on_chunk = hook })
    end)
  end

  it("sees every piece in its order, and the body is kept as well", function()
    local seen = {}
    local res = assert(get("/size?n=1000000", function(chunk, stream)
      assert(#chunk > 0 and #chunk <= 65536)
      assert(stream.status == 200)
      seen[#seen + 1] = chunk
    end))
    assert.is_true(#seen > 1)
    assert.equal(1000000, #res.body)
    assert.equal(res.body, table.concat(seen))
    assert.equal("ended", res.close_reason)
  end)

  it("is not called where there is no body; a client's is overridden by a request's", function()
    local calls = {}
    local function note(name)
      return function() calls[#calls + 1] = name end
    end
    assert.equal("", assert(get("/status?n=204", note "request", { on_chunk = note "client" })).body)
    assert.same({}, calls)
    assert(get("/size?n=1", note "request", { on_chunk = note "client" }))
    assert(get("/size?n=1", nil, { on_chunk = note "client" }))
    assert.same({ "request", "client" }, calls)
  end)

  it("stops the stream: what has arrived is the body, and it is shown nothing more", function()
    for i, stop in ipairs {
      function() return "stop" end,
      function(_, stream) stream:stop() end,
    } do
      local path, calls = "/size?n=20000000&stop=" .. i, 0
      local res = assert(get(path, function(...)
        calls = calls + 1
        return stop(...)
      end, { window = 65535, max_window = 65535 }))
      assert.equal("stopped", res.close_reason)
      assert.is_true(res.flags.stopped)
      assert.is_true(#res.body > 0 and #res.body <= 2 * 65535, #res.body)
      assert.equal(8, closed_with(path))
      if i == 1 then assert.equal(1, calls) end
    end
  end)

  it("cancels the stream", function()
    local _, err = get("/size?n=20000000&cancel", function() return "cancel" end, { window = 65535 })
    assert.equal("cancelled", err.reason)
    assert.equal(200, err.status)
    assert.equal(8, closed_with "/size?n=20000000&cancel")
  end)

  it("cancels also a response that was complete before it ran", function()
    local _, err = get("/size?n=10", function() return "cancel" end)
    assert.equal("cancelled", err.reason)
  end)

  it("that raises, or waits, is the call's error, and the stream is cancelled", function()
    local boom = {}
    local _, err = get("/size?n=20000000&raise", function() error(boom) end, { window = 65535 })
    assert.equal("error", err.reason)
    assert.equal(boom, err.value)
    assert.equal(8, closed_with "/size?n=20000000&raise")
    _, err = get("/size?n=20000000&wait", function() rill.sleep(0.01) end, { window = 65535 })
    assert.equal("error", err.reason)
    assert.truthy(err.message:find("wait", 1, true))
    assert.equal(8, closed_with "/size?n=20000000&wait")
  end)

  it("whose answer is none of the three is the call's error, which names them", function()
    for i, answer in ipairs { "Stop", "abort", "", "nil", false, true, 0, {}, print } do
      for _, name in ipairs { "on_headers", "on_chunk" } do
        local path, calls = ("/size?n=20000000&answer=%s%d"):format(name, i), 0
        local client = support.client { window = 65535 }
        local _, err = support.run(function()
          return client:get(node.url .. path, { [name] = function()
            calls = calls + 1
            return answer
          end })
        end)
        assert.equal("error", err.reason)
        assert.equal("yes", err.processed)
        assert.matches(name .. ' must return nil, "stop" or "cancel", got', err.message, 1, true)
        assert.equal(1, calls)
        assert.equal(8, closed_with(path))
        assert.same({ cancelled = 1 }, client:stats().closed)
      end
    end
  end)

  it("may answer nil, or nothing at all", function()
    local client = support.client()
    support.run(function()
      for _, hook in ipairs { function() return nil end, function() end } do
        assert.equal(10, #assert(client:get(node.url .. "/size?n=10", { on_headers = hook, on_chunk = hook })).body)
      end
    end)
  end)

  it("runs in the task that reads an opened stream, as on_headers does", function()
    local client = support.client()
    support.run(function()
      local shown = {}
      local stream = assert(client:open {
        url = node.url .. "/size?n=300000",
        on_headers = function(head) shown[#shown + 1] = head.status end,
        on_chunk = function(chunk) shown[#shown + 1] = #chunk end,
      })
      local chunk = assert(stream:read(100))
      assert.equal(100, #chunk)
      assert.same({ 200, 100 }, shown)
      local tasks = {}
      for i = 1, 3 do tasks[i] = rill.spawn(function() return stream:response() end) end
      local res = assert(tasks[1]:join())
      assert.equal(300000 - 100, #res.body)
      for i = 2, 3 do assert.equal(res, (tasks[i]:join())) end
      local sum = 0
      for i = 2, #shown do sum = sum + shown[i] end
      assert.equal(300000, sum)
    end)
  end)

  it("of a stream that fails tells what its hook did wrong", function()
    local client = support.client { window = 65535 }
    support.run(function()
      local stream = assert(client:open {
        url = node.url .. "/size?n=300000", on_headers = function() error "boom" end,
      })
      local res, err = stream:response()
      assert.is_nil(res)
      assert.equal("error", err.reason)
      local reason, same = stream:closed()
      assert.equal("cancelled", reason)
      assert.equal(err, same)
    end)
  end)
end)

describe("a hook of a response that had come whole", function()
  with_node()

  -- name -> what the hook does with the stream
  local stops = {
    ["the verdict stop"] = function() return "stop" end,
    ["stream:stop()"] = function(stream) stream:stop() end,
  }
  local cancels = {
    ["the verdict cancel"] = function() return "cancel" end,
    ["stream:cancel()"] = function(stream) stream:cancel() end,
  }

  -- Opens a stream, asks for its response when the peer has ended it, and hands both over.
  local function with_response(name, hook, check, path)
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = node.url .. (path or "/size?n=10"), [name] = hook })
      support.wait(function() return stream.closed_remote end, 3, "the end")
      check(stream, stream:response())
    end)
  end

  for what, stop in pairs(stops) do
    for _, name in ipairs { "on_headers", "on_chunk" } do
      it("stops it: " .. name .. " with " .. what, function()
        local function check(stream, res)
          assert.equal("stopped", res.close_reason)
          assert.is_true(res.flags.stopped)
          assert.equal(10, #res.body)
          assert.equal("stopped", stream.close_reason)
          assert.equal("stopped", (stream:closed()))
        end
        local function hook(_, stream) return stop(stream) end
        with_response(name, hook, check)
        local client = support.client()
        local res = support.run(function() return client:get(node.url .. "/size?n=10", { [name] = hook }) end)
        assert.equal("stopped", res.close_reason)
      end)
    end

    it("leaves what on_chunk was shown: with " .. what, function()
      local seen = {}
      with_response("on_chunk", function(chunk, stream)
        seen[#seen + 1] = chunk
        if #seen == 2 then return stop(stream) end
      end, function(stream, res)
        assert.equal(2, #seen)
        assert.equal(table.concat(seen), res.body)
        assert.equal("stopped", stream.close_reason)
        assert.is_nil((stream:read()))
      end, "/size?n=300000")
    end)
  end

  for what, cancel in pairs(cancels) do
    it("cancels it with " .. what, function()
      for _, name in ipairs { "on_headers", "on_chunk" } do
        with_response(name, function(_, stream) return cancel(stream) end, function(stream, res, err)
          assert.is_nil(res)
          assert.equal("cancelled", err.reason)
          assert.equal(200, err.status)
          assert.equal("cancelled", stream.close_reason)
          local reason, same = stream:closed()
          assert.equal("cancelled", reason)
          assert.equal(err, same)
        end)
      end
    end)
  end

  it("that raises is the call's error, and cancels it", function()
    for _, name in ipairs { "on_headers", "on_chunk" } do
      with_response(name, function() error "boom" end, function(stream, res, err)
        assert.is_nil(res)
        assert.equal("error", err.reason)
        assert.equal("cancelled", stream.close_reason)
      end)
    end
  end)

  it("whose answer is none of the three is the call's error, and cancels it", function()
    for _, name in ipairs { "on_headers", "on_chunk" } do
      with_response(name, function() return true end, function(stream, res, err)
        assert.is_nil(res)
        assert.equal("error", err.reason)
        assert.matches('nil, "stop" or "cancel"', err.message, 1, true)
        assert.equal("cancelled", stream.close_reason)
      end)
    end
  end)

  it("changes no close reason that the script has seen", function()
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = node.url .. "/size?n=10", on_headers = function() return "stop" end })
      support.wait(function() return stream.close_reason end, 3, "the end")
      assert.equal("ended", assert(stream:response()).close_reason)
      assert.equal("ended", stream.close_reason)
    end)
  end)
end)

describe("warnsize", function()
  with_node()

  local function warnings(path, options, client_options)
    local seen = {}
    client_options = client_options or {}
    client_options.on_warning = function(message) seen[#seen + 1] = message end
    local client = support.client(client_options)
    local stream = support.run(function()
      options.url = node.url .. path
      local stream = assert(client:open(options))
      assert(stream:body())
      rill.sleep(0)
      return stream
    end)
    return seen, stream
  end

  it("warns once, with the URL and both numbers: announced, or received", function()
    for _, path in ipairs { "/size?n=300000&announce=1", "/size?n=300000" } do
      local seen, stream = warnings(path, { warnsize = 1000 })
      assert.equal(1, #seen)
      assert.truthy(seen[1]:find(node.url .. path, 1, true), seen[1])
      assert.truthy(seen[1]:find("1000", 1, true), seen[1])
      assert.is_true(stream.reached_warnsize)
      assert.equal("ended", stream.close_reason)
    end
    assert.truthy(warnings("/size?n=300000&announce=1", { warnsize = 1000 })[1]:find("300000", 1, true))
  end)

  it("says nothing of that size or less; a request's goes before the client's, 0 is off", function()
    local seen, stream = warnings("/size?n=1000", { warnsize = 1000 })
    assert.same({}, seen)
    assert.is_false(stream.reached_warnsize)
    assert.equal(1, #warnings("/size?n=1001", {}, { warnsize = 1000 }))
    assert.equal(0, #warnings("/size?n=1001", { warnsize = 5000 }, { warnsize = 1000 }))
    assert.equal(0, #warnings("/size?n=1001", { warnsize = 0 }, { warnsize = 1000 }))
  end)
end)

describe("maxsize of a stream", function()
  with_node()

  it("holds no more than itself and one frame when it is passed", function()
    local client = support.client { maxsize = 100000 }
    support.run(function()
      local path = "/size?n=30000000&max" -- more than sockets hold
      local stream = assert(client:open { url = node.url .. path })
      local reason, err = stream:closed()
      assert.equal("maxsize_exceeded_actual", reason)
      assert.equal(100000, err.limit)
      assert.is_true(stream.bytes_received <= 100000 + 16384, stream.bytes_received .. " bytes")
      assert.equal(0, client:stats().buffered)
      assert.is_nil((stream:read()))
      assert.equal(8, closed_with(path))
    end)
  end)

  it("turns an announced body away before any of it is kept", function()
    local client = support.client { maxsize = 100000 }
    support.run(function()
      local stream = assert(client:open { url = node.url .. "/size?n=3000000&announce=1" })
      local reason, err = stream:closed()
      assert.equal("maxsize_exceeded", reason)
      assert.equal(3000000, err.expected)
      assert.equal(100000, err.limit)
      assert.equal(0, stream.bytes_received)
      assert.equal(200, stream.status)
    end)
  end)
end)
