-- When an HTTP/1.1 connection is used again, and how many there are.
local ca = require "support.ca"
local port = require "support.port"
local servers = require "support.server"
local support = require "support"
local rill = require "rill"

local OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"

local ANSWERS = {
  ["/"] = OK .. "\r\nok",
  ["/close"] = OK .. "Connection: x, Close\r\n\r\nok",
  ["/1.0"] = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
  ["/1.0-kept"] = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nConnection: Keep-Alive\r\n\r\nok",
  ["/last"] = OK .. "keep-alive: timeout=5, max=0\r\n\r\nok",
  ["/soon"] = OK .. "keep-alive: timeout=1\r\n\r\nok",
  ["/stale"] = { OK .. "\r\nok", silent = { 2 } },
  ["/silent"] = { OK .. "\r\nok", silent = { 1 } },
  ["/then-408"] = { OK .. "\r\nok", "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n" },
}

describe("an HTTP/1.1 connection", function()
  local server, client

  before_each(function()
    support.begin()
    server = support.http1(ANSWERS)
    client = support.client()
  end)
  after_each(support.check_clean)

  local function requests()
    local list = {}
    for _, event in ipairs(server:events()) do
      if event.event == "request" then list[#list + 1] = event end
    end
    return list
  end

  for path, opened in pairs { ["/"] = 1, ["/close"] = 3, ["/1.0"] = 3, ["/1.0-kept"] = 1, ["/last"] = 3 } do
    it(("carries three requests to %s as %d"):format(path, opened), function()
      support.run(function()
        for _ = 1, 3 do assert.equal("ok", assert(client:get(server.url .. path)).body) end
      end)
      assert.equal(opened, client:stats().connections_opened)
    end)
  end

  it("closes a second before the peer would", function()
    support.run(function()
      assert(client:get(server.url .. "/soon"))
      support.wait(function() return client:stats().connections == 0 end, 10, "the connection to close")
    end)
  end)

  it("carries one request at a time, and there are six at most", function()
    support.run(function()
      local tasks = {}
      for i = 1, 30 do tasks[i] = rill.spawn(function() return assert(client:get(server.url .. "/")) end) end
      for i = 1, 30 do assert.equal("ok", tasks[i]:join().body) end
    end)
    assert.equal(6, client:stats().connections_opened)
    assert.equal(30, #requests())
  end)

  it("has as many beside it as an option says", function()
    local narrow = support.client { max_connections_per_origin = 2 }
    support.run(function()
      local tasks = {}
      for i = 1, 10 do tasks[i] = rill.spawn(function() return assert(narrow:get(server.url .. "/")) end) end
      for i = 1, 10 do tasks[i]:join() end
    end)
    assert.equal(2, narrow:stats().connections_opened)
  end)

  it("that ended without a word is replaced at once, and that does not count", function()
    support.run(function()
      assert(client:get(server.url .. "/"))
      local res = assert(client:get(server.url .. "/stale", { retries = 0 }))
      assert.equal(2, res.attempts)
      assert.equal(2, client:stats().connections_opened)
    end)
  end)

  it("that ended without a word is not tried again with POST", function()
    support.run(function()
      assert(client:get(server.url .. "/"))
      local res, err = client:post(server.url .. "/stale", "text")
      assert.is_nil(res)
      assert.equal("connection_lost", err.reason)
      assert.equal("maybe", err.processed)
      assert.equal(1, err.attempts)
    end)
  end)

  it("that ended without a word is tried again with what may be repeated as GET may", function()
    support.run(function()
      assert(client:get(server.url .. "/"))
      local res = assert(client:post(server.url .. "/stale", "text", { idempotent = true, retries = 0 }))
      assert.equal(2, res.attempts)
      local err = select(2, client:get(server.url .. "/stale", { idempotent = false }))
      assert.equal("connection_lost", err.reason)
      assert.equal(1, err.attempts)
    end)
  end)

  it("that was new counts, as ever", function()
    support.run(function()
      local res, err = client:get(server.url .. "/silent", { retries = 0 })
      assert.is_nil(res)
      assert.equal("connection_lost", err.reason)
      assert.equal("maybe", err.processed)
      assert.equal(1, err.attempts)
    end)
  end)

  it("on which something has come unasked is not used again", function()
    support.run(function()
      for i = 1, 3 do
        assert.equal(200, assert(client:get(server.url .. "/then-408")).status)
        server:wait_events(function(event) return event.event == "answered" end, i)
      end
    end)
    assert.equal(3, client:stats().connections_opened)
  end)

  it("is closed when its request is cancelled", function()
    local held = support.http1 { ["/"] = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello" }
    support.run(function()
      local stream = assert(client:open { url = held.url .. "/" })
      assert.equal("hello", stream:read(5))
      assert.equal(1, stream.id)
      stream:cancel()
      support.wait(function() return client:stats().connections == 0 end, 10, "the connection to close")
    end)
  end)

  it("of one's own has no PING, counts its streams, and drains", function()
    support.run(function()
      local conn = assert(support.connect(server.url))
      assert.equal("http/1.1", conn.protocol)
      local rtt, err = conn:ping()
      assert.is_nil(rtt)
      assert.equal("error", err.reason)
      for id = 1, 3 do
        local stream = assert(conn:open { url = "/" })
        local body = {}
        for chunk in function() return stream:read(100) end do body[#body + 1] = chunk end
        assert.equal("ok", table.concat(body))
        assert.equal(id, stream.id)
      end
      assert.is_nil(conn.goaway)
      conn:drain()
      assert.equal("inactive", select(2, conn:request { url = "/" }).reason)
      conn:close()
    end)
  end)
end)

describe("a server that wants a certificate, over TLS 1.3", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("refuses the connection, and that is told", function()
    local server = support.http1(ANSWERS, { tls = true, asks = true })
    local client = support.client { tls = { ca_file = server.ca, min_version = "1.3" } }
    support.run(function()
      local res, err = client:get(server.url .. "/")
      assert.is_nil(res)
      assert.equal("connect_failed", err.reason, tostring(err))
      assert.equal("tls", err.kind)
      assert.equal(1, err.attempts)
    end)
  end)
end)

describe("a server's protocol", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for name, case in pairs {
    ["http/1.1, which it chooses"] = { alpn = { "http/1.1" }, chosen = "http/1.1" },
    ["http/1.1, where it says nothing"] = { chosen = "" },
  } do
    it("is " .. name, function()
      local server = support.http1(ANSWERS, { tls = true, alpn = case.alpn })
      local client = support.client { tls = { ca_file = server.ca } }
      support.run(function() assert.equal("http/1.1", assert(client:get(server.url .. "/")).protocol) end)
      assert.equal(case.chosen, server:wait_events(function(event) return event.event == "tls" end)[1].alpn)
    end)
  end

  it("is what alone is offered", function()
    local server = support.node { http1 = true }
    local client = support.client { protocols = { "http/1.1" }, tls = { ca_file = server.ca } }
    support.run(function() assert.equal("http/1.1", assert(client:get(server.url .. "/echo")).protocol) end)
  end)

  it("is none that is offered: the handshake is refused", function()
    local number, given = port.free(), ca.get()
    local refuses = servers.start("openssl", { "openssl", "s_server", "-accept", "127.0.0.1:" .. number, "-quiet",
      "-alpn", "h2", "-key", given.key, "-cert", given.leaf })
    port.wait(number, refuses.process)
    local client = support.client { protocols = { "http/1.1" }, tls = { ca_file = given.file } }
    support.run(function()
      assert.equal("alpn", select(2, client:get(("https://localhost:%d/"):format(number))).kind)
    end)
    refuses:stop()
  end)

  it("is HTTP/2 where both are spoken", function()
    local server = support.nginx()
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function() assert.equal("h2", assert(client:get(server.url .. "/")).protocol) end)
  end)

  it("is HTTP/1.1 once HTTP/2 was answered with HTTP_1_1_REQUIRED", function()
    local server = support.node { both = true, source = [[
      server.on("stream", (stream) => {
        log({ event: "asked" });
        stream.close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED);
      });
      server.on("request", (request, response) => {
        if (request.httpVersionMajor === 1) response.end("old");
      });
    ]] }
    local client = support.client { tls = { ca_file = server.ca }, retries = 0 }
    support.run(function()
      for _ = 1, 3 do
        local res = assert(client:post(server.url .. "/", "text"))
        assert.equal("old", res.body)
        assert.equal("http/1.1", res.protocol)
      end
    end)
    assert.equal(1, #server:wait_events(function(event) return event.event == "asked" end))
  end)

  it("is nothing when HTTP_1_1_REQUIRED is all it says", function()
    local server = support.node { source = [[
      server.on("stream", (stream) => stream.close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED));
    ]] }
    local client = support.client { tls = { ca_file = server.ca }, retries = 0 }
    support.run(function()
      local res, err = client:post(server.url .. "/", "text")
      assert.is_nil(res)
      assert.equal("reset", err.reason, tostring(err))
      assert.equal("HTTP_1_1_REQUIRED", err.code)
      assert.equal("no", err.processed)
    end)
  end)

  it("is HTTP/1.1 once a GOAWAY with HTTP_1_1_REQUIRED has excluded a request", function()
    local server = support.node { both = true, source = [[
      server.on("stream", (stream) => {
        log({ event: "asked" });
        if (stream.id === 1) { stream.respond({ ":status": 200 }); return stream.end("new"); }
        stream.session.goaway(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED, 1);
      });
      server.on("request", (request, response) => {
        if (request.httpVersionMajor === 1) response.end("old");
      });
    ]] }
    local client = support.client { tls = { ca_file = server.ca }, retries = 0 }
    support.run(function()
      assert.equal("new", assert(client:get(server.url .. "/")).body)
      for _ = 1, 2 do
        local res = assert(client:post(server.url .. "/", "text"))
        assert.equal("old", res.body)
        assert.equal("http/1.1", res.protocol)
      end
    end)
    assert.equal(2, #server:wait_events(function(event) return event.event == "asked" end, 2))
  end)

  it("is no server that speaks first: one dial, and what it has said", function()
    local server = support.node { raw = true, source = [[
      server.on("connection", (socket) => {
        log({ event: "in" });
        socket.on("error", () => {});
        socket.write("220 mail.example ESMTP ready" + "x".repeat(100) + "\r\n");
      });
    ]] }
    local client = support.client()
    support.run(function()
      for i = 1, 10 do
        local res, err = client:get(server.url .. "/" .. i)
        assert.is_nil(res)
        -- it may have been asked before it spoke
        local first = err.reason == "connect_failed" and err.kind == "preface" and err.message:find("220 mail", 1, true)
        assert(first or err.reason == "protocol_error", tostring(err))
        assert.is_nil(err.message:find(("x"):rep(21), 1, true)) -- 48 bytes are shown
        assert.equal(1, err.attempts)
      end
    end)
    assert.equal(10, #server:wait_events(function(event) return event.event == "in" end, 10))
  end)

  it("has a request that is cancelled before it is sent be one that was not processed", function()
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = support.refused() })
      stream:cancel()
      local reason, err = stream:closed()
      assert.equal("cancelled", reason)
      assert.equal("no", err.processed)
      assert.is_true(err.retry_safe)
    end)
  end)
end)
