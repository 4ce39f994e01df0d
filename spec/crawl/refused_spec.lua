-- Addresses that are no links: what a page, a redirect, a sitemap and a script name, and how it is counted.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

describe("an address that is no link", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "refused"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  -- Runs a crawl of `pages`; gives the summary, and what was passed over: url -> reason.
  local function run(pages, options)
    server = site.start(pages)
    options.skipped = directory .. "/skipped.jsonl"
    local done = assert(support.run(function() return crawl(site.options(server, options)) end))
    local skipped = {}
    for _, item in ipairs(site.lines(directory .. "/skipped.jsonl")) do
      assert.equal(options.from or server.url .. "/", item.from)
      skipped[item.url] = item.reason
    end
    return done, skipped
  end

  it("counts as invalid or as one of another scheme, with the page that holds it, each once", function()
    local done, skipped = run([[{ '/': '<a href="http://[bad"><a href="http://[bad"><a href="foo://x/y">' +
      '<area href="ftp://h/f"><a href="HTTP://a b/"><iframe src="//h:99999999/"></iframe>' +
      '<link rel=next href="ws://h/"><a href="http://">' +
      '<a href="/' + 'x'.repeat(70000) + '">' }]], {})
    assert.equal("url_length", skipped["/" .. ("x"):rep(2047)])
    skipped["/" .. ("x"):rep(2047)] = nil
    assert.same({ ["http://[bad"] = "invalid", ["foo://x/y"] = "scheme", ["ftp://h/f"] = "scheme",
      ["HTTP://a b/"] = "invalid", ["//h:99999999/"] = "invalid", ["ws://h/"] = "scheme", ["http://"] = "invalid" },
      skipped)
    assert.same({ invalid = 4, scheme = 3, url_length = 1 }, done.skipped)
    assert.equal(1, done.pages)
  end)

  it("of which only the beginning is kept does not stand for the page of that URL", function()
    server = site.start([[(path, headers) => {
      const long = 'https://' + headers[':authority'] + '/' + 'x'.repeat(70000);
      return { '/': `<a href="${long}"><a href=/next>`, '/next': `<a href="${long.slice(0, 2048)}">` }[path] || 'x';
    }]])
    local done = assert(support.run(function()
      return crawl(site.options(server, { traps = { url_length = 5000 } }))
    end))
    assert.same({ 3, { url_length = 1 } }, { done.pages, done.skipped })
  end)

  it("is passed over in silence where it is an action, or what it names", function()
    local done, skipped = run([[{ '/': '<a href="mailto:a@b"><a href="JavaScript:void(0)"><a href="data:text/html,x">' +
      '<a href="tel:+1"><a href=" java\nscript:x()"><a href="sms:1"><a href="about:blank">' }]], {})
    assert.same({ {}, {} }, { done.skipped, skipped })
  end)

  it("does not count in a tag that is not followed, nor where nothing is", function()
    local page = [[{ '/': '<img src="foo://x"><link rel=stylesheet href="foo://y"><form action="foo://z"></form>' }]]
    assert.same({}, run(page, {}).skipped)
    server:stop()
    os.remove(directory .. "/skipped.jsonl")
    assert.same({ scheme = 2 }, run(page, { links = "all" }).skipped)
    server:stop()
    os.remove(directory .. "/skipped.jsonl")
    assert.same({}, run(page, { links = "all", follow = false }).skipped)
  end)

  it("counts where a redirect names it", function()
    local done, skipped = run([[{ '/': { status: 302, location: 'http://[bad' } }]], {})
    assert.same({ { invalid = 1 }, { ["http://[bad"] = "invalid" }, 1 }, { done.skipped, skipped, done.redirects })
    server:stop()
    os.remove(directory .. "/skipped.jsonl")
    assert.same({ scheme = 1 }, run([[{ '/': { status: 302, location: 'foo://x/' } }]], {}).skipped)
  end)

  it("counts where a sitemap names it", function()
    server = site.start [[{ '/map': '<urlset><url><loc>http://[bad</loc></url><url><loc>foo://x/</loc></url>' +
      '<url><loc>mailto:x@y</loc></url><url><loc>/a</loc></url></urlset>', '/a': 'a' }]]
    local done = assert(support.run(function()
      return crawl { start = server.url .. "/a", sitemaps = { server.url .. "/map" }, progress = false, robots = false,
        client = { tls = { ca_file = server.ca } } }
    end))
    assert.same({ { invalid = 1, scheme = 1 }, 1 }, { done.skipped, done.pages })
  end)

  it("is refused with its reason where a script follows or adds it, and counts", function()
    local answers, made = {}, nil
    server = site.start [[{ '/': 'x' }]]
    made = crawl.new { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, progress = false,
      robots = false, page = function(page)
        answers = { { page:follow "http://[bad" }, { page:follow "foo://x" }, { page:follow "mailto:x@y" },
          { made:add "foo://y" }, { made:add "tel:1" } }
      end }
    local done = assert(support.run(function() return made:run() end))
    assert.same({ { false, "invalid" }, { false, "scheme" }, { false, "scheme" }, { false, "scheme" },
      { false, "scheme" } }, answers)
    assert.same({ invalid = 1, scheme = 2 }, done.skipped)
  end)
end)
