-- Redis is away for longer than a lease, and comes back as it was.
local rill = require "rill"
local support = require "support"

local PAGES, HELD, IN_FLIGHT = 60, 20, 8
local LEASE = 12

describe("a crawl whose Redis stands still for longer than a lease", function()
  it("goes on with what its workers have: nothing is fetched twice", function()
    support.begin()
    local redis = support.redis()
    local fleet = support.fleet { state = redis:state "site", pages = PAGES, hold = HELD }
    local more = { lease = LEASE, concurrency = 2 * IN_FLIGHT,
      per_origin = { concurrency = IN_FLIGHT, adaptive = false } }
    local list = { fleet:worker("a", more), fleet:worker("b", more) }
    fleet:wait_asked(HELD + IN_FLIGHT)
    redis.process:signal "STOP"
    local began = rill.now()
    support.wait(function() return rill.now() > began + LEASE + 2 end, 60, "the leases to run out")
    redis.process:signal "CONT"
    fleet:release()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
    fleet:stop()
    redis:stop()
    support.check_clean()
  end)
end)
