-- Redis is away for longer than a lease, and comes back as it was.
local rill = require "rill"
local support = require "support"

local PAGES, HELD, IN_FLIGHT = 60, 20, 8
local LEASE = 12

describe("a crawl whose Redis stands still for longer than a lease", function()
  local redis, fleet, list

  before_each(function()
    support.begin()
    redis = support.redis { jumps = true }
    fleet = support.fleet { state = redis:state "site", pages = PAGES, hold = HELD }
    local more = { lease = LEASE, concurrency = 2 * IN_FLIGHT,
      per_origin = { concurrency = IN_FLIGHT, adaptive = false } }
    list = { fleet:worker("a", more), fleet:worker("b", more) }
    fleet:wait_asked(HELD + IN_FLIGHT)
    -- One can have all of them: the other has joined, and gone on from there.
    support.wait(function() return redis:cli("SCARD", "{site}:workers") == "2" end, 60, "both to join")
    local function clock() return tonumber(redis:cli("HGET", "{site}:conf", "clock")) end
    local shown = clock()
    support.wait(function() return clock() > shown + 2 end, 60, "both to look for work")
  end)
  after_each(function()
    fleet:stop()
    redis.process:signal "CONT"
    redis:stop()
    support.check_clean()
  end)

  local function away()
    redis.process:signal "STOP"
    local began = rill.now()
    support.wait(function() return rill.now() > began + LEASE + 2 end, 60, "the leases to run out")
  end

  local function finish()
    fleet:release()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end

  it("goes on with what its workers have: nothing is fetched twice", function()
    away()
    redis.process:signal "CONT"
    finish()
  end)

  it("does so too when its clock has jumped meanwhile", function()
    away()
    redis:jump(1000 + 3600)
    redis.process:signal "CONT"
    support.wait(function()
      return math.abs((tonumber(redis:cli("HGET", "{site}:conf", "shift")) or 0) + 3600) < 300
    end, 60, "the jump to be seen")
    finish()
  end)
end)
