-- What a handler asks for: what page:follow answers, what `again` means, what a handler that fails leaves behind.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

describe("a handler of a crawl", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "follow"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function run(pages, options)
    server = site.start(pages)
    return assert(support.run(function() return crawl(site.options(server, options)) end))
  end

  local function path_of(page)
    return page.url:sub(#server.url + 1)
  end

  it("is told that a URL is seen which its page links to, or which it has followed already", function()
    local answers, metas = {}, {}
    run([[{ '/': '<a href=/linked>', '/linked': 'l', '/new': 'n' }]], { page = function(page)
      metas[path_of(page)] = page.meta or false
      if page.depth > 0 then return end
      for i, target in ipairs { "/linked", "/new", "/new", "/" } do
        answers[i] = { page:follow(target, { meta = i }) }
      end
      answers[5] = { page:follow { "/linked", "/new" } }
    end })
    assert.same({ { false, "seen" }, { true }, { false, "seen" }, { false, "seen" }, { false, "seen" } }, answers)
    assert.same({ ["/"] = false, ["/linked"] = false, ["/new"] = 2 }, metas)
  end)

  it("may follow what its page links to, where nothing is followed by itself", function()
    local answer
    run([[{ '/': '<a href=/linked>', '/linked': 'l' }]], { follow = false, page = function(page)
      if page.depth == 0 then answer = { page:follow("/linked", { meta = 1 }) } else answer[2] = page.meta end
    end })
    assert.same({ true, 1 }, answer)
  end)

  it("gets a URL again at the depth it was found at, where its depth and its host allow no more", function()
    local visits = {}
    local function page(of)
      visits[#visits + 1] = { path_of(of), of.depth }
      if of.depth == 1 and #visits < 4 then visits[#visits + 1] = { of:follow(of.url, { again = true }) } end
    end
    local done = run([[{ '/': '<a href=/a>', '/a': 'a' }]], { depth = 1, page = page, traps = { per_host = 2 } })
    assert.same({ { "/", 0 }, { "/a", 1 }, { true }, { "/a", 1 } }, visits)
    assert.same({ 3, {} }, { done.pages, done.skipped })
  end)

  it("that raises leaves nothing, but what `failed` says of it stands", function()
    local done = run([[{ '/': '<a href=/linked>', '/linked': 'l', '/sorry': 's', '/dropped': 'd' }]], {
      out = directory .. "/out.jsonl",
      page = function(page)
        page:emit { dropped = page.url }
        if page.depth > 0 then return end
        page:follow "/dropped"
        error "no"
      end,
      failed = function(page, err)
        page:emit { failed = path_of(page), reason = err.reason }
        page:follow "/sorry"
      end,
    })
    assert.same({ "/", "/linked", "/sorry" }, site.asked(server))
    local items = site.lines(directory .. "/out.jsonl")
    assert.same({ { failed = "/", reason = "handler" }, { dropped = server.url .. "/linked" },
      { dropped = server.url .. "/sorry" } }, items)
    assert.same({ 3, 1, { handler = 1 } }, { done.items, done.failed, done.failures })
  end)

  it("can save no body of a page that has none", function()
    local saved, err
    server = site.start "{}"
    local refused = support.refused()
    assert(support.run(function()
      return crawl { start = refused .. "/", progress = false, robots = false, retries = 0, failed = function(page)
        saved, err = page:save(directory .. "/body")
      end }
    end))
    assert.is_nil(saved)
    assert.same({ "file_error", refused .. "/" }, { err.reason, err.url })
  end)

  it("finds a count by the status's number as well as by its name", function()
    local done = run("{ '/': 'x' }", {})
    assert.same({ 1, 1 }, { done.statuses[200], done.statuses["200"] })
    assert.is_nil(done.statuses[404])
  end)
end)
