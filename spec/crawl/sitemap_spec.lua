-- Sitemaps of a crawl: read as they come, asked about like links, and what they spare.
local crawl = require "rill.crawl"
local date = require "rill.crawl.date"
local rill = require "rill"
local site = require "support.site"
local support = require "support"

describe("a sitemap of a crawl", function()
  local servers, directory, hook

  before_each(function()
    support.begin()
    servers, directory, hook = {}, support.directory "sitemap", rill.on_warning
  end)
  after_each(function()
    rill.on_warning = hook
    for _, server in ipairs(servers) do server:stop() end
    support.check_clean()
  end)

  local function serve(pages)
    servers[#servers + 1] = site.start(pages)
    return servers[#servers]
  end

  local function run(options)
    options.start = options.start or servers[1].url .. "/"
    options.client = options.client or {}
    options.client.tls = { ca_file = servers[1].ca }
    options.progress = false
    return assert(support.run(function() return crawl(options) end, 60))
  end

  local ROBOTS = [['/robots.txt': { type: 'text/plain', body: 'User-agent: *\nDisallow: /no\nSitemap: /map\n' },
    '/': 'x']]

  local function set_of(...)
    local parts = { "<urlset>" }
    for _, loc in ipairs { ... } do parts[#parts + 1] = "<url><loc>" .. loc .. "</loc></url>" end
    return "{ type: 'text/xml', body: `" .. table.concat(parts) .. "</urlset>` }"
  end

  it("gives URLs of depth 1 and priority -1, through the same filters", function()
    local server = serve("{ " .. ROBOTS .. ", '/map': " .. set_of("/a", "/no/x", "http://other.example/", "/b?sid=1",
      "/x/x/x/x", "/b", "ftp://h/", "") .. ", '/a': 'a', '/b?sid=1': 'b' }")
    local seen = {}
    local done = run { page = function(page)
      seen[page.url:sub(#server.url + 1)] = { page.depth, page.priority, page.from }
    end }
    assert.same({ ["/"] = { 0, 0 }, ["/a"] = { 1, -1, server.url .. "/map" },
      ["/b?sid=1"] = { 1, -1, server.url .. "/map" } }, seen)
    assert.same({ scope = 1, robots = 1, repeats = 1, scheme = 1 }, done.skipped)
    assert.same({ 1, 1, 3 }, { done.sitemaps, done.robots, done.pages })
  end)

  it("is not looked for where it is turned off, and at /sitemap.xml with \"auto\"", function()
    local server = serve("{ " .. ROBOTS .. ", '/map': " .. set_of "/a" .. ", '/sitemap.xml': " .. set_of "/b"
      .. ", '/c.xml': " .. set_of "/c" .. "}")
    local function asked(sitemaps, robots)
      local before = #server:events()
      run { sitemaps = sitemaps, robots = robots }
      local list = {}
      for i, event in ipairs(server:events()) do
        if i > before and event.path then list[#list + 1] = event.path end
      end
      table.sort(list)
      return table.concat(list, " ")
    end
    assert.equal("/ /robots.txt", asked(false))
    assert.equal("/ /a /map /robots.txt", asked "robots")
    assert.equal("/ /a /b /map /robots.txt /sitemap.xml", asked "auto")
    assert.equal("/ /c /c.xml /robots.txt", asked { server.url .. "/c.xml" })
    assert.equal("/", asked("robots", false))
    assert.equal("/ /b /sitemap.xml", asked("auto", false))
  end)

  it("follows redirects as it follows links: robots, private addresses, at most five", function()
    local private = serve [[{ '/map': '<urlset><url><loc>/x</loc></url></urlset>' }]]
    local own = serve("{ " .. ROBOTS:gsub("Sitemap: /map\\n",
      "Sitemap: /m1\\nSitemap: /m2\\nSitemap: /m3\\nSitemap: /h0\\n") .. [[,
      '/m1': { status: 301, location: '/to' }, '/to': { body: '<urlset><url><loc>/found</loc></url></urlset>' },
      '/m2': { status: 302, location: '/no/map' }, '/no/map': '<urlset><url><loc>/bad</loc></url></urlset>',
      '/m3': { status: 302, location: 'https://localhost:]] .. private.port .. [[/map' },
      '/h0': { status: 302, location: '/h1' }, '/h1': { status: 302, location: '/h2' },
      '/h2': { status: 302, location: '/h3' }, '/h3': { status: 302, location: '/h4' },
      '/h4': { status: 302, location: '/h5' }, '/h5': { status: 302, location: '/h6' } }]])
    run { start = own.url .. "/", retries = 0 }
    assert.same({ "/", "/found", "/h0", "/h1", "/h2", "/h3", "/h4", "/h5", "/m1", "/m2", "/m3", "/robots.txt", "/to" },
      site.asked(own))
    assert.same({}, site.asked(private))
  end)

  it("is read down to the third level, and of those of a robots.txt the first thousand", function()
    local deep = serve [[(path) => {
      const level = Number(/^\/l(\d)$/.exec(path)?.[1]);
      return level ? `<sitemapindex><sitemap><loc>/l${level + 1}</loc></sitemap></sitemapindex>`
        : path === '/robots.txt' ? { type: 'text/plain', body: 'Sitemap: /l1\n' } : 'x';
    }]]
    run { start = deep.url .. "/" }
    assert.same({ "/", "/l1", "/l2", "/l3", "/robots.txt" }, site.asked(deep))
    local wide = serve [[(path) => path !== '/robots.txt' ? '<urlset></urlset>' : { type: 'text/plain',
      body: Array.from({ length: 1001 }, (_, i) => `Sitemap: /m${1001 - i}\n`).join('') }]]
    assert.equal(1000, run { start = wide.url .. "/" }.sitemaps)
    local asked = table.concat(site.asked(wide), " ")
    assert.same({ true, false }, { asked:find("/m2 ", 1, true) ~= nil, asked:find("/m1 ", 1, true) ~= nil })
  end)

  it("is asked for again where it fails, and gives what could be read", function()
    local server = serve("{ " .. ROBOTS .. [[, '/map': { fails: 1, cut: true,
      cut_body: '<urlset><url><loc>/a</loc></url><url><loc>/b</loc></url><url><loc>/c' }, '/a': 'a', '/b': 'b' }]])
    local done = run { retries = 1 }
    assert.same({ 3, 3 }, { done.pages, done.ok })
    assert.equal(1, done.retried)
    assert.equal(2, #site.asked(server) - 4)
  end)

  it("leads to no further hosts' sitemaps", function()
    local third = serve("{ " .. ROBOTS .. ", '/map': 'x' }")
    local second = serve("{ '/robots.txt': 'User-agent: *\\nSitemap: https://localhost:" .. third.port .. "/map\\n', "
      .. "'/map': " .. set_of "/x" .. " }")
    local first = serve("{ '/robots.txt': 'User-agent: *\\nSitemap: https://localhost:" .. second.port .. "/map\\n', "
      .. "'/': 'x' }")
    run { start = first.url .. "/", client = { deny_private = false } }
    assert.same({ "/map", "/robots.txt" }, site.asked(second))
    assert.same({}, site.asked(third))
  end)

  it("of 50,000 long URLs in a small gzip file costs little memory, and is cut at 50,000 URLs", function()
    local warnings = {}
    rill.on_warning = function(text) warnings[#warnings + 1] = text end
    serve([[(() => {
      const url = (i) => `<url><loc>/p/${i}/${'x'.repeat(500)}</loc></url>\n`;
      const map = require('zlib').gzipSync('<urlset>' + Array.from({ length: 51000 }, (_, i) => url(i)).join(''));
      return { ]] .. ROBOTS .. [[, '/map': { type: 'application/gzip', body: map } };
    })()]])
    collectgarbage()
    local before, most = collectgarbage "count", 0
    local done = run { traps = false, drain = 0, state = directory .. "/s.crawl", stop = function(stats)
      most = math.max(most, collectgarbage "count" - before)
      return stats.sitemaps > 0
    end }
    assert.is_true(done.queued > 45000, done.queued)
    assert.is_true(most < 32 * 1024, most) -- KiB of Lua
    assert.equal(1, #warnings)
    assert.matches("^sitemap https://localhost:%d+/map: it .*: the rest is left out", warnings[1])
  end)

  it("spares a recrawl of what has not changed since the last visit", function()
    local new = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 1000)
    local server = serve("{ " .. ROBOTS .. [[, '/map': `<urlset>
      <url><loc>/old</loc><lastmod>2020-01-01</lastmod></url>
      <url><loc>/new</loc><lastmod>]] .. new .. [[</lastmod></url><url><loc>/plain</loc></url>
      <url><loc>/bad</loc><lastmod>yesterday</lastmod></url>
      <url><loc>/gone</loc><lastmod>2020</lastmod></url></urlset>`,
      '/old': 'o', '/new': 'n', '/plain': '0', '/bad': 'b' }]])
    local options = { state = directory .. "/s.crawl" }
    assert.equal(6, run(options).pages)
    local before = #server:events()
    options.recrawl = true
    local done = run(options)
    local again = {}
    for i, event in ipairs(server:events()) do
      if i > before and event.path then again[#again + 1] = event.path end
    end
    table.sort(again)
    assert.same({ "/", "/bad", "/gone", "/map", "/new", "/plain" }, again)
    assert.same({ "finished", 5, 0 }, { done.reason, done.pages, done.queued })
  end)

  it("has dates of these forms", function()
    for text, expected in pairs { ["1970-01-01"] = 86399, ["1970"] = 365 * 86400 - 1, ["1970-01"] = 31 * 86400 - 1,
      ["1970-12"] = 365 * 86400 - 1, ["1970-01-02T00:00:10Z"] = 86410, ["1970-01-01T02:00+01:00"] = 3659,
      ["1970-01-01T00:00:00.5-02:00"] = 7200, ["2024-02-29T00:00:00Z"] = 1709164800 } do
      assert.equal(expected, date.w3c(text), text)
    end
    for _, text in ipairs { "", "x", "2024-1-1", "2024-01-01x", "24" } do assert.is_nil(date.w3c(text)) end
  end)
end)
