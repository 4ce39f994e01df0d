-- on_event: what is told of connections and requests, in order.
local rill = require "rill"
local support = require "support"

local FIELDS = {
  dial = { "address" },
  connected = { "protocol", "address", "resumed", "dns", "connect", "tls" },
  failed = { "error" },
  closed = { "streams" },
  goaway = { "code", "last_stream_id" },
  request = { "method", "url" },
  sent = { "stream", "attempt", "url", "connection" },
  head = { "stream", "status", "url", "connection" },
  done = { "close_reason", "bytes_received", "timings", "url" },
  retry = { "error", "delay", "url" },
  redirect = { "status", "location", "url" },
  warning = { "message" },
  dropped = { "count" },
}
local OF_CONNECTIONS = { dial = true, connected = true, failed = true, closed = true, goaway = true }

local function recorder()
  local events = {}
  return events, function(event) events[#events + 1] = event end
end

local function types_of(events, only)
  local list = {}
  for _, event in ipairs(events) do
    if not only or only[event.type] then list[#list + 1] = event.type end
  end
  return table.concat(list, " ")
end

local function of(events, type)
  local list = {}
  for _, event in ipairs(events) do
    if event.type == type then list[#list + 1] = event end
  end
  return list
end

-- Order, and that each has its fields.
local function check(events)
  local last = 0
  for _, event in ipairs(events) do
    assert.is_true(event.time >= last and event.time <= rill.now(), event.type)
    last = event.time
    assert.equal("number", type(event.client))
    if OF_CONNECTIONS[event.type] then assert.equal("number", type(event.connection)) end
    for _, name in ipairs(FIELDS[event.type]) do assert.is_not_nil(event[name], event.type .. " " .. name) end
  end
end

describe("on_event", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("is called with what happens to a connection and a request, in order", function()
    local events, hook = recorder()
    local client = support.client { on_event = hook }
    local res = support.run(function() return assert(client:post(server.url .. "/a?b", "four")) end)
    check(events)
    assert.equal("request dial connected sent head done", types_of(events))
    local request, dial, connected, sent, head, done = unpack(events)
    assert.same({ "POST", server.url .. "/a?b" }, { request.method, request.url })
    assert.equal("localhost:" .. server.port, dial.address)
    assert.same({ "h2", "127.0.0.1:" .. server.port, false },
      { connected.protocol, connected.address:gsub("%[::1%]", "127.0.0.1"), connected.resumed })
    assert.is_true(connected.tls > 0 and connected.connect >= 0 and connected.dns >= 0)
    assert.same({ 1, 1, dial.connection }, { sent.stream, sent.attempt, sent.connection })
    assert.equal(res.status, head.status)
    assert.same({ "ended", res.status, res.bytes_received, 1 },
      { done.close_reason, done.status, done.bytes_received, done.stream })
    assert.same(res.timings, done.timings)
    for _, event in ipairs(events) do assert.equal(request.client, event.client) end
    assert.is_nil(dial.url)
    assert.is_nil(request.connection)
  end)

  it("shows a refused dial, its repeats, and how the call ends", function()
    local events, hook = recorder()
    local client = support.client { on_event = hook, retries = 1 }
    local err = support.run(function() return select(2, client:get(support.refused() .. "/")) end)
    check(events)
    assert.equal("request dial failed retry dial failed done", types_of(events))
    local failed, retry, done = of(events, "failed")[1], of(events, "retry")[1], of(events, "done")[1]
    assert.same({ "connect_failed", "tcp" }, { failed.error.reason, failed.error.kind })
    assert.equal("tcp", retry.error.kind)
    assert.is_true(retry.delay > 0 and retry.delay <= 10)
    assert.same({ "connect_failed", nil }, { done.close_reason, done.status })
    assert.equal(err.message, done.error.message)
    assert.not_equal(of(events, "dial")[1].connection, of(events, "dial")[2].connection)
  end)

  it("shows repeats of streams that were refused, and GOAWAY", function()
    local failing = support.node { script = "failing.js" }
    local events, hook = recorder()
    local client = support.client { on_event = hook }
    support.run(function()
      assert(client:get(failing.url .. "/fail?with=refuse&serial=1"))
      assert(client:get(failing.url .. "/fail?with=goaway:0&serial=2"))
    end)
    check(events)
    assert.equal("request sent sent head done request sent sent head done",
      types_of(events, { request = true, sent = true, head = true, done = true }))
    local retries = of(events, "retry")
    assert.same({ "reset", "REFUSED_STREAM" }, { retries[1].error.reason, retries[1].error.code })
    assert.same({ "goaway", 0 }, { retries[2].error.reason, retries[2].delay })
    assert.equal("NO_ERROR", of(events, "goaway")[1].code)
    local closed = of(events, "closed")[1]
    assert.equal(of(events, "goaway")[1].connection, closed.connection)
    assert.is_true(closed.streams >= 3)
    assert.same({ 1, 2 }, { of(events, "sent")[1].attempt, of(events, "sent")[2].attempt })
    failing:stop()
  end)

  it("shows redirects between the requests that they lead to", function()
    local redirecting = support.http1 {
      ["/a"] = "HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n",
      ["/b"] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    }
    local events, hook = recorder()
    local client = support.client { on_event = hook }
    support.run(function() assert(client:get(redirecting.url .. "/a")) end)
    check(events)
    assert.equal("request dial connected sent head done redirect request sent head done", types_of(events))
    local redirect = of(events, "redirect")[1]
    assert.same({ 302, "/b", redirecting.url .. "/a" }, { redirect.status, redirect.location, redirect.url })
    assert.equal("http/1.1", of(events, "connected")[1].protocol)
    assert.equal(2, of(events, "sent")[2].stream)
    assert.equal(redirecting.url .. "/b", of(events, "request")[2].url)
    redirecting:stop()
  end)

  it("shows a connection through a proxy, one of one's own, and warnings", function()
    local proxy = require("support.proxy").start()
    local events, hook = recorder()
    support.run(function()
      local client = support.client { on_event = hook, proxy = proxy.url, warnsize = 1, on_warning = function() end }
      assert(client:get(server.url .. "/"))
      local conn = support.connect(server.url, { on_event = hook })
      assert(conn:request { url = "/" })
      conn:ping()
    end)
    assert.equal("request dial connected sent head done",
      types_of(events, { request = true, dial = true, connected = true, sent = true, head = true, done = true })
        :match "^(.-done)")
    assert.equal(2, #of(events, "connected"))
    assert.matches("warnsize", of(events, "warning")[1].message)
    assert.is_true(of(events, "dial")[2].connection > of(events, "dial")[1].connection)
    assert.not_equal(of(events, "dial")[1].client, of(events, "dial")[2].client)
    proxy:stop()
  end)

  it("shows each request once, and its end, whatever becomes of it", function()
    local events, hook = recorder()
    local client = support.client { on_event = hook, max_streams = 2, on_warning = function() end }
    support.run(function()
      local tasks = {}
      for i = 1, 20 do tasks[i] = rill.spawn(client.get, client, server.url .. "/" .. i) end
      client:open({ url = server.url .. "/cancelled" }):cancel()
      rill.spawn(client.get, client, server.url .. "/dropped"):cancel()
      client:get(server.url .. "/late", { timeout = 0.001 })
      for i = 1, 20 do tasks[i]:join() end
      client:open { url = server.url .. "/left" }
      client:close()
    end)
    check(events)
    local asked = {}
    for _, event in ipairs(events) do
      local step = event.type == "request" and 1 or event.type == "done" and -1 or 0
      if event.url then asked[event.url] = (asked[event.url] or 0) + step end
    end
    for address, balance in pairs(asked) do assert.equal(0, balance, address) end
    assert.equal(1, asked[server.url .. "/cancelled"] and 1)
    local reasons = {}
    for _, event in ipairs(of(events, "done")) do reasons[event.url] = event.close_reason end
    assert.equal("cancelled", reasons[server.url .. "/cancelled"])
    assert.equal("ended", reasons[server.url .. "/7"])
  end)

  it("goes on behind a hook that raises or waits: rill.on_error is told", function()
    local told, former, seen, client = {}, rill.on_error, 0, nil
    rill.on_error = function(message, fields) told[#told + 1] = { message, fields.hook } end
    client = support.client { on_event = function(event)
      seen = seen + 1
      if event.type == "request" then error "no thanks" end
      if event.type == "head" then pcall(rill.sleep, 0) end
      if event.type == "sent" then client:get(server.url .. "/again") end
    end }
    support.run(function() assert(client:get(server.url .. "/")) end)
    rill.on_error = former
    assert.equal(6, seen)
    assert.equal(3, #told)
    for _, each in ipairs(told) do
      assert.matches("on_event", each[1])
      assert.equal("on_event", each[2])
    end
    assert.matches("no thanks", told[1][1])
    assert.matches("may not wait", told[2][1])
  end)

  it("may begin a stream", function()
    local begun, client
    client = support.client { on_event = function(event)
      if event.type == "done" and not begun then begun = client:open { url = server.url .. "/more" } end
    end }
    support.run(function()
      assert(client:get(server.url .. "/"))
      assert.equal("ended", begun:closed() and begun.close_reason)
    end)
  end)

  it("is told of what was dropped when 10,000 events wait", function()
    local events, hook = recorder()
    local client = support.client { on_event = hook }
    support.run(function()
      local streams = {}
      for i = 1, 6000 do
        streams[i] = client:open { url = server.url .. "/" .. i }
        streams[i]:cancel() -- a request and its end, and nobody leaves a call in between
      end
      rill.sleep(0)
    end)
    assert.equal("dropped", events[1].type)
    assert.equal(10001, #events)
    assert.is_true(events[1].count >= 2000)
    check(events)
  end)

  it("is refused where it is no function, and for a request", function()
    assert.error_matches(function() rill.client { on_event = true } end, "on_event must be a function")
    local client = support.client()
    assert.error_matches(function() client:get("https://localhost/", { on_event = print }) end, "on_event")
  end)
end)
