local support = require "support"

describe("deny_private", function()
  local silent -- a listener that tells of every connection

  before_each(function()
    support.begin()
    silent = support.tcp "silent"
  end)
  after_each(support.check_clean)

  local function assert_denied(client, host, address)
    local res, err = support.run(function()
      return client:get(("https://%s:%d/"):format(host, silent.port))
    end)
    assert.is_nil(res)
    assert.equal("connect_failed", err.reason)
    assert.equal("denied", err.kind)
    assert.equal("no", err.processed)
    assert.truthy(err.message:find(address, 1, true), err.message)
  end

  it("turns literals away that are not global, in every spelling, and dials none", function()
    local client = support.client { deny_private = true }
    for host, address in pairs {
      ["127.0.0.1"] = "127.0.0.1", ["[::1]"] = "::1", ["[::ffff:127.0.0.1]"] = "127.0.0.1", ["0.0.0.0"] = "0.0.0.0",
      ["169.254.169.254"] = "169.254.169.254", ["[64:ff9b::10.0.0.1]"] = "64:ff9b::",
      ["[2002:7f00:1::]"] = "2002:7f00:1::",
      ["[fd00::1]"] = "fd00::1",
    } do
      assert_denied(client, host, address)
    end
    assert.equal(0, client:stats().connections_opened)
    assert.equal(1, #silent:events()) -- that it listens
  end)

  it("looks at what a name resolves to", function()
    local dns = support.dns { ["inside.test"] = { A = { "127.0.0.1", "10.1.2.3" }, AAAA = { "::1" } } }
    local client = support.client { deny_private = true, dns_servers = { dns.address } }
    assert_denied(client, "inside.test", "not globally reachable")
    assert_denied(client, "localhost", "not globally reachable")
    assert.equal(1, #silent:events())
  end)

  it("exempts what resolve says", function()
    local node = support.node()
    local name = "a.test:" .. node.port
    local client = support.client { deny_private = true, resolve = { [name] = "127.0.0.1" } }
    assert.equal(200, support.run(function() return assert(client:get("https://" .. name .. "/echo")).status end))
    assert_denied(client, "127.0.0.1", "127.0.0.1")
  end)

  it("is off by default", function()
    local node = support.node()
    local url = ("https://127.0.0.1:%d/echo"):format(node.port)
    assert.equal(200, support.run(function() return assert(support.client():get(url)).status end))
  end)
end)
