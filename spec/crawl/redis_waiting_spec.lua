-- Two crawls of one process, each with a state in Redis: what one waits for while it commits is not the other's.
local digest = require "rill.crawl.digest"
local redis_frontier = require "rill.crawl.frontier.redis"
local rill = require "rill"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local POLICY = { concurrency = 5, delay = 0, jitter = 0, adaptive = false, crawl_delay = true, retry_after_max = 99 }

describe("crawls with states in Redis", function()
  local redis

  before_each(function()
    support.begin()
    redis = support.redis()
  end)
  after_each(function()
    redis:stop()
    support.check_clean()
  end)

  local function open(name, policy)
    return assert(redis_frontier.open { policy = policy, robots = false, robots_wait = 60, retries = 3,
      limits = traps.limits(false), key_name = "k", durable = "process", scope = scope.new(), now = 0, conf = "{}",
      path = redis:state(name), lease = 600, expect = 1000, unreachable = 5 })
  end

  local function commit(frontier, urls)
    local links = {}
    for i, url in ipairs(urls) do
      links[i] = { url = url, origin = url:match "^http://[^/]*", depth = 0, hops = 0, attempts = 0, free = 0 }
      links[i].high, links[i].low = digest(url)
    end
    return frontier:commit { outcomes = {}, links = links, skips = {}, counters = {}, outputs = {}, now = 0 }
  end

  local function taken(frontier)
    local list = {}
    for i, entry in ipairs(frontier:take(9, 0)) do list[i] = entry.origin .. " " .. entry.url end
    table.sort(list)
    return list
  end

  it("have their own links, though a function that says how an origin is treated waits", function()
    support.run(function()
      local asked, go_on = rill.queue(), rill.queue()
      local a = open("a", function(origin)
        if origin:find "slow" then
          asked:push(true)
          go_on:pop()
        end
        return POLICY
      end)
      local b = open("b", function() return POLICY end)
      local task = rill.spawn(function()
        return assert(commit(a, { "http://x/1", "http://x/2", "http://slow/1", "http://x/3" }))
      end)
      asked:pop()
      assert(commit(b, { "http://y/1", "http://y/2" }))
      go_on:push(true)
      task:join()
      assert.same({ "http://slow http://slow/1", "http://x http://x/1", "http://x http://x/2", "http://x http://x/3" },
        taken(a))
      assert.same({ "http://y http://y/1", "http://y http://y/2" }, taken(b))
      a:close()
      b:close()
    end)
  end)
end)
