-- A page with more links than one call to Redis takes, and a queue that no start URL is read into.
local portions = require "rill.crawl.frontier.portions"
local site = require "support.site"
local support = require "support"

local LINKS = 100000

for _, kind in ipairs { "a file", "Redis" } do describe("a page with 100,000 links, the state in " .. kind, function()
  local server, redis, state

  before_each(function()
    support.begin()
    server = site.start(([[(path) => ({ body: path === '/' ?
      [...Array(%d).keys()].map((n) => '<a href="/' + n + '">').join('') : 'end' })]]):format(LINKS))
    redis = kind == "Redis" and support.redis() or nil
    state = redis and redis:state "big" or support.directory "big" .. "/site.crawl"
  end)
  after_each(function()
    server:stop()
    if redis then redis:stop() end
    support.check_clean()
  end)

  it("has each of them in the queue once; the same call again ends, for max_pages is reached", function()
    local function run()
      return support.run(function()
        return require "rill.crawl" { start = server.url .. "/", state = state, robots = false, progress = false,
          client = { tls = { ca_file = server.ca } }, traps = false, max_pages = 3, per_origin = { concurrency = 1 },
          page = function() end }
      end, 120)
    end
    local done = assert(run())
    assert.same({ "max_pages", 3, LINKS - 2 }, { done.reason, done.pages, done.queued })
    if redis then
      local calls = tonumber(redis:cli("INFO", "commandstats"):match "cmdstat_evalsha:calls=(%d+)")
      assert.is_true(calls >= LINKS / portions.LINKS, calls)
      assert.equal(tostring(LINKS - 2), redis:cli("HGET", "{big}:stats", "_queued"))
    end
    local again = assert(run())
    assert.same({ "max_pages", 3, LINKS - 2 }, { again.reason, again.pages, again.queued })
    assert.equal(3, #site.asked(server))
  end)
end) end
