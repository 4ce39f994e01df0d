-- What a crawl keeps of what pages name is bounded in bytes, too: a URL may have 64 KiB, a robots.txt 500.
local commit = require "rill.crawl.commit"
local crawl = require "rill.crawl"
local kept_robots = require "rill.crawl.frontier.kept_robots"
local known_of = require "rill.crawl.frontier.known"
local origins = require "rill.crawl.frontier.origins"
local portions = require "rill.crawl.frontier.portions"
local robots = require "rill.crawl.robots"
local scope = require "rill.crawl.scope"
local site = require "support.site"
local support = require "support"
local written = require "rill.crawl.written"

local MANY, SKIPPED_URL = 5000, 4096

describe("what a crawl keeps", function()
  local server, directory, robots_bytes, robots_kept

  before_each(function()
    support.begin()
    directory = support.directory "bytes"
    robots_bytes, robots_kept = kept_robots.ROBOTS_BYTES, origins.ROBOTS_KEPT
  end)
  after_each(function()
    kept_robots.ROBOTS_BYTES, origins.ROBOTS_KEPT = robots_bytes, robots_kept
    if server then server:stop() end
    server = nil
    support.check_clean()
  end)

  local function run(options)
    options.start = options.start or server.url .. "/"
    options.client = options.client or {}
    options.client.tls, options.progress = { ca_file = server.ca }, false
    if options.robots == nil then options.robots = false end
    return assert(support.run(function() return crawl(options) end, 60))
  end

  -- KiB of Lua's heap that a function leaves.
  local function left_by(fn)
    collectgarbage()
    local before = collectgarbage "count"
    local kept = fn()
    collectgarbage()
    return collectgarbage "count" - before, kept
  end

  it("of a URL that it recognizes is a hash", function()
    local function url(i) return ("https://example.com/%d/"):format(i) .. ("x"):rep(60000) end
    local size, urls = left_by(function()
      local all = written.new { frontier = {}, options = { scope = scope.new() } }
      for i = 1, 1000 do all:add(url(i)) end
      return all
    end)
    assert.is_true(size < 100, size)
    assert.same({ true, true, false }, { urls:has(url(1000)), urls:has(url(1)), urls:has(url(1001)) })
  end)

  it("of parsed rules is what 2 MiB of robots.txt have", function()
    local function get(key)
      local line = "disallow: /" .. ("x"):rep(1000 - #key) .. key .. "\n"
      return { key = key, robots = { at = 1, body = "user-agent: *\n" .. line:rep(200) } }
    end
    local size, rules = left_by(function()
      local all = robots.new("rill", nil, get, function() end)
      for i = 1, 200 do all:allowed(tostring(i), "https://example.com/") end
      return all
    end)
    assert.is_true(size < 10 * 1024, size)
    assert.is_true(rules:allowed("200", "https://example.com/"))
  end)

  it("of robots.txt are 64 MiB, the last ones", function()
    local kept, list = kept_robots.new(), {}
    for i = 1, 140 do
      list[i] = { robots = { at = i, body = ("%03d"):format(i) .. ("x"):rep(500 * 1024 - 3) } }
      kept:add(list[i])
    end
    local count = 0
    for _, o in ipairs(list) do count = count + (o.robots and 1 or 0) end
    assert.equal(math.floor(64 * 1024 / 500), count)
    assert.same({ true, true }, { list[1].robots == nil, list[140].robots ~= nil })
  end)

  -- Two hosts; each page names the other host's next one, and one that its robots.txt shuts.
  local function two_hosts()
    server = support.node { source = [[
      server.on('stream', (stream, headers) => {
        const path = headers[':path'], [host, port] = headers[':authority'].split(':'), n = Number(path.slice(1)) || 0;
        log({ url: host + path });
        stream.on('error', () => {});
        stream.respond({ ':status': 200, 'content-type': path === '/robots.txt' ? 'text/plain' : 'text/html' });
        if (path === '/robots.txt') return stream.end('user-agent: *\ndisallow: /shut');
        const other = host === 'a.test' ? 'b.test' : 'a.test';
        stream.end(n > 3 ? '' : `<a href="https://${other}:${port}/${n + 1}"><a href="/shut${n}">`);
      });]] }
    local resolve, allow = {}, {}
    for i, host in ipairs { "a.test", "b.test" } do
      allow[i] = ("%s:%d"):format(host, server.port)
      resolve[allow[i]] = "127.0.0.1"
    end
    return { start = ("https://a.test:%d/"):format(server.port), robots = true, allow = allow, concurrency = 1,
      client = { resolve = resolve, deny_private = false } }
  end

  local function asked()
    local counts = {}
    for _, event in ipairs(server:events()) do
      if event.url then counts[event.url] = (counts[event.url] or 0) + 1 end
    end
    return counts
  end

  for _, state in ipairs { "memory", "file" } do
    it(("of robots.txt is asked for again where it was forgotten, and nothing beside it: %s"):format(state), function()
      kept_robots.ROBOTS_BYTES = 40 -- one of them
      local options = two_hosts()
      options.state = state == "file" and directory .. "/site.crawl" or nil
      local done = run(options)
      assert.same({ "finished", 5, 4 }, { done.reason, done.pages, done.skipped.robots })
      local counts = asked()
      assert.is_true(counts["a.test/robots.txt"] > 1)
      for i = 0, 3 do assert.is_nil(counts[("%s/shut%d"):format(i % 2 == 0 and "a.test" or "b.test", i)]) end
    end)
  end

  it("of robots.txt leave each origin a page, however many are due at once", function()
    kept_robots.ROBOTS_BYTES = 40
    local options = two_hosts()
    options.start = { options.start .. "3", ("https://b.test:%d/3"):format(server.port) }
    options.max_time = 60
    local done = run(options)
    assert.same({ "finished", 4 }, { done.reason, done.pages })
  end)

  it("of robots.txt that Redis has is taken from there again", function()
    origins.ROBOTS_KEPT = 1
    local redis = support.redis()
    local options = two_hosts()
    options.state = redis:state "site"
    local done = run(options)
    assert.same({ "finished", 5, 4 }, { done.reason, done.pages, done.skipped.robots })
    local counts = asked()
    assert.same({ 1, 1 }, { counts["a.test/robots.txt"], counts["b.test/robots.txt"] })
    redis:stop()
  end)

  it("until a commit are pages of 32 MiB", function()
    local waiting = commit.new { options = {}, frontier = {}, clock = function() return 0 end }
    assert.is_nil(waiting:due(0))
    waiting:add { bytes = 2 ^ 20 }
    assert.is_true(waiting:due(0) > 0)
    waiting:add { bytes = 30 * 2 ^ 20, links = { { url = ("x"):rep(2 ^ 20) } } }
    assert.equal(0, waiting:due(0))
  end)

  it("until a commit of URLs that a sitemap names and that are passed over are 8 MiB", function()
    server = site.start(([[(() => {
      const url = (i) => `<url><loc>http://other.test/${i}/${'x'.repeat(%d)}</loc></url>\n`;
      const map = require('zlib').gzipSync('<urlset>' + Array.from({ length: %d }, (_, i) => url(i)).join(''));
      return { '/': 'x', '/map': { type: 'application/gzip', body: map } };
    })()]]):format(SKIPPED_URL, MANY))
    local count, most = 0, 0
    local done = run { sitemaps = { server.url .. "/map" }, skipped = function() count = count + 1 end,
      stop = function()
        most, count = math.max(most, count), 0
        return false
      end }
    assert.same({ "finished", MANY }, { done.reason, done.skipped.scope })
    assert.is_true(most <= 8 * 2 ^ 20 / SKIPPED_URL + 800, most) -- of a sitemap 500 are taken at a time
  end)

  it("until it goes to Redis in one call is 4 MiB", function()
    local function outcome(links)
      local list = {}
      for i = 1, links do list[i] = { url = ("x"):rep(60000) } end
      return { links = list }
    end
    local groups = portions.groups({ outcome(40), outcome(40), outcome(0), outcome(100), outcome(1) },
      function() return 1 end)
    local counts = {}
    for i, group in ipairs(groups) do counts[i] = #group end
    assert.same({ 1, 2, 1, 1 }, counts)
  end)

  it("counts what is to be kept with a link", function()
    local list = {}
    for i = 1, 100 do list[i] = { url = "x", meta = ("x"):rep(60000) } end
    assert.equal(2, #portions.groups({ { links = list }, { links = list } }, function() return 1 end))
  end)

  it("of links that are long goes to Redis in several calls", function()
    server = site.start [[(path) => path.length > 9 ? 'x' : Array.from({ length: 200 },
      (_, i) => `<a href=/${i}/${'x'.repeat(60000)}>`).join('')]]
    local redis = support.redis()
    local done = run { state = redis:state "site", traps = false, max_pages = 1 }
    assert.same({ "max_pages", 200 }, { done.reason, done.queued })
    redis:stop()
  end)

  it("of what handlers raise is 4 KiB a message", function()
    server = site.start [[{ '/': 'x' }]]
    local said = {}
    local made = crawl.new { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, progress = false,
      robots = false, page = function() error(("x"):rep(2 ^ 20)) end }
    function made.say(_, text) said[#said + 1] = text end
    local done = assert(support.run(function() return made:run() end))
    assert.same({ 1, 1 }, { done.failures.handler, #said })
    assert.is_true(#said[1] < 16 * 1024, #said[1])
    assert.matches("xxx%.%.%.\nstack traceback:", said[1])
  end)

  it("of origins that a worker of a state in Redis has asked about are 10,000", function()
    local times = 0
    local kept = origins.new(function()
      times = times + 1
      return {}
    end)
    for _, count in ipairs { 9999, 10000 } do
      for i = 1, count do kept:get(tostring(i)) end
      kept:bound()
      kept:get "1"
    end
    assert.equal(10001, times)
  end)

  it("of what a worker of a state in Redis knows by itself has a bound: then it is not complete", function()
    local most = known_of.MAX_KNOWN
    assert.equal(4194304, most)
    known_of.MAX_KNOWN = 2
    local known = known_of.new()
    known:take_news "1 2"
    local before = known:is_complete()
    known:take_news "3 4"
    known_of.MAX_KNOWN = most
    assert.same({ false, true }, { before, known:is_complete() })
    assert.same({ 1, 1 }, { known:seen(0, 1), known:seen(0, 2) })
    assert.same({}, { known:seen(0, 3), known:seen(0, 4) })
  end)

  it("of names that a CSV file has no column for are 100", function()
    local warned = 0
    local csv = assert(require("rill.crawl.export.csv").open(directory .. "/out.csv",
      { fields = { "a" }, warn = function() warned = warned + 1 end }))
    for i = 1, 300 do csv:write { a = 1, ["b" .. i] = 2 } end
    csv:close()
    assert.equal(100, warned)
  end)

  it("of an ETag are 4 KiB: a longer one is not shown again", function()
    server = site.start [[(path, headers) => ({ headers: { etag: '"' + 'x'.repeat(path === '/' ? 10 : 5000) + '"' },
      body: path === '/' ? '<a href=/long>' : 'x' })]]
    run { state = directory .. "/site.crawl" }
    run { state = directory .. "/site.crawl", recrawl = true }
    local shown = {}
    for _, event in ipairs(server:events()) do
      local tag = event.headers and event.headers["if-none-match"]
      if tag then shown[event.path] = #tag end
    end
    assert.same({ ["/"] = 12 }, shown)
  end)
end)
