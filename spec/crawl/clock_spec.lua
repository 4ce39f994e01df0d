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

  -- One worker has all that may be in flight, and stands still while the clock jumps.
  local function one_stopped(jump)
    start(HELD)
    local child = worker("a", 0)
    fleet:wait_asked(HELD + IN_FLIGHT)
    child:signal "STOP"
    redis:jump(1000 + jump)
    return child
  end

  it("takes nothing from a worker where another one that joins is the first to see it", function()
    local child = one_stopped(3600)
    local other = worker "b"
    support.wait(function() return redis:cli("SCARD", "{site}:workers") == "2" end, 60, "it to join")
    local shown = number("conf", "clock")
    support.wait(function() return number("conf", "clock") > shown + 2 end, 60, "it to look for work")
    child:signal "CONT"
    fleet:release()
    fleet:finish(child)
    fleet:finish(other)
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)

  it("frees no name of a worker that lives", function()
    local child = one_stopped(3600)
    local other = worker "a"
    assert.equal(4, other:wait(60), other:output())
    assert.matches("kind=worker", other:output())
    child:signal "CONT"
    fleet:release()
    fleet:finish(child)
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)

  local function errors(name)
    return tonumber(redis:cli("INFO", "errorstats"):match(("errorstat_%s:count=(%%d+)"):format(name))) or 0
  end

  it("is seen also where the answer to what sets it right is lost", function()
    start(HELD)
    local child = worker "a" -- one: another might be in the middle of joining, which is not tried again
    fleet:wait_asked(HELD + IN_FLIGHT)
    redis:cli("REPLICAOF", "127.0.0.1", "1") -- from here on it reads and does not write
    redis:jump(1000 + 3600)
    support.wait(function() return errors "CLOCK" > 3 end, 60, "the jump to be noticed")
    local refused = errors "READONLY"
    support.wait(function() return errors "READONLY" > refused + 3 end, 60, "it to try again")
    redis:cli("REPLICAOF", "NO", "ONE")
    wait_seen(3600)
    fleet:release()
    fleet:finish(child)
    assert.equal(PAGES, fleet:asked())
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
