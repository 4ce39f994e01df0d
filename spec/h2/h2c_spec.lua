local dkjson = require "dkjson"
local support = require "support"
local rill = require "rill"

local wait_timeout = require("support.silent").wait_timeout

describe("http:// with h2c", function()
  local node

  setup(function() node = support.node { h2c = true } end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("is HTTP/2 with prior knowledge", function()
    local client = support.client { h2c = true }
    support.run(function()
      local res = assert(client:get(node.url .. "/echo"))
      assert.equal("h2c", res.protocol)
      assert.equal("127.0.0.1", res.ip_address)
      assert.is_nil(res.certificate)
      local seen = dkjson.decode(res.body)
      assert.equal("http", seen.pseudo.scheme)
      assert.equal("localhost:" .. node.port, seen.pseudo.authority)
      for _, field in ipairs(seen.fields) do
        assert.is_nil(({ upgrade = true, connection = true, ["http2-settings"] = true })[field[1]], field[1])
      end
    end)
    local stats = client:stats()
    assert.equal(1, stats.connections_opened)
    assert.equal(0, stats.handshakes)
  end)

  it("works with nghttpd", function()
    local server = support.nghttpd { h2c = true, files = { page = support.content(100000) } }
    local client = support.client { h2c = true }
    support.run(function()
      local res = assert(client:get(server.url .. "/page"))
      assert.equal("h2c", res.protocol)
      assert.equal(support.content(100000), res.body)
    end)
  end)

  it("carries bodies both ways, many at a time on one connection", function()
    local client = support.client { h2c = true }
    support.run(function()
      local calls = {}
      for i = 1, 50 do
        calls[i] = function() return client:post(node.url .. "/echo", ("x"):rep(i * 5000)) end
      end
      for i, result in ipairs(rill.all(calls)) do
        assert.equal(i * 5000, dkjson.decode(assert(result[1], tostring(result[2])).body).length)
      end
    end)
    assert.equal(1, client:stats().connections_opened)
  end)

  it("goes to port 80 by default", function()
    local client = support.client { h2c = true, resolve = { ["a.test:80"] = "127.0.0.1:" .. node.port } }
    support.run(function()
      local res = assert(client:get "http://a.test/echo")
      assert.equal("a.test", dkjson.decode(res.body).pseudo.authority)
    end)
  end)

  it("leaves https:// to TLS: the same name and port is another origin", function()
    local secure = support.node()
    local client = support.client { h2c = true }
    support.run(function()
      assert.equal("h2", assert(client:get(secure.url .. "/echo")).protocol)
      assert.equal("h2c", assert(client:get(node.url .. "/echo")).protocol)
      local _, err = client:get((node.url:gsub("^http:", "https:")) .. "/echo")
      assert.equal("tls", err.kind)
    end)
    assert.equal(1, client:stats().handshakes)
  end)

  it("says so when the server does not speak it", function()
    local server = support.tcp "text405"
    local client = support.client { h2c = true }
    support.run(function()
      local _, err = client:get(("http://localhost:%d/"):format(server.port))
      assert.equal("connect_failed", err.reason)
      assert.equal("preface", err.kind)
      assert.truthy(err.message:find("405", 1, true), err.message)
    end)
  end)

  it("sends no request before the peer's SETTINGS: nothing else tells that it speaks HTTP/2", function()
    local server = support.tcp "silent"
    local client = support.client { h2c = true, connect_timeout = 1, retries = 0 }
    support.run(function()
      local asked = 0
      local err = wait_timeout("settings", function()
        asked = asked + 1
        return client:get(("http://localhost:%d/page"):format(server.port))
      end)
      assert.equal("no", err.processed)
      client:close()
      local last = server:wait_events(function(event) return event.event == "end" end, asked)[asked]
      local PREFACE, SETTINGS, WINDOW_UPDATE, GOAWAY = 24, 9 + 4 * 6, 9 + 4, 9 + 8
      assert.equal(PREFACE + SETTINGS + WINDOW_UPDATE + GOAWAY, last.bytes)
    end)
  end)

  it("is a connection of one's own, too", function()
    support.run(function()
      local conn = assert(support.connect(node.url, { h2c = true }))
      assert.equal("h2c", conn.protocol)
      assert.is_nil(conn.tls)
      assert.equal(200, assert(conn:request { url = "/echo" }).status)
      conn:close()
    end)
  end)

  it("is an invalid URL without the option and without HTTP/1.1, and nothing is sent", function()
    local function sessions()
      local count = 0
      for _, event in ipairs(node:events()) do count = count + (event.event == "session" and 1 or 0) end
      return count
    end
    local client, before = support.client { protocols = { "h2" } }, sessions()
    support.run(function()
      local _, err = client:get(node.url .. "/echo")
      assert.equal("invalid_url", err.reason)
      local conn, why = support.connect(node.url, { protocols = { "h2" } })
      assert.is_nil(conn)
      assert.equal("invalid_url", why.reason)
    end)
    assert.equal(before, sessions())
    assert.equal(0, client:stats().connections_opened)
  end)
end)
