-- A crawl's requests as HAR and as a waterfall.
local dkjson = require "dkjson"
local process = require "support.process"
local site = require "support.site"
local support = require "support"

local PAGES = [[({
  '/robots.txt': { type: 'text/plain', body: 'user-agent: *\ndisallow: /not' },
  '/': '<a href="/one"><a href="/moved"><a href="/not">',
  '/one': '<title>one</title>',
  '/moved': { status: 301, location: '/one' },
})]]

describe("a crawl's waterfall", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "pictures"
    server = site.start(PAGES)
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function crawl(more)
    local options = { start = server.url .. "/", progress = false, client = { tls = { ca_file = server.ca } },
      page = function() end }
    for name, value in pairs(more) do options[name] = value end
    return support.run(function() return require "rill.crawl"(options) end)
  end

  it("shows each request, robots.txt among them", function()
    assert(crawl { har = directory .. "/site.har", waterfall = directory .. "/site.html" })
    local log = dkjson.decode(support.read(directory .. "/site.har")).log
    local seen = {}
    for i, entry in ipairs(log.entries) do
      seen[i] = entry.response.status .. " " .. entry.request.url:sub(#server.url + 1)
    end
    table.sort(seen)
    assert.same({ "200 /", "200 /one", "200 /robots.txt", "301 /moved" }, seen)
    local page = support.read(directory .. "/site.html")
    for _, path in ipairs { "/", "/one", "/robots.txt", "/moved" } do
      assert.is_truthy(page:find(('"%s%s"'):format(server.url, path), 1, true), path)
    end
  end)

  it("fails before the first request where it cannot be written", function()
    local path = directory .. "/none/site.html"
    local done, err = crawl { waterfall = path }
    assert.is_nil(done)
    assert.same({ "output", "file", path }, { err.reason, err.kind, err.path })
    assert.is_nil(server:output():find("/robots.txt", 1, true))
    process.run({ "rmdir", directory }, support.directory "output" .. "/output") -- nothing is left there
  end)
end)
