-- Two workers of one crawl, whose Redis speaks TLS alone.
local support = require "support"

local PAGES, HELD = 300, 60

describe("a crawl of two workers over TLS", function()
  local redis, fleet

  before_each(function()
    support.begin()
    redis = support.redis { tls = true }
    fleet = support.fleet { state = redis:tls_state "site", pages = PAGES, hosts = 2, hold = HELD }
  end)
  after_each(function()
    fleet:stop()
    redis:stop()
    support.check_clean()
  end)

  it("asks for each page once, though its connections are lost on the way", function()
    local first, second = fleet:worker "a", fleet:worker "b"
    fleet:wait_asked(HELD + 1)
    for _ = 1, 3 do assert.matches("^%d+$", redis:cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")) end
    fleet:release()
    fleet:finish(first)
    fleet:finish(second)
    assert.equal(fleet.count, fleet:asked())
    assert.equal(fleet.count, fleet:join())
  end)
end)
