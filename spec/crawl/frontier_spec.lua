-- What every frontier does, on a clock that the spec moves: one spec for all of them.
local digest = require "rill.crawl.digest"
local scope = require "rill.crawl.scope"
local support = require "support"
local traps = require "rill.crawl.traps"

local ORIGIN = "https://example.com"

for _, kind in ipairs { "memory", "sqlite" } do
  describe("the frontier " .. kind, function()
    local frontier, policy, ids

    before_each(function()
      policy = { concurrency = 100, delay = 0, jitter = 0, adaptive = true, crawl_delay = true, retry_after_max = 99 }
      local options = { policy = function() return policy end, robots = false, robots_wait = 60, retries = 3,
        limits = traps.limits { per_host = 6 }, key_name = "k", durable = "process", scope = scope.new(), now = 0,
        conf = "{}", path = support.directory "frontier" .. "/state" }
      frontier = assert(require("rill.crawl.frontier." .. kind).open(options))
      ids = {}
    end)
    after_each(function() frontier:close() end)

    local function link(path, fields)
      local url = ORIGIN .. path
      local made = { url = url, origin = ORIGIN, depth = 0, hops = 0, attempts = 0, free = 0 }
      made.high, made.low = digest(url)
      for name, value in pairs(fields or {}) do made[name] = value end
      return made
    end

    local function commit(outcomes, links, now)
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
      local entries, again = frontier:take(n, now, fresh or math.huge)
      local paths = {}
      for i, entry in ipairs(entries) do
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

    it("gives priority, then depth, then the order found; each URL once", function()
      add(link "/a", link("/deep", { depth = 2 }), link "/b", link("/first", { priority = 1, depth = 5 }),
        link("/last", { priority = -1 }), link "/a")
      assert.same({ "/first", "/a", "/b" }, (take(3, 0)))
      assert.same({ "/deep", "/last" }, (take(3, 0)))
      assert.same({}, (take(3, 0)))
      assert.equal(0, frontier:waiting())
    end)

    it("gives a URL again that is asked for again, at the depth it was found at", function()
      add(link("/1", { depth = 1 }))
      take(5, 0)
      finish("/1", { kind = "done", status = 200 }, nil, 1)
      add(link("/1", { depth = 9, again = true }))
      assert.same({ "/1" }, (take(5, 2)))
      assert.equal(1, ids["/1"].depth)
    end)

    it("takes what is better than what it has read ahead", function()
      add(link("/1", { depth = 1 }), link("/2", { depth = 1 }))
      assert.same({ "/1" }, (take(1, 0)))
      add(link "/0")
      assert.same({ "/0", "/2" }, (take(5, 0)))
    end)

    it("gives no more fresh ones than allowed, and repeats when they are due", function()
      add(link "/1", link "/2")
      assert.same({ "/1" }, (take(5, 0, 1)))
      finish("/1", { kind = "retry", due = 10 }, { kind = "timeout" }, 1)
      local none, again = take(5, 2, 0)
      assert.same({ {}, 10 }, { none, again })
      assert.same({ "/1" }, (take(5, 10, 0)))
      finish("/1", { kind = "done", status = 200 }, nil, 11)
      assert.same({ "/2" }, (take(5, 11)))
    end)

    it("spaces starts, and holds an origin back as it asks", function()
      policy.delay = 2
      add(link "/1", link "/2", link "/3")
      local first, again = take(5, 0)
      assert.same({ { "/1" }, 2 }, { first, again })
      assert.same({ "/2" }, (take(5, 2)))
      finish("/1", { kind = "done", status = 200 }, { kind = "busy", hold = 50 }, 3)
      first, again = take(5, 4)
      assert.same({ {}, 53 }, { first, again })
      assert.same({ "/3" }, (take(5, 53)))
    end)

    it("gives an origin that never answered up after five dials", function()
      add(link "/1", link "/2", link "/3", link "/4", link "/5", link "/6")
      take(5, 0)
      local reason = "connect_failed"
      for i = 1, 5 do finish("/" .. i, { kind = "failed", reason = reason }, { kind = "dial", reason = reason }, 1) end
      take(1, 1)
      assert.equal("connect_failed", ids["/6"].dead.reason)
    end)

    it("counts against traps", function()
      local function counted(path)
        local made = link(path)
        local high, low = digest "per_host"
        made.counters = { { name = "per_host", high = high, low = low } }
        return made
      end
      for i = 1, 6 do assert.is_true(frontier:admit(counted("/" .. i))) end
      assert.same({ false, "per_host" }, { frontier:admit(counted "/7") })
      assert.same({ false, "seen" }, { frontier:admit(counted "/1") })
    end)
  end)
end
