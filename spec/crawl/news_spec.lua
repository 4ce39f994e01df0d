-- What the workers of a crawl tell each other through Redis: URLs that they have found, so that a link to one of them
-- is not sent again by each.
local digest = require "rill.crawl.digest"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local ORIGIN = "https://example.com"
local NOW = 1796000000
local KEPT = 64 -- NEWS_KEPT of inside/finish.lua

describe("news of URLs", function()
  local redis

  before_each(function()
    support.begin()
    redis = support.redis()
  end)
  after_each(function()
    redis:stop()
    support.check_clean()
  end)

  local function open(worker)
    local policy = { concurrency = 100, delay = 0, jitter = 0, adaptive = true, crawl_delay = true,
      retry_after_max = 99 }
    return assert(require("rill.crawl.frontier.redis").open { policy = function() return policy end, worker = worker,
      robots = false, robots_wait = 60, retries = 3, limits = traps.limits(false), key_name = "k",
      durable = "process", scope = scope.new(), now = 0, conf = "{}", path = redis:state "site", lease = 600,
      expect = 1000, unreachable = 5 })
  end

  local function link(n)
    local made = { url = ("%s/%d"):format(ORIGIN, n), origin = ORIGIN, depth = 1, hops = 0, attempts = 0, free = 0 }
    made.high, made.low = digest(made.url)
    return made
  end

  local function batch(frontier, outcomes, ...)
    local links = {}
    for _, n in ipairs { ... } do
      local made = link(n)
      if frontier:admit(made) then links[#links + 1] = made end
    end
    return { outcomes = outcomes, links = links, skips = {}, counters = {}, outputs = {}, now = NOW }
  end

  local function commit(frontier, ...)
    assert(frontier:commit(batch(frontier, {}, ...)))
  end

  local function knows(frontier, n)
    local made = link(n)
    return frontier:known(made.high, made.low) ~= nil
  end

  local function both(test)
    support.run(function()
      local a, b = open "a", open "b"
      test(a, b)
      a:close()
      b:close()
    end)
  end

  it("reach the other workers with what they take next", function()
    both(function(a, b)
      commit(a, 1, 2)
      assert.is_false(knows(b, 1))
      assert.equal(1, #b:take(1, 0))
      assert.is_true(knows(b, 1) and knows(b, 2))
      commit(b, 1, 3) -- 1 is known
      a:take(0, 0)
      assert.is_true(knows(a, 3))
      assert.truthy(redis:cli("LINDEX", "{site}:news", "-1"):find "^b %-?%d+$") -- 3 alone
      assert.equal("2", redis:cli("HGET", "{site}:stats", "_queued")) -- 1 was taken, 2 and 3 wait
    end)
  end)

  it("are of what was new: a known URL is none", function()
    both(function(a, b)
      commit(a, 1)
      commit(b, 1) -- b has not looked
      assert.equal("1", redis:cli("LLEN", "{site}:news"))
    end)
  end)

  it("are not kept for a worker that is alone", function()
    support.run(function()
      local a = open "a"
      commit(a, 1, 2)
      assert.equal("0", redis:cli("EXISTS", "{site}:news"))
      a:close()
    end)
  end)

  it("are few, and gone with the workers; who comes late finds out by asking", function()
    both(function(a, b)
      for n = 1, KEPT + 10 do commit(a, n) end
      assert.equal(tostring(KEPT), redis:cli("LLEN", "{site}:news"))
      b:take(0, 0)
      assert.is_true(knows(b, KEPT + 10) and knows(b, 11))
      assert.is_false(knows(b, 10))
      commit(b, 10)
      assert.equal(tostring(KEPT + 10), redis:cli("HGET", "{site}:stats", "_queued"))
    end)
    assert.equal("0", redis:cli("EXISTS", "{site}:news"))
  end)

  it("are the latest where there are many", function()
    local MANY = 1500 -- fingerprints, some 20 bytes each, of 65,536
    both(function(a, b)
      for first = 1, 2 * MANY + 1, MANY do
        local list = {}
        for n = first, first + MANY - 1 do list[#list + 1] = n end
        commit(a, unpack(list))
      end
      b:take(0, 0)
      assert.is_true(knows(b, 3 * MANY) and knows(b, MANY + 1))
      assert.is_false(knows(b, MANY))
    end)
    assert.equal("0", redis:cli("EXISTS", "{site}:news"))
  end)

  it("that Redis has lost: the batch whose pages may lack a link for them is made again", function()
    both(function(a, b)
      commit(a, 1, 2)
      local entry = b:take(1, 0)[1]
      assert.is_true(knows(b, 2))
      redis:cli("HSET", "{site}:w:b", "news", "0") -- as a Redis has it that knows nothing of the last second
      commit(a, 3)
      b:take(0, 0)
      assert.is_false(knows(b, 3)) -- not before it has forgotten
      local outcome = { kind = "done", entry = entry, result = { kind = "ok" }, status = 200, bytes = 9 }
      local ok, err = b:commit(batch(b, { outcome }))
      assert.is_nil(ok)
      assert.equal("rewound", err.kind)
      assert.is_true(err.lost[entry.lease])
      assert.is_false(knows(b, 1) or knows(b, 2))
      local again = b:take(9, 0)
      assert.equal(3, #again)
      assert.is_true(knows(b, 2) and knows(b, 3))
      outcome.entry = again[1]
      assert(b:commit(batch(b, { outcome })))
    end)
  end)
end)
