-- The clock of a Redis jumps: leases, delays and the breaker are counted by it.
local support = require "support"

local PAGES, HELD, IN_FLIGHT = 60, 20, 8

describe("a crawl whose Redis has a clock that jumps", function()
  local redis, fleet

  before_each(function()
    support.begin()
    redis = support.redis { jumps = true }
  end)
  after_each(function()
    fleet:stop()
    redis:stop()
    support.check_clean()
  end)

  local function start(hold)
    fleet = support.fleet { state = redis:state "site", pages = PAGES, hold = hold }
  end

  local function number(key, field)
    return tonumber(redis:cli("HGET", "{site}:" .. key, field)) or 0
  end

  -- They have room for more than the origin may be asked, so they ask Redis for it all the time.
  local function worker(name, delay)
    return fleet:worker(name, { lease = 60, concurrency = 2 * IN_FLIGHT,
      per_origin = { concurrency = IN_FLIGHT, adaptive = false, delay = delay or 0 } })
  end

  local function two_at_work(delay)
    local list = { worker("a", delay), worker("b", delay) }
    fleet:wait_asked(HELD + IN_FLIGHT)
    return list
  end

  -- The crawl's clock has not followed.
  local function wait_seen(jump)
    support.wait(function() return math.abs(number("conf", "shift") + jump) < 300 end, 60, "the jump to be seen")
  end

  for _, jump in ipairs { 3600, -3600, 86400 * 365 } do
    it(("by %d seconds fetches nothing twice, and does not stand still"):format(jump), function()
      start(HELD)
      local list = two_at_work()
      redis:jump(1000 + jump)
      wait_seen(jump)
      fleet:release()
      for _, child in ipairs(list) do fleet:finish(child) end
      assert.equal(PAGES, fleet:asked())
      assert.equal(PAGES, fleet:join())
    end)
  end

  it("there and back is no harm either", function()
    start(HELD)
    local list = two_at_work()
    for _, jump in ipairs { 5000, -5000, 900, 0 } do
      redis:jump(1000 + jump)
      wait_seen(jump)
    end
    fleet:release()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)

  it("between two runs makes nobody wait", function()
    start(HELD)
    local list = two_at_work(0.02)
    for _, child in ipairs(list) do
      child:signal "KILL"
      child:wait(10)
    end
    redis:jump(-86400)
    fleet:release()
    fleet:finish(worker("c", 0.02))
    assert.equal(PAGES, fleet:join())
  end)

  it("is not what a worker thinks of that was stopped: others' leases stay as they are", function()
    start(HELD)
    local list = two_at_work()
    local shown = number("conf", "clock")
    list[2]:signal "STOP"
    support.wait(function() return number("conf", "clock") > shown + 3 end, 60, "the clock to go on")
    list[2]:signal "CONT"
    fleet:release()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(0, number("conf", "shift"))
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)
end)
