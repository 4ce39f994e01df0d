-- Crawls of more hosts than one looks at by hand: nothing of one waits for another that rests.
local crawl = require "rill.crawl"
local descriptors = require "rill.crawl.descriptors"
local rill = require "rill"
local site = require "support.site"
local support = require "support"

local HOSTS = 300
local LINKS = 4 -- those of all hosts are more than the start URLs that are read ahead
local MOST_STARTS = 16000 + 1 -- of which one is asked for
local MANY_HOSTS = 520 -- more than a client's own max_connections

describe("a crawl of many hosts", function()
  local server

  before_each(function()
    support.begin()
    local links = {}
    for i = 1, LINKS do links[i] = "<a href=/" .. i .. ">" end
    server = site.start("(path) => path === '/' ? '" .. table.concat(links) .. "' : 'x'", { h2c = true })
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function run(hosts, options)
    local resolve = {}
    options.start = {}
    for i = 1, hosts do
      local host = ("h%d.test:%d"):format(i, server.port)
      resolve[host], options.start[i] = "127.0.0.1:" .. server.port, ("http://%s/"):format(host)
    end
    options.client = { h2c = true, protocols = { "h2" }, resolve = resolve }
    options.robots, options.progress = false, false
    local of = crawl.new(options)
    return assert(support.run(function() return of:run() end))
  end

  it("begins with every host, though what was found at others waits for its time", function()
    local first = 0
    local done = run(HOSTS, {
      per_origin = { delay = 1000 },
      page = function(page) if page.depth == 0 then first = first + 1 end end,
      stop = function() return first == HOSTS end,
    })
    assert.same({ "stopped", HOSTS }, { done.reason, done.ok })
  end)

  it("reads no more than some thousand start URLs ahead while their host rests", function()
    local given = 0
    local made = crawl.new { robots = false, progress = false, per_origin = { delay = 1000 }, traps = false,
      client = { h2c = true, protocols = { "h2" } }, start = function()
        given = given + 1
        return ("%s/%d"):format(server.url, given)
      end }
    local done = assert(support.run(function()
      rill.spawn(function()
        while given < MOST_STARTS do rill.sleep(0.01) end
        rill.sleep(0.05)
        made:stop()
      end)
      return made:run()
    end))
    assert.same({ "stopped", MOST_STARTS }, { done.reason, given })
  end)

  it("keeps a connection to each of them, as far as descriptors allow", function()
    descriptors.raise(4 * MANY_HOSTS)
    if (descriptors.limit() or 0) < 4 * MANY_HOSTS then return pending "there are too few descriptors" end
    local first, opened = 0, nil
    local done = run(MANY_HOSTS, {
      concurrency = MANY_HOSTS, max_pages = 2 * MANY_HOSTS,
      page = function(page)
        if page.depth > 0 then return end
        first = first + 1
        while first < MANY_HOSTS do rill.sleep(0.05) end -- no host is asked twice before all have answered
      end,
      finish = function(of) opened = of.client:stats().connections_opened end,
    })
    assert.same({ 2 * MANY_HOSTS, MANY_HOSTS }, { done.ok, opened })
  end)
end)
