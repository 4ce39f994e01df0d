-- A crawl's state in a file: what goes on where, what is refused, what a recrawl asks for.
local crawl = require "rill.crawl"
local process = require "support.process"
local site = require "support.site"
local sqlite = require "rill.sqlite"
local support = require "support"

local PAGES = [[{ '/': '<a href=/1>', '/1': '<a href=/2>', '/2': '<a href=/3>', '/3': '<a href=/4>', '/4': 'end' }]]

describe("a crawl with a state", function()
  local server, directory, state

  before_each(function()
    support.begin()
    directory = support.directory "crawl"
    state = directory .. "/site.crawl"
  end)
  after_each(function()
    if server then server:stop() end
    server = nil
    support.check_clean()
  end)

  local function run(options)
    options.start = options.start or server and server.url .. "/" or "https://localhost/"
    options.client = options.client or server and { tls = { ca_file = server.ca } }
    options.state = options.state or state
    options.robots, options.progress = options.robots or false, false
    return support.run(function() return crawl(options) end)
  end

  it("goes on where it stopped, with a higher limit, and counts over all runs", function()
    server = site.start(PAGES)
    local out = directory .. "/out.jsonl"
    local first = assert(run { max_pages = 2, out = out })
    assert.same({ "max_pages", 2, 1 }, { first.reason, first.pages, first.queued })
    local second = assert(run { max_pages = 4, out = out })
    assert.same({ "max_pages", 4 }, { second.reason, second.pages })
    local third = assert(run { out = out })
    assert.same({ "finished", 5, 0 }, { third.reason, third.pages, third.queued })
    assert.same({ "/", "/1", "/2", "/3", "/4" }, site.asked(server))
    assert.equal(5, #site.lines(out))
  end)

  it("fetches nothing when it has finished, and takes new start URLs", function()
    server = site.start [[{ '/': 'a', '/new': 'b' }]]
    assert(run {})
    local again = assert(run {})
    assert.same({ "finished", 1 }, { again.reason, again.pages })
    assert.same({ "/" }, site.asked(server))
    assert.equal(2, assert(run { start = { server.url .. "/", server.url .. "/new" } }).pages)
    assert.same({ "/", "/new" }, site.asked(server))
  end)

  it("keeps 1,000 start URLs with its options, and of more the first one: all of them wait anyway", function()
    local conf, json, list = require "rill.crawl.conf", require "rill.core.plain_json", {}
    for i = 1, 1000 do list[i] = "https://a.test/" .. i end
    assert.same(list, json.decode(conf.encode { start = list }).start)
    list[1001] = "https://a.test/1001"
    assert.same({ list[1] }, json.decode(conf.encode { start = list }).start)
  end)

  it("goes on with the start URLs and options of the state where only that is named", function()
    server = site.start(PAGES)
    assert(run { max_pages = 1, depth = 2 })
    local done = support.run(function() return crawl { state = state, max_pages = 10, progress = false } end)
    assert.same({ "finished", 3 }, { done.reason, done.pages })
    assert.same({ depth = 1 }, done.skipped)
  end)

  it("says its counters to others, also while it is crawled", function()
    server = site.start(PAGES)
    local during
    local done = assert(run { page = function(page)
      if page.depth == 3 then during = assert(crawl.status(state)) end
    end })
    assert.is_true(during.pages < 5 and during.pages >= 1)
    local after = assert(crawl.status(state))
    assert.same({ done.pages, done.ok, 0, 1 }, { after.pages, after.ok, after.queued, after.origins })
    local _, err = crawl.status(directory .. "/none")
    assert.same({ "state", "file", directory .. "/none" }, { err.reason, err.kind, err.path })
  end)

  it("keeps meta, priority and the due time of a repeat", function()
    server = site.start [[{ '/': 'a', '/low': 'b', '/high': 'c', '/busy': { fails: 1, failure: 500, body: 'd' } }]]
    local order = {}
    local function page(of)
      order[#order + 1] = of.url:sub(#server.url + 1) .. (of.meta and of.meta.word or "") .. of.attempts
      if of.depth > 0 then return end
      of:follow("/low", { priority = -1, meta = { word = "x" } })
      of:follow("/busy", { priority = 1 })
      of:follow "/high"
    end
    local options = { follow = false, page = page, per_origin = { concurrency = 1 } }
    for limit = 1, 4 do
      options.max_pages = limit
      options.stop = function(stats) return stats.retried > 0 and limit == 2 end
      assert(run(options))
    end
    assert.equal("/1", order[1])
    table.sort(order)
    assert.same({ "/1", "/busy2", "/high1", "/lowx1" }, order)
  end)

  it("is refused where another crawl has it, and where it is none", function()
    server = site.start(PAGES)
    local kinds = {}
    local function note(options)
      local _, err = run(options)
      kinds[#kinds + 1] = { err.reason, err.kind, err.path == (options.state or state) }
    end
    assert(run { page = function(page)
      if page.depth == 0 then
        local _, err = crawl { start = server.url, state = state, progress = false }
        kinds[1] = { err.reason, err.kind, err.path == state }
      end
    end })
    for _, content in ipairs { "short", ("random"):rep(2000) } do
      note { state = support.write(directory .. "/bad", content) }
      assert.equal(content, support.read(directory .. "/bad"))
    end
    note { state = support.write(directory .. "/cut", support.read(state):sub(1, 20000)) }
    local db = assert(sqlite.open(directory .. "/foreign"))
    assert(db:exec "create table mine(a); insert into mine values(1)")
    db:close()
    note { state = directory .. "/foreign" }
    note { key = { www = true } }
    db = assert(sqlite.open(state))
    assert(db:exec "pragma user_version = 99")
    db:close()
    note {}
    assert.same({ { "state", "locked", true }, { "state", "corrupt", true }, { "state", "corrupt", true },
      { "state", "corrupt", true }, { "state", "corrupt", true }, { "state", "key", true },
      { "state", "version", true } }, kinds)
  end)

  it("goes on from a kill before its first URL was taken in", function()
    server = site.start(PAGES)
    local script = support.write(directory .. "/killed.lua", [[
      package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
      local ffi = require "ffi"
      ffi.cdef "int kill(int pid, int signal); int getpid(void);"
      require "rill.crawl" { state = arg[1], out = arg[2], progress = false,
        start = function() ffi.C.kill(ffi.C.getpid(), 9) end }]])
    local out = directory .. "/out.jsonl"
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "luajit", script, state, out } do argv[#argv + 1] = word end
    assert.equal(137, process.start(argv, directory .. "/output"):wait(20))
    local none, err = support.run(function() return crawl { state = state, progress = false } end)
    assert.same({ nil, "start" }, { none, err.reason })
    local done = assert(run { out = out })
    assert.same({ "finished", 5, 5 }, { done.reason, done.pages, #site.lines(out) })
  end)

  it("makes a state of an empty file, and of one that a kill left without tables", function()
    server = site.start(PAGES)
    assert.equal(5, assert(run { state = support.write(directory .. "/empty", "") }).pages)
    local db = assert(sqlite.open(directory .. "/bare"))
    assert(db:exec "pragma journal_mode = wal; begin immediate; create table x(a); rollback")
    db:close()
    assert.equal(5, assert(run { state = directory .. "/bare" }).pages)
  end)

  it("is refused where its file cannot be made or read", function()
    for _, path in ipairs { directory .. "/none/s.crawl", directory } do
      local done, err = run { state = path }
      assert.same({ nil, "state", path }, { done, err.reason, err.path })
    end
  end)

  it("keeps that its origin has answered, and how often it has rested", function()
    server = site.start(PAGES)
    assert(run { max_pages = 1 })
    local db = assert(sqlite.open(state))
    assert.matches('"answered":true', db:value "select data from origin")
    db:close()
  end)

  it("with durable = \"power\" is as whole as with \"process\"", function()
    server = site.start(PAGES)
    local out = directory .. "/out.jsonl"
    assert(run { durable = "power", out = out, max_pages = 3 })
    local done = assert(run { durable = "power", out = out })
    assert.same({ "finished", 5, 5 }, { done.reason, done.pages, #site.lines(out) })
    assert.has_error(function() crawl { start = "x", durable = "never" } end)
  end)

  it("asks again with validators in a recrawl, and follows what changed", function()
    server = site.start [[(path, headers) => {
      const second = headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
      const links = second ? '<a href=/new>' : '<a href=/etag><a href=/date><a href=/same><a href=/gone>';
      if (path === '/') return { body: links, headers: { etag: '"1"' } };
      if (path === '/etag') return headers['if-none-match'] === '"e"' ? { status: 304 } :
        { body: 'e', headers: { etag: '"e"' } };
      if (path === '/date') return second ? { status: 304 } : { body: 'd', headers: { 'last-modified': 'x' } };
      if (path === '/same') return 's';
      if (path === '/new') return 'n';
    }]]
    local first = assert(run {})
    assert.same({ 5, 4, 1 }, { first.pages, first.ok, first.errors })
    local seen = {}
    local again = assert(run { recrawl = true, page = function(page) seen[#seen + 1] = page.url end })
    assert.same({ 6, 3, 1, 1, 1, 2 }, { again.pages, again.unchanged, again.changed, again.errors, again.gone,
      again.ok })
    table.sort(seen)
    assert.same({ server.url .. "/", server.url .. "/new" }, seen)
    local third = assert(run { recrawl = true })
    assert.same({ 5, 0 }, { third.pages, third.errors })
    assert.equal(0, assert(run { recrawl = 3600 }).pages)
  end)

  it("takes a 304 that nothing was asked for with as a failure, with its reason", function()
    server = site.start [[(path) => path === '/' ? '<a href=/odd>' : { status: 304 }]]
    local odd, out = nil, directory .. "/odd.jsonl"
    local done = assert(run { warc = directory .. "/odd", out = out })
    assert.same({ 2, 1, 1, 0, 1 }, { done.pages, done.ok, done.failed, done.unchanged, done.failures.protocol_error })
    local records = site.lines(out)
    assert.same({ "protocol_error", 304 }, { records[2].reason, records[2].status })
    done = assert(run { recrawl = true })
    assert.equal(1, done.unchanged) -- the page that is as it was
    done = assert(run { state = directory .. "/own.crawl", failed = function(_, err) odd = tostring(err) end,
      page = function() end })
    assert.equal(1, done.failed)
    assert.matches("304 answers a request without a condition", odd)
    done = assert(run { state = directory .. "/asked.crawl", client = { headers = { ["if-none-match"] = '"x"' },
      tls = { ca_file = server.ca } } })
    assert.same({ 1, 0 }, { done.unchanged, done.failed })
  end)

  it("asks for a page anew whose validator no field may hold", function()
    server = support.http1 { ["/"] =
      'HTTP/1.1 200 OK\r\netag: "a\1b"\r\ncontent-type: text/html\r\ncontent-length: 1\r\n\r\nx' }
    local client = { deny_private = false }
    assert.equal(1, assert(run { client = client }).ok)
    local done = assert(run { client = client, recrawl = true })
    assert.same({ 1, 0 }, { done.unchanged, done.failed })
  end)

  it("keeps robots and what was passed over", function()
    server = site.start(PAGES)
    local out = directory .. "/skipped.jsonl"
    assert(run { robots = true, max_pages = 1, deny = { server.url .. "/1" }, skipped = out })
    local done = assert(run { robots = true, deny = { server.url .. "/1" }, skipped = out })
    assert.same({ scope = 1 }, done.skipped)
    assert.equal(1, #site.lines(out))
    assert.equal(1, done.robots)
  end)

  it("is needed by options that mean nothing without one", function()
    for _, case in ipairs { { "recrawl", true }, { "recrawl", 60 }, { "unchanged", "deliver" },
      { "durable", "power" } } do
      assert.error_matches(function() crawl.new { start = "http://a.example/", [case[1]] = case[2] } end,
        "crawl: " .. case[1] .. ".* needs a state, which is missing")
    end
    crawl.new { start = "http://a.example/", recrawl = false, durable = "process" }.clients:close()
  end)
end)
