-- A replica takes over in the middle of a crawl: the host's name leads to it from then on.
local support = require "support"

local PAGES, HELD = 120, 20

describe("a crawl whose Redis is replaced by its replica", function()
  local dns, primary, replica, fleet

  before_each(function()
    support.begin()
    dns = support.dns { ["redis.test"] = { A = { "127.0.0.1" } } }
    primary = support.redis { tcp = "127.0.0.1" }
    replica = support.redis { tcp = "127.0.0.2", port = primary.port, replica_of = primary.port }
    fleet = support.fleet { pages = PAGES, hold = HELD,
      state = primary:tcp_state("site", "redis.test", "&dns_servers=" .. dns.address) }
  end)
  after_each(function()
    fleet:stop()
    primary:stop()
    replica:stop()
    dns:stop()
    support.check_clean()
  end)

  local function pages(redis)
    return tonumber(redis:cli("HGET", "{site}:stats", "pages")) or 0
  end

  local function start_replicated()
    local more = { lease = 20, per_origin = { concurrency = 8, adaptive = false, delay = 0.02 } }
    local list = { fleet:worker("a", more), fleet:worker("b", more) }
    fleet:wait_asked(HELD + 8)
    support.wait(function() return pages(primary) == HELD and pages(replica) == HELD end, 60, "all to be replicated")
    return list
  end

  local function promote()
    assert.equal("OK", replica:cli("REPLICAOF", "NO", "ONE"))
  end

  -- The old one is gone, and its name means the new one.
  local function switch()
    dns:set { ["redis.test"] = { A = { "127.0.0.2" } } }
    primary:kill()
  end

  it("goes on there: nothing is lost, and nothing fetched twice where it had everything", function()
    local list = start_replicated()
    promote()
    switch()
    fleet:release()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)

  it("does again what the replica had not seen, and has each item once", function()
    local list = start_replicated()
    promote() -- from here on it gets nothing any more
    fleet:release(HELD + 20)
    support.wait(function() return pages(primary) >= HELD + 20 end, 60, "pages that the replica does not see")
    switch()
    fleet:release()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(PAGES, fleet:join())
    assert.equal(PAGES, pages(replica))
    assert.is_true(fleet:asked() > PAGES)
  end)
end)
