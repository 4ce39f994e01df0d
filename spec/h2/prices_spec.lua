-- What good servers send by the thousand, because of what we send, is no flood.
local support = require "support"
local rill = require "rill"

local MIB = 2 ^ 20

describe("a server that sends many frames for ours", function()
  local client, server

  before_each(support.begin)
  after_each(support.check_clean)

  local function begin(how, options)
    local script = support.read(support.here .. "/node/frugal.js")
    server = support.node { raw = true, source = ("const HOW = %q;\n%s"):format(how, script) }
    local all = { h2c = true, timeout = 20 }
    for name, value in pairs(options or {}) do all[name] = value end
    client = support.client(all)
  end

  -- What the server saw of the one connection.
  local function finish()
    assert.equal(1, client:stats().connections_opened)
    client:close()
    local last = support.run(function()
      return server:wait_events(function(event) return event.event == "end" end, 1)[1]
    end)
    assert.equal(0, last.code)
    return last
  end

  it("may reset a stream for each DATA frame that comes after its early answer", function()
    begin "early"
    local body = ("u"):rep(5 * MIB)
    support.run(function()
      for _ = 1, 8 do
        assert.equal(405, assert(client:post(server.url, body)).status)
        assert.equal(200, assert(client:get(server.url)).status)
      end
    end, 20)
    assert.is_true(finish().resets > 8 * 20)
  end)

  it("may give its window back in steps of 512 bytes", function()
    begin "slow"
    local body = ("u"):rep(16 * MIB)
    support.run(function() assert.equal(200, assert(client:post(server.url, body)).status) end, 20)
    assert.is_true(finish().updates >= 2 * 16 * MIB / 512)
  end)

  local COUNT = 25000

  it("may reset one stream after the other", function()
    begin "reset"
    local left = COUNT
    local function items()
      left = left - 1
      return left >= 0 and left or nil
    end
    support.run(function()
      for _, res, err in rill.map(items, function() return client:get(server.url) end, { concurrency = 100 }) do
        assert.is_nil(res)
        assert.equal("reset", err.reason, tostring(err))
      end
    end, 30)
    assert.equal(COUNT, finish().resets)
  end)

  it("may answer streams that were cancelled when the answer was on its way", function()
    begin "late"
    support.run(function()
      for _ = 1, COUNT / 100 do
        local streams = {}
        for i = 1, 100 do streams[i] = assert(client:open { url = server.url }) end
        for _, stream in ipairs(streams) do
          while not stream.request_sent do rill.sleep(0) end
          stream:cancel()
        end
      end
    end, 30)
    assert.equal(0, finish().resets)
  end)
end)
