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

  -- It knows what the clock showed: a step was answered, for another one was asked behind it. One that has just joined
  -- knows nothing, and takes the clock as it is.
  local function wait_steps(name)
    local steps, last = 0, 0
    support.wait(function()
      local alive = number("w:" .. name, "alive") -- joining sets it, and each step
      if alive ~= last then
        steps, last = steps + 1, alive
      end
      return steps > 3
    end, 60, "steps of " .. name)
  end

  local function two_at_work(delay)
    local list = { worker("a", delay), worker("b", delay) }
    fleet:wait_asked(HELD + IN_FLIGHT) -- by one of them, maybe
    wait_steps "a"
    wait_steps "b"
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

describe("a step of a crawl", function()
  local redis
  before_each(function() redis = support.redis { jumps = true } end)
  after_each(function() redis:stop() end)

  local asked, jumps_at -- how often it has looked at its own clock; at which look Redis' jumps
  local jumped

  local function jump()
    jumped = jumped + 5000
    redis:jump(1000 + jumped)
  end

  local function now()
    asked = asked + 1
    if asked == jumps_at then jump() end
    return require("rill").now()
  end

  local function open()
    local policy = { concurrency = 1, delay = 0, jitter = 0, adaptive = false, crawl_delay = true,
      retry_after_max = 99 }
    return assert(require("rill.crawl.frontier.redis").open { policy = function() return policy end, robots = false,
      robots_wait = 60, retries = 3, limits = require("rill.crawl.traps").limits {}, key_name = "k", now = 0,
      scope = require("rill.crawl.scope").new(), conf = "{}", monotonic = now, path = redis:state "site", lease = 600,
      expect = 1000, unreachable = 60 })
  end

  local function shift()
    return tonumber(redis:cli("HGET", "{site}:conf", "shift")) or 0
  end

  it("does not follow a clock that jumps once more, wherever in the step that is", function()
    asked, jumps_at, jumped = 0, 0, 0
    support.run(function()
      local frontier = open()
      frontier:take(1, 0)
      repeat
        jump()
        asked, jumps_at = 0, jumps_at + 1
        frontier:take(1, 0)
        local passed = asked < jumps_at
        frontier:take(1, 0)
        local followed = jumped + shift()
        if followed > 300 then error(("followed by %d s a jump at look %d"):format(followed, jumps_at), 0) end
      until passed
      frontier:close()
    end)
    assert.is_true(jumps_at > 4)
  end)
end)
