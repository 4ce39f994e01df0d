-- What a handler is given, and which links of a page are followed.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

describe("a page of a crawl", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "page"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  -- Runs a crawl of `pages`; gives the pages by their paths, and the summary.
  local function run(pages, options)
    server = site.start(pages)
    options = options or {}
    local seen, inner = {}, options.page
    if options.page ~= false then
      function options.page(page)
        seen[page.url:sub(#server.url + 1)] = page
        page.charset, page.text = page.charset, page.text -- read while it is there
        if inner then inner(page) end
      end
    end
    options.page = options.page or nil
    local done = assert(support.run(function() return crawl(site.options(server, options)) end))
    return seen, done
  end

  it("is in the encoding that its BOM, header or meta names, else in Windows-1252", function()
    local pages = run [[{ '/': '<a href=/bom><a href=/head><a href=/meta><a href=/none><a href=/label>',
      '/bom': { type: 'text/html; charset=latin1', body: '\ufeffé' },
      '/head': { type: 'text/html; charset="UTF-8"', body: 'é' },
      '/meta': '<meta charset=koi8-r>', '/none': { body: Buffer.from([0xe9]) },
      '/label': { type: 'text/html; charset=iso-8859-1', body: 'x' } }]]
    local names = {}
    for path, page in pairs(pages) do names[path] = page.charset end
    assert.same({ ["/"] = "utf-8", ["/bom"] = "utf-8", ["/head"] = "utf-8", ["/meta"] = "koi8-r",
      ["/none"] = "windows-1252", ["/label"] = "windows-1252" }, names)
    assert.same({ "é", "é" }, { pages["/bom"].text, pages["/none"].text })
  end)

  it("lists its links: resolved by <base>, in order, each once, in scope or not", function()
    local links
    run([[{ '/': '<base href="/sub/"><a href=b rel="x nofollow">two</a><a href="http://other.example/">one</a>' +
      '<a href="b#f">again</a><a href="mailto:x">m</a><area href="/c"><a href=b rel=ugc>b</a>' }]], {
      follow = false, page = function(page) links = { page:links(), page:links "area" } end })
    local function shown(list)
      local texts = {}
      for i, link in ipairs(list) do
        texts[i] = ("%s %s %s %s"):format(link.url:gsub(server.url, ""), link.tag, link.text, tostring(link.nofollow))
      end
      return texts
    end
    assert.same({ "/sub/b a two false", "http://other.example/ a one false", "/c area  false" }, shown(links[1]))
    assert.same({ "/c area  false" }, shown(links[2]))
    assert.equal("x nofollow", links[1][1].rel)
  end)

  it("lists links that other pages have named, too", function()
    local urls = {}
    run([[{ '/': '<a href=/a><a href="http://other.example/">',
      '/a': '<a href=/><a href=/a><a href="http://other.example/">' }]], { page = function(page)
      urls[page.depth] = {}
      for i, link in ipairs(page:links()) do urls[page.depth][i] = link.url:gsub(server.url, "") end
    end })
    assert.same({ [0] = { "/a", "http://other.example/" }, { "/", "/a", "http://other.example/" } }, urls)
  end)

  it("follows nodes, links and lists, resolved by <base>", function()
    local answers = {}
    run([[{ '/': '<base href="/sub/"><a class=x href=1>1</a><a class=x href=2>2</a><p><a class=y href=6>6</a>',
      '/sub/1': '1', '/sub/2': '2', '/sub/3': '3', '/sub/4': '4', '/sub/5': '5', '/sub/6': '6' }]], {
        follow = false, page = function(page)
        if page.depth > 0 then return end
        answers[1] = { page:follow(page:css "a.x") }
        answers[2] = { page:follow { "3", "/sub/4" } }
        answers[3] = { page:follow { url = server.url .. "/sub/5" } }
        answers[4] = { page:follow(page:css "a.y"[1]) }
        answers[5] = select(2, pcall(page.follow, page, page:css "p"[1]))
        answers[6] = select(2, pcall(page.follow, page, "x", { priority = 9 }))
        answers[7] = select(2, pcall(page.follow, page, "x", { meta = ("x"):rep(70000) }))
        answers[8] = select(2, pcall(page.follow, page, { "3", nil, "7" }))
        answers[9] = select(2, pcall(page.follow, page, { next = "7" }))
      end })
    assert.same({ { true }, { true }, { true }, { true } }, { unpack(answers, 1, 4) })
    assert.matches("a URL, a node or a list of them", answers[5])
    assert.matches("priority must be a whole number from %-8 to 8", answers[6])
    assert.matches("meta has 70002 bytes", answers[7])
    for i = 8, 9 do assert.matches("a list of URLs, nodes or links has no holes", answers[i]) end
    assert.same({ "/", "/sub/1", "/sub/2", "/sub/3", "/sub/4", "/sub/5", "/sub/6" }, site.asked(server))
  end)

  it("has its meta and depth behind a redirect, and says how it was reached", function()
    local pages = run([[{ '/': 'x', '/a': { status: 302, location: '/b' }, '/b': { status: 307, location: '/c' },
      '/c': 'c' }]], { page = function(page)
        if page.depth == 0 then page:follow("/a", { meta = { n = 7 }, priority = 3 }) end
      end })
    local page = pages["/c"]
    assert.same({ 1, { n = 7 }, 3, server.url .. "/b", { server.url .. "/a", server.url .. "/b" } },
      { page.depth, page.meta, page.priority, page.from, page.redirected_from })
  end)

  it("heeds meta robots and X-Robots-Tag, general ones and its own agent's", function()
    local pages = run([[(path) => {
      const own = '<a href="' + path + '-x">x</a>';
      if (path === '/') return ['named', 'other', 'none', 'field', 'own', 'foreign', 'joined', 'valued', 'words']
        .map((name) => `<a href=/${name}>`).join('');
      const fields = { '/field': 'NoFollow', '/own': 'rill: nofollow, noindex', '/foreign': 'other: nofollow',
        '/joined': 'other: none, Rill: noindex, nofollow', '/valued': 'max-snippet: 5, nofollow',
        '/words': 'nofollowing, x-nofollow' };
      const metas = { '/named': '<meta name=RILL content=NOFOLLOW>', '/other': '<meta name=other content=nofollow>',
        '/none': '<meta name=robots content="none">' };
      if (fields[path]) return { body: path + own, headers: { 'x-robots-tag': fields[path] } };
      if (metas[path]) return metas[path] + own;
      return path;
    }]], {})
    local flags = {}
    for path, page in pairs(pages) do
      if page.nofollow or page.noindex then
        flags[path] = (page.nofollow and "nofollow " or "") .. (page.noindex and "noindex" or "")
      end
    end
    assert.same({ ["/named"] = "nofollow ", ["/none"] = "nofollow noindex", ["/field"] = "nofollow ",
      ["/own"] = "nofollow noindex", ["/joined"] = "nofollow noindex", ["/valued"] = "nofollow " }, flags)
    for _, path in ipairs { "/other-x", "/foreign-x", "/words-x" } do assert.is_table(pages[path]) end
    for path in pairs(flags) do assert.is_nil(pages[path .. "-x"], path) end
  end)

  it("follows marked links where nofollow is off", function()
    run([[{ '/': '<a href=/1 rel=nofollow><a href=/2 rel=ugc><a href=/3 rel="a SPONSORED b">' }]],
      { nofollow = false })
    assert.same({ "/", "/1", "/2", "/3" }, site.asked(server))
    local _, done = run([[{ '/': '<a href=/1 rel=nofollow><a href=/2 rel=ugc><a href=/3 rel="a SPONSORED b">' }]])
    assert.same({ nofollow = 3 }, done.skipped)
  end)

  local TAGS = [[{ '/': '<link rel=next href=/next><link rel=stylesheet href=/css><link rel=icon href=/icon>' +
    '<link rel="alternate stylesheet" href=/alt><link rel=alternate href=/feed><link rel=preconnect href=/pre>' +
    '<link rel=prev href=/prev><iframe src=/frame></iframe><img src=/img srcset="/big 2x"><script src=/js></script>' +
    '<video src=/video poster=/poster></video><form action=/form></form><area href=/area><a href=/a>' +
    '<meta http-equiv=refresh content="9; url=/refresh">' }]]

  it("has links of these tags followed: pages, all, or those that are named", function()
    run(TAGS)
    local pages = { "/", "/a", "/area", "/feed", "/frame", "/next", "/prev", "/refresh" }
    assert.same(pages, site.asked(server))
    server:stop()
    run(TAGS, { links = "all" })
    local all = site.asked(server)
    assert.same({ "/", "/a", "/alt", "/area", "/big", "/css", "/feed", "/frame", "/icon", "/img", "/js", "/next",
      "/poster", "/prev", "/refresh", "/video" }, all)
    server:stop()
    run(TAGS, { links = { "img" } })
    assert.same({ "/", "/big", "/img" }, site.asked(server))
    server:stop()
    run(TAGS, { links = { "area", "meta" } })
    assert.same({ "/", "/area", "/refresh" }, site.asked(server))
    assert.error_matches(function() crawl { start = "x", links = { "blink" } } end, "blink")
  end)

  local CANONICAL = [[{ '/': '<link rel=canonical href="/?utm_source=x"><a href=/copy>',
    '/copy': '<link rel=canonical href=/true><a href=/beyond>', '/true': 'true', '/beyond': 'b' }]]

  it("is not handed over where it names another as canonical and those are skipped", function()
    local pages, done = run(CANONICAL, { canonical = "skip" })
    assert.same({ 4, true, nil, true, true }, { done.pages, pages["/"] ~= nil, pages["/copy"], pages["/true"] ~= nil,
      pages["/beyond"] ~= nil })
    server:stop()
    done = select(2, run(CANONICAL, { canonical = "skip", page = false, out = directory .. "/skip.jsonl" }))
    assert.same({ 4, 3 }, { done.pages, done.items })
    server:stop()
    pages = run(CANONICAL, { canonical = "ignore" })
    assert.same({ true, nil }, { pages["/copy"] ~= nil, pages["/true"] })
    assert.equal(server.url .. "/true", pages["/copy"].canonical)
  end)

  it("is read without a content-type, and not where that names another type", function()
    local pages = run([[{ '/': '<a href=/none><a href=/text><a href=/xhtml>',
      '/none': { type: '', body: '<title>n</title>' }, '/text': { type: 'text/plain', body: 'x' },
      '/xhtml': { type: 'Application/XHTML+XML; charset=utf-8', body: '<html><title>x</title></html>' } }]])
    assert.same({ "n", true, nil, "x" }, { pages["/none"].title, pages["/text"].stopped, pages["/text"].body,
      pages["/xhtml"].title })
  end)

  it("counts a fragment as part of its URL where `key` says so", function()
    local pages, done = run([[{ '/': '<a href="#a"><a href="/x#b"><a href="/x#c"><a href=/x>' }]],
      { key = { fragment = true } })
    assert.same({ "/", "/", "/x", "/x", "/x" }, site.asked(server))
    assert.same({ 5, 2 }, { done.pages, done.ok })
    assert.is_nil(pages["/x"])
  end)

  it("commits items as they were when they were emitted", function()
    run("{ '/': 'x' }", { out = directory .. "/out.jsonl", page = function(page)
      local item = { list = {} }
      for i = 1, 2 do
        item.n, item.list[1] = i, i
        page:emit(item)
      end
    end })
    assert.same({ { n = 1, list = { 1 } }, { n = 2, list = { 2 } } }, site.lines(directory .. "/out.jsonl"))
  end)

  it("shows a hundred different messages, and counts the others", function()
    local said = {}
    server = site.start [[(path) => path === '/' ? Array.from({ length: 120 }, (_, i) => `<a href="/x${i}y">`).join('')
      : path]]
    local made = crawl.new { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, progress = false,
      robots = false, page = function(page) error(page.url) end }
    function made.say(_, text) said[#said + 1] = text end
    local done = assert(support.run(function() return made:run() end))
    assert.same({ 121, 101 }, { done.failures.handler, #said })
    assert.equal("what handlers raise is only counted from here on", said[101])
  end)

  it("reports what raises once, with its traceback, and counts the rest", function()
    local said = {}
    server = site.start [[{ '/': '<a href=/1><a href=/2>', '/1': 'x', '/2': 'y' }]]
    local made = crawl.new { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, progress = false,
      robots = false, page = function() error "always the same" end }
    function made.say(_, text) said[#said + 1] = text end
    local done = assert(support.run(function() return made:run() end))
    assert.same({ 3, 3 }, { done.failed, done.failures.handler })
    assert.equal(1, #said)
    assert.matches("page handler raised: .*always the same\nstack traceback:", said[1])
  end)
end)
