local support = require "support"
local rill = require "rill"

local silent = require "support.silent"

local assert_timeout, ended, hostile = silent.assert_timeout, silent.ended, silent.hostile
local wait_timeout = silent.wait_timeout
local stop, of_stream

setup(function() stop, of_stream = silent.shared() end)
teardown(function() stop() end)

describe("timeout", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for case, phase in pairs {
    ["connect-blackhole"] = "connect", ["accept-silent"] = "tls",
  } do
    it(("says what was waited for: %s (%s)"):format(phase, case), function()
      local server, client = hostile(case)
      support.run(function()
        local err = wait_timeout(phase, function()
          local started = rill.now()
          local res, err = client:get(server.url, { timeout = 1 })
          assert.is_true(rill.now() - started >= 0.98)
          return res, err
        end)
        assert.truthy(tostring(err):find(phase, 1, true), tostring(err))
      end)
    end)
  end

  for case, phase in pairs { ["silent-after-request"] = "headers", ["silent-after-headers"] = "body" } do
    it("says what was waited for: " .. phase, function()
      local url, client = of_stream(case)
      support.run(function()
        assert(client:get((of_stream "baseline-small"))) -- the connection stands
        wait_timeout(phase, function() return client:get(url, { timeout = 3 }) end)
      end)
    end)
  end

  it("says what was waited for: dns", function()
    local dns = support.dns { ["silent.test"] = "silence" }
    local client = support.client { dns_servers = { dns.address }, timeout = 0.3 }
    support.run(function()
      local err = assert_timeout("dns", client:get "https://silent.test/")
      assert.is_true(err.retry_safe)
    end)
  end)

  it("says what was waited for: settings", function()
    local server = hostile "silent-after-handshake"
    support.run(function()
      local results
      wait_timeout("settings", function()
        local client = support.client { tls = { ca_file = server.ca }, timeout = 3 }
        local function get() return client:get(server.url) end
        results = rill.all { get, get, get }
        return unpack(results[1], 1, 2)
      end)
      for i, result in ipairs(results) do
        local err = assert_timeout("settings", unpack(result, 1, 2))
        -- the first goes out behind the handshake: the server may have it
        assert.equal(i == 1 and "maybe" or "no", err.processed)
      end
    end)
  end)

  it("covers the wait for a connection that grants no slot at all", function()
    local server = support.node { settings = { maxConcurrentStreams = 0 }, source = [[
      const sessions = [];
      server.on('session', (session) => sessions.push(session));
      process.on('SIGUSR2', () => sessions.forEach((session) => session.settings({ maxConcurrentStreams: 100 })));
      server.on('stream', (stream) => { stream.respond({ ':status': 200 }); stream.end(); });
    ]] }
    local client = support.client { timeout = 0.4 }
    support.run(function()
      local first = rill.spawn(function() return client:get(server.url .. "/", { timeout = 60 }) end)
      support.wait(function() return client:stats().connections_opened == 1 end, 10, "the handshake")
      local err = wait_timeout("queue", function() return client:get(server.url .. "/") end) -- first SETTINGS come
      assert.equal("no", err.processed)
      server.process:signal "USR2"
      local res, why = first:join()
      assert.equal(200, assert(res, tostring(why)).status)
    end)
  end)

  it("covers all attempts together", function()
    local server = support.node { script = "failing.js" }
    local client = support.client { retries = 100 }
    support.run(function()
      support.tries(5, function()
        local res, err = client:get(server.url .. "/fail?with=drop*", { timeout = 3 })
        assert.is_nil(res)
        -- it ran out during back-off, or, seldom, during an attempt
        assert.is_true(err.reason == "connection_lost" or err.reason == "timeout", tostring(err))
        assert.is_true(err.attempts < 10, err.attempts .. " attempts")
        return err.attempts >= 2
      end, "a second attempt within the time")
    end)
  end)

  it("is off at 0", function()
    local server = support.node()
    local client = support.client { timeout = 0.1 }
    support.run(function()
      assert.equal(200, assert(client:get(server.url .. "/slow?ms=300", { timeout = 0 })).status)
    end)
  end)

  it("does not run while a request waits for a slot that the peer's SETTINGS took away", function()
    local server = support.node { settings = { maxConcurrentStreams = 1 } }
    local function waits_in_queue()
      local client = support.client { timeout = 3 }
      local first = rill.spawn(function() return client:get(server.url .. "/slow?ms=3500", { timeout = 0 }) end)
      local second = rill.spawn(function() return client:get(server.url .. "/echo") end) -- both wait for the dial
      assert.equal(200, assert(first:join()).status)
      local res, err = second:join()
      if not res then
        assert.equal("headers", err.phase) -- the server stood still
        return false
      end
      assert.equal(200, res.status)
      assert.is_true(res.timings.queue > 3, res.timings.queue .. " s in the queue")
      return true
    end
    support.run(function() support.tries(5, waits_in_queue, "an answer after the queue") end)
  end)
end)

describe("queue_timeout", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("covers the wait for a slot alone, and the clock of the call starts after it", function()
    local server = support.node { settings = { maxConcurrentStreams = 1 } }
    local client = support.client()
    support.run(function()
      assert(client:get(server.url .. "/echo"))
      local held, other = 0, support.client()
      -- Whether one is answered that has spent more than its timeout in the queue: not where the server stands still.
      local function answered()
        held = held + 1
        local path = "/hold?" .. held
        local first = rill.spawn(function() return client:get(server.url .. path) end)
        server:wait_events(ended("request", path))
        assert_timeout("queue", client:get(server.url .. "/echo", { queue_timeout = 0.2 }))
        local second = rill.spawn(function()
          return client:get(server.url .. "/echo", { queue_timeout = 0, timeout = 2 })
        end)
        rill.sleep(2.5)
        assert(other:get(server.url .. "/release"))
        assert(first:join())
        local res, err = second:join()
        if not res then return assert.equal("headers", err.phase) and false end
        assert.equal(200, res.status)
        return true
      end
      support.tries(5, answered, "an answer within the time behind the queue")
    end)
  end)

  it("covers the wait for a connection where max_connections are busy", function()
    local first, second = support.node(), support.node()
    local client = support.client { max_connections = 1 }
    support.run(function()
      local busy = assert(client:open { url = first.url .. "/hold" })
      first:wait_events(ended("request", "/hold"))
      assert_timeout("queue", client:get(second.url .. "/echo", { queue_timeout = 0.2, timeout = 0.1 }))
      busy:cancel()
    end)
  end)
end)
