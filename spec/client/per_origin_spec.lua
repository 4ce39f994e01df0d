-- Politeness: how many requests of one origin run at a time, how they follow each other, and who has to wait for it.
local dkjson = require "dkjson"
local rill = require "rill"
local script = require "support.script"
local support = require "support"

describe("the option per_origin", function()
  local server, plain, other

  setup(function()
    server = support.node { script = "paced.js", both = true }
    plain = support.node { script = "paced.js", raw = true }
  end)
  teardown(support.stop_all)
  before_each(function()
    support.begin()
    other = support.client()
  end)
  after_each(support.check_clean)

  local used = 0

  -- A host of the server that no other spec has used, and its URL.
  local function host()
    used = used + 1
    return ("h%d.test"):format(used), ("https://h%d.test:%d"):format(used, server.port)
  end

  -- A client that finds `hosts`.
  local function client(options)
    options.resolve, options.tls = {}, { ca_file = server.ca, server_name = "localhost" }
    for i = 1, used + 200 do
      options.resolve[("h%d.test:%d"):format(i, server.port)] = "127.0.0.1:" .. server.port
    end
    return support.client(options)
  end

  local function get(c, url, options)
    return rill.spawn(function() return c:get(url, options) end)
  end

  local function seen(name, count, of)
    local function match(event) return event.event == "request" and event.host == name end
    return (of or server):wait_events(match, count)
  end

  local function release(of)
    assert(other:get((of or server).url .. "/release"))
  end

  local function report()
    return dkjson.decode(assert(other:get(server.url .. "/report")).body)
  end

  -- A request that is made now is held back for longer than the spec waits.
  local function assert_waits(c, url)
    local res, err = c:get(url, { queue_timeout = 0.05 })
    assert.is_nil(res)
    assert.equal("timeout", err.reason)
    assert.equal("queue", err.phase)
    assert.equal("no", err.processed)
    assert.matches("queue_timeout", err.message)
  end

  local function assert_passes(c, url, status)
    local res, err = c:get(url, { queue_timeout = 20 })
    assert(res, tostring(err))
    assert.equal(status or 200, res.status)
    return res
  end

  for name, protocols in pairs { ["HTTP/2"] = { "h2" }, ["HTTP/1.1"] = { "http/1.1" } } do
    describe("over " .. name, function()
      it("has `concurrency` requests of each origin on their way, no more and no less", function()
        local names, urls = {}, {}
        for i = 1, 4 do names[i], urls[i] = host() end
        local c = client { protocols = protocols, per_origin = { concurrency = 3 } }
        support.run(function()
          local tasks = {}
          for i = 1, 28 do tasks[i] = get(c, urls[i % 4 + 1] .. "/hold?" .. i) end
          for round = 1, 2 do
            for _, each in ipairs(names) do seen(each, 3 * round) end
            support.wait(function() return c:stats().pending == 28 - 12 * round end, 20)
            release()
          end
          for _, each in ipairs(names) do seen(each, 7) end
          release()
          for _, task in ipairs(tasks) do assert.equal(200, assert(task:join()).status) end
          local hosts = report()
          for _, each in ipairs(names) do assert.equal(3, hosts[each].most) end
          assert.equal(28, c:stats().attempts)
        end, 60)
      end)

      it("keeps the limits of 100 origins through 10,000 requests", function()
        local names, urls = {}, {}
        for i = 1, 100 do names[i], urls[i] = host() end
        local c = client { protocols = protocols, per_origin = { concurrency = 2, delay = 0.005 } }
        local began
        support.run(function()
          local i = 0
          local function next_url()
            i = i + 1
            if i <= 10000 then return urls[i % 100 + 1] .. "/" .. i end
          end
          began = rill.now()
          for _, res, err in rill.map(next_url, function(url) return c:get(url) end, { concurrency = 10000 }) do
            assert.equal(200, assert(res, tostring(err)).status)
          end
          assert.is_true(rill.now() - began >= 99 * 0.005)
          local hosts = report()
          for _, each in ipairs(names) do
            assert.equal(100, hosts[each].count)
            assert.is_true(hosts[each].most <= 2)
          end
          assert.equal(0, c:stats().pending)
        end, 150)
      end)

      it("lets `delay` pass from start to start, and the first request at once", function()
        local _, url = host()
        local c = client { protocols = protocols, per_origin = { delay = 0.03 } }
        support.run(function()
          assert_passes(c, url .. "/first")
          local began, tasks = rill.now(), {}
          for i = 1, 11 do tasks[i] = get(c, url .. "/" .. i) end
          for _, task in ipairs(tasks) do assert(task:join()) end
          assert.is_true(rill.now() - began >= 10 * 0.03)
        end)
        local slow = client { protocols = protocols, per_origin = { delay = 3600 } }
        local distant, far = host()
        support.run(function()
          assert_passes(slow, far .. "/one")
          assert_waits(slow, far .. "/two")
          assert.equal(1, #seen(distant, 1))
        end)
      end)

      it("holds an origin back for as long as a 429 or 503 asks, and no other", function()
        local _, near = host()
        for _, status in ipairs { 429, 503 } do
          local _, url = host()
          local c = client { protocols = protocols, per_origin = {} }
          support.run(function()
            local res = assert_passes(c, url .. ("/status?n=%d&after=3000"):format(status), status)
            assert.equal("busy", res.body)
            assert.equal("3000", res.headers["retry-after"])
            assert_waits(c, url .. "/next")
            assert_passes(c, near .. "/near")
          end)
        end
      end)
    end)
  end

  it("holds requests back that may go and have not been sent", function()
    local name, url = host()
    local c = client { protocols = { "http/1.1" }, max_connections_per_origin = 1, per_origin = { concurrency = 2 } }
    support.run(function()
      local held = get(c, url .. "/hold")
      seen(name, 1)
      local second = get(c, url .. "/second", { queue_timeout = 0.05 })
      support.wait(function() return c:stats().requests == 2 end, 20)
      -- the head comes while the body is held: the second waits for the connection, then for the pause
      local busy = c:open { url = url .. "/status?n=503&after=3000&slow=1" }
      assert.equal("timeout", select(2, second:join()).reason)
      release()
      assert(held:join())
      assert.equal(503, assert(busy:headers()).status)
      assert_waits(c, url .. "/third")
      busy:cancel()
    end)
  end)

  it("calls a request back that waits for a connection as the pause begins", function()
    local name, url = host()
    local c = client { protocols = { "http/1.1" }, max_connections_per_origin = 1, per_origin = { concurrency = 3 } }
    support.run(function()
      local held = get(c, url .. "/hold")
      seen(name, 1)
      local busy = c:open { url = url .. "/status?n=503&after=3000&slow=1" }
      local third = get(c, url .. "/third", { queue_timeout = 2 })
      support.wait(function() return c:stats().requests == 3 end, 20)
      release()
      assert(held:join())
      assert.equal(503, assert(busy:headers()).status)
      busy:cancel() -- its connection goes, and another one is there for nobody
      assert.equal("timeout", select(2, third:join()).reason)
      assert.equal(2, #seen(name, 2))
    end)
  end)

  it("takes no name that no URL could have", function()
    for _, name in ipairs { ("x"):rep(70000), "https://" .. ("x"):rep(70000) .. ":1" } do
      assert.error_matches(function() rill.client { per_origin = { [name] = { delay = 1 } } } end,
        'per_origin: "[^"]*x%.%.%." is too long')
    end
  end)

  it("takes Retry-After as seconds or as one of HTTP's dates, and no nonsense", function()
    local now = os.time()
    local asks = { "600", os.date("!%a, %d %b %Y %H:%M:%S GMT", now + 600),
      os.date("!%A, %d-%b-%y %H:%M:%S GMT", now + 600), (os.date("!%a %b %d %H:%M:%S %Y", now + 600)),
      "99999999999999999999999999" }
    local nonsense = { "soon", "-5", "0", "1.5", "", "5 s", os.date("!%a, %d %b %Y %H:%M:%S GMT", now - 600),
      "Sun, 99 Foo 2999 99:99:99 GMT", ("9"):rep(70) .. "x", "Sun, 06 Nov 2999", "Sun, 06 Nov 2999 08:49:37 GMT+1" }
    local c = client { per_origin = {} }
    local function busy(value)
      local _, url = host()
      assert_passes(c, url .. "/status?n=503&after=" .. value:gsub("[^%w]", function(x)
        return ("%%%02X"):format(x:byte())
      end), 503)
      return url
    end
    support.run(function()
      for _, value in ipairs(asks) do assert_waits(c, busy(value) .. "/next") end
      for _, value in ipairs(nonsense) do assert_passes(c, busy(value) .. "/next") end
    end)
  end)

  it("leaves no origin alone for more than an hour", function()
    local text = [[
      local url, ca = ...
      local client = rill.client { tls = { ca_file = ca }, per_origin = {} }
      rill.run(function() tell(client:get(url).status) end)
      client:close()
    ]]
    for asked, heeded in pairs { ["3601"] = 3600, [("9"):rep(30)] = 3600, ["3599"] = 3599 } do
      local arguments = { server.url .. "/status?n=503&after=" .. asked, server.ca }
      local child = script.start(text, arguments, { environment = { "RILL_TRACE=pool" } })
      assert.equal(0, child:wait(60), child:output())
      assert.matches(("localhost:%d is left alone for %d.0 s"):format(server.port, heeded), child:output(), 1, true)
    end
  end)

  it("waits for a Retry-After and then goes on", function()
    local _, url = host()
    local c = client { per_origin = {} }
    support.run(function()
      local began = rill.now() -- the pause begins when the head comes, later
      assert_passes(c, url .. "/status?n=429&after=1", 429)
      assert_passes(c, url .. "/next")
      assert.is_true(rill.now() - began >= 1)
    end)
  end)

  it("does not heed a Retry-After of another status, or where retry_after is false", function()
    local _, url = host()
    local c, deaf = client { per_origin = {} }, client { per_origin = { retry_after = false } }
    support.run(function()
      assert_passes(c, url .. "/status?n=200&after=3000")
      assert_passes(c, url .. "/status?n=404&after=3000", 404)
      assert_passes(c, url .. "/next")
      assert_passes(deaf, url .. "/status?n=503&after=3000", 503)
      assert_passes(deaf, url .. "/next")
    end)
  end)

  it("counts redirects and repeats", function()
    local c = client { per_origin = { delay = 3600 } }
    support.run(function()
      for _, path in ipairs { "/to?to=/there", "/refuse" } do
        local name, url = host()
        local res, err = c:get(url .. path, { queue_timeout = 3 }) -- longer than a back-off
        assert.is_nil(res)
        assert.equal("timeout", err.reason)
        assert.equal("queue", err.phase)
        assert.equal(1, #seen(name, 1))
      end
      local name, url = host()
      local _, elsewhere = host()
      assert_passes(c, url .. "/to?to=" .. elsewhere .. "/there") -- another origin has its own delay
      assert.equal(1, #seen(name, 1))
    end)
  end)

  it("stops the clock of `timeout` while a request waits", function()
    local name, url = host()
    local c = client { per_origin = { concurrency = 1 } }
    support.run(function()
      local held = get(c, url .. "/hold")
      seen(name, 1)
      local _, err = c:get(url .. "/next", { timeout = 0.01, queue_timeout = 0.2 })
      assert.matches("queue_timeout", err.message)
      release()
      assert(held:join())
      assert_passes(c, url .. "/next")
    end)
  end)

  it("stops it too while a request that leads elsewhere waits to be repeated", function()
    local function leads_elsewhere()
      local _, url = host()
      local _, elsewhere = host()
      local sent, retry
      local function note(event)
        if event.type == "sent" then sent = sent or event.time end
        if event.type == "retry" then retry = event.time end
      end
      local c = client { per_origin = { concurrency = 9, delay = 2 }, timeout = 3, on_event = note }
      local began = rill.now()
      local _, err = c:get(url .. "/refuse?to=" .. elsewhere .. "/hold")
      assert.equal("timeout", err.reason)
      if err.url ~= elsewhere .. "/hold" then return false end -- the server stood still before
      local waited = sent + 2 - retry -- at least: so much of the delay was left
      assert.is_true(rill.now() - began > 3 + waited - 0.1, tostring(rill.now() - began))
      return true
    end
    support.run(function() support.tries(5, leads_elsewhere, "the second URL") end)
  end)

  it("counts a stream as long as it is open", function()
    local name, url = host()
    local c = client { per_origin = { concurrency = 1 } }
    support.run(function()
      local stream = assert(c:open { url = url .. "/hold" })
      seen(name, 1)
      assert_waits(c, url .. "/next")
      stream:cancel()
      assert_passes(c, url .. "/next")
      local res, err = c:get(url .. "/hold", { timeout = 0.2 })
      assert.is_nil(res)
      assert.equal("timeout", err.reason)
      assert_passes(c, url .. "/next")
    end)
  end)

  it("keeps the order of requests, and lets those be cancelled that wait", function()
    local name, url = host()
    local c = client { per_origin = { concurrency = 1 } }
    support.run(function()
      local tasks, streams = { get(c, url .. "/hold/1") }, {}
      seen(name, 1)
      for i = 2, 5 do streams[i] = assert(c:open { url = url .. "/hold/" .. i }) end
      assert.equal(4, c:stats().pending)
      streams[3]:cancel()
      assert.equal("cancelled", streams[3].close_reason)
      assert.equal(3, c:stats().pending)
      for i = 2, 4 do
        release()
        local last = seen(name, i)[i]
        assert.equal("/hold/" .. (i == 2 and 2 or i + 1), last.path)
      end
      release()
      assert(tasks[1]:join())
      for _, i in ipairs { 2, 4, 5 } do assert.equal(200, assert(streams[i]:response()).status) end
    end)
  end)

  it("ends what waits as inactive when the client is closed", function()
    local name, url = host()
    local c = client { per_origin = { concurrency = 1 } }
    support.run(function()
      local held, waits = get(c, url .. "/hold"), get(c, url .. "/next")
      seen(name, 1)
      c:close()
      assert.equal("cancelled", select(2, held:join()).reason)
      assert.equal("inactive", select(2, waits:join()).reason)
    end)
  end)

  it("has those that wait share a dial that fails", function()
    local url = support.refused()
    local c = client { per_origin = { concurrency = 1, delay = 10 }, retries = 1 }
    support.run(function()
      local tasks = {}
      for i = 1, 50 do tasks[i] = get(c, url .. "/" .. i) end
      for _, task in ipairs(tasks) do
        local res, err = task:join()
        assert.is_nil(res)
        assert.equal("connect_failed", err.reason)
        assert.equal(2, err.attempts)
      end
    end)
  end)

  it("is by URL where a proxy is asked: hosts behind it do not wait for each other", function()
    local c = support.client { proxy = "http://127.0.0.1:" .. plain.port, per_origin = { concurrency = 1 } }
    support.run(function()
      local held = get(c, "http://one.test/hold")
      seen("one.test", 1, plain)
      local waits = get(c, "http://one.test/next")
      assert_passes(c, "http://two.test/next")
      assert.equal(1, c:stats().pending)
      assert(other:get(plain.url .. "/release"))
      assert(held:join())
      assert(waits:join())
      assert.equal(2, #seen("one.test", 2, plain))
    end)
  end)

  it("holds for each way to an origin together", function()
    local name, url = host()
    local c = client { per_origin = { concurrency = 1 } }
    support.run(function()
      local held = get(c, url .. "/hold")
      seen(name, 1)
      local res, err = c:get(url .. "/next", { bind_address = "127.0.0.1", queue_timeout = 0.05 })
      assert.is_nil(res)
      assert.equal("queue", err.phase)
      release()
      assert(held:join())
      assert.equal(200, assert(c:get(url .. "/next", { bind_address = "127.0.0.1" })).status)
    end)
  end)

  it("may be a map from origin or host, where others have no limits", function()
    local host_name, by_host = host()
    local origin_name, by_origin = host()
    local _, free = host()
    local port_name, by_port = host()
    local c = client { per_origin = {
      [host_name:upper()] = { concurrency = 1 },
      [origin_name] = { delay = 0 },
      [by_origin .. "/"] = { delay = 3600 },
      [port_name] = { delay = 3600 },
      [("%s:%d"):format(port_name, server.port)] = { delay = 0 },
      ["http://" .. free:match "//(.*)"] = { delay = 3600 },
    } }
    support.run(function()
      local held = get(c, by_host .. "/hold")
      seen(host_name, 1)
      assert_waits(c, by_host .. "/next")
      assert_passes(c, by_origin .. "/one")
      assert_waits(c, by_origin .. "/two")
      for _ = 1, 2 do
        assert_passes(c, free .. "/next")
        assert_passes(c, by_port .. "/next")
      end
      release()
      assert(held:join())
    end)
  end)

  it("holds for a connection of one's own as well", function()
    local c = assert(support.run(function()
      return support.connect(server.url, { per_origin = { concurrency = 1 } })
    end))
    support.run(function()
      local held, waits = assert(c:open { url = "/hold" }), assert(c:open { url = "/next" })
      support.wait(function() return held.id end, 10)
      assert.equal(1, c.pending)
      assert.is_nil(waits.id)
      seen("localhost", 1)
      release()
      assert.equal(200, assert(held:response()).status)
      assert.equal(200, assert(waits:response()).status)
      held, waits = assert(c:open { url = "/hold" }), assert(c:open { url = "/next" })
      support.wait(function() return held.id end, 10)
      c:drain()
      assert.equal("inactive", (waits:closed()))
      seen("localhost", 3)
      release()
      assert.equal(200, assert(held:response()).status)
    end)
  end)
end)
