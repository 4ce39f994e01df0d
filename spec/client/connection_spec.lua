local dkjson = require "dkjson"
local rill = require "rill"
local support = require "support"

local wait_timeout = require("support.silent").wait_timeout
local server -- whose requests are held until another connection says otherwise

local function requested(path)
  return function(event) return event.event == "request" and event.path == path end
end

local function is(name)
  return function(event) return event.event == name end
end

-- Opens a stream and waits until the server has it.
local function hold(conn, path)
  local stream = assert(conn:open { url = path })
  server:wait_events(requested(path))
  return stream
end

-- The path of a hostile server's case.
local function path_of(url)
  return url:match "^https://[^/]+(/.*)$"
end

local function with_server()
  before_each(function()
    support.begin()
    server = support.node { script = "held.js" }
  end)
  after_each(support.check_clean)
end

describe("a connection", function()
  with_server()

  local function with_connection(fn, options)
    support.run(function() fn(assert(support.connect(server.url, options))) end)
  end

  it("knows its peer", function()
    with_connection(function(conn)
      assert.equal("127.0.0.1", conn.ip_address)
      assert.equal(server.port, conn.port)
      assert.equal("h2", conn.protocol)
      assert.equal("CN=leaf", conn.certificate.subject)
      assert.equal("TLSv1.3", conn.tls.version)
      assert.truthy(conn.tls.cipher:find "^TLS_")
      assert.is_false(conn.tls.resumed)
      assert.is_nil(conn.closed)
      assert.is_nil(conn.goaway)
      assert.equal(0, conn.streams)
      assert.equal(0, conn.pending)
    end)
  end)

  it("shows the peer's SETTINGS", function()
    local own = support.node { settings = { maxConcurrentStreams = 7, initialWindowSize = 70000, maxFrameSize = 20000,
      headerTableSize = 100, maxHeaderListSize = 9000 } }
    support.run(function()
      local settings = assert(support.connect(own.url)).peer_settings
      assert.equal(7, settings.max_concurrent_streams)
      assert.equal(70000, settings.initial_window_size)
      assert.equal(20000, settings.max_frame_size)
      assert.equal(100, settings.header_table_size)
      assert.equal(9000, settings.max_header_list_size)
    end)
    with_connection(function(conn) assert.equal(2 ^ 32 - 1, conn.peer_settings.max_concurrent_streams) end)
  end)

  it("shows none over HTTP/1.1, and no GOAWAY", function()
    local own = support.nginx { http2 = false, files = { x = 100 } }
    support.run(function()
      local conn = support.connect(own.url)
      assert.equal("http/1.1", conn.protocol)
      assert.same({}, conn.peer_settings)
      assert.is_nil(conn.goaway)
    end)
  end)

  it("carries requests and streams, by URL or by path", function()
    with_connection(function(conn)
      local res = assert(conn:request { url = "/seen?a=b" })
      assert.equal(server.url .. "/seen?a=b", res.url)
      assert.equal("ended", res.close_reason)
      assert.equal("127.0.0.1", res.ip_address)
      assert.same({ method = "GET", scheme = "https", authority = "localhost:" .. server.port, path = "/seen?a=b" },
        dkjson.decode(res.body))
      local stream = assert(conn:open { url = server.url .. "/seen" })
      assert.equal(200, assert(stream:headers()).status)
      assert.equal(3, stream.id)
    end)
  end)

  it("sends the form of :path that the method and the URL ask for", function()
    local authority = "localhost:" .. server.port
    with_connection(function(conn)
      local function seen(method, url)
        local stream = assert(conn:open { method = method, url = url })
        assert(stream:headers())
        return dkjson.decode(assert(stream:body()))
      end
      assert.equal("*", seen("OPTIONS", server.url).path)
      assert.equal("/", seen("OPTIONS", server.url .. "/").path)
      assert.equal("/seen?x", seen("GET", server.url .. "/seen?x#fragment").path)
      assert.same({ method = "CONNECT", authority = authority }, seen("CONNECT", server.url))
      local stream = assert(conn:open { url = server.url })
      server:wait_events(requested "/")
      stream:cancel()
      stream = assert(conn:open { url = server.url .. "?q" })
      server:wait_events(requested "/?q")
      stream:cancel()
    end)
  end)

  it("counts its streams, and those that wait", function()
    with_connection(function(conn)
      local streams = { hold(conn, "/1"), hold(conn, "/2") }
      streams[3] = assert(conn:open { url = "/3" })
      assert.equal(2, conn.streams)
      assert.equal(1, conn.pending)
      for _, stream in ipairs(streams) do stream:cancel() end
      for _, stream in ipairs(streams) do stream:closed() end
      assert.equal(0, conn.streams)
      assert.equal(0, conn.pending)
    end, { max_streams = 2 })
  end)

  it("measures a round trip, once for all that ask at a time", function()
    with_connection(function(conn)
      local function ping() return conn:ping() end
      support.tries(5, function() -- one that takes seconds is that of a machine that stood still, and not the next
        local most = 0
        for _, result in ipairs(rill.all { ping, ping, ping }) do
          assert.is_true(result[1] > 0)
          most = math.max(most, result[1])
        end
        return most < 2
      end, "a round trip of less than 2 s")
      assert.is_true(conn:ping() > 0)
    end)
  end)

  it("says why it was lost to those who ping", function()
    with_connection(function(conn)
      local stream = hold(conn, "/lost")
      assert(support.client():get(server.url .. "/destroy"))
      stream:closed()
      local seconds, err = conn:ping()
      assert.is_nil(seconds)
      assert.equal(conn.closed, err)
    end)
  end)

  it("warns through its own hook", function()
    local message, fields
    with_connection(function(conn)
      assert(conn:request { url = "/seen", method = "POST", body = "12345", headers = { ["content-length"] = "6" } })
      rill.sleep(0)
      assert.truthy(message:find("6", 1, true))
      assert.truthy(message:find("5", 1, true))
      assert.truthy(message:find(server.url .. "/seen", 1, true))
      assert.equal(conn, fields.connection)
    end, { on_warning = function(...) message, fields = ... end })
  end)

  it("drains when a script drops it: its stream ends first", function()
    support.run(function()
      local stream = hold(assert(rill.connect(server.url, { tls = { ca_file = support.ca().file } })), "/kept")
      assert.equal(1, support.counters().connections)
      assert(support.client():get(server.url .. "/release"))
      assert.equal("held", assert(stream:body()))
      stream = nil -- luacheck: ignore
      support.wait(function()
        jit.flush() -- compiled code keeps what it was made for
        collectgarbage()
        return #server:wait_events(is "goaway", 0) > 0
      end, 20, "GOAWAY")
      assert.equal(0, server:wait_events(is "goaway")[1].code)
    end)
  end)

  it("is given up when the task that dials is cancelled", function()
    local silent = support.tcp "silent"
    support.run(function()
      local task = rill.spawn(support.connect, silent.url)
      silent:wait_events(is "accept")
      task:cancel()
      assert.equal("cancelled", select(2, task:join()).reason)
      silent:wait_events(is "end")
      assert.equal(0, support.counters().connections)
    end)
  end)

  it("raises wrong use at the caller's line", function()
    local function assert_raises(word, fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.truthy(message:find("connection_spec.lua", 1, true), message)
      assert.truthy(message:find(word, 1, true), message)
    end
    assert_raises("task", function() return (rill.connect(server.url)) end)
    with_connection(function(conn)
      assert_raises("url", function() return (rill.connect(5)) end)
      assert_raises("timeot", function() return (rill.connect(server.url, { timeot = 1 })) end)
      assert_raises("url", function() conn:open {} end)
      assert_raises("code", function() conn:close "NONSENSE" end)
      assert_raises("code", function() conn:close(-1) end)
      conn:close()
      conn:close()
      assert_raises("closed", function() conn:open { url = "/" } end)
      assert_raises("closed", function() return (conn:request { url = "/" }) end)
      assert_raises("closed", function() return (conn:ping()) end)
    end)
  end)
end)

describe("a connection that cannot be made", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function fails(url, options)
    return support.run(function()
      local conn, err = support.connect(url, options)
      assert.is_nil(conn)
      return err
    end)
  end

  it("is nil, err: refused, no h2, no URL", function()
    local err = fails(support.refused())
    assert.equal("connect_failed", err.reason)
    assert.equal("tcp", err.kind)
    assert.equal("no", err.processed)
    assert.equal("alpn", fails(support.tcp("http1").url, { protocols = { "h2" } }).kind)
    assert.equal("invalid_url", fails("nowhere").reason)
    assert.equal("file_error", fails("https://localhost/", { tls = { ca_file = "/nowhere" } }).reason)
  end)

  it("says what a server answered that speaks no HTTP/2", function()
    local hostile = support.hostile { case = "http2-text-405" }
    local err = fails(hostile.url, { tls = { ca_file = hostile.ca } })
    assert.equal("connect_failed", err.reason)
    assert.equal("preface", err.kind)
    assert.truthy(err.message:find("HTTP/2.0 405 Method Not Allowed", 1, true))
  end)

  it("is a timeout, with its phase", function()
    local url = support.tcp("silent").url
    local function connect() return support.connect(url, { connect_timeout = 0.5 }) end
    support.run(function() wait_timeout("tls", connect) end)
  end)
end)

describe("a request of another origin", function()
  with_server()

  it("passes for the host, the host and port, and the peer's address and port", function()
    support.run(function()
      local conn = assert(support.connect(server.url))
      local forms = { "localhost", "localhost:" .. server.port, "127.0.0.1:" .. server.port, "LOCALHOST" }
      for i, authority in ipairs(forms) do
        local res = assert(conn:request { url = ("https://%s/seen?%d"):format(authority, i) })
        assert.equal(200, res.status)
        assert.equal(authority:lower(), dkjson.decode(res.body).authority)
      end
    end)
  end)

  it("closes as invalid_hostname, and the server sees nothing of it", function()
    support.run(function()
      local conn = assert(support.connect(server.url))
      assert(conn:request { url = "/seen?first" })
      for _, url in ipairs { "https://other.test/seen", "https://localhost:1/seen", "https://127.0.0.1/seen",
        ("https://127.0.0.2:%d/seen"):format(server.port) } do
        local stream = assert(conn:open { url = url })
        local reason, err = stream:closed()
        assert.equal("invalid_hostname", reason, url)
        assert.equal("invalid_hostname", err.reason)
        assert.equal("no", err.processed)
        assert.is_nil(stream.id)
        for _, word in ipairs { url, "localhost", "127.0.0.1:" .. server.port } do
          assert.truthy(err.message:find(word, 1, true), err.message)
        end
        assert.equal("invalid_hostname", select(2, conn:request { url = url }).reason)
      end
      local stream = assert(conn:open { url = "/seen?last" })
      assert.equal(200, assert(stream:headers()).status)
      assert.equal(3, stream.id, "no stream id was spent")
      assert.equal(2, #server:wait_events(is "request", 2))
    end)
  end)
end)

describe("an end of a connection", function()
  with_server()

  it("by drain lets open streams finish, and refuses the others as inactive", function()
    support.run(function()
      local conn = assert(support.connect(server.url, { max_streams = 1 }))
      local open = hold(conn, "/open")
      local unsent = assert(conn:open { url = "/unsent" })
      conn:drain()
      local reason, err = unsent:closed()
      assert.equal("inactive", reason)
      assert.is_true(err.retry_safe)
      assert.equal("inactive", select(2, conn:request { url = "/later" }).reason)
      assert.equal(0, server:wait_events(is "goaway")[1].code)
      assert.is_nil(open.close_reason)
      assert(support.client():get(server.url .. "/release"))
      assert.equal("held", open:body())
      server:wait_events(is "session_close")
      support.wait(function() return conn.closed end, 20)
    end)
    for _, event in ipairs(server:events()) do
      assert.is_false(event.path == "/unsent" or event.path == "/later")
    end
  end)

  it("by close says GOAWAY, sent streams are cancelled and unsent ones inactive", function()
    for i, case in ipairs { { nil, 0 }, { "ENHANCE_YOUR_CALM", 11 }, { 2, 2 } } do
      support.run(function()
        local conn = assert(support.connect(server.url, { max_streams = 1 }))
        local sent = hold(conn, "/sent" .. i)
        local unsent = assert(conn:open { url = "/unsent" })
        conn:close(case[1])
        assert.equal("cancelled", conn.closed.reason)
        assert.equal(0, conn.streams)
        local reason, err = sent:closed()
        assert.equal("cancelled", reason)
        assert.equal(499, err.status)
        assert.equal(499, sent.status)
        assert.equal("maybe", err.processed)
        reason, err = unsent:closed()
        assert.equal("inactive", reason)
        assert.is_true(err.retry_safe)
        assert.equal(case[2], server:wait_events(is "goaway", i)[i].code)
        support.wait(function() return support.counters().clients == 0 end, 2, "the core to let go")
      end)
    end
  end)

  it("by the peer's GOAWAY is told: covered streams finish, those above are not processed", function()
    support.run(function()
      local conn, other = assert(support.connect(server.url)), support.client()
      local covered, above = hold(conn, "/covered"), hold(conn, "/above")
      assert(other:get(server.url .. "/goaway?last=1&code=0&debug=come+back"))
      local reason, err = above:closed()
      assert.equal("goaway", reason)
      assert.equal("no", err.processed)
      assert.is_true(err.retry_safe)
      assert.equal("NO_ERROR", err.code)
      assert.same({ code = "NO_ERROR", last_stream_id = 1, debug = "come back" }, conn.goaway)
      assert.is_nil(covered.close_reason)
      err = select(2, conn:request { url = "/new" })
      assert.equal("goaway", err.reason)
      assert.equal("no", err.processed)
      assert(other:get(server.url .. "/release"))
      assert.equal("held", assert(covered:response()).body)
      support.wait(function() return conn.closed end, 20)
      assert.equal("goaway", conn.closed.reason)
      assert.equal("goaway", select(2, conn:request { url = "/new" }).reason)
      conn:close()
      assert.equal(1, conn.goaway.last_stream_id)
    end)
    for _, event in ipairs(server:events()) do assert.not_equal("/new", event.path) end
  end)

  it("by loss lists the causes, in each stream's error", function()
    local hostile = support.hostile { case = "reset-before-headers" }
    support.run(function()
      local conn = assert(support.connect(hostile.url, { tls = { ca_file = hostile.ca } }))
      local reason, err = assert(conn:open { url = path_of(hostile.url) }):closed()
      assert.equal("connection_lost", reason)
      assert.equal("maybe", err.processed)
      assert.is_true(#err.errors >= 1)
      assert.equal("connection_lost", err.errors[1].reason)
      assert.truthy(err.errors[1].message:find("reset", 1, true), err.errors[1].message)
      assert.equal("connection_lost", conn.closed.reason)
      assert.equal("inactive", select(2, conn:request { url = "/" }).reason)
    end)
  end)

  it("by idle_timeout is GOAWAY PROTOCOL_ERROR with open streams, NO_ERROR without", function()
    support.run(function()
      local conn = assert(support.connect(server.url, { idle_timeout = 2 }))
      local reason, err = hold(conn, "/idle"):closed()
      assert.equal("timeout", reason)
      assert.equal("idle", err.phase)
      assert.equal("maybe", err.processed)
      assert.equal("timeout", conn.closed.reason)
      assert.equal(1, server:wait_events(is "goaway", 1)[1].code)
      conn = assert(support.connect(server.url, { idle_timeout = 2 }))
      support.wait(function() return conn.closed end, 20)
      assert.equal("inactive", conn.closed.reason)
      assert.equal(0, server:wait_events(is "goaway", 2)[2].code)
    end)
  end)

  it("by PUSH_PROMISE, which was switched off, is the peer's fault", function()
    local hostile = support.hostile { case = "push-promise" }
    support.run(function()
      local conn = assert(support.connect(hostile.url, { tls = { ca_file = hostile.ca } }))
      local err = select(2, conn:request { url = path_of(hostile.url) })
      assert.equal("protocol_error", err.reason)
      assert.equal("protocol_error", conn.closed.reason)
      local last = hostile:ends(1)[1]
      assert.equal(0, last.client_settings.ENABLE_PUSH)
      assert.equal("PROTOCOL_ERROR", last.client_goaway)
    end)
  end)
end)

describe("streams of a connection", function()
  with_server()

  it("wait for a slot, first in first out", function()
    support.run(function()
      local conn = assert(support.connect(server.url, { max_streams = 1 }))
      local first = hold(conn, "/1")
      local waiting = {}
      for i = 2, 5 do waiting[i] = assert(conn:open { url = "/" .. i }) end
      waiting[3]:cancel()
      assert.equal("cancelled", (waiting[3]:closed()))
      first:cancel()
      for _, i in ipairs { 2, 4, 5 } do
        server:wait_events(requested("/" .. i))
        waiting[i]:cancel()
      end
      waiting[5]:closed()
    end)
    local paths = {}
    for _, event in ipairs(server:events()) do
      if event.event == "request" then paths[#paths + 1] = event.path end
    end
    assert.same({ "/1", "/2", "/4", "/5" }, paths)
  end)

  it("wait under timeout, in phase queue, where the peer grants none", function()
    local none = support.node { settings = { maxConcurrentStreams = 0 } }
    support.run(function()
      local conn = assert(support.connect(none.url))
      local err = select(2, conn:request { url = "/size?n=1", timeout = 0.2 })
      assert.equal("timeout", err.reason)
      assert.equal("queue", err.phase)
      assert.equal("no", err.processed)
    end)
    for _, event in ipairs(none:events()) do assert.not_equal("request", event.event) end
  end)

  it("fail alone when a response breaks the rules, and when the peer resets one", function()
    local hostile = support.hostile { case = "length-too-long" }
    support.run(function()
      local conn = assert(support.connect(hostile.url, { tls = { ca_file = hostile.ca } }))
      for case, reason in pairs { ["length-too-long"] = "protocol_error", ["length-too-short"] = "protocol_error",
        ["rst-mid-body-internal-error"] = "reset", ["field-name-uppercase"] = "protocol_error" } do
        local other = assert(conn:open { url = "/case/slow-body" })
        local err = select(2, conn:request { url = "/case/" .. case })
        assert.equal(reason, err.reason, case)
        if reason == "reset" then assert.equal("INTERNAL_ERROR", err.code) end
        assert.is_nil(conn.closed)
        other:cancel()
        assert.equal("cancelled", (other:closed()))
        assert.equal(200, assert(conn:request { url = "/ok" }).status)
      end
      conn:close()
      assert.same({}, hostile:ends(1)[1].violations)
    end)
  end)

  it("reset with the code that is asked for", function()
    support.run(function()
      local conn = assert(support.connect(server.url))
      local codes = { { nil, 8, "CANCEL" }, { "REFUSED_STREAM", 7, "REFUSED_STREAM" }, { 11, 11, "ENHANCE_YOUR_CALM" } }
      for i, case in ipairs(codes) do
        local path = "/reset" .. i
        local stream = hold(conn, path)
        stream:reset(case[1])
        local reason, err = stream:closed()
        assert.equal("reset", reason)
        assert.equal(case[3], err.code)
        assert.equal("maybe", err.processed) -- our own refusal says nothing of what the server did
        assert.equal(case[3], stream.error_code)
        local closed = server:wait_events(function(event)
          return event.event == "stream_close" and event.path == path
        end)
        assert.equal(case[2], closed[1].code)
        stream:reset() -- once more does nothing
        assert.equal("reset", stream.close_reason)
      end
      assert.has_error(function() hold(conn, "/bad"):reset "NONSENSE" end)
      assert.equal(200, assert(conn:request { url = "/seen" }).status)
    end)
  end)
end)
