-- What a client remembers, and where that ends.
local port = require "support.port"
local support = require "support"
local rill = require "rill"

describe("a client", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("remembers 1,024 origins that have nothing to do, and forgets the one unused longest", function()
    local ORIGINS, UNUSED, OWN = 1100, 1024, 50
    local server = support.nghttpd { files = { page = "here" } }
    local resolve, urls = {}, {}
    for i = 1, ORIGINS do
      local authority = ("h%d.test:%d"):format(i, server.port)
      urls[i], resolve[authority] = "https://" .. authority .. "/page", "127.0.0.1:" .. server.port
    end
    local client = support.client {
      resolve = resolve, max_connections = OWN, tls = { ca_file = server.ca, server_name = "localhost" },
    }
    local most = 0
    support.run(function()
      for _, url in ipairs(urls) do
        assert(client:get(url))
        most = math.max(most, support.counters().origins)
      end
      assert.is_true(most <= UNUSED + OWN and most > UNUSED, most .. " origins")
      local resumed = client:stats().resumptions
      assert(client:get(urls[OWN * 2])) -- still known, with its TLS session, but without a connection
      assert.equal(resumed + 1, client:stats().resumptions)
      assert(client:get(urls[1]))
      assert.equal(resumed + 1, client:stats().resumptions)
    end, 90)
  end)

  describe("with limits for origins behind a proxy", function()
    local proxy

    before_each(function()
      proxy = port.free()
      support.nginx { http_config = ([[
        server {
          listen 127.0.0.1:%d; access_log off; keepalive_requests 1000000;
          add_header Retry-After 3600 always;
          location / { if ($host = paused.test) { return 429; } return 204; }
        }
      ]]):format(proxy) }
    end)

    -- Asks each of the origins from `from` to `to` once. What the loop's memory comes to then.
    local function ask(client, from, to)
      local hosts = {}
      for i = from, to do hosts[#hosts + 1] = ("http://h%d.test/"):format(i) end
      for _, res, err in rill.map(hosts, function(url) return client:get(url) end, { concurrency = 12 }) do
        assert(res and res.status == 204, err)
      end
      return support.counters().bytes
    end

    local function client_with(limits)
      return support.client { proxy = "http://127.0.0.1:" .. proxy, per_origin = limits, timeout = 0 }
    end

    it("remembers 65,536 that may not be asked again yet", function()
      if os.getenv "RILL_SANITIZED" then return pending "70,000 requests take too long there" end
      local UNUSED, EACH = 65536, 100
      local client = client_with { delay = 3600 }
      support.run(function()
        local few, most = ask(client, 0, 2000), ask(client, 2001, UNUSED + 100)
        assert.is_true(most - few > (UNUSED - 2000) * EACH)
        assert.is_true(ask(client, UNUSED + 101, UNUSED + 3000) - most < 2900 * EACH)
      end, 240)
    end)

    local function remembers_none(client)
      local few = ask(client, 0, 100)
      assert.is_true(ask(client, 101, 2100) - few < 2000 * 100)
    end

    it("remembers none that may be asked again at once", function()
      local client = client_with { concurrency = 2 }
      support.run(function() remembers_none(client) end, 60)
    end)

    it("remembers none whose time has come", function()
      local client = client_with { delay = 0.001 }
      support.run(function() remembers_none(client) end, 60)
    end)

    it("remembers none whose time has come, behind one that waits for an hour", function()
      local client = client_with { delay = 0.001 }
      support.run(function()
        assert.equal(429, assert(client:get("http://paused.test/", { retries = 0 })).status)
        remembers_none(client)
      end, 60)
    end)
  end)

  it("remembers the addresses of 10,000 names, and then asks again", function()
    if os.getenv "RILL_SANITIZED" then return pending "10,000 names take too long there" end
    local NAMES = 10000
    local record = { A = { "127.0.0.1" }, ttl = 300 }
    local dns = support.dns { ["first.test"] = record, ["second.test"] = record } -- no other exists
    local client = support.client { dns_servers = { dns.address }, retries = 0, timeout = 0, queue_timeout = 0 }
    local refused = support.refused():match ":(%d+)"
    local function ask(name)
      local _, err = client:get(("https://%s:%s/"):format(name, refused))
      return err.kind
    end
    local function ask_many(from, to)
      local names = {}
      for i = from, to do names[#names + 1] = ("n%d.test"):format(i) end
      for _, kind in rill.map(names, ask, { concurrency = 100 }) do assert.equal("dns", kind) end
    end
    support.run(function()
      assert.equal("tcp", ask "first.test")
      ask_many(1, NAMES / 2)
      assert.equal("tcp", ask "second.test")
      local second, first = #dns:settled("second.test", client), #dns:queries "first.test"
      ask_many(NAMES / 2 + 1, NAMES + 100)
      assert.equal("tcp", ask "second.test")
      assert.equal("tcp", ask "first.test")
      assert.equal(second, #dns:queries "second.test")
      assert.is_true(#dns:queries "first.test" > first, "the name used longest ago was remembered")
    end, 90)
  end)

  it("keeps 16 KiB of warnings that nobody has fetched; the last says that some were dropped", function()
    local ISSUED = 1000
    local warnings = {}
    local client = support.client { on_warning = function(message) warnings[#warnings + 1] = message end }
    support.run(function()
      local streams = {}
      for i = 1, ISSUED do
        streams[i] = assert(client:open {
          url = support.refused() .. "/" .. i, method = "POST", body = "four", headers = { ["content-length"] = "5" },
        })
      end
      for _, stream in ipairs(streams) do stream:cancel() end
      support.wait(function() return #warnings > 0 and warnings[#warnings]:find "some were dropped" end, 10)
    end)
    local size = 0
    for _, message in ipairs(warnings) do size = size + #message + 1 end
    assert.is_true(#warnings > 50 and #warnings < ISSUED, #warnings .. " warnings")
    assert.is_true(size <= 16 * 2 ^ 10, size .. " bytes")
    assert.matches("content%-length", warnings[1])
    assert.matches("some were dropped", warnings[#warnings])
  end)

  it("backs off from an origin that fails, twice as long each time", function()
    local client = support.client { retries = 4, timeout = 0 }
    support.run(function()
      local before = rill.now()
      local _, err = client:get(support.refused())
      local took = rill.now() - before
      assert.equal(5, err.attempts)
      -- 0.2, 0.4, 0.8 and 1.6 s, of each at least half
      assert.is_true(took >= 1.5, took .. " s")
    end)
  end)

  -- Four requests in a row: between them 0.2, 0.4 and 0.8 s, of each at least half.
  local function assert_backs_off(client, url, reason, method)
    support.run(function()
      local before = rill.now()
      for _ = 1, 4 do
        local _, err = client:request { url = url, method = method }
        assert.equal(reason, err.reason)
        assert.equal(1, err.attempts)
      end
      assert.is_true(rill.now() - before >= 0.7)
    end)
  end

  it("backs off from an origin that hangs up during the handshake", function()
    local server = support.tcp "close"
    assert_backs_off(support.client { tls = { ca_file = server.ca } }, server.url, "connect_failed", "GET")
  end)

  it("backs off from an origin that hangs up without an answer, though nothing is repeated", function()
    local server = support.node { script = "failing.js" }
    assert_backs_off(support.client(), server.url .. "/fail?with=drop,drop,drop,drop", "connection_lost", "POST")
  end)

  it("does not back off from one that closes a connection on which nothing is open", function()
    local server = support.node { script = "held.js" }
    local client, other = support.client { retries = 0 }, support.client()
    support.run(function()
      for _ = 1, 2 do
        assert(client:get(server.url .. "/seen")) -- the connection is there
        local _, err = client:get(server.url .. "/held", { timeout = 0.1 })
        assert.equal("headers", err.phase)
        assert(other:get(server.url .. "/hang-up"))
        support.wait(function() return client:stats().connections == 0 end, 10)
      end
      local before = client:stats().connections_opened
      local stream = assert(client:open { url = server.url .. "/seen" })
      rill.sleep(0)
      assert.equal(1, client:stats().connections, "a call waits in the queue during back-off, and nothing is dialled")
      assert.equal(200, assert(stream:response()).status)
      assert.equal(before + 1, client:stats().connections_opened)
    end)
  end)
end)
