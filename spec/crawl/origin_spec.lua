-- An origin's manners, on a clock that the spec moves.
local origin = require "rill.crawl.origin"

describe("an origin", function()
  local o, policy

  before_each(function()
    policy = { concurrency = 8, delay = 0, jitter = 0, adaptive = true, crawl_delay = true, retry_after_max = 99 }
    o = origin.new("https://h", policy)
  end)

  local function give(result, times, now)
    for _ = 1, times or 1 do
      origin.start(o, now or 0)
      origin.finish(o, result, now or 0)
    end
  end

  it("is asked half as much on 429, 503 and time-outs, never less than one at a time", function()
    give { kind = "busy" }
    assert.equal(4, o.limit)
    give { kind = "timeout" }
    assert.equal(2, o.limit)
    give({ kind = "busy" }, 5)
    assert.equal(1, o.limit)
  end)

  it("gets one more at a time after 20 good pages, up to its concurrency", function()
    give({ kind = "busy" }, 5)
    give({ kind = "ok" }, 19)
    assert.equal(1, o.limit)
    give { kind = "ok" }
    assert.equal(2, o.limit)
    give({ kind = "ok" }, 1000)
    assert.equal(8, o.limit)
  end)

  it("gets no more for pages that are errors of the server", function()
    give({ kind = "busy" }, 5)
    give({ kind = "ok", bad = true }, 100)
    assert.equal(1, o.limit)
  end)

  it("is asked half as much when its answers take twice as long", function()
    give({ kind = "ok", latency = 0.3 }, 50)
    assert.equal(8, o.limit)
    give({ kind = "ok", latency = 1 }, 5)
    assert.equal(4, o.limit)
  end)

  it("is asked as much as before where `adaptive` is off", function()
    policy.adaptive = false
    give({ kind = "busy" }, 3)
    give({ kind = "ok", latency = 0.3 }, 50)
    give({ kind = "ok", latency = 3 }, 50)
    assert.equal(8, o.limit)
  end)

  it("has its starts spaced by delay, within the jitter", function()
    policy.delay, policy.jitter = 2, 0.5
    local least, most = math.huge, 0
    for _ = 1, 1000 do
      origin.start(o, 100)
      least, most = math.min(least, o.next_start - 100), math.max(most, o.next_start - 100)
    end
    assert.is_true(least >= 1 and least < 1.2 and most <= 3 and most > 2.8)
  end)

  it("has them spaced from when they have left, which a dial holds up", function()
    policy.delay = 2
    origin.start(o, 100)
    assert.is_nil(origin.due(o, 105)) -- one at a time before its first answer
    origin.finish(o, { kind = "ok", sent = 101.5 }, 105)
    assert.equal(105, origin.due(o, 105))
    origin.start(o, 105)
    assert.equal(107, origin.due(o, 106))
    origin.finish(o, { kind = "ok", sent = 105.5 }, 106)
    assert.equal(107.5, origin.due(o, 106))
  end)

  it("has them spaced by no less than its Crawl-delay, up to 60 s", function()
    policy.jitter = 0.5
    o.robots = { at = 0, delay = 5 }
    origin.start(o, 0)
    assert.equal(5, o.next_start)
    o.robots.delay = 1e6
    origin.start(o, 0)
    assert.equal(60, o.next_start)
    policy.crawl_delay = false
    o.next_start = 0
    origin.start(o, 0)
    assert.equal(0, o.next_start)
  end)

  it("rests 30 s doubling to 10 min when dials fail, one try each, and is given up after the fifth", function()
    give { kind = "ok" }
    give({ kind = "dial", reason = "connect_failed" }, 4, 0)
    assert.equal(0, origin.due(o, 0))
    give({ kind = "dial", reason = "connect_failed" }, 1, 0)
    local now, rests = 0, {}
    for i = 1, 5 do
      rests[i] = origin.due(o, now) - now
      now = now + rests[i]
      origin.start(o, now)
      assert.is_nil(origin.due(o, now)) -- one at a time
      origin.finish(o, { kind = "dial", reason = "connect_failed" }, now)
    end
    assert.same({ 30, 60, 120, 240, 480 }, rests)
    assert.equal("connect_failed", o.dead.reason)
  end)

  it("is forgiven all failed dials by one answer", function()
    give { kind = "ok" }
    give({ kind = "dial", reason = "connect_failed" }, 5, 0)
    give({ kind = "ok", bad = true }, 1, 30)
    assert.equal(31, origin.due(o, 31))
    give({ kind = "dial", reason = "connect_failed" }, 4, 31)
    assert.equal(31, origin.due(o, 31))
  end)

  local function ask(answer, now, more)
    origin.start(o, now)
    o.asking = true
    local robots = { answer = answer, err = { reason = "connect_failed", message = "no" } }
    for name, value in pairs(more or {}) do robots[name] = value end
    origin.finish(o, { kind = answer == "dial" and "dial" or "other", reason = "connect_failed" }, now)
    origin.robots(o, robots, { robots_wait = 100, retries = 3 }, now)
  end

  it("waits for a robots.txt that fails, with growing pauses, at most robots_wait", function()
    local now, tries = 0, 0
    while not o.dead do
      assert.is_true(origin.needs_robots(o, now))
      ask("wait", now)
      tries = tries + 1
      now = o.dead and now or origin.due(o, now)
      assert.is_true(now <= 100)
    end
    assert.same({ skip = "robots_unreachable" }, o.dead)
    assert.is_true(tries > 4 and tries < 20)
  end)

  it("asks for it as often as `retries` allows where there is no connection", function()
    local tries = 0
    while not o.dead do
      ask("dial", tries * 1000)
      tries = tries + 1
    end
    assert.same({ 4, "connect_failed" }, { tries, o.dead.reason })
  end)

  it("asks for it again after 24 hours", function()
    ask("parsed", 0, { body = "" })
    assert.is_false(origin.needs_robots(o, 24 * 3600 - 1))
    assert.is_true(origin.needs_robots(o, 24 * 3600))
  end)
end)
