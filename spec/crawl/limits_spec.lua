-- What ends a crawl before it has finished, and how it begins.
local crawl = require "rill.crawl"
local rill = require "rill"
local site = require "support.site"
local support = require "support"

local CHAIN = [[(path) => { const n = Number(path.slice(1)) || 0; return `<a href=/${n + 1}>` + 'x'.repeat(1000); }]]
local HANGS = [[(path) => path === '/' ? '<a href=/slow>' : { hangs: true }]]

describe("a crawl", function()
  local server, directory, made

  before_each(function()
    support.begin()
    directory = support.directory "limits"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  -- Makes a crawl of the server's site.
  local function new(options)
    if options.start == nil then options.start = server.url .. "/" end
    options.client = { tls = { ca_file = server.ca } }
    if options.robots == nil then options.robots = false end
    options.progress, options.traps = false, options.traps or { per_shape = 0, same_run = 0 }
    made = crawl.new(options)
    return made
  end

  local function run(options)
    local of = new(options)
    return support.run(function() return of:run() end)
  end

  for name, counter in pairs { max_items = "items", max_bytes = "bytes", max_failed = "failed" } do
    it("ends at " .. name .. ", keeps the rest, and goes on with a higher limit", function()
      server = site.start(CHAIN)
      local function with(limit)
        return assert(run { [name] = limit, state = directory .. "/s.crawl", out = directory .. "/o.jsonl",
          page = name == "max_failed" and function() error "no" end or nil,
          max_pages = 40, concurrency = 1 })
      end
      local limit = name == "max_bytes" and 5000 or 5
      local done = with(limit)
      assert.equal(name, done.reason)
      assert.is_true(done[counter] >= limit and done.queued > 0 and done.pages < 40, counter .. done[counter])
      local asked = #site.asked(server)
      assert.same({ name, done.pages }, { with(limit).reason, with(limit).pages })
      assert.equal(asked, #site.asked(server))
      assert.is_true(with(2 * limit).pages > done.pages)
    end)
  end

  it("ends at max_time though nothing ends", function()
    server = site.start(HANGS)
    local state = directory .. "/s.crawl"
    assert(run { state = state, max_pages = 1 }) -- however long that takes
    local done = assert(run { state = state, max_time = 2, drain = 0.1 })
    assert.same({ "max_time", 1, 1, 0 }, { done.reason, done.pages, done.queued, done.in_flight })
  end)

  it("ends where `stop` says so, or c:stop is called, with its reason", function()
    server = site.start(CHAIN)
    local done = assert(run { stop = function(stats) return stats.pages >= 3 end })
    assert.equal("stopped", done.reason)
    assert.is_true(done.pages >= 3)
    done = assert(run { page = function() made:stop "enough" end, per_origin = { concurrency = 1 } })
    assert.equal("enough", done.reason)
    local early = new {}
    early:stop()
    done = assert(support.run(function() return early:run() end))
    assert.same({ "stopped", 0 }, { done.reason, done.pages })
  end)

  it("drains: what is in flight ends, and is there", function()
    server = site.start [[{ '/': 'x' }]]
    local begun, go = false, rill.semaphore(1)
    local of = new { out = directory .. "/out.jsonl", page = function(page)
      begun = true
      go:acquire()
      page:emit { url = page.url }
    end }
    local done
    support.run(function()
      go:acquire()
      local running = rill.spawn(function() done = assert(of:run()) end)
      while not begun do rill.sleep(0.01) end
      of:stop()
      go:release()
      running:join()
    end)
    assert.same({ "stopped", 1, 1 }, { done.reason, done.pages, done.items })
    assert.equal(1, #site.lines(directory .. "/out.jsonl"))
  end)

  it("waits for no longer than `drain`, even for a handler, and asks for that page again later", function()
    server = site.start [[{ '/': 'x' }]]
    local state, waits = directory .. "/s.crawl", true
    local function go()
      return assert(run { state = state, drain = 0, page = function()
        if waits then
          made:stop()
          rill.sleep(1000)
        end
      end })
    end
    local done = go()
    assert.same({ "stopped", 0, 1, 0 }, { done.reason, done.pages, done.queued, done.in_flight })
    waits = false
    done = go()
    assert.same({ "finished", 1 }, { done.reason, done.pages })
    assert.same({ "/", "/" }, site.asked(server))
  end)

  it("takes nothing with max_pages = 0, and exactly as many as it says over runs and repeats", function()
    server = site.start [[(path) => path === '/' ? Array.from({ length: 50 }, (_, i) => `<a href=/${i}>`).join('')
      : (log[path] = (log[path] || 0) + 1) < 2 ? { breaks: 1 } : path]]
    local state = directory .. "/s.crawl"
    assert.same({ "max_pages", 0 }, { assert(run { state = state, max_pages = 0 }).reason, #site.asked(server) })
    for _, limit in ipairs { 7, 8, 20 } do
      local done = assert(run { state = state, max_pages = limit, per_origin = { concurrency = 30 } })
      assert.same({ "max_pages", limit }, { done.reason, done.pages })
    end
    local distinct, count = {}, 0
    for _, path in ipairs(site.asked(server)) do
      if not distinct[path] then distinct[path], count = true, count + 1 end
    end
    assert.equal(20, count)
  end)

  it("counts no sitemap that is asked for again towards max_pages, in a later run either", function()
    server = site.start [[(path) => path === '/sitemap.xml' ? { breaks: 1 } : `<a href=${path}1>`]]
    local state, first = directory .. "/s.crawl", true
    local function go(limit)
      return assert(run { state = state, max_pages = limit, sitemaps = { server.url .. "/sitemap.xml" }, drain = 0,
        concurrency = 1, page = function(page) -- its sitemap was asked for before
          if first and page.depth == 2 then made:stop() end
        end })
    end
    local done = go(20)
    assert.equal("stopped", done.reason)
    first = false
    assert.equal(done.pages + 2, go(done.pages + 2).pages)
  end)

  it("skips and counts lines that are no URLs, from a list or an iterator", function()
    server = site.start [[{ '/': 'x', '/2': 'y' }]]
    local lines, at = { "", "no url", server.url .. "/", "mailto:x@y", 5, server.url .. "/2", "ftp://h/" }, 0
    local skipped = {}
    local done = assert(run { skipped = function(url, reason) skipped[url] = reason end, start = function()
      at = at + 1
      return lines[at]
    end })
    assert.same({ 2, 5, { invalid = 3, scheme = 2 } }, { done.pages, done.invalid, done.skipped })
    assert.same({ [""] = "invalid", ["no url"] = "invalid", ["5"] = "invalid", ["mailto:x@y"] = "scheme",
      ["ftp://h/"] = "scheme" }, skipped)
  end)

  it("reads an iterator as there is room", function()
    server = site.start [[() => 'x']]
    local given, asked_then = 0, nil
    local done = assert(run { max_pages = 3000, per_origin = { concurrency = 64, adaptive = false }, start = function()
      given = given + 1
      if given == 2000 then asked_then = #site.asked(server) end
      return given <= 3000 and server.url .. "/" .. given or nil
    end })
    assert.equal(3000, done.pages)
    assert.is_true(asked_then > 500, asked_then)
  end)

  it("is an error where no start URL can be asked for", function()
    server = site.start [[{ '/': 'x' }]]
    for _, start in ipairs { { "no url" }, {}, function() end } do
      local done, err = run { start = start }
      assert.same({ nil, "start" }, { done, err.reason })
    end
  end)

  it("goes on though `start`, `key` or `per_origin` raises", function()
    server = site.start [[{ '/': '<a href=/bad><a href=/b>', '/b': 'b' }]]
    local given = 0
    local done = assert(run {
      start = function()
        given = given + 1
        if given == 2 then error "in start" end
        return server.url .. "/"
      end,
      per_origin = function() error "in per_origin" end,
    })
    assert.same({ "finished", 3 }, { done.reason, done.pages })
    done = assert(run { start = { "http://broken.example/", server.url .. "/b" }, key = function(url)
      if url:find "broken" then error "in key" end
      return url
    end })
    assert.same({ "finished", 1 }, { done.reason, done.pages })
    done = assert(run { per_origin = function(origin) return { concurrency = origin == server.url and 2 or 1 } end })
    assert.equal(3, done.pages)
  end)

  it("lets itself be added to and emitted to, and checks what it is given", function()
    server = site.start [[{ '/': 'x', '/a': 'a', '/b': 'b' }]]
    local answers = {}
    local of = new { follow = false, out = directory .. "/out.jsonl", finish = function(c) c:emit { last = true } end,
      page = function(page)
        if page.url == server.url .. "/" then
          answers = { { made:add(server.url .. "/b", { depth = 7, meta = { 1 } }) }, { made:add(server.url .. "/a") },
            { made:add "http://other.example/" }, { made:add "x" } }
        end
        page:emit { url = page.url, depth = page.depth, meta = page.meta }
      end }
    assert.is_true(of:add(server.url .. "/a", { priority = -8 }))
    for _, wrong in ipairs { { priority = 9 }, { priority = "x" }, { depth = -1 }, { dept = 1 }, { meta = print } } do
      assert.has_error(function() of:add(server.url .. "/z", wrong) end)
    end
    assert.error_matches(function() of:emit { 1 } end, "does not run")
    local done = assert(support.run(function() return of:run() end))
    assert.same({ { true }, { false, "seen" }, { false, "scope" }, { false, "invalid" } }, answers)
    assert.same({ 3, 4 }, { done.pages, done.items })
    local items = site.lines(directory .. "/out.jsonl")
    assert.same({ last = true }, items[4])
    for _, item in ipairs(items) do
      if item.url == server.url .. "/b" then assert.same({ 7, { 1 } }, { item.depth, item.meta }) end
    end
    assert.error_matches(function() of:run() end, "it has run already")
  end)
end)
