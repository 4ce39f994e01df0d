-- What an archive knows of the bodies that it holds.
local process = require "support.process"
local recorded = require "rill.crawl.recorded"
local server_of = require "support.server"
local site = require "support.site"
local support = require "support"

local PAGES = [[(path) => path === '/' ? '<a href="/alike/1"><a href="/other/1"><a href="/other/2"><a href="/alike/2">'
  : path.startsWith('/alike') ? 'alike' : path]]

describe("bodies that an archive holds", function()
  local kept = recorded.KEPT
  local server, redis, directory

  before_each(function()
    support.begin()
    recorded.KEPT = 2
    directory = support.directory "bodies"
    server = site.start(PAGES)
    redis = support.redis()
  end)
  after_each(function()
    recorded.KEPT = kept
    server:stop()
    redis:stop()
    support.check_clean()
  end)

  it("are found with the page that a frontier names", function()
    local bodies = recorded.new(false)
    for i = 1, 5 do bodies:add(1, i, "http://a/" .. i, 100 + i) end
    assert.same({ "http://a/first", 101 }, { bodies:find(1, 1, "http://a/first") })
    assert.is_nil(bodies:find(2, 1, "http://a/first"))
  end)

  it("are not found where neither a frontier names a page nor a URL is kept", function()
    local bodies = recorded.new(false)
    bodies:add(1, 1, "http://a/", 101)
    assert.is_nil(bodies:find(1, 1, true))
  end)

  it("are found with their own page where the frontier names none, the latest of them", function()
    local bodies = recorded.new(true)
    for i = 1, 5 do bodies:add(1, i, "http://a/" .. i, 100 + i) end
    for i = 1, 3 do assert.is_nil(bodies:find(1, i, true)) end
    for i = 4, 5 do assert.same({ "http://a/" .. i, 100 + i }, { bodies:find(1, i, true) }) end
    bodies:add(1, 1, "http://a/again", 106)
    assert.same({ "http://a/again", 106 }, { bodies:find(1, 1, true) })
  end)

  local function records()
    local child = process.start({ "/usr/bin/python3", "-B", support.here .. "/warc.py",
      directory .. "/site.a-00000.warc.gz" }, directory .. "/records")
    assert.equal(0, child:wait(30), child:output())
    return server_of.json_lines(child:output())
  end

  -- Each page is archived before the next is asked for.
  local function types()
    local done = assert(support.run(function()
      return require "rill.crawl"(site.options(server, { state = redis:state "site", warc = directory .. "/site",
        worker = "a", concurrency = 1, out = function() end }))
    end))
    assert.equal(5, done.pages)
    local map = {}
    for _, each in ipairs(records()) do
      local target = each["WARC-Target-URI"]
      if target and each["WARC-Type"] ~= "request" then map[target:sub(#server.url + 1)] = each["WARC-Type"] end
    end
    return map
  end

  it("are archived again where Redis has the hash and the URL is no longer known", function()
    local each = types()
    assert.same({ "response", "response" }, { each["/alike/1"], each["/alike/2"] })
  end)

  it("are referred to as long as the URL is known", function()
    recorded.KEPT = kept
    local each = types()
    assert.same({ "response", "revisit" }, { each["/alike/1"], each["/alike/2"] })
  end)
end)
