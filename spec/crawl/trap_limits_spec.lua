-- The traps that count: how many URLs each lets through, what is said of those it does not.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

local MANY = [[Array.from({ length: 150 }, (_, i) => `<a href="LINK">`).join('')]]

describe("a trap of a crawl", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "traps"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  -- A site whose first page has 150 links of a form; each page is another, or all have one body.
  local function serve(link, body)
    server = site.start(("(path) => path === '/' ? %s : %s"):format(MANY:gsub("LINK", function() return link end),
      body or "path"))
  end

  local function run(traps, more)
    local options = { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false,
      progress = false, traps = traps }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(support.run(function() return crawl(options) end))
  end

  local CASES = { -- trap, links, how many are asked for with a limit of 20, the first page included
    { "per_host", "/${i}x", 20 },
    { "per_path", "/p?q${i}", 21 },
    { "per_shape", "/a/${i}", 21 },
    { "per_shape", "/a?x=${i}", 21 },
    { "per_shape", "/a/${(i * 7919 + 1048576).toString(16)}/b", 21 },
  }
  for _, case in ipairs(CASES) do
    local name, link, pages = unpack(case)
    it(("lets no more URLs through than %s says, of the form %s"):format(name, link), function()
      serve(link)
      local done = run { [name] = 20 }
      assert.same({ pages, 151 - pages }, { done.pages, done.skipped[name] })
      assert.equal(pages, #site.asked(server))
      for _, off in ipairs { false, 0 } do assert.equal(151, run({ [name] = off }).pages) end
    end)
  end

  it("retires a shape after same_run pages whose bodies were seen before", function()
    serve("/item/${i}", "'no such thing'")
    local done = run({ same_run = 20 }, { per_origin = { concurrency = 1 }, concurrency = 1 })
    assert.is_true(done.pages >= 22 and done.pages <= 22 + 64, done.pages) -- what is in a commit is counted with it
    assert.equal(151 - done.pages, done.skipped.same_run)
  end)

  it("retires none in which new bodies come now and then", function()
    serve("/item/${i}", "(Number(path.slice(6)) % 10 === 0 ? path : 'no such thing')")
    assert.equal(151, run({ same_run = 20 }, { concurrency = 1 }).pages)
  end)

  it("counts over runs with a state", function()
    serve("/a/${i}")
    local state = directory .. "/s.crawl"
    local function again(max) return run({ per_shape = 30 }, { state = state, max_pages = max }) end
    assert.equal(10, again(10).pages)
    local done = again(1000)
    assert.same({ "finished", 31, 120 }, { done.reason, done.pages, done.skipped.per_shape })
  end)

  it("is named at the end, with an example and the flag, where it skipped more than 100", function()
    local command = require "support.command"
    serve("/a/${i}")
    local said = command.run { "crawl", server.url .. "/", "--ca", server.ca, "--no-robots", "--traps.per-shape", "49" }
    assert.matches("rill: 101 URLs were skipped by per_shape, such as https://[^ ]*/a/%d+: %-%-traps.per%-shape N",
      said.err)
    said = command.run { "crawl", server.url .. "/", "--ca", server.ca, "--no-robots", "--traps.per-shape", "50" }
    assert.is_nil(said.err:find "such as")
  end)

  it("skips redirects behind the tenth in a row", function()
    server = site.start [[(path) => ({ status: 302, location: `/${(Number(path.slice(1)) || 0) + 1}` })]]
    local done = run(nil, { out = directory .. "/out.jsonl" })
    assert.same({ 11, 11, { redirects = 1 } }, { done.pages, done.redirects, done.skipped })
    assert.equal(3, run({ redirects = 2 }).pages)
  end)
end)
