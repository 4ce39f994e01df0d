local script = require "support.script"
local support = require "support"
local rill = require "rill"

describe("a host name", function()
  local node

  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function url(host, path)
    return ("https://%s:%d%s"):format(host, node.port, path or "/echo")
  end

  local function asked(records, options)
    local dns = support.dns(records)
    options = options or {}
    options.dns_servers = { dns.address }
    return support.client(options), dns
  end

  it("is asked of the servers in dns_servers", function()
    local client, dns = asked { ["a.test"] = { A = { "127.0.0.1" } } }
    local res = support.run(function() return assert(client:get(url "a.test")) end)
    assert.equal(200, res.status)
    assert.equal("127.0.0.1", res.ip_address)
    assert.truthy(res.body:find(('"authority":"a.test:%d"'):format(node.port), 1, true))
    assert.is_true(#dns:queries "a.test" > 0)
  end)

  it("fails with kind dns when it does not exist", function()
    local client = asked {}
    local res, err = support.run(function() return client:get(url "gone.test") end)
    assert.is_nil(res)
    assert.equal("connect_failed", err.reason)
    assert.equal("dns", err.kind)
    assert.equal("no", err.processed)
    assert.is_true(err.retry_safe)
    assert.truthy(tostring(err):find("gone.test", 1, true))
  end)

  it("fails with kind dns when the name server fails or knows no address", function()
    local client = asked { ["broken.test"] = "servfail", ["empty.test"] = "empty" }
    support.run(function()
      for _, host in ipairs { "broken.test", "empty.test" } do
        local res, err = client:get(url(host))
        assert.is_nil(res)
        assert.equal("connect_failed", err.reason)
        assert.equal("dns", err.kind)
      end
    end)
  end)

  it("times out in phase dns, within the connect timeout, when nobody answers", function()
    local client, dns = asked({ ["silent.test"] = "silence" }, { connect_timeout = 0.4 })
    support.run(function()
      local started = rill.now()
      local res, err = client:get(url "silent.test")
      local took = rill.now() - started
      assert.is_nil(res)
      assert.equal("timeout", err.reason)
      assert.equal("dns", err.phase)
      assert.equal("no", err.processed)
      assert.is_true(took > 0.3, ("took %g s"):format(took))
    end)
    dns:wait_events(function(event) return event.name == "silent.test" end)
  end)

  it("is asked once for all the requests that wait, and each is told", function()
    local dns = support.dns {}
    local function ask()
      local client, before, calls = support.client { dns_servers = { dns.address } }, #dns:queries "gone.test", {}
      for i = 1, 8 do calls[i] = function() return client:get(url("gone.test", "/echo?" .. i)) end end
      local results = rill.all(calls)
      assert.equal(8, #results)
      for i, result in ipairs(results) do
        assert.is_nil(result[1])
        assert.equal("dns", result[2].kind)
        assert.equal(url("gone.test", "/echo?" .. i), result[2].url)
      end
      return #dns:queries "gone.test" - before <= 2 -- A and AAAA
    end
    support.run(function() -- a name server that stands still for 2 s is asked again, but not each time
      support.tries(5, ask, "one question per address family")
    end)
  end)

  it("that failed is not asked for again for 5 s, but by another client", function()
    local client, dns = asked {}
    support.run(function()
      local asked_at_first
      for _ = 1, 2 do
        local _, err = client:get(url "b.test")
        assert.equal("dns", err.kind)
        asked_at_first = asked_at_first or #dns:settled("b.test", client)
        dns:set { ["b.test"] = { A = { "127.0.0.1" } } }
      end
      assert.equal(asked_at_first, #dns:queries "b.test")
      local other = support.client { dns_servers = { dns.address } }
      assert.equal(200, assert(other:get(url "b.test")).status)
    end)
  end)

  it("is tried at its other addresses when one refuses", function()
    local client = asked { ["a.test"] = { A = { "127.0.0.2", "127.0.0.1" }, AAAA = { "::1" } } }
    local res = support.run(function() return assert(client:get(url "a.test")) end)
    assert.equal("127.0.0.1", res.ip_address)
  end)

  it("has sixteen addresses: more are not tried", function()
    local sixteen, seventeen = {}, { "127.0.0.17" }
    for i = 2, 16 do
      sixteen[#sixteen + 1] = "127.0.0." .. i -- nobody listens there
      seventeen[#seventeen + 1] = "127.0.0." .. i
    end
    sixteen[#sixteen + 1], seventeen[#seventeen + 1] = "127.0.0.1", "127.0.0.1"
    local client = asked({ ["a.test"] = { A = sixteen }, ["b.test"] = { A = seventeen } }, { retries = 0 })
    support.run(function()
      assert.equal("127.0.0.1", assert(client:get(url "a.test")).ip_address)
      local _, err = client:get(url "b.test")
      assert.equal("connect_failed", err.reason)
      assert.equal("tcp", err.kind)
    end)
  end)

  it("is asked twice, and given up, where the name server is silent", function()
    local client, dns = asked({ ["silent.test"] = "silence" }, { family = 4, retries = 0, connect_timeout = 0 })
    support.run(function()
      local _, err = client:get(url "silent.test")
      assert.equal("connect_failed", err.reason)
      assert.equal("dns", err.kind)
      assert.equal(2, #dns:queries "silent.test")
    end, 10) -- 2 s for the first question, 4 s for the second
  end)

  it("is not asked again for a second connection while its TTL lasts", function()
    local client, dns = asked { ["a.test"] = { A = { "127.0.0.1" }, ttl = 60 } }
    support.run(function()
      assert(client:get(url("a.test", "/goaway")))
      local before = #dns:settled("a.test", client)
      assert(client:get(url "a.test"))
      assert.equal(2, client:stats().connections_opened)
      assert.equal(before, #dns:queries "a.test")
    end)
  end)

  it("is not asked at all when resolve has an entry for it", function()
    local dns = support.dns {}
    local client = support.client {
      dns_servers = { dns.address },
      resolve = { ["c.test:443"] = "127.0.0.1:" .. node.port },
    }
    local res = support.run(function() return assert(client:get "https://c.test/echo") end)
    assert.equal(200, res.status)
    assert.truthy(res.body:find('"authority":"c.test"', 1, true))
    assert.equal(0, #dns:events() - 1) -- its announcement
  end)
end)

describe("the answer to a host name", function()
  local EXTREMES = "build/extremes.so"
  local node, dns

  setup(function()
    support.make(EXTREMES)
    node = support.node()
  end)
  teardown(function() node:stop() end)
  after_each(function() dns:stop() end)

  -- Opens a connection after each of these times, in seconds. Returns how often each family was asked for.
  local function asked(record, ...)
    dns = support.dns { ["a.test"] = record }
    script.run([[
    local ffi = require "ffi"
    ffi.cdef "void extremes_ahead(double seconds);"
    local url, ca, dns = ...
    local pauses = { select(4, ...) }
    rill.run(function()
      local client = rill.client { tls = { ca_file = ca }, dns_servers = { dns }, retries = 0 }
      for _, pause in ipairs(pauses) do
        ffi.C.extremes_ahead(tonumber(pause))
        assert(client:get(url .. "/goaway"))
      end
      client:close()
    end)
    ]], { ("https://a.test:%d"):format(node.port), node.ca, dns.address, ... }, {
      preload = EXTREMES, environment = { "EXTREMES_CLOCK=1" },
    })
    local counts = { A = 0, AAAA = 0 }
    for _, query in ipairs(dns:queries "a.test") do counts[query.type] = counts[query.type] + 1 end
    return counts
  end

  local BOTH = { A = { "127.0.0.1" }, AAAA = { "::1" } }

  local function with_ttl(ttl)
    return { A = BOTH.A, AAAA = BOTH.AAAA, ttl = ttl }
  end

  -- That each family is asked for so often: a name server that stands still for 2 s is asked again, but not each time.
  local function assert_asked(wanted, ...)
    local record_and_pauses = { ... }
    support.tries(5, function()
      local counts = asked(unpack(record_and_pauses))
      dns:stop()
      return counts.A == wanted.A and counts.AAAA == wanted.AAAA,
        ("%d of A and %d of AAAA, but %d and %d"):format(wanted.A, wanted.AAAA, counts.A, counts.AAAA)
    end)
  end

  it("holds for as long as it says, at least 1 s and at most 300 s", function()
    assert_asked({ A = 1, AAAA = 1 }, with_ttl(0), "0", "0.9")
    assert_asked({ A = 2, AAAA = 2 }, with_ttl(0), "0", "1.1")
    assert_asked({ A = 1, AAAA = 1 }, with_ttl(100), "0", "99")
    assert_asked({ A = 2, AAAA = 2 }, with_ttl(100), "0", "101")
    assert_asked({ A = 1, AAAA = 1 }, with_ttl(1000), "0", "299")
    assert_asked({ A = 2, AAAA = 2 }, with_ttl(1000), "0", "301")
  end)

  it("that there is no address of one family holds for 60 s", function()
    local record = { A = BOTH.A, ttl = 1000 }
    assert_asked({ A = 1, AAAA = 1 }, record, "0", "59")
    assert_asked({ A = 1, AAAA = 2 }, record, "0", "61")
  end)
end)

describe("a name server that answers in part", function()
  local node

  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function url(host)
    return ("https://%s:%d/echo"):format(host, node.port)
  end

  -- The longest silence that c-ares makes of one question is 6 s: half of that shows that nobody waited for it.
  local NOT_WAITED = 3

  -- The response, and whether nobody waited for what was not answered: a machine that stands still takes as long, but
  -- not each time.
  local function get(client, host)
    local started = rill.now()
    local res, err = client:get(url(host))
    assert(res, tostring(err))
    return res, rill.now() - started < NOT_WAITED
  end

  for _, lost in ipairs { "A", "AAAA" } do
    it("does not hold up the dial to what it has answered: without " .. lost, function()
      local found = lost == "A" and "AAAA" or "A"
      local address = lost == "A" and "::ffff:127.0.0.1" or "127.0.0.1"
      local dns = support.dns { ["a.test"] = { [found] = { address }, silent = { lost } } }
      local function dials()
        local res, at_once = get(support.client { dns_servers = { dns.address } }, "a.test")
        assert.equal(200, res.status)
        return at_once
      end
      support.run(function() support.tries(5, dials, "a dial that nothing holds up") end)
    end)
  end

  it("is asked for the half that it did not answer again", function()
    local records = { ["a.test"] = { A = { "127.0.0.1" }, AAAA = { "::1" }, silent = { "AAAA" } } }
    local dns = support.dns(records)
    local function count(kind)
      local n = 0
      for _, query in ipairs(dns:queries "a.test") do n = n + (query.type == kind and 1 or 0) end
      return n
    end
    local function asks_for_half()
      local client, before = support.client { dns_servers = { dns.address } }, count "A"
      get(client, "a.test")
      local asked = count "AAAA"
      support.wait(function() return count "AAAA" > asked end, 4, "the second try")
      client:close()
      return count "A" == before + 1
    end
    support.run(function() -- a name server that stands still for 2 s is asked for both again, but not each time
      support.tries(5, asks_for_half, "one question for what was answered")
    end)
  end)

  it("may answer late: the address joins the race", function()
    local records = { ["a.test"] = { A = { "127.0.0.1" }, AAAA = { "::ffff:127.0.0.1" }, silent = { "AAAA" } } }
    local dns = support.dns(records)
    local refused = support.refused():match "%d+$" -- IPv4 has nobody there, IPv6 has neither
    local client = support.client { dns_servers = { dns.address }, retries = 0 }
    support.run(function()
      local call = rill.spawn(function() return client:get(("https://a.test:%d/"):format(refused)) end)
      support.wait(function() return #dns:queries "a.test" >= 2 end, 20)
      records["a.test"].silent = nil
      dns:set(records) -- the second question is answered
      local _, err = call:join()
      assert.equal("tcp", err.kind)
      assert.truthy(err.message:find("127.0.0.1: ", 1, true), err.message)
      assert.truthy(err.message:find("::ffff:127.0.0.1", 1, true), err.message)
    end)
  end)

  it("is left for the next one when it is silent, at most once", function()
    local silent = support.dns { ["a.test"] = "silence", ["b.test"] = "silence", ["c.test"] = "silence" }
    local here = { A = { "127.0.0.1" } }
    local good = support.dns { ["a.test"] = here, ["b.test"] = here, ["c.test"] = here }
    local function later_queries() return #silent:queries "b.test" + #silent:queries "c.test" end
    local function asks_once()
      local client = support.client { dns_servers = { silent.address, good.address } }
      local before, quick = later_queries(), true
      for _, host in ipairs { "a.test", "b.test", "c.test" } do
        local res, at_once = get(client, host)
        quick = quick and at_once and res.timings.dns < 1.5
      end
      silent:wait_events(function(event) return event.name == "a.test" end)
      return quick and later_queries() == before
    end
    support.run(function() -- a good server that stands still for a moment is silent, too, but not each time
      support.tries(5, asks_once, "names that are found without the silent server")
    end)
  end)
end)

describe("an IPv6 literal", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is dialled as it stands", function()
    local server = support.hostile { case = "ipv6-literal" }
    local client = support.client { tls = { ca_file = server.ca } }
    local res = support.run(function() return assert(client:get(server.url)) end)
    assert.equal(200, res.status)
    assert.equal("::1", res.ip_address)
  end)
end)
