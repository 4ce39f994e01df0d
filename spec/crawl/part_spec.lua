-- Workers of one crawl, where few URLs wait: each is handed out a part of them.
local digest = require "rill.crawl.digest"
local nodes_frontier = require "rill.crawl.frontier.nodes"
local redis_frontier = require "rill.crawl.frontier.redis"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local POLICY = { concurrency = 999, delay = 0, jitter = 0, adaptive = false, crawl_delay = true, retry_after_max = 99 }
local ROOM = 64

describe("workers of a crawl where few URLs wait", function()
  local redis, open_ones

  before_each(function()
    support.begin()
    redis, open_ones = support.redis(), {}
  end)
  after_each(function()
    redis:stop()
    support.check_clean()
  end)

  local function settings(worker, path)
    return { policy = function() return POLICY end, robots = false, robots_wait = 60, retries = 3,
      limits = traps.limits(false), key_name = "k", durable = "process", scope = scope.new(), now = 0, conf = "{}",
      path = path, lease = 600, expect = 1000, unreachable = 5, worker = worker }
  end

  local function keep(frontier)
    open_ones[#open_ones + 1] = frontier
    return frontier
  end

  local function workers(...)
    local list = {}
    for i, name in ipairs { ... } do
      list[i] = keep(assert(redis_frontier.open(settings(name, redis:state "site"))))
    end
    return unpack(list)
  end

  local function commit(frontier, count)
    local links = {}
    for i = 1, count do
      links[i] = { url = "http://x/" .. i, origin = "http://x", depth = 0, hops = 0, attempts = 0, free = 0 }
      links[i].high, links[i].low = digest(links[i].url)
    end
    assert(frontier:commit { outcomes = {}, links = links, skips = {}, counters = {}, outputs = {}, now = 0 })
  end

  -- In a task; the frontiers leave at its end.
  local function run(fn)
    support.run(function()
      fn()
      for _, frontier in ipairs(open_ones) do frontier:close() end
    end)
  end

  it("are each handed out a part, and come again for the rest", function()
    run(function()
      local a, b, c = workers("a", "b", "c")
      commit(a, 30)
      local list, again = a:take(ROOM, 0)
      assert.equal(10, #list)
      assert.is_true(a.leaves and again > 0)
      assert.equal(10, #b:take(ROOM, 0))
      assert.equal(10, #c:take(ROOM, 0))
      assert.is_false(c.leaves)
    end)
  end)

  it("are handed out no more while they are at work on their part", function()
    run(function()
      local a, b = workers("a", "b")
      commit(a, 30)
      local list = a:take(ROOM, 0)
      assert.equal(15, #list)
      assert.same({}, (a:take(ROOM - 15, 0)))
      assert.is_true(a.leaves)
      for i = 1, 13 do a:settle(list[i], { kind = "ok" }) end
      assert.is_true(#a:take(ROOM - 2, 0) >= 10)
      b:take(ROOM, 0)
    end)
  end)

  it("are handed out all of it in the end, each URL once", function()
    run(function()
      local all, count, list = { workers("a", "b", "c") }, 0, {}
      commit(all[1], 50)
      repeat
        local before = count
        for _, frontier in ipairs(all) do
          for _, entry in ipairs(frontier:take(ROOM, 0)) do
            assert.is_nil(list[entry.url], entry.url)
            list[entry.url], count = true, count + 1
          end
        end
      until count == before
      assert.equal(50, count)
      for _, frontier in ipairs(all) do assert.is_false(frontier.leaves) end
    end)
  end)

  it("do not share what is less than a part", function()
    run(function()
      local a = workers("a", "b", "c")
      commit(a, 4)
      assert.equal(4, #a:take(ROOM, 0))
    end)
  end)

  it("take what others have left for longer than a second: they may be dead, or have no room", function()
    run(function()
      local a = workers("a", "b")
      commit(a, 30)
      assert.equal(15, #a:take(ROOM, 0))
      assert.equal(0, #a:take(ROOM - 15, 0.5))
      assert.is_true(#a:take(ROOM - 15, 1.5) > 0)
    end)
  end)

  it("take all that they have room for where there is enough for all", function()
    run(function()
      local a, b = workers("a", "b")
      commit(a, 3 * ROOM)
      assert.equal(ROOM, #b:take(ROOM, 0))
      assert.is_false(b.leaves)
      assert.equal(ROOM, #a:take(ROOM, 0))
    end)
  end)

  it("do not leave anything to those that have left or are dead", function()
    run(function()
      local a, b = workers("a", "b", "c")
      commit(a, 30)
      b:close()
      assert.equal("0", redis:cli("HSET", "{site}:w:c", "alive", "1"))
      assert.equal(30, #a:take(ROOM, 0))
      assert.is_false(a.leaves)
      table.remove(open_ones, 2)
    end)
  end)

  it("share with several servers, too", function()
    run(function()
      local other = support.redis()
      local paths = { redis:state "site", other:state "site" }
      local a = keep(assert(nodes_frontier.open(settings("a", paths))))
      keep(assert(nodes_frontier.open(settings("b", paths))))
      commit(a, 30)
      assert.equal(15, #a:take(ROOM, 0))
      assert.is_true(a.leaves)
      for _, frontier in ipairs(open_ones) do frontier:close() end
      open_ones = {}
      other:stop()
    end)
  end)
end)
