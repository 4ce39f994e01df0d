-- What every frontier does, on a clock that the spec moves: one spec for all of them.
local digest = require "rill.crawl.digest"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local ORIGIN = "https://example.com"

local names = 0
local function next_name()
  names = names + 1
  return "n" .. names
end

local redis -- shared by the specs of its kind: each uses another name

for _, kind in ipairs { "memory", "sqlite", "redis", "nodes" } do
  describe("the frontier " .. kind, function()
    local frontier, policy, ids, options, fresh_taken
    local told = 0

    setup(function() redis = (kind == "redis" or kind == "nodes") and support.redis { told = true } or nil end)
    teardown(function() if redis then redis:stop() end end)

    local function set_clock(now)
      told = now
      if redis then redis:set_clock(1000 + now) end
    end

    local function open()
      policy = { concurrency = 100, delay = 0, jitter = 0, adaptive = true, crawl_delay = true, retry_after_max = 99 }
      options = { policy = function() return policy end, robots = false, robots_wait = 60, retries = 3,
        limits = traps.limits { per_host = 6 }, key_name = "k", durable = "process", scope = scope.new(), now = 0,
        conf = "{}", monotonic = function() return told end,
        path = support.directory "frontier" .. "/state", lease = 600, expect = 1000, unreachable = 5 }
      if redis then options.path = redis:state(next_name()) end
      if kind == "nodes" then options.path = { options.path, redis:state(next_name()), redis:state(next_name()) } end
      set_clock(0)
      frontier = assert(require("rill.crawl.frontier." .. kind).open(options))
      ids, fresh_taken = {}, 0
    end

    -- All of it in a task: a shared frontier waits.
    local function spec(name, fn)
      it(name, function()
        support.run(function()
          open()
          local ok, err = pcall(fn)
          frontier:close()
          if not ok then error(err, 0) end
        end)
      end)
    end

    local function link(path, fields)
      local url = ORIGIN .. path
      local made = { url = url, origin = ORIGIN, depth = 0, hops = 0, attempts = 0, free = 0 }
      made.high, made.low = digest(url)
      for name, value in pairs(fields or {}) do made[name] = value end
      return made
    end

    local function commit(outcomes, links, now)
      set_clock(now)
      assert(frontier:commit { outcomes = outcomes, links = links, skips = {}, counters = {}, outputs = {}, now = now })
    end

    local function add(...)
      local admitted = {}
      for _, made in ipairs { ... } do
        if frontier:admit(made) then admitted[#admitted + 1] = made end
      end
      commit({}, admitted, 0)
    end

    local function take(n, now, fresh)
      set_clock(now)
      options.max_pages = fresh and fresh_taken + fresh or nil -- a shared frontier counts by itself
      local entries, again = frontier:take(n, now, fresh or math.huge)
      local paths = {}
      for i, entry in ipairs(entries) do
        if entry.attempts == 0 then fresh_taken = fresh_taken + 1 end
        paths[i] = entry.url:sub(#ORIGIN + 1)
        ids[paths[i]] = entry
      end
      return paths, again
    end

    local function finish(path, outcome, result, now)
      outcome.entry, outcome.result, outcome.bytes = ids[path], result or { kind = "ok" }, 0
      frontier:settle(ids[path], outcome.result, now)
      commit({ outcome }, {}, now)
    end

    spec("gives priority, then depth, then the order found; each URL once", function()
      add(link "/a", link("/deep", { depth = 2 }), link "/b", link("/first", { priority = 1, depth = 5 }),
        link("/last", { priority = -1 }), link "/a")
      assert.same({ "/first", "/a", "/b" }, (take(3, 0)))
      assert.same({ "/deep", "/last" }, (take(3, 0)))
      assert.same({}, (take(3, 0)))
      assert.equal(0, frontier:waiting())
    end)

    spec("gives a URL again that is asked for again, at the depth it was found at", function()
      add(link("/1", { depth = 1 }))
      take(5, 0)
      finish("/1", { kind = "done", status = 200 }, nil, 1)
      add(link("/1", { depth = 9, again = true }))
      assert.same({ "/1" }, (take(5, 2)))
      if not redis then assert.equal(1, ids["/1"].depth) end -- there, pages that are done are not remembered
    end)

    spec("takes what is better than what it has read ahead", function()
      add(link("/1", { depth = 1 }), link("/2", { depth = 1 }))
      assert.same({ "/1" }, (take(1, 0)))
      add(link "/0")
      assert.same({ "/0", "/2" }, (take(5, 0)))
    end)

    spec("gives no more fresh ones than allowed, and repeats when they are due", function()
      add(link "/1", link "/2")
      assert.same({ "/1" }, (take(5, 0, 1)))
      ids["/1"].attempts = 1
      finish("/1", { kind = "retry", due = 10 }, { kind = "timeout" }, 1)
      local none, again = take(5, 2, 0)
      assert.same({ {}, 10 }, { none, again })
      assert.same({ "/1" }, (take(5, 10, 0)))
      finish("/1", { kind = "done", status = 200 }, nil, 11)
      assert.same({ "/2" }, (take(5, 11)))
    end)

    spec("spaces starts, and holds an origin back as it asks", function()
      policy.delay = 2
      add(link "/1", link "/2", link "/3")
      assert.same({ "/1" }, (take(5, 0)))
      finish("/1", { kind = "done", status = 200 }, nil, 1)
      local first, again = take(5, 1)
      assert.same({ {}, 2 }, { first, again })
      assert.same({ "/2" }, (take(5, 2)))
      finish("/2", { kind = "done", status = 200 }, { kind = "busy", hold = 50 }, 3)
      first, again = take(5, 4)
      assert.same({ {}, 53 }, { first, again })
      assert.same({ "/3" }, (take(5, 53)))
    end)

    spec("gives an origin that never answered up after five dials", function()
      add(link "/1", link "/2", link "/3", link "/4", link "/5", link "/6")
      take(5, 0)
      local reason = "connect_failed"
      for i = 1, 5 do finish("/" .. i, { kind = "failed", reason = reason }, { kind = "dial", reason = reason }, 1) end
      take(1, 1)
      assert.equal("connect_failed", ids["/6"].dead.reason)
    end)

    if kind == "redis" then
      spec("takes up 256 repeats that are due, and 256 leases that have run out, in one call", function()
        local MANY, AT_ONCE = 300, 256
        policy.concurrency, policy.adaptive = MANY, false
        for i = 1, MANY do add(link("/" .. i)) end
        local outcomes = {}
        for i, path in ipairs((take(MANY, 0))) do
          ids[path].attempts = 1
          outcomes[i] = { kind = "retry", due = 10, entry = ids[path], result = { kind = "timeout" }, bytes = 0 }
          frontier:settle(ids[path], outcomes[i].result, 1)
        end
        assert.equal(MANY, #outcomes)
        commit(outcomes, {}, 1)
        local function count(name)
          return tonumber(redis:cli("ZCARD", ("{n%d}:%s"):format(names, name)))
        end
        assert.equal(MANY, count "later")
        take(1, 10)
        assert.equal(MANY - AT_ONCE, count "later")
        take(MANY, 10)
        take(MANY, 10)
        assert.equal(MANY, count "lease")
        for now = 14, 606, 4 do take(0, now) end -- where nobody asks for longer, Redis was away
        assert.equal(MANY, count "lease")
        take(0, 610)
        assert.equal(MANY - AT_ONCE, count "lease")
      end)
    end

    if kind == "nodes" then
      spec("remembers the node of 10,000 origins, then it begins anew", function()
        local MOST = 10000
        for i = 1, MOST do frontier:is_seen(0, i, { origin = ("https://h%d.test"):format(i) }) end
        assert.equal(MOST, frontier._origin_count)
        frontier:is_seen(0, 0, { origin = "https://one.more.test" })
        assert.equal(1, frontier._origin_count)
      end)
    end

    spec("counts against traps", function()
      local function counted(path)
        local made = link(path)
        local high, low = digest "per_host"
        made.counters = { { name = "per_host", high = high, low = low } }
        return made
      end
      for i = 1, 7 do add(counted("/" .. i)) end
      add(counted "/1")
      assert.equal(6, frontier:waiting())
      assert.same({ false, "seen" }, { frontier:admit(counted "/1") })
    end)
  end)
end
