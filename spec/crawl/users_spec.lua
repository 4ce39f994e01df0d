-- A user in front of a host makes no other host of it.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

describe("a link with a user", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "users"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function run(pages, options)
    server = site.start(pages)
    return assert(support.run(function() return crawl(site.options(server, options)) end))
  end

  it("is of the same origin as others: its robots.txt, its limits, its pages, each once", function()
    local done = run([[(path) => path === '/robots.txt' ? 'User-agent: *\nDisallow: /no\n' : path !== '/' ? path :
      Array.from({ length: 9 }, (_, i) => `<a href="https://user${i}:pw@HOST/${i % 3}?a=1">x</a>`).join('') +
      '<a href="https://other@HOST/no?x">n</a>']], { robots = true })
    assert.same({ "/", "/0?a=1", "/1?a=1", "/2?a=1", "/robots.txt" }, site.asked(server))
    assert.same({ 4, 1, 1, { robots = 1 } }, { done.pages, done.robots, done.origins, done.skipped })
  end)

  it("counts against the traps as others do", function()
    local done = run([[() => Array.from({ length: 9 }, (_, i) => `<a href="https://u${i}@HOST/${i}">x</a>`)
      .join('')]], { traps = { per_host = 4 } })
    assert.same({ 4, { per_host = 6 } }, { done.pages, done.skipped })
  end)

  it("ends a row of redirects that change nothing else", function()
    local done = run([[(path, headers) => ({ status: 302,
      location: `https://u${Math.random()}@${headers[':authority']}/` })]], {})
    assert.same({ "finished", 1, 1 }, { done.reason, done.pages, done.redirects })
  end)

  it("is asked for with its credentials, which nothing that is written shows", function()
    local out, skipped = directory .. "/out.jsonl", directory .. "/skipped.jsonl"
    run([[(path, headers) => headers.authorization && path !== '/' ? '<a href=/out/x><a href="ftp://c:d@h/">' :
      '<a href="https://a:b@HOST/in">x</a>']], { out = out, skipped = skipped, max_pages = 3 })
    local sent = {}
    for _, event in ipairs(server:events()) do
      if event.path then sent[event.path] = event.headers.authorization end
    end
    assert.same({ ["/in"] = "Basic YTpi", ["/out/x"] = "Basic YTpi" }, sent)
    local items = site.lines(out)
    table.sort(items, function(a, b) return a.depth < b.depth end)
    assert.same({ server.url .. "/in", server.url .. "/" }, { items[2].url, items[2].from })
    assert.same({ { url = "ftp://h/", from = server.url .. "/in", reason = "scheme" } }, { site.lines(skipped)[1] })
  end)
end)
