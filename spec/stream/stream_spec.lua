local rill = require "rill"
local support = require "support"

local node

local function at(path)
  return function(event) return event.event == "stream_close" and event.path == path end
end

local function closed_with(path)
  return node:wait_events(at(path))[1].code
end

describe("a stream", function()
  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function with_stream(path, fn, options)
    local client = support.client(options)
    support.run(function()
      local stream = assert(client:open { url = node.url .. path })
      fn(stream, client)
    end)
  end

  it("is open at once, and gives its head when that has come", function()
    with_stream("/size?n=10&announce=1", function(stream)
      assert.is_nil(stream.close_reason)
      assert.is_nil(stream.id)
      assert.is_nil(stream.status)
      local head = assert(stream:headers())
      assert.equal(200, head.status)
      assert.equal("10", head.headers["content-length"])
      assert.same({}, head.informational)
      assert.equal(1, stream.id)
      assert.equal(200, stream.status)
      assert.equal(head, stream:headers())
      assert.equal("ended", stream:closed())
    end)
  end)

  it("is not opened for what is no URL", function()
    local stream, err = support.client():open { url = "nothing" }
    assert.is_nil(stream)
    assert.equal("invalid_url", err.reason)
  end)

  it("shows informational heads", function()
    with_stream("/informational", function(stream)
      local head = assert(stream:headers())
      assert.equal(102, head.informational[1].status)
      assert.equal("</style.css>; rel=preload", head.informational[2].headers.link)
      assert.equal("done", stream:body())
    end)
  end)

  it("is read in pieces of at most 64 KiB, as many as asked for", function()
    with_stream("/size?n=1000000", function(stream)
      local parts, total = {}, 0
      assert.equal(10, #assert(stream:read(10)))
      for chunk in stream:chunks() do
        assert.is_true(#chunk > 0 and #chunk <= 65536)
        parts[#parts + 1], total = chunk, total + #chunk
      end
      assert.equal(1000000 - 10, total)
      assert.equal(("0123456789abcde\n"):rep(62500):sub(11), table.concat(parts))
      assert.equal("ended", stream.close_reason)
      assert.is_nil((stream:read()))
      assert.equal(1000000, stream.bytes_received)
    end)
  end)

  it("gives its window back as it is read", function()
    with_stream("/size?n=1000000", function(stream)
      assert(stream:headers())
      support.wait(function() return stream.bytes_received == 65535 end, 3, "the window to be full")
      assert.equal(1000000, #assert(stream:body()))
    end, { window = 65535 })
  end)

  it("is collected whole, after what was read", function()
    with_stream("/size?n=300000", function(stream)
      local start = assert(stream:read(16))
      assert.equal("0123456789abcde\n", start)
      local body = assert(stream:body())
      assert.equal(300000 - 16, #body)
      assert.equal(body, stream:body())
      assert.equal(body, assert(stream:response()).body)
    end)
  end)

  it("gives all tasks the same response, before and after its end", function()
    with_stream("/slow?ms=50", function(stream)
      local function wait() return stream:response() end
      local results = rill.all { wait, wait, wait }
      local res = assert(results[1][1])
      assert.equal("ok", res.body)
      assert.equal(200, res.status)
      assert.equal("h2", res.protocol)
      assert.equal(1, res.attempts)
      assert.equal(node.url .. "/slow?ms=50", res.url)
      assert.equal(res, results[2][1])
      assert.equal(res, results[3][1])
      assert.equal(res, stream:response())
      assert.equal("ended", (stream:closed()))
    end)
  end)

  it("has trailers at its end", function()
    with_stream("/trailers", function(stream)
      assert.equal("abc", assert(stream:trailers())["x-checksum"])
      assert.equal("body", stream:body())
      assert.equal("2", assert(stream:response()).trailers["x-two"])
    end)
  end)

  it("stays readable after its end, and when its connection has gone", function()
    with_stream("/size?n=5&announce=1", function(stream, client)
      assert.equal("01234", stream:read())
      assert.equal("ended", (stream:closed()))
      client:close()
      assert.equal(200, stream.status)
      assert.equal(1, stream.id)
      assert.equal("5", assert(stream:headers()).headers["content-length"])
      assert.equal(5, stream.bytes_received)
      assert.is_true(stream.request_sent)
      assert.is_true(stream.closed_local and stream.closed_remote)
      assert.is_false(stream.reached_warnsize)
      assert.is_true(stream.timings.total > 0)
      assert.is_nil(stream.error_code)
      assert.equal("", stream:body())
    end)
  end)

  it("is cancelled with RST_STREAM CANCEL", function()
    with_stream("/hold?a", function(stream, client)
      node:wait_events(function(event) return event.path == "/hold?a" end)
      stream:cancel()
      local reason, err = stream:closed()
      assert.equal("cancelled", reason)
      assert.equal("cancelled", err.reason)
      assert.equal(499, err.status)
      assert.equal(499, stream.status)
      assert.equal("cancelled", stream.close_reason)
      assert.equal(8, closed_with "/hold?a")
      stream:cancel() -- once more does nothing
      assert.is_nil((stream:headers()))
      assert.equal("cancelled", select(2, stream:response()).reason)
      assert.equal(200, assert(client:get(node.url .. "/size?n=1")).status)
      assert.equal(1, client:stats().connections_opened)
    end)
  end)

  it("is never sent when it is cancelled before", function()
    with_stream("/never", function(stream, client)
      stream:cancel()
      assert.equal("cancelled", (stream:closed()))
      assert.is_nil(stream.id)
      assert.is_false(stream.request_sent)
      assert(client:get(node.url .. "/size?n=1"))
      for _, event in ipairs(node:events()) do assert.not_equal("/never", event.path) end
    end)
  end)

  it("stops with what has arrived", function()
    with_stream("/size?n=1000000", function(stream)
      assert(stream:headers())
      support.wait(function() return stream.bytes_received == 65535 end, 3, "the window to be full")
      stream:stop()
      local res = assert(stream:response())
      assert.equal("stopped", res.close_reason)
      assert.equal("stopped", stream.close_reason)
      assert.is_true(res.flags.stopped)
      assert.equal(65535, #res.body)
    end, { window = 65535 })
  end)

  it("gives an error where it is stopped before a head came", function()
    local function assert_lacks(processed, res, err)
      assert.is_nil(res)
      assert.equal("stopped", err.reason)
      assert.equal("stopped before a response head came", err.message)
      assert.equal(processed, err.processed)
      assert.is_nil(err.status)
    end
    for path, processed in pairs { ["/hold?unsent"] = "no", ["/hold?sent"] = "maybe" } do
      with_stream(path, function(stream)
        if processed == "maybe" then support.wait(function() return stream.request_sent end, 3, "the request") end
        stream:stop()
        assert_lacks(processed, stream:response())
        assert_lacks(processed, stream:body())
        assert_lacks(processed, stream:headers())
        assert.equal("stopped", (stream:closed()))
      end)
    end
    for _, call in ipairs { "response", "body", "headers" } do
      with_stream("/hold?" .. call, function(stream)
        local waiting = rill.spawn(function() return stream[call](stream) end)
        support.wait(function() return stream.request_sent end, 3, "the request")
        stream:stop()
        assert_lacks("maybe", waiting:join())
      end)
    end
  end)

  it("gives what had arrived before it fails", function()
    local hostile = support.hostile { case = "rst-mid-body-internal-error" } -- behind 5,000 bytes
    local client = support.client { tls = { ca_file = hostile.ca } }
    support.run(function()
      local stream = assert(client:open { url = hostile.url })
      local got, err = {}, nil
      while not err do
        local chunk
        chunk, err = stream:read()
        got[#got + 1] = chunk
        assert.truthy(chunk or err)
      end
      assert.equal(("x"):rep(5000), table.concat(got))
      assert.equal("reset", err.reason)
      assert.equal("INTERNAL_ERROR", err.code)
      assert.equal("INTERNAL_ERROR", stream.error_code)
      assert.equal("reset", stream.close_reason)
      assert.is_nil((stream:body()))
      assert.equal(200, assert(stream:headers()).status)
    end)
  end)

  it("is cancelled with the last task that waits for it", function()
    with_stream("/hold?b", function(stream)
      local function wait() return stream:headers() end
      local first, second = rill.spawn(wait), rill.spawn(wait)
      node:wait_events(function(event) return event.path == "/hold?b" end)
      first:cancel()
      first:join()
      assert.is_nil(stream.close_reason)
      second:cancel()
      second:join()
      assert.equal("cancelled", (stream:closed()))
      assert.equal(8, closed_with "/hold?b")
    end)
  end)

  it("is cancelled when a script drops it", function()
    local client = support.client { max_streams = 3, window = 65535 }
    support.run(function()
      for i = 1, 9 do
        local stream = assert(client:open { url = node.url .. "/size?n=200000&drop=" .. i })
        assert(stream:read(1000))
        stream = nil -- luacheck: ignore
        jit.flush() -- compiled code keeps what it was compiled with
        collectgarbage()
      end
      assert.equal(8, closed_with "/size?n=200000&drop=1")
      assert.equal(200, assert(client:get(node.url .. "/size?n=1")).status)
      assert.equal(0, client:stats().streams)
    end)
  end)

  it("waits for several at a time without holding one up", function()
    local client = support.client { window = 65535 }
    support.run(function()
      local unread = assert(client:open { url = node.url .. "/size?n=500000" })
      assert(unread:headers())
      assert.equal(1000000, #assert(client:get(node.url .. "/size?n=1000000")).body)
      assert.equal(500000, #assert(unread:body()))
    end)
  end)
end)

describe("on_headers", function()
  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function get(path, hook, client_hook)
    local client = support.client { on_headers = client_hook, window = 65535 }
    local res, err = support.run(function()
      return client:get(node.url .. path, { on_headers = hook })
    end)
    return res, err, client
  end

  it("sees head and stream, in the task that waits", function()
    local seen
    local res = assert(get("/size?n=100000&announce=1", function(head, stream)
      seen = { head.status, head.headers["content-length"], stream.status, stream.id }
    end))
    assert.same({ 200, "100000", 200, 1 }, seen)
    assert.equal(100000, #res.body)
    assert.equal("ended", res.close_reason)
  end)

  it("of a request goes before the client's", function()
    local calls = {}
    local function note(name)
      return function() calls[#calls + 1] = name end
    end
    assert(get("/size?n=1", nil, note "client"))
    assert(get("/size?n=1", note "request", note "client"))
    assert.same({ "client", "request" }, calls)
  end)

  it("stops a request before its body has come", function()
    local res = assert(get("/size?n=20000000&stop", function() return "stop" end))
    assert.equal("stopped", res.close_reason)
    assert.is_true(res.flags.stopped)
    assert.is_true(#res.body <= 65535)
    assert.equal(8, closed_with "/size?n=20000000&stop")
  end)

  it("cancels a request, by its verdict or through the stream", function()
    local _, err = get("/size?n=20000000&c1", function() return "cancel" end)
    assert.equal("cancelled", err.reason)
    assert.equal(200, err.status)
    _, err = get("/size?n=20000000&c2", function(_, stream) stream:cancel() end)
    assert.equal("cancelled", err.reason)
    assert.equal(8, closed_with "/size?n=20000000&c2")
  end)

  it("that raises is the call's error, and cancels the stream", function()
    local _, err = get("/size?n=20000000&raise", function() error "boom" end)
    assert.equal("error", err.reason)
    assert.truthy(err.message:find("boom", 1, true))
    assert.equal(200, err.status)
    assert.equal(8, closed_with "/size?n=20000000&raise")
  end)

  it("may not wait, whatever it does with the error", function()
    for path, hook in pairs {
      ["/size?n=20000000&sleep"] = function() rill.sleep(0.01) end,
      ["/size?n=20000000&body"] = function(_, stream) pcall(stream.body, stream) end,
    } do
      local _, err = get(path, hook)
      assert.equal("error", err.reason)
      assert.truthy(err.message:find("wait", 1, true))
      assert.equal(8, closed_with(path))
    end
  end)

  it("is not called where no head comes", function()
    local client = support.client()
    support.run(function()
      local called = false
      local _, err = client:get(support.refused() .. "/", { on_headers = function() called = true end })
      assert.equal("connect_failed", err.reason)
      assert.is_false(called)
    end)
  end)
end)
