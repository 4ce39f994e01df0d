-- Coalescing: hosts on one address under one certificate share a connection.
local rill = require "rill"
local support = require "support"

-- Answers with the host; /misdirected... is 421 for every host but the first that was seen; /hold waits for /release.
local SOURCE = [[
const held = [];
const sockets = [];
let first = null;
server.on('secureConnection', (socket) => sockets.push(socket));
server.on('session', (session) => session.on('error', () => {}));
server.on('stream', (stream, headers) => {
  const host = headers[':authority'].replace(/:.*/, ''), path = headers[':path'];
  first = first || host;
  log({ event: 'request', host, path });
  stream.on('error', () => {});
  const answer = () => { if (!stream.destroyed) { stream.respond({ ':status': 200 }); stream.end(host); } };
  if (path === '/release') { for (const each of held.splice(0)) each(); return answer(); }
  if (path.startsWith('/hold')) return held.push(answer);
  if (path.startsWith('/break')) return sockets.shift().destroy();
  if (path.startsWith('/misdirected') && host !== first) {
    first = host;
    stream.respond({ ':status': 421 });
    return stream.end('elsewhere');
  }
  answer();
});
]]

describe("the option coalesce", function()
  local server

  before_each(function()
    support.begin()
    server = support.node { source = SOURCE }
  end)
  after_each(support.check_clean)

  local function url(host, path)
    return ("https://%s.test:%d%s"):format(host, server.port, path or "/")
  end

  local function client(options)
    local all = { coalesce = true, resolve = {} }
    for _, host in ipairs { "a", "b", "c", "www", "other" } do
      all.resolve[("%s.test:%d"):format(host, server.port)] = "127.0.0.1:" .. server.port
    end
    for name, value in pairs(options or {}) do all[name] = value end
    return support.client(all)
  end

  local function get(c, host, path, options)
    local res, err = c:get(url(host, path), options)
    assert(res, tostring(err))
    assert.equal(200, res.status)
    assert.equal(host .. ".test", res.body)
    return res
  end

  local function seen(count)
    return server:wait_events(function(event) return event.event == "request" end, count)
  end

  it("has hosts of one address and one certificate share a connection", function()
    local c = client()
    support.run(function()
      local first, second = get(c, "a"), get(c, "b")
      get(c, "c")
      assert.equal(1, c:stats().connections_opened)
      assert.equal(1, c:stats().handshakes)
      assert.equal(1, c:stats().connections)
      assert.equal(3, c:stats().attempts)
      assert.equal("h2", second.protocol)
      assert.equal(first.ip_address, second.ip_address)
      assert.equal(first.certificate.sha256, second.certificate.sha256)
      assert.equal(url "b", second.url)
      c:close()
    end)
    assert.equal(1, #server:wait_events(function(event) return event.event == "session" end))
  end)

  it("is off by default", function()
    local c = client { coalesce = false }
    support.run(function()
      get(c, "a")
      get(c, "b")
      assert.equal(2, c:stats().connections_opened)
    end)
  end)

  it("shares nothing that the certificate does not cover", function()
    server:stop()
    server = support.node { source = SOURCE, certificate = support.ca():sign("one", "DNS:a.test") }
    local c = client()
    support.run(function()
      get(c, "a")
      local _, err = c:get(url "b")
      assert.equal("connect_failed", err.reason)
      assert.equal("tls", err.kind)
      local loose = client { tls = { verify = false }, on_warning = function() end }
      get(loose, "a")
      get(loose, "b")
      assert.equal(2, loose:stats().connections_opened)
    end)
  end)

  it("shares nothing on another address, from another address or over HTTP/1.1", function()
    local other = support.node { source = SOURCE }
    local c = client { resolve = { ["a.test:443"] = "127.0.0.1:" .. server.port,
      ["b.test:443"] = "127.0.0.1:" .. other.port, ["c.test:443"] = "127.0.0.1:" .. server.port } }
    support.run(function()
      assert(c:get "https://a.test/")
      assert(c:get "https://b.test/")
      assert.equal(2, c:stats().connections_opened)
      assert(c:get("https://c.test/", { bind_address = "127.0.0.1" }))
      assert.equal(3, c:stats().connections_opened)
    end)
    local nginx = support.nginx { http2 = false, files = { x = "x" } }
    local old = client { resolve = { ["a.test:443"] = "127.0.0.1:" .. nginx.port,
      ["b.test:443"] = "127.0.0.1:" .. nginx.port } }
    support.run(function()
      assert(old:get "https://a.test/x")
      assert(old:get "https://b.test/x")
      assert.equal(2, old:stats().connections_opened)
    end)
  end)

  it("sends a request again on a connection of its own after a 421, and remembers that", function()
    local c = client()
    support.run(function()
      get(c, "a", "/misdirected")
      local res = get(c, "b", "/misdirected")
      assert.equal(2, res.attempts)
      assert.equal(2, c:stats().connections_opened)
      assert.equal(3, #seen(3))
      get(c, "b", "/next")
      assert.equal(1, get(c, "b", "/again").attempts)
      get(c, "c", "/next") -- others still share
      assert.equal(2, c:stats().connections_opened)
    end)
  end)

  it("does so for bodies that can be sent again, and for hooks that see no 421", function()
    local c, heads = client(), {}
    support.run(function()
      get(c, "a", "/misdirected")
      local res = assert(c:post(url("b", "/misdirected"), "text", { on_headers = function(head)
        heads[#heads + 1] = head.status
      end }))
      assert.equal(200, res.status)
      assert.same({ 200 }, heads)
      assert.equal(2, res.attempts)
      assert.equal(2, c:stats().connections_opened)
    end)
  end)

  it("gives a 421 as it is to whoever repeats nothing, and remembers it", function()
    local c = client()
    support.run(function()
      get(c, "a", "/misdirected")
      local stream = assert(c:open { url = url("b", "/misdirected") })
      local res = assert(stream:response())
      assert.equal(421, res.status)
      assert.equal("elsewhere", res.body)
      assert.equal(1, c:stats().connections_opened)
      get(c, "b", "/next")
      assert.equal(2, c:stats().connections_opened)
    end)
  end)

  it("has guests wait for streams of the shared connection", function()
    local c, other = client { max_streams = 2 }, support.client()
    support.run(function()
      get(c, "a")
      get(c, "b")
      local tasks = {}
      for i = 1, 6 do
        local host = i % 2 == 0 and "a" or "b"
        tasks[i] = rill.spawn(function() return get(c, host, "/hold?" .. i) end)
      end
      for round = 1, 3 do
        seen(2 + 2 * round + (round - 1))
        assert.equal(2, c:stats().streams)
        assert.equal(200, assert(other:get(server.url .. "/release")).status)
      end
      for _, task in ipairs(tasks) do assert(task:join()) end
      assert.equal(1, c:stats().connections_opened)
    end)
  end)

  it("has guests dial for themselves when the shared connection goes", function()
    local c = client()
    support.run(function()
      get(c, "a")
      get(c, "b")
      local waits = rill.spawn(function() return c:post(url("b", "/hold"), "text") end)
      seen(3)
      local _, err = c:post(url("a", "/break"), "text")
      assert.equal("connection_lost", err.reason)
      assert.equal("connection_lost", select(2, waits:join()).reason)
      get(c, "b")
      assert.equal(2, c:stats().connections_opened)
      get(c, "a") -- a guest now
      assert.equal(2, c:stats().connections_opened)
      local lost = rill.spawn(function() return get(c, "b", "/held") end)
      assert(lost:join())
    end)
  end)

  it("says whose stream has broken the shared connection", function()
    server:stop()
    server = support.hostile { case = "data-before-head", extra = support.here .. "/cases/neighbours.py" }
    local c = support.client { coalesce = true, tls = { ca_file = server.ca }, retry_idempotent = false }
    support.run(function()
      local tasks = {}
      for i = 1, 7 do tasks[i] = rill.spawn(function() return c:get(server.url) end) end
      support.wait(function() return c:stats().streams == 7 end, 20)
      local guest = server.url:gsub("localhost", "127.0.0.1") .. "?bad"
      local _, err = c:get(guest)
      assert.equal("protocol_error", err.reason)
      for _, task in ipairs(tasks) do
        local res, lost = task:join()
        assert.is_nil(res)
        assert.equal("connection_lost", lost.reason)
        assert.equal("protocol_error", lost.errors[1].reason)
        assert.matches(guest, lost.message, 1, true)
      end
      assert.equal(1, c:stats().connections_opened)
    end)
  end)

  it("cancels what guests have sent when a stream or the client is closed", function()
    local c = client()
    support.run(function()
      get(c, "a")
      local stream = assert(c:open { url = url("b", "/hold") })
      seen(2)
      stream:cancel()
      assert.equal("cancelled", (stream:closed()))
      get(c, "b")
      local held = rill.spawn(function() return c:get(url("b", "/hold")) end)
      seen(4)
      c:close()
      assert.equal("cancelled", select(2, held:join()).reason)
    end)
  end)
end)
