-- Failures: what is asked for again, when an origin rests, what ends together.
local crawl = require "rill.crawl"
local rill = require "rill"
local site = require "support.site"
local support = require "support"

describe("a crawl", function()
  local servers, directory

  before_each(function()
    support.begin()
    servers, directory = {}, support.directory "retry"
  end)
  after_each(function()
    for _, server in ipairs(servers) do server:stop() end
    support.check_clean()
  end)

  local function serve(pages)
    servers[#servers + 1] = site.start(pages)
    return servers[#servers]
  end

  local function run(options)
    options.client = options.client or {}
    options.client.tls = { ca_file = servers[1].ca }
    if options.robots == nil then options.robots = false end
    options.progress = false
    return assert(support.run(function() return crawl(options) end, 60))
  end

  local function count(server, path)
    local times = 0
    for _, event in ipairs(server:events()) do
      if event.path == path then times = times + 1 end
    end
    return times
  end

  it("asks again for statuses of retry_status, as often as `retries` says, and not for others", function()
    local server = serve [[(path) => ({ status: Number(path.slice(1)) || 200, body: path === '/' ?
      [400, 404, 408, 429, 500, 501, 502, 503, 504, 505].map((n) => `<a href=/${n}>`).join('') : '' })]]
    local errs = {}
    local done = run { start = server.url .. "/", retries = 1, per_origin = { concurrency = 10, adaptive = false },
      failed = function(page, err) errs[page.status] = { err.reason, page.attempts } end }
    assert.same({ 11, 10, 0, 6 }, { done.pages, done.errors, done.failed, done.retried })
    for status, times in pairs { [400] = 1, [404] = 1, [408] = 2, [429] = 2, [500] = 2, [501] = 1, [502] = 2,
      [503] = 2, [504] = 2, [505] = 1 } do
      assert.equal(times, count(server, "/" .. status), status)
      assert.same({ "status", times }, errs[status])
    end
    assert.equal(1, done.statuses["503"])
  end)

  it("asks again for statuses that are named, and never without retries", function()
    local server = serve [[{ '/': { status: 418 }, '/2': { status: 500 } }]]
    run { start = { server.url .. "/", server.url .. "/2" }, retries = 1, retry_status = { 418 } }
    assert.same({ 2, 1 }, { count(server, "/"), count(server, "/2") })
    run { start = server.url .. "/", retries = 0, retry_status = { 418 } }
    assert.equal(3, count(server, "/"))
  end)

  it("asks again where a body is lost on the way or the time is over, counted by `retries`", function()
    local server = serve [[{ '/': '<a href=/hang><a href=/cut>', '/hang': { hangs: true }, '/cut': { cut: true } }]]
    local reasons = {}
    local done = run { start = server.url .. "/", retries = 1, client = { timeout = 4 },
      failed = function(page, err) reasons[page.url:match "[^/]*$"] = { err.reason, page.attempts } end }
    assert.same({ 3, 2, 2 }, { done.pages, done.failed, done.retried })
    assert.same({ 2, 2 }, { count(server, "/hang"), count(server, "/cut") })
    assert.same({ "timeout", 2 }, reasons.hang)
    assert.equal(2, reasons.cut[2])
  end)

  it("writes the record of a page that was given up", function()
    local server = serve [[{ '/': '<a href=/hang>', '/hang': { hangs: true } }]]
    run { start = server.url .. "/", retries = 0, client = { timeout = 4 }, out = directory .. "/out.jsonl" }
    local items = site.lines(directory .. "/out.jsonl")
    assert.same({ server.url .. "/hang", 1, 1, "timeout" },
      { items[2].url, items[2].depth, items[2].attempts, items[2].reason })
    assert.matches("^timeout", items[2].error)
    run { start = server.url .. "/no", out = directory .. "/no.jsonl" }
    items = site.lines(directory .. "/no.jsonl")
    assert.same({ 404, "status" }, { items[1].status, items[1].reason })
  end)

  it("does not ask again where that cannot help", function()
    local server = serve [[{ '/': '<a href=/long><a href=/packed>', '/long': 'x'.repeat(9000),
      '/packed': { body: 'no gzip', headers: { 'content-encoding': 'gzip' } } }]]
    local dns = support.dns {}
    servers[2] = dns
    local reasons = {}
    local done = run { start = { server.url .. "/", "https://no-such-host.test/" },
      client = { dns_servers = { dns.address } },
      maxsize = 5000, retries = 3,
      failed = function(page, err) reasons[page.url:match "//([^:/]*)" .. page.url:match "/[^/]*$"] = err.reason end }
    assert.equal("decode_error", reasons["localhost/packed"])
    assert.matches("^maxsize_exceeded", reasons["localhost/long"])
    assert.equal("connect_failed", reasons["no-such-host.test/"])
    assert.equal(0, done.retried)
    assert.same({ 1, 1 }, { count(server, "/long"), count(server, "/packed") })
  end)

  it("waits as Retry-After says: the whole origin, uncounted", function()
    local server = serve [[{ '/': '<a href=/busy>' + Array.from({ length: 9 }, (_, i) => `<a href=/${i}>`).join(''),
      '/busy': { fails: 2, fail_headers: { 'retry-after': '1' }, body: 'b' } }]]
    local began = rill.now()
    local done = run { start = server.url .. "/", retries = 0, per_origin = { concurrency = 1 } }
    assert.same({ 11, 2, 2, 0 }, { done.pages, done.ok, done.retried, done.failed })
    assert.is_true(rill.now() - began >= 2)
    local order = {}
    for _, event in ipairs(server:events()) do order[#order + 1] = event.path end
    assert.same({ "/", "/busy", "/busy", "/busy" }, { unpack(order, 1, 4) })
  end)

  it("waits ten times at most for Retry-After, then counts", function()
    local server = serve [[{ '/': { fails: 99, failure: 429, fail_headers: { 'retry-after': '0' } } }]]
    local done = run { start = server.url .. "/", retries = 1 }
    assert.same({ 1, 1, 12 }, { done.pages, done.errors, count(server, "/") })
  end)

  it("passes over what asks for more than retry_after_max, in seconds or as a date", function()
    local server = serve [[{ '/a': { status: 503, headers: { 'retry-after': '11' } },
      '/b': { status: 429, headers: { 'retry-after': new Date(Date.now() + 1e6).toUTCString() } } }]]
    for _, path in ipairs { "/a", "/b" } do
      local skipped = {}
      local done = run { start = server.url .. path, per_origin = { retry_after_max = 10 },
        skipped = function(url, reason) skipped[url] = reason end }
      assert.same({ 0, { retry_after = 1 } }, { done.pages, done.skipped })
      assert.same({ [server.url .. path] = "retry_after" }, skipped)
    end
  end)

  it("is not held up by an origin that rests: it holds no worker", function()
    local busy = serve [[(path) => ({ fails: 1, fail_headers: { 'retry-after': '60' }, body: path })]]
    local calm = serve [[(path) => path !== '/' ? path :
      Array.from({ length: 30 }, (_, i) => `<a href=/${i}>`).join('')]]
    local order, list = {}, { calm.url .. "/" }
    for i = 1, 5 do table.insert(list, 1, busy.url .. "/" .. i) end
    local done = run { start = list, concurrency = 2, drain = 0, stop = function(stats) return stats.ok >= 31 end,
      page = function(page) order[#order + 1] = page.url:find(calm.url, 1, true) and "calm" or "busy" end }
    local last_calm = 0
    for i, name in ipairs(order) do if name == "calm" then last_calm = i end end
    assert.equal(31, last_calm) -- all of them, before the first of the other
    assert.is_true(done.ok >= 31)
  end)

  it("ends together what waits for a host that never answered", function()
    local alive = serve [[{ '/': 'x' }]]
    local port, list, attempts = support.free_port(), { alive.url .. "/" }, {}
    for i = 1, 200 do list[#list + 1] = ("https://localhost:%d/%d"):format(port, i) end
    local done = run { start = list, retries = 9, failed = function(page, err)
      attempts[#attempts + 1] = page.attempts
      assert.equal("connect_failed", err.reason)
    end }
    assert.same({ 201, 200, 1 }, { done.pages, done.failed, done.ok })
    table.sort(attempts)
    assert.is_true(attempts[200] <= 2 and attempts[190] == 0, attempts[200])
    done = run { start = list[2], retries = 0 }
    assert.equal("breaker", done.reason)
  end)

  it("asks no private addresses but the start URLs' own", function()
    local own, other = serve [[{ '/': '<a href="https://127.0.0.1:PORT/x">' }]], serve [[{ '/x': 'x' }]]
    own:stop()
    table.remove(servers, 1)
    own = serve(("{ '/': '<a href=\"https://localhost:%d/x\"><a href=/to>', '/to': { status: 302, "):format(other.port)
      .. ("location: 'https://localhost:%d/y' } }"):format(other.port))
    local reasons = {}
    local done = run { start = own.url .. "/", allow = { "localhost" }, retries = 3, failed = function(page, err)
      reasons[page.url:match "[^/]*$"] = err.kind
    end }
    assert.same({ 4, 2 }, { done.pages, done.failed })
    assert.same({ x = "denied", y = "denied" }, reasons)
    assert.same({}, site.asked(other))
    done = run { start = own.url .. "/", allow = { "localhost" }, client = { deny_private = false } }
    assert.same({ 4, 0 }, { done.pages, done.failed })
    assert.equal(2, #site.asked(other))
  end)

  it("spaces starts by the Crawl-delay of robots.txt", function()
    local server = serve [[{ '/robots.txt': { type: 'text/plain', body: 'User-agent: *\nCrawl-delay: 0.3\n' },
      '/': '<a href=/1><a href=/2>', '/1': '1', '/2': '2' }]]
    local began, starts = rill.now(), {}
    local done = run { robots = true, start = server.url .. "/", per_origin = { concurrency = 4 },
      page = function() starts[#starts + 1] = rill.now() - began end }
    assert.equal(3, done.pages)
    assert.is_true(starts[3] >= 0.6, starts[3])
    began = rill.now()
    run { robots = true, start = server.url .. "/", per_origin = { crawl_delay = false, delay = 0.2, jitter = 0 } }
    assert.is_true(rill.now() - began >= 0.4)
  end)
end)
