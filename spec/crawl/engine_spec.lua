-- rill.crawl: what is asked for, what is written, what is counted.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

describe("a crawl", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "crawl"
  end)
  after_each(function()
    if server then server:stop() end
    server = nil
    support.check_clean()
  end)

  local function serve(pages)
    server = site.start(pages)
  end

  local function asked()
    return site.asked(server)
  end

  local function run(options)
    options.start = options.start or server.url .. "/"
    options.client = options.client or { tls = { ca_file = server.ca } }
    if options.robots == nil then options.robots = false end
    options.progress = false
    return support.run(function() return crawl(options) end)
  end

  local function lines(name)
    return site.lines(directory .. "/" .. name)
  end

  local function by_url(list)
    local map = {}
    for _, item in ipairs(list) do map[item.url:sub(#server.url + 1)] = item end
    return map
  end

  it("ends before it begins where its client cannot be made, and asks for nothing", function()
    serve "{ '/': 'x' }"
    local state = directory .. "/state"
    local done, err = run { client = { tls = { ca_file = directory .. "/missing.pem" } }, state = state }
    assert.same({ nil, "file_error" }, { done, err.reason })
    assert.matches("missing.pem: No such file", tostring(err))
    assert.same({}, asked())
    assert.is_nil(io.open(state))
  end)

  it("takes each URL once, also where many pages name more than it recognizes as they are written", function()
    serve [[(path) => Array.from({ length: 33000 }, (_, i) => `<a href=/${i}>`).join('')]]
    local done = run { max_pages = 4, traps = false, per_origin = { concurrency = 1 } }
    assert.same({ "max_pages", 4, 33001 - 4 }, { done.reason, done.pages, done.queued })
  end)

  it("gives its handler documents: nodes die with their page", function()
    serve [[{ '/': '<h1>Home</h1><p class=x>a <b>b</b></p><a href="next">on</a>', '/next': '<h1>Next</h1>' }]]
    local titles, texts, kept, err = {}, nil, nil, nil
    run { page = function(page)
      titles[#titles + 1] = page:css("h1::text")[1]
      if page.depth > 0 then return end
      texts, kept = page:xpath "//p//text()", page:css("p.x")[1]
      err = select(2, page:css "p[")
      assert.equal("on", page:links()[1].text)
      assert.equal("a b", kept:text())
    end }
    table.sort(titles)
    assert.same({ "Home", "Next" }, titles)
    assert.same({ "a ", "b" }, texts)
    assert.equal("invalid_selector", err.reason)
    assert.error_matches(function() kept:text() end, "it is closed, and so are its nodes")
  end)

  it("asks for every page of a site once, and writes a record of each", function()
    serve [[{ '/': '<title>Home</title><a href=a>1</a><a href="/a#x">2</a><a href=b>3</a><a href=gone>4</a>',
      '/a': '<a href="/">up</a><a href="/b?utm_source=x">b</a>', '/b': 'text' }]]
    local done = assert(run { out = directory .. "/out.jsonl" })
    assert.same({ "/", "/a", "/b", "/gone" }, asked())
    assert.same({ "finished", 4, 3, 1, 0, 4 }, { done.reason, done.pages, done.ok, done.errors, done.failed,
      done.items })
    local items = by_url(lines "out.jsonl")
    assert.same({ "Home", 0, 200, "text/html" }, { items["/"].title, items["/"].depth, items["/"].status,
      items["/"].type })
    assert.same({ 404, 1, server.url .. "/" }, { items["/gone"].status, items["/gone"].depth, items["/gone"].from })
  end)

  it("stays on the start URL's host and port, and says what it passed over", function()
    serve [[{ '/': '<a href="http://other.example/">o</a><a href="/nf" rel=nofollow>n</a><a href="mailto:x">m</a>' +
      '<a href="ftp://HOST/">f</a><a href="/x/x/x/x/x">r</a>' }]]
    local done = assert(run { skipped = directory .. "/skipped.jsonl" })
    assert.same({ "/" }, asked())
    assert.same({ scope = 1, nofollow = 1, repeats = 1, scheme = 1 }, done.skipped)
    local list = lines "skipped.jsonl"
    table.sort(list, function(a, b) return a.reason < b.reason end)
    assert.same({ url = server.url .. "/nf", from = server.url .. "/", reason = "nofollow" }, list[1])
  end)

  it("passes over what is out of scope once, and asks a function of the script's for each page", function()
    serve [[{ '/': '<a href=/a><a href=/out><a href="http://other.example/">', '/a': '<a href=/out>' +
      '<a href="http://other.example/">', '/out': '' }]]
    local answers = 0
    local function allow(link)
      if not link:find "/out$" then return link:find(server.url, 1, true) ~= nil end
      answers = answers + 1
      return answers == 2
    end
    local done = assert(run { allow = allow })
    assert.same({ "/", "/a", "/out" }, asked())
    assert.same({ scope = 2 }, done.skipped)
    assert.same({ scope = 2 }, assert(run { allow = { server.url .. "/a" } }).skipped)
  end)

  it("takes redirects as edges: each hop is a record, with scope and dedupe", function()
    serve [[{ '/': '<a href=/one>', '/one': { status: 301, location: '/two' },
      '/two': { status: 302, location: '/three' }, '/three': { status: 302, location: '/one' }, }]]
    local done = assert(run { out = directory .. "/out.jsonl" })
    assert.same({ "/", "/one", "/three", "/two" }, asked())
    assert.same({ 4, 1, 3 }, { done.pages, done.ok, done.redirects })
    local items = by_url(lines "out.jsonl")
    assert.equal(server.url .. "/two", items["/one"].location)
    assert.equal(1, items["/three"].depth)
  end)

  it("hands pages over, follows what they follow, emits what they emit", function()
    serve [[{ '/': 'start', '/more': 'more' }]]
    local seen, reasons = {}, {}
    local done = assert(run {
      follow = false, out = directory .. "/out.jsonl",
      page = function(page)
        seen[#seen + 1] = page.url
        if page.depth == 0 then
          reasons[1] = { page:follow("more", { meta = { n = 1 }, priority = 2 }) }
          reasons[2] = { page:follow "/" }
          reasons[3] = { page:follow "http://other.example/" }
          reasons[4] = { page:follow "mailto:x" }
        end
        page:emit { url = page.url, meta = page.meta }
      end,
    })
    assert.same({ server.url .. "/", server.url .. "/more" }, seen)
    assert.same({ { true }, { false, "seen" }, { false, "scope" }, { false, "scheme" } }, reasons)
    assert.equal(2, done.items)
    assert.same({ n = 1 }, lines("out.jsonl")[2].meta)
  end)

  it("drops what a handler that raises has asked for, and goes on", function()
    serve [[{ '/': '<a href=/b>', '/b': 'b', '/never': 'x' }]]
    local failures = {}
    local done = assert(run {
      out = directory .. "/out.jsonl", failed = function(page, err) failures[page.url] = err.reason end,
      page = function(page)
        page:emit { url = page.url }
        if page.depth == 0 then
          page:follow "/never"
          error "as asked"
        end
      end,
    })
    assert.same({ "/", "/b" }, asked())
    assert.same({ handler = 1 }, done.failures)
    assert.same({ 2, 1, 1, 1 }, { done.pages, done.ok, done.failed, done.items })
    assert.equal("handler", failures[server.url .. "/"])
  end)

  it("is not ended by what a script's functions raise", function()
    serve [[{ '/': '<a href=/b>', '/b': 'b' }]]
    local done = assert(run {
      out = { function() error "in out" end, directory .. "/out.jsonl" }, skipped = function() error "in skipped" end,
      allow = function(url)
        if url:find "/b$" then error "in allow" end
        return true
      end,
    })
    assert.same({ "finished", 1, 1 }, { done.reason, done.pages, done.failures.handler })
    assert.equal(1, #lines "out.jsonl")
  end)

  it("stops at exactly max_pages, whatever the concurrency", function()
    local links = {}
    for i = 1, 100 do links[i] = "<a href=/" .. i .. ">" end
    serve("{ '/': '" .. table.concat(links) .. "' }")
    local done = assert(run { max_pages = 17, per_origin = { concurrency = 50 } })
    assert.same({ "max_pages", 17 }, { done.reason, done.pages })
    assert.equal(17, #asked())
    assert.is_true(done.queued > 0)
  end)

  it("keeps to its depth", function()
    serve [[{ '/': '<a href=/1>', '/1': '<a href=/2>', '/2': '<a href=/3>' }]]
    local done = assert(run { depth = 1 })
    assert.same({ "/", "/1" }, asked())
    assert.same({ depth = 1 }, done.skipped)
  end)

  it("stops bodies of other types at the head", function()
    serve [[{ '/': '<a href=/image>', '/image': { type: 'image/png', body: 'data' } }]]
    local stopped
    assert(run { page = function(page)
      if page.depth == 1 then stopped = { page.stopped, page.body == nil, page.status } end
    end })
    assert.same({ true, true, 200 }, stopped)
  end)

  it("reads what had come when a hook of the script's own says that it is enough", function()
    serve [[{ '/': '<title>first</title><a href=/next>', '/next': '<title>next</title>' }]]
    local seen = {}
    local done = assert(run { client = { tls = { ca_file = server.ca }, on_chunk = function() return "stop" end },
      page = function(page) seen[#seen + 1] = { page.title, page.stopped, page.hash ~= nil, page.body ~= nil } end })
    assert.same({ "finished", 2 }, { done.reason, done.ok })
    assert.same({ { "first", nil, true, true }, { "next", nil, true, true } }, seen)
  end)

  it("flags duplicates, noindex and canonical", function()
    serve [[{ '/': '<a href=/a>', '/a': '<link rel=canonical href=/c><a href=/b><meta name=robots content=noindex>',
      '/b': { body: '<link rel=canonical href=/c><a href=/b><meta name=robots content=noindex>',
      headers: { 'x-robots-tag': 'nofollow' } }, '/c': '<a href=/b>' }]]
    local pages = {}
    assert(run { page = function(page) pages[page.url:sub(#server.url + 1)] = page end })
    local a, b = pages["/a"], pages["/b"]
    assert.same({ true, server.url .. "/c", false }, { a.noindex, a.canonical, a.nofollow })
    assert.same({ true, server.url .. "/a" }, { b.nofollow, b.duplicate_of })
  end)

  it("asks again as the verdict allows, and gives up after that", function()
    serve [[{ '/': '<a href=/calm><a href=/busy><a href=/gone>', '/calm': { breaks: 2, code: 7, body: 'a' },
      '/busy': { fails: 1, fail_headers: { 'retry-after': '0' }, body: 'b' }, '/gone': { status: 410 } }]]
    local done = assert(run { retries = 0 })
    assert.same({ 4, 3, 1, 3 }, { done.pages, done.ok, done.errors, done.retried })
    assert.same({ "/", "/busy", "/busy", "/calm", "/calm", "/calm", "/gone" }, asked())
  end)

  it("gives a dead host up at once, with all its URLs, when it has never answered", function()
    serve [[{ '/': 'x' }]]
    local port = support.free_port()
    local list = {}
    for i = 1, 20 do list[i] = ("https://localhost:%d/%d"):format(port, i) end
    list[21] = server.url .. "/"
    local errs = {}
    local done = assert(run { start = list, retries = 5, failed = function(_, err)
      errs[err.reason] = (errs[err.reason] or 0) + 1
    end })
    assert.same({ 21, 20, 1 }, { done.pages, done.failed, done.ok })
    assert.same({ connect_failed = 20 }, errs)
  end)

  it("refuses options that are wrong or unknown", function()
    assert.has_error(function() crawl { start = "x", max_page = 1 } end)
    assert.has_error(function() crawl { start = "x", concurrency = 0 } end)
    assert.has_error(function() crawl { start = "x", canonical = "maybe" } end)
    assert.has_error(function() crawl { start = "x", per_origin = { delays = 1 } } end)
    assert.has_error(function() crawl { max_pages = 1 } end)
  end)

  it("does not overwrite a file that is there", function()
    serve [[{ '/': 'x' }]]
    local path = support.write(directory .. "/out.jsonl", "mine\n")
    local done, err = run { out = path }
    assert.is_nil(done)
    assert.same({ "output", "exists", path }, { err.reason, err.kind, err.path })
    assert.equal("mine\n", support.read(path))
    assert(run { out = { path = path, append = true } })
    assert.matches("^mine\n{", support.read(path))
  end)

  it("runs without a task around it, and skips start lines that are no URLs", function()
    serve [[{ '/': 'x' }]]
    local done = assert(crawl { start = { "no url", server.url .. "/" }, progress = false, robots = false,
      client = { tls = { ca_file = server.ca } } })
    assert.same({ 1, 1 }, { done.pages, done.invalid })
  end)
end)
