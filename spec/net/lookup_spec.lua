-- Names that are looked up for something else than a request.
local ffi = require "ffi"
local C = require "rill.clib"
local lookup = require "rill.core.lookup"
local support = require "support"

describe("a name that is looked up by itself", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function find(host, servers)
    return support.run(function() return lookup(host, servers) end)
  end

  it("has its addresses, IPv6 first", function()
    local dns = support.dns { ["a.test"] = { A = { "192.0.2.1" }, AAAA = { "2001:db8::1" } },
      ["b.test"] = { A = { "192.0.2.2" } } }
    assert.same({ "2001:db8::1", "192.0.2.1" }, (find("a.test", dns.address)))
    assert.same({ "192.0.2.2" }, (find("b.test", dns.address)))
    assert.same({ "127.0.0.1", "::1" }, (find "localhost"))
    assert.same({ "2001:db8::7" }, (find "2001:db8::7"))
  end)

  it("is asked for anew each time", function()
    local dns = support.dns { ["a.test"] = { A = { "192.0.2.1" } } }
    assert.same({ "192.0.2.1" }, (find("a.test", dns.address)))
    dns:set { ["a.test"] = { A = { "192.0.2.2" } } }
    assert.same({ "192.0.2.2" }, (find("a.test", dns.address)))
  end)

  it("is an error of kind dns where it has none", function()
    local dns = support.dns {}
    for _, host in ipairs { "gone.test", "", "x.invalid", ("a"):rep(300) } do
      local found, err = find(host, dns.address)
      assert.is_nil(found)
      assert.same({ "connect_failed", "dns" }, { err.reason, err.kind })
    end
    local _, err = find("a.test", "nowhere")
    assert.equal("argument", err.reason)
  end)

  it("leaves nothing behind when it is dropped, or its loop freed, before there is an answer", function()
    local dns = support.dns { ["a.test"] = "silence" }
    local err, id, event = ffi.new "rill_error", ffi.new "rill_id", ffi.new "rill_event[1]"
    local loop = C.rill_loop_new(err)
    assert.equal(0, C.rill_lookup_start(loop, "a.test", dns.address, id, err))
    support.wait(function()
      assert(C.rill_poll(loop, event, 1, 10) == 0)
      return #dns:queries "a.test" > 0
    end, 20, "the name server to be asked")
    C.rill_drop(loop, id.slot, id.generation)
    C.rill_drop(loop, id.slot, id.generation)
    assert.equal(0, C.rill_lookup_start(loop, "localhost", nil, id, err)) -- its event is never taken
    assert.equal(0, C.rill_lookup_start(loop, "a.test", dns.address, id, err))
    C.rill_loop_free(loop)
  end)
end)
