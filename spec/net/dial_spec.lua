local support = require "support"
local rill = require "rill"

-- Answers with the address that the request came from.
local PEER = [[
server.on('stream', (stream) => {
  stream.respond({ ':status': 200 });
  stream.end(stream.session.socket.remoteAddress);
});
]]

describe("a dial", function()
  local node

  setup(function() node = support.node { source = PEER } end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- A client that finds https://a.test at these addresses.
  local function client_to(addresses, options)
    options = options or {}
    options.resolve = { ["a.test:443"] = addresses }
    return support.client(options)
  end

  local function here()
    return "127.0.0.1:" .. node.port
  end

  local function blackhole()
    return "127.0.0.1:" .. support.hostile { case = "connect-blackhole" }.port
  end

  it("goes on to the next address after 250 ms, while the first has not answered", function()
    local client = client_to { blackhole(), here() }
    support.run(function()
      local started = rill.now()
      local res = assert(client:get "https://a.test/")
      local took = rill.now() - started
      assert.equal(200, res.status)
      assert.equal(1, res.attempts)
      assert.is_true(took >= 0.24, ("took %g s"):format(took))
      assert.is_true(res.timings.connect >= 0.24, res.timings.connect .. " s")
      assert.equal(0, support.counters().dials, "the losers are closed")
    end)
    assert.equal(1, client:stats().connections_opened)
  end)

  it("goes on at once when an address refuses", function()
    local hole = blackhole()
    local refused = support.refused():match "%d+$"
    local addresses = { here(), hole, hole, hole }
    for i = 1, 8 do table.insert(addresses, 1, ("127.0.0.%d:%s"):format(i, refused)) end
    support.run(function()
      support.tries(5, function() -- a machine that stands still makes one of them late, and not each
        local res = assert(client_to(addresses):get "https://a.test/")
        assert.equal(1, res.attempts)
        return res.timings.connect < 1.5
      end, "a dial within less than eight waits of 250 ms")
    end)
  end)

  it("tells of every address when all refuse", function()
    local refused = support.refused():match "%d+$"
    local client = client_to({ "127.0.0.2:" .. refused, "127.0.0.3:" .. refused, "[::1]:" .. refused }, { retries = 0 })
    support.run(function()
      local res, err = client:get "https://a.test/"
      assert.is_nil(res)
      assert.equal("tcp", err.kind)
      for _, address in ipairs { "127.0.0.2", "127.0.0.3", "::1" } do
        assert.truthy(err.message:find(address, 1, true), err.message)
      end
    end)
  end)

  it("goes to a Unix socket where resolve says so", function()
    local path = support.directory "socket" .. "/s"
    local server = support.nginx { files = { page = "here" }, config = ("listen unix:%s ssl http2;"):format(path) }
    local client = client_to("unix:" .. path)
    support.run(function()
      local res = assert(client:get "https://a.test/page")
      assert.equal("here", res.body)
      assert.equal("a.test", server:wait_log(1)[1].host)
    end)
  end)

  it("fails with kind tcp where there is no Unix socket", function()
    local client = client_to("unix:" .. support.directory "socket" .. "/none", { retries = 0 })
    support.run(function()
      local _, err = client:get "https://a.test/"
      assert.equal("tcp", err.kind)
      assert.truthy(err.message:find("/none", 1, true), err.message)
    end)
  end)

  it("comes from bind_address", function()
    for _, address in ipairs { "127.0.0.1", "127.0.0.77" } do
      local client = client_to(here(), { bind_address = address })
      assert.equal(address, support.run(function() return assert(client:get "https://a.test/").body end))
    end
  end)

  it("comes from the request's own bind_address, on a connection of its own", function()
    local client = client_to(here(), { bind_address = "127.0.0.3" })
    support.run(function()
      local function peer(options) return assert(client:get("https://a.test/", options)).body end
      for _ = 1, 2 do
        assert.equal("127.0.0.3", peer())
        assert.equal("127.0.0.3", peer { bind_address = "127.0.0.3" })
        assert.equal("127.0.0.4", peer { bind_address = "127.0.0.4" })
        assert.equal("127.0.0.3", peer())
        assert.equal("127.0.0.5", peer { bind_address = "127.0.0.5", on_chunk = function() end })
        local stream = assert(client:open { url = "https://a.test/", bind_address = "127.0.0.4" })
        assert.equal("127.0.0.4", assert(stream:body()))
      end
      assert.equal(3, client:stats().connections_opened)
    end)
  end)

  it("shares none between requests of different bind_address that are under way together", function()
    local client = client_to(here())
    support.run(function()
      local addresses = {}
      for i = 1, 20 do addresses[i] = ("127.0.0.%d"):format(2 + i % 4) end
      for address, res, err in rill.map(addresses, function(address)
        return client:get("https://a.test/", { bind_address = address })
      end) do
        assert(res, tostring(err))
        assert.equal(address, res.body)
      end
      assert.equal(4, client:stats().connections_opened)
    end)
  end)

  it("raises for a bind_address that is none, or not that of a connection of one's own", function()
    local client = client_to(here())
    support.run(function()
      for _, wrong in ipairs { "elsewhere", "1.2.3", "unix:/x", 5, "" } do
        local ok, message = pcall(client.get, client, "https://a.test/", { bind_address = wrong })
        assert.is_false(ok)
        assert.truthy(message:find("client:get: .*bind_address"), message)
      end
      local connection = assert(rill.connect(node.url, { bind_address = "127.0.0.2", tls = { ca_file = node.ca } }))
      assert.equal("127.0.0.2", assert(connection:request { url = "/", bind_address = "127.0.0.2" }).body)
      local ok, message = pcall(connection.request, connection, { url = "/", bind_address = "127.0.0.3" })
      assert.is_false(ok)
      assert.truthy(message:find('connection:request: .*bind_address: "127.0.0.3"'), message)
      connection:close()
    end)
  end)

  it("does not come from elsewhere where the families differ", function()
    local client = client_to(here(), { bind_address = "::1", retries = 0 })
    support.run(function()
      local res, err = client:get "https://a.test/"
      assert.is_nil(res)
      assert.equal("tcp", err.kind)
    end)
  end)

  it("fails with kind tcp from an address that is not ours", function()
    local client = client_to(here(), { bind_address = "192.0.2.1", retries = 0 })
    support.run(function()
      local _, err = client:get "https://a.test/"
      assert.equal("connect_failed", err.reason)
      assert.equal("tcp", err.kind)
    end)
  end)

  it("fails within connect_timeout, all of it together", function()
    local hole = blackhole()
    local client = client_to({ hole, hole }, { connect_timeout = 0.5 })
    support.run(function()
      local _, err = client:get "https://a.test/"
      assert.equal("timeout", err.reason)
      assert.equal("connect", err.phase)
      assert.equal("no", err.processed)
      assert.equal(0, support.counters().dials)
    end)
  end)

  for family, question in pairs { [4] = "A", [6] = "AAAA" } do
    it(("keeps to family %d, in the questions too"):format(family), function()
      local dns = support.dns { ["a.test"] = { A = { "127.0.0.1" }, AAAA = { "::1" } } }
      local client = support.client { dns_servers = { dns.address }, family = family, retries = 0 }
      support.run(function()
        local res, err = client:get(("https://a.test:%d/"):format(node.port))
        if family == 4 then
          assert.equal("127.0.0.1", assert(res, tostring(err)).ip_address)
        else
          assert.equal("tcp", err.kind) -- node listens on 127.0.0.1 alone
          assert.is_nil(err.message:find("127.0.0.1", 1, true), err.message)
          assert.truthy(err.message:find("::1", 1, true), err.message)
        end
        local _, other = client:get(family == 4 and "https://[::1]:1/" or "https://127.0.0.1:1/")
        assert.equal("dns", other.kind)
      end)
      for _, query in ipairs(dns:queries "a.test") do assert.equal(question, query.type) end
    end)
  end

  it("takes names that host-name rules forbid and DNS allows", function()
    local dns = support.dns { ["a_b.test"] = { A = { "127.0.0.1" } }, ["_x-.a.test"] = { A = { "127.0.0.1" } } }
    local client = support.client {
      dns_servers = { dns.address }, tls = { ca_file = support.ca().file, server_name = "localhost" },
    }
    support.run(function()
      for _, host in ipairs { "a_b.test", "_x-.a.test" } do
        local res, err = client:get(("https://%s:%d/"):format(host, node.port))
        assert.equal(200, assert(res, tostring(err)).status)
      end
    end)
  end)

  for family, loopback in pairs { [4] = "127.0.0.1", [6] = "::1" } do
    it("goes to " .. loopback .. " for all names under localhost, and nobody is asked", function()
      local names = { "localhost", "localhost.", "name.localhost", "name.localhost.", "A.Name.LOCALHOST" }
      local dns = support.dns {}
      local certificate = support.ca():sign("localhosts", "DNS:localhost,DNS:name.localhost,DNS:a.name.localhost")
      local server = support.node { source = PEER, certificate = certificate }
      local client = support.client { dns_servers = { dns.address }, family = family, tls = { ca_file = server.ca } }
      support.run(function()
        for _, name in ipairs(names) do
          local res, err = client:get(("https://%s:%d/"):format(name, server.port))
          if family == 4 then
            assert.equal("127.0.0.1", assert(res, tostring(err)).ip_address)
          else -- node listens on 127.0.0.1 alone
            assert.equal("tcp", err.kind)
            assert.truthy(err.message:find("::1", 1, true), err.message)
          end
        end
      end)
      for _, name in ipairs(names) do assert.same({}, dns:queries(name)) end
    end)
  end

  it("is not made for .invalid, and nobody is asked", function()
    local dns = support.dns { ["a.invalid"] = { A = { "127.0.0.1" } } }
    local client = support.client { dns_servers = { dns.address }, retries = 5 }
    support.run(function()
      local _, err = client:get(("https://a.invalid:%d/"):format(node.port))
      assert.equal("dns", err.kind)
      assert.equal(1, err.attempts)
    end)
    assert.same({}, dns:queries "a.invalid")
  end)

  it("keeps an answer for a second at least, and asks again when its time is over", function()
    local dns = support.dns { ["a.test"] = { A = { "127.0.0.1" }, ttl = 0 } }
    local other = support.node { source = PEER }
    local ports = { node.port, other.port }
    -- Whether the second question comes after a second, and several dials.
    local function is_kept()
      local client = support.client { dns_servers = { dns.address }, max_connections = 1, family = 4 }
      local started, before, dials = rill.now(), #dns:queries "a.test", 0
      local asked
      repeat -- each origin takes the other's connection away, and dials
        assert(client:get(("https://a.test:%d/"):format(ports[dials % 2 + 1])))
        dials = dials + 1
        asked = #dns:queries "a.test" - before
      until asked > 1 or rill.now() - started > 4
      return asked == 2 and rill.now() - started >= 0.95 and dials > 2
    end
    support.run(function() -- a name server that stands still is asked twice at once, but not each time
      support.tries(5, is_kept, "an answer that is kept for a second")
    end)
  end)
end)
