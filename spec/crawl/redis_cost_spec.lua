-- What a state in Redis costs there: calls, and memory by Redis' own account. Neither depends on how busy a machine is.
local digest = require "rill.crawl.digest"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local URLS, PAGES = tonumber(os.getenv "URLS") or 30000, 64
local ORIGIN = "https://example.com"
local NOW = 1796000000

describe("a crawl's state in Redis", function()
  local redis, frontier

  before_each(function()
    support.begin()
    redis = support.redis()
  end)
  after_each(function()
    redis:stop()
    support.check_clean()
  end)

  local function open(remember, limits)
    local policy = { concurrency = 100, delay = 0, jitter = 0, adaptive = true, crawl_delay = true,
      retry_after_max = 99 }
    frontier = assert(require("rill.crawl.frontier.redis").open { policy = function() return policy end,
      robots = false, robots_wait = 60, retries = 3, limits = limits or traps.limits(false), key_name = "k",
      durable = "process", scope = scope.new(), now = 0, conf = "{}", path = redis:state "site", lease = 600,
      expect = URLS, unreachable = 5, remember = remember })
  end

  -- A URL of 60 bytes, found on a page whose URL differs in its last bytes.
  local function link(n)
    local url = ("%s/a/path/that/is/of/a/usual/length/%05d"):format(ORIGIN, n)
    url = url .. ("x"):rep(60 - #url)
    local made = { url = url, origin = ORIGIN, depth = 1, hops = 0, attempts = 0, free = 0,
      from = ORIGIN .. "/a/path/x" }
    made.high, made.low = digest(url)
    return made
  end

  local function commit(outcomes, first, last)
    local links = {}
    for n = first, last do
      local made = link(n)
      if frontier:admit(made) then links[#links + 1] = made end
    end
    assert(frontier:commit { outcomes = outcomes, links = links, skips = {}, counters = {}, outputs = {}, now = NOW })
  end

  local function finished(entries)
    local outcomes = {}
    for i, entry in ipairs(entries) do
      local high, low = digest(entry.url .. " body")
      outcomes[i] = { kind = "done", entry = entry, result = { kind = "ok" }, status = 200, bytes = 9, high = high,
        low = low }
      frontier:settle(entry, outcomes[i].result)
    end
    return outcomes
  end

  local SUM = "local sum = 0 for _, key in ipairs(redis.call('KEYS', ARGV[1])) do "
    .. "sum = sum + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0') end return sum"

  local function memory(keys)
    return tonumber(redis:cli("EVAL", SUM, "0", "{site}:" .. keys))
  end

  it(("takes one call for %d pages to be taken, and one for them to be finished"):format(PAGES), function()
    support.run(function()
      open()
      commit({}, 1, PAGES)
      redis:cli("CONFIG", "RESETSTAT")
      local entries = frontier:take(PAGES, 0)
      assert.equal(PAGES, #entries)
      assert.equal(1, redis:scripts_run())
      commit(finished(entries), PAGES + 1, PAGES + 30 * PAGES)
      assert.equal(2, redis:scripts_run())
      frontier:close()
    end)
  end)

  local function commands()
    local sum = 0
    for calls in redis:cli("INFO", "commandstats"):gmatch "calls=(%d+)" do sum = sum + tonumber(calls) end
    return sum
  end

  it("takes one command inside Redis to count a link and to learn whether it is too many", function()
    local function links(first)
      local list = {}
      for n = first, first + PAGES - 1 do
        local made = link(n)
        local shape = { name = "per_shape" }
        shape.high, shape.low = digest(("shape %d"):format(n % 7))
        list[n - first + 1], made.counters = made, { shape }
      end
      return list
    end
    local function send(list)
      redis:cli("CONFIG", "RESETSTAT")
      assert(frontier:commit { outcomes = {}, links = list, skips = {}, counters = {}, outputs = {}, now = NOW })
      return commands()
    end
    support.run(function()
      open()
      commit({}, 1, PAGES)
      local bare = links(PAGES + 1)
      for _, made in ipairs(bare) do made.counters = nil end
      local each = (-send(bare) + send(links(2 * PAGES + 1))) / PAGES
      assert.is_true(each < 1.5, each .. " commands")
      frontier:close()
    end)
  end)

  it("does not count a link that is too many, in whatever it would have been counted", function()
    support.run(function()
      open(false, traps.limits { per_shape = 1, per_host = false })
      local links = { link(1), link(2) }
      for number, made in ipairs(links) do
        made.counters = { { name = "per_path", high = 1, low = number }, { name = "per_shape", high = 3, low = 4 } }
      end
      local batch = { outcomes = {}, links = links, skips = {}, counters = {}, outputs = {}, now = NOW }
      assert(frontier:commit(batch))
      assert.same({ "per_shape", links[2].url }, { batch.trapped[1].reason, batch.trapped[1].url })
      assert.equal("1\n1", redis:cli("HVALS", "{site}:shape"))
      frontier:close()
    end)
  end)

  it("takes four commands inside Redis for a page that brings one link, at most", function()
    support.run(function()
      open()
      commit({}, 1, PAGES)
      redis:cli("CONFIG", "RESETSTAT")
      commit(finished(frontier:take(PAGES, 0)), PAGES + 1, 2 * PAGES)
      assert.equal(PAGES, #frontier:take(PAGES, 0))
      local each = commands() / PAGES
      assert.is_true(each <= 4, each .. " commands")
      frontier:close()
    end)
  end)

  it("takes 250 bytes for a lease, and a whole number for its end: Redis reads others from text each time", function()
    support.run(function()
      open()
      commit({}, 1, PAGES)
      local entries = frontier:take(PAGES, 0)
      local each = (memory "lease" + memory "leased") / PAGES
      assert.is_true(each <= 250, each .. " bytes")
      for _, entry in ipairs(entries) do
        assert.matches("^%d+$", redis:cli("ZSCORE", "{site}:lease", entry.lease))
      end
      frontier:close()
    end)
  end)

  it("takes 12 bytes for a URL that was seen, 12 for a page, and little beside a URL that waits", function()
    support.run(function()
      open()
      for first = 1, URLS, 1500 do commit({}, first, math.min(URLS, first + 1499)) end
      local rest = #"x" -- of `from`
      local seen, waiting = memory "seen:*" / URLS, memory "q:*" / URLS
      assert.is_true(seen <= 12, "seen: " .. seen)
      assert.is_true(waiting <= 60 + rest + 30, "waiting: " .. waiting)
      local count = 0
      while count < URLS / 2 do
        local entries = frontier:take(PAGES, 0)
        count = count + #entries
        commit(finished(entries), 1, 0)
      end
      local body = memory "body:*" / count
      assert.is_true(body <= 12, "body: " .. body)
      if os.getenv "URLS" then print(seen, waiting, body) end
      frontier:close()
    end)
  end)

  it("takes at most 12 bytes more to know when a page's body was archived, and 18 when that was months ago", function()
    local function page_with(archived)
      redis:cli "FLUSHALL"
      open(true)
      commit({}, 1, 4096)
      local count = 0
      while count < 4096 do
        local outcomes = finished(frontier:take(PAGES, 0))
        for i, outcome in ipairs(outcomes) do -- all lengths: the allocator knows some sizes only
          outcome.archived, outcome.etag = archived, ('"%s"'):format(("x"):rep(i))
        end
        count = count + #outcomes
        commit(outcomes, 1, 0)
      end
      frontier:close()
      return memory "page:*" / count
    end
    support.run(function()
      local without = page_with(nil)
      local at_once, later = page_with(NOW - 99), page_with(NOW - 9999999) -- 115 days
      if os.getenv "URLS" then print(without, at_once, later) end
      assert.is_true(at_once - without <= 12, ("%g, not %g"):format(at_once, without))
      assert.is_true(later - without <= 18, ("%g, not %g"):format(later, without))
    end)
  end)
end)
