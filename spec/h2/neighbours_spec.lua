-- What becomes of the other streams of a connection when one stream breaks HTTP/2.
local support = require "support"
local rill = require "rill"

local CASES = support.here .. "/cases/neighbours.py"
local TOGETHER = 8

describe("a stream that breaks HTTP/2", function()
  local server

  before_each(support.begin)
  after_each(function()
    support.check_clean()
    server = nil
  end)

  -- Makes the requests of a case: the bad one's outcome, those of the others, and the client.
  local function fetch(case, options)
    server = support.hostile { case = case, extra = CASES }
    local all = { tls = { ca_file = server.ca }, timeout = 60 }
    for name, value in pairs(options or {}) do all[name] = value end
    local client = support.client(all)
    local calls = {}
    for i = 1, TOGETHER do
      local url = i == 3 and server.url .. "?bad" or server.url
      calls[i] = function() return client:get(url) end
    end
    local results = support.run(function() return rill.all(calls) end)
    local bad = table.remove(results, 3)
    return bad, results, client
  end

  local function assert_all_good(results)
    for _, result in ipairs(results) do assert.equal(200, result[1] and result[1].status, tostring(result[2])) end
  end

  for _, name in ipairs {
    "priority-on-itself", "priority-on-an-idle-stream", "headers-depend-on-themselves",
    "padded-headers-depend-on-themselves",
  } do
    for _, case in ipairs { name, name .. "-in-pieces" } do
      it("does so in a way that means nothing: " .. case, function()
        local bad, results, client = fetch(case)
        assert.equal(200, bad[1] and bad[1].status, tostring(bad[2]))
        assert_all_good(results)
        assert.equal(1, client:stats().connections_opened)
      end)
    end
  end

  for _, name in ipairs { "window-update-of-zero", "window-update-of-zero-reserved-bit" } do
    for _, case in ipairs { name, name .. "-in-pieces" } do
      it("is reset alone: " .. case, function()
        local bad, results, client = fetch(case)
        assert.equal("protocol_error", bad[2].reason)
        assert_all_good(results)
        assert.equal(1, client:stats().connections_opened)
        client:close()
        local last = support.run(function() return server:ends(1)[1] end)
        assert.equal(1, last.client_resets.PROTOCOL_ERROR)
      end)
    end
  end

  local breaking = {
    "data-before-head", "window-update-of-three-bytes", "rst-of-three-bytes", "priority-of-four-bytes",
    "padding-without-length", "block-that-does-not-decode", "ping-inside-a-block", "push", "empty-frames",
    "other-stream-inside-a-block", "broken-after-goaway",
  }

  for _, case in ipairs(breaking) do
    it("takes its connection along, and the others, which may be repeated, are: " .. case, function()
      local bad, results, client = fetch(case)
      assert.equal("protocol_error", bad[2] and bad[2].reason, tostring(bad[2]))
      assert.equal(1, bad[2].attempts)
      assert_all_good(results)
      assert.equal(2, client:stats().connections_opened)
    end)
  end

  it("is named by those that it took along", function()
    local bad, results = fetch("data-before-head", { retry_idempotent = false })
    assert.equal("protocol_error", bad[2].reason)
    for _, result in ipairs(results) do
      local err = result[2]
      assert.equal("connection_lost", err.reason)
      assert.equal("maybe", err.processed)
      assert.equal(1, err.attempts)
      assert.equal("protocol_error", err.errors[1].reason)
    end
  end)
end)
