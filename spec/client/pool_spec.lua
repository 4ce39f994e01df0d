local support = require "support"
local rill = require "rill"

local function requests(server)
  local count = 0
  for _, event in ipairs(server:events()) do
    if event.event == "request" then count = count + 1 end
  end
  return count
end

local function waits_for(server, count)
  support.wait(function() return requests(server) >= count end, 3, count .. " requests")
end

local function assert_good(res, err)
  assert(res, tostring(err))
  assert.equal(200, res.status)
end

describe("an origin", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("has one connection by default, whose dial is shared", function()
    local server = support.node()
    local client = support.client()
    support.run(function()
      local calls = {}
      for i = 1, 200 do calls[i] = function() return client:get(server.url .. "/slow?ms=10&i=" .. i) end end
      for _, result in ipairs(rill.all(calls)) do assert_good(unpack(result, 1, 2)) end
    end)
    assert.equal(1, client:stats().connections_opened)
    assert.equal(200, client:stats().attempts)
  end)

  it("gets a further connection only when all are at their stream limit", function()
    local server = support.node { settings = { maxConcurrentStreams = 2 } }
    local client, other = support.client { max_connections_per_origin = 3 }, support.client()
    support.run(function()
      local tasks = {}
      for i = 1, 7 do
        tasks[i] = rill.spawn(function() return client:get(server.url .. "/hold?" .. i) end)
        waits_for(server, math.min(i, 6))
        assert.equal(math.min(math.ceil(i / 2), 3), client:stats().connections_opened)
      end
      support.wait(function() return client:stats().pending == 1 end, 20)
      assert.equal(6, client:stats().streams)
      other:get(server.url .. "/release")
      for i = 1, 6 do assert_good(tasks[i]:join()) end
      waits_for(server, 8)
      other:get(server.url .. "/release")
      assert_good(tasks[7]:join())
      assert.equal(3, client:stats().connections_opened)
      assert_good(client:get(server.url .. "/echo"))
      assert.equal(3, client:stats().connections_opened)
    end)
  end)

  it("may have any number of connections where max_connections_per_origin is 0", function()
    local server = support.node { settings = { maxConcurrentStreams = 1 } }
    local client, other = support.client { max_connections_per_origin = 0, max_connections = 4 }, support.client()
    support.run(function()
      local tasks = {}
      for i = 1, 5 do
        tasks[i] = rill.spawn(function() return client:get(server.url .. "/hold?" .. i) end)
        waits_for(server, math.min(i, 4))
      end
      support.wait(function() return client:stats().pending == 1 end, 20)
      assert.equal(4, client:stats().connections)
      other:get(server.url .. "/release")
      waits_for(server, 6)
      other:get(server.url .. "/release")
      for i = 1, 5 do assert_good(tasks[i]:join()) end
    end)
  end)

  it("has a connection that drains replaced, while that finishes what it carries", function()
    local server = support.node { script = "held.js" }
    local client, other = support.client(), support.client()
    support.run(function()
      local held = rill.spawn(function() return client:get(server.url .. "/one") end)
      waits_for(server, 1)
      assert_good(other:get(server.url .. "/goaway?last=1&code=0"))
      support.wait(function()
        assert_good(client:get(server.url .. "/seen"))
        return client:stats().connections_opened == 2
      end, 3)
      assert_good(other:get(server.url .. "/release"))
      local res, err = held:join()
      assert_good(res, err)
      assert.equal(1, res.attempts)
    end)
  end)

  it("has a connection that was lost while idle replaced", function()
    local server = support.hostile { case = "close-while-idle" }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      for i = 1, 3 do
        local res, err = client:post(server.url .. "?" .. i, "text") -- would not be repeated, had it been sent
        assert_good(res, err)
        assert.equal(1, res.attempts)
        server:ends(i)
      end
    end)
    assert.equal(3, client:stats().connections_opened)
  end)

  it("keeps what was not sent when its connection is lost", function()
    local server = support.node { script = "held.js", settings = { maxConcurrentStreams = 1 } }
    local client, other = support.client(), support.client()
    support.run(function()
      local held = rill.spawn(function() return client:post(server.url .. "/one", "text") end)
      waits_for(server, 1)
      local tasks = {}
      for i = 1, 5 do tasks[i] = rill.spawn(function() return client:post(server.url .. "/seen/" .. i, "text") end) end
      support.wait(function() return client:stats().pending == 5 end, 20)
      assert_good(other:get(server.url .. "/destroy"))
      assert.equal("connection_lost", select(2, held:join()).reason)
      other:get(server.url .. "/release")
      waits_for(server, 4)
      for _, task in ipairs(tasks) do
        support.wait(function()
          other:get(server.url .. "/release")
          return client:stats().pending + client:stats().streams == 0
        end, 3)
        local res, err = task:join()
        assert_good(res, err)
        assert.equal(1, res.attempts)
      end
    end)
    assert.equal(2, client:stats().connections_opened)
  end)
end)

describe("max_connections", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("has the longest idle connection closed for a new one", function()
    local server = support.node()
    local url = {}
    for _, name in ipairs { "a", "b", "c" } do url[name] = ("https://%s.test:%d/echo"):format(name, server.port) end
    local resolve = {}
    for name in pairs(url) do resolve[("%s.test:%d"):format(name, server.port)] = "127.0.0.1" end
    local client = support.client { max_connections = 2, resolve = resolve }
    support.run(function()
      for _, name in ipairs { "a", "b", "a", "c" } do assert_good(client:get(url[name])) end
      assert.equal(2, client:stats().connections)
      assert.equal(3, client:stats().connections_opened)
      assert_good(client:get(url.a))
      assert.equal(3, client:stats().connections_opened, "a was used after b: b went")
      assert_good(client:get(url.b))
      assert.equal(4, client:stats().connections_opened)
    end)
  end)

  it("holds for 1,000 origins", function()
    local ORIGINS, MOST = 1000, 100
    local server = support.nghttpd { files = { page = "here" } }
    local urls, resolve = {}, {}
    for i = 1, ORIGINS do
      local authority = ("h%d.test:%d"):format(i, server.port)
      urls[i], resolve[authority] = "https://" .. authority .. "/page", "127.0.0.1"
    end
    local client = support.client {
      max_connections = MOST, resolve = resolve, tls = { ca_file = server.ca, server_name = "localhost" },
    }
    local most, good = 0, 0
    support.run(function()
      for _, res, err in rill.map(urls, function(url) return client:get(url) end, { concurrency = 300 }) do
        assert_good(res, err)
        good = good + 1
        most = math.max(most, client:stats().connections)
      end
    end, 30)
    assert.equal(ORIGINS, good)
    assert.is_true(most <= MOST and most > MOST / 2, most .. " connections")
    assert.equal(ORIGINS, client:stats().connections_opened)
    assert.is_true(client:stats().connections <= MOST)
  end)
end)

describe("a wait", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for _, what in ipairs { "for a slot", "for the end of back-off" } do
    it("costs nothing while it lasts: " .. what, function()
      local server = support.node { settings = { maxConcurrentStreams = 1 } }
      local client = support.client { retries = 100, queue_timeout = 60 }
      local url = what == "for a slot" and server.url .. "/hold" or support.refused()
      support.run(function()
        local tasks = {}
        for i = 1, 3000 do tasks[i] = rill.spawn(function() return client:get(url) end) end
        support.wait(function()
          local stats = client:stats()
          return stats.requests == 3000 and (stats.streams == 1 or stats.retries >= 3 * 3000)
        end, 10)
        local spent
        support.wait(function() -- the next failure of all may lie in one such time, and not in two in a row
          local before = os.clock()
          rill.sleep(0.3)
          spent = os.clock() - before
          return spent < 0.1
        end, 2, "a time without processor time")
        for _, task in ipairs(tasks) do task:cancel() end
      end)
    end)
  end
end)

describe("a dead host", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Dials that failed, of the whole machine: the eighth number of the second line that begins with Tcp.
  local function failed_dials()
    for line in io.lines "/proc/net/snmp" do
      local _, failed = line:match "^Tcp: %d+ %d+ %d+ %-?%d+ (%d+) %d+ (%d+)"
      if failed then return tonumber(failed) end
    end
    error "no line for TCP in /proc/net/snmp"
  end

  it("is dialled a handful of times for 10,000 requests, and each is told", function()
    local COUNT = 10000
    local client, url, before = support.client(), support.refused(), failed_dials()
    support.run(function()
      local calls = {}
      for i = 1, COUNT do calls[i] = function() return client:get(url) end end
      for _, result in ipairs(rill.all(calls)) do
        assert.is_nil(result[1])
        assert.equal("tcp", result[2].kind)
        assert.equal(3, result[2].attempts)
      end
    end, 90)
    assert.is_true(failed_dials() - before < 5000, failed_dials() - before .. " dials") -- others dial as well
    local stats = client:stats()
    assert.equal(COUNT, stats.requests)
    assert.equal(2 * COUNT, stats.retries)
    assert.same({ connect_failed = COUNT }, stats.closed)
    assert.equal(0, stats.pending)
  end)

  it("is dialled a handful of times by requests that come one after the other, without retries", function()
    local url = support.refused()
    -- Whether a second's worth of them dials seldom.
    local function dials()
      local client, before = support.client { retries = 0 }, failed_dials()
      local started, count = rill.now(), 0
      repeat
        local _, err = client:get(url)
        assert.equal("tcp", err.kind)
        assert.equal(1, err.attempts)
        count = count + 1
      until rill.now() - started > 1
      assert.is_true(count <= 10, count .. " requests")
      local dialled = failed_dials() - before
      return count >= 2 and dialled < 1000, ("few dials: %d requests, %d dials"):format(count, dialled)
    end
    support.run(function() support.tries(5, dials) end) -- others dial as well, but not each time
  end)

  it("that closes every connection is not dialled for each request", function()
    local server = support.tcp "close"
    local client = support.client()
    support.run(function()
      local calls = {}
      for i = 1, 1000 do calls[i] = function() return client:get(server.url .. "/") end end
      for _, result in ipairs(rill.all(calls)) do assert.equal("tls", result[2].kind) end
    end)
    local dials = #server:wait_events(function(event) return event.event == "accept" end)
    assert.is_true(dials <= 5, dials .. " dials") -- not all of them are there when the first one fails
  end)
end)

describe("every call", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("ends once, and stats add up", function()
    local COUNT = 400
    local server = support.node()
    local hostile = support.hostile { case = "rst-mid-body-internal-error" }
    local refused, url = support.refused(), server.url
    local client = support.client {
      maxsize = 5000, retries = 1, resolve = { ["gone.test:443"] = "127.0.0.1:" .. refused:match "%d+$" },
      tls = { ca_pem = support.read(support.ca().file) .. support.read(hostile.ca) },
    }
    local kinds = {
      function(i) return client:get(url .. "/echo?" .. i) end,
      function(i) return client:get(url .. "/slow?ms=50&i=" .. i, { timeout = 0.001 * (i % 80) + 0.01 }) end,
      function() return client:get(url .. "/size?n=9000") end,
      function() return client:get(hostile.url, { maxsize = 0 }) end,
      function(i) return client:post(url .. "/echo", ("x"):rep(i * 10)) end,
      function() return client:get "https://gone.test/" end,
      function(i)
        local stream = assert(client:open { url = url .. "/hold?" .. i })
        stream:cancel()
        return stream:response()
      end,
    }
    local told, reasons = 0, {}
    support.run(function()
      local numbers = {}
      for i = 1, COUNT do numbers[i] = i end
      for _, res, err in rill.map(numbers, function(i) return kinds[i % #kinds + 1](i) end, { concurrency = 60 }) do
        told = told + 1
        local reason = res and res.close_reason or err.reason
        reasons[reason] = (reasons[reason] or 0) + 1
      end
    end, 15)
    assert.equal(COUNT, told)
    local stats = client:stats()
    assert.equal(COUNT, stats.requests)
    assert.same(reasons, stats.closed)
    assert.equal((reasons.ended or 0) + (reasons.stopped or 0), stats.responses)
    assert.equal(0, stats.streams)
    assert.equal(0, stats.pending)
    assert.is_true(stats.attempts <= stats.requests + stats.retries)
    for _, reason in ipairs { "ended", "timeout", "maxsize_exceeded_actual", "reset", "cancelled", "connect_failed" } do
      assert.is_true((reasons[reason] or 0) > 0, reason)
    end
  end)
end)

describe("an origin whose connections say GOAWAY and go on", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local LIMITS = support.here .. "/cases/limits.py"

  -- Waits until so many requests have come to a head.
  local function request(client, url, count)
    local heads = 0
    for _ = 1, count do
      rill.spawn(function() client:get(url, { on_headers = function() heads = heads + 1 end }) end)
    end
    return function(wanted) support.wait(function() return heads == wanted end, 3, "the heads") end
  end

  it("has as many of them as it may have open, beside", function()
    local held, node = support.hostile { case = "goaway-and-hold", extra = LIMITS }, support.node()
    local ca = support.write(support.directory "both" .. "/ca", support.read(held.ca) .. support.read(node.ca))
    local client = support.client { max_connections = 4, tls = { ca_file = ca } }
    support.run(function()
      local wait_for = request(client, held.url, 6)
      wait_for(2)
      assert.equal(200, assert(client:get(node.url .. "/size?n=1")).status)
      wait_for(2)
      assert.equal(3, client:stats().connections_opened)
      client:close()
    end)
  end)

  it("lets those go first that have none", function()
    local held, node = support.hostile { case = "goaway-and-hold", extra = LIMITS }, support.node()
    local ca = support.write(support.directory "both" .. "/ca", support.read(held.ca) .. support.read(node.ca))
    local client, other = support.client { max_connections = 2, tls = { ca_file = ca } },
      support.client { tls = { ca_file = ca } }
    support.run(function()
      local wait_for = request(client, held.url, 6)
      wait_for(2)
      local call = rill.spawn(function() return client:get(node.url .. "/size?n=1") end)
      rill.sleep(0)
      assert(other:get(held.url .. "?release"))
      assert.equal(200, assert(call:join()).status)
      client:close()
    end)
  end)
end)
