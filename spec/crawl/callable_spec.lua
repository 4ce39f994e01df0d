-- What can be called is as good as a function in every option of a crawl that may be one.
local crawl = require "rill.crawl"
local site = require "support.site"
local support = require "support"

local function callable(fn)
  return setmetatable({}, { __call = function(_, ...) return fn(...) end })
end

describe("a table that can be called", function()
  local server, options

  setup(function() server = site.start [[{ '/': '<a href=/a>a</a><a href=/b>b</a>', '/a': 'a', '/b': 'b' }]] end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    options = { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false, progress = false,
      out = function() end }
  end)
  after_each(support.check_clean)

  local function run()
    return assert(support.run(function() return crawl(options) end))
  end

  it("is an output, alone and in a list", function()
    local count = 0
    options.out = callable(function() count = count + 1 end)
    run()
    assert.equal(3, count)
    options.out = { options.out }
    run()
    assert.equal(6, count)
  end)

  it("is the scope", function()
    for _, list in ipairs { false, true } do
      local test = callable(function(link) return link:find "/b$" ~= nil end)
      options.allow, options.deny = list and { test } or test, nil
      assert.equal(2, run().pages)
      options.allow, options.deny = nil, options.allow
      assert.equal(2, run().pages)
    end
  end)

  it("gives start URLs", function()
    local links = { server.url .. "/a", server.url .. "/b" }
    options.start = callable(function() return table.remove(links, 1) end)
    assert.equal(2, run().pages)
  end)

  it("is the key of a URL, and what is said of an origin", function()
    local asked = 0
    options.key = callable(function(link) return (link:gsub("/[ab]$", "/one")) end)
    options.per_origin = callable(function()
      asked = asked + 1
      return { concurrency = 1 }
    end)
    assert.equal(2, run().pages)
    assert.is_true(asked > 0)
  end)

  it("is not kept in the state, as no function is", function()
    local state = support.directory "callable" .. "/site.crawl"
    local count = 0
    local note = callable(function() count = count + 1 end)
    options.state, options.page, options.out, options.key = state, note, { note, note }, callable(tostring)
    options.per_origin, options.deny = callable(function() return {} end), { callable(function() return false end) }
    options.max_pages = 1
    run()
    options = { state = state, client = options.client, key = options.key, out = options.out, max_pages = 3 }
    assert.equal(3, run().pages)
  end)
end)
