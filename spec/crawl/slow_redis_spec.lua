-- A Redis that gets slow: what it is asked arrives more than a second later.
local delay = require "support.delay"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local SECONDS = 1.1 -- each way

describe("a crawl whose way to Redis gets long", function()
  local redis, way

  before_each(function()
    support.begin()
    redis = support.redis { tcp = true }
    way = delay.start(redis, SECONDS, true)
  end)
  after_each(function()
    way:stop()
    redis:stop()
    support.check_clean()
  end)

  local function open()
    local policy = { concurrency = 1, delay = 0, jitter = 0, adaptive = true, crawl_delay = true, retry_after_max = 99 }
    return assert(require("rill.crawl.frontier.redis").open { policy = function() return policy end, robots = false,
      robots_wait = 60, retries = 3, limits = traps.limits(false), key_name = "k", durable = "process",
      scope = scope.new(), now = 0, conf = "{}", path = ("redis://127.0.0.1:%d/?name=site"):format(way.port),
      lease = 600, expect = 1000, unreachable = 60 })
  end

  it("asks twice for a step, not until the clock is no matter", function()
    support.run(function()
      local frontier = open()
      frontier:take(1, 0) -- from here on it knows what the clock there shows
      local before = redis:scripts_run()
      way.process:signal "USR1"
      frontier:take(1, 0)
      local made = redis:scripts_run() - before
      frontier:close()
      assert.is_true(made <= 4, made .. " calls for one step") -- 2
    end)
  end)
end)
