-- What says that two pages have one body, and what a page calls its own.
local C = require "rill.clib"
local crawl = require "rill.crawl"
local ffi = require "ffi"
local site = require "support.site"
local support = require "support"

describe("a page's hash", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "body_hash"
  end)
  after_each(function()
    if server then server:stop() end
    server = nil
    support.check_clean()
  end)

  local function pages_of(state)
    local pages = {}
    assert(support.run(function()
      return crawl { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false,
        progress = false, state = state, out = function() end, failed = function(page) pages[page.url] = page end,
        page = function(page) pages[page.url] = page end }
    end))
    return function(path) return pages[server.url .. path] end
  end

  it("is the same without a state as with one, also when the crawl has ended", function()
    server = site.start [[{ '/': '<a href=/long>a</a><a href=/none>b</a><a href=/empty>c</a>',
      '/long': 'x'.repeat(100000), '/none': { status: 404, body: 'none' }, '/empty': '' }]]
    local without, with = pages_of(nil), pages_of(directory .. "/state")
    for _, path in ipairs { "/", "/long" } do
      assert.matches("^" .. ("%x"):rep(16) .. "$", with(path).hash)
      assert.equal(with(path).hash, without(path).hash)
    end
    assert.equal(100000, #without "/long".body)
    for _, path in ipairs { "/none", "/empty" } do
      assert.same({ nil, nil }, { with(path).hash, without(path).hash })
    end
  end)

  it("comes from SHA-256, while duplicates are found by a hash that nobody outside can foresee", function()
    local function hash(hasher, text, length)
      local halves = ffi.new "uint32_t[2]"
      assert.equal(0, C.rill_hasher_hash(hasher, text, length or #text, halves))
      return ("%08x%08x"):format(halves[0], halves[1])
    end
    local first, second = C.rill_hasher_new(), C.rill_hasher_new()
    local text = ("text "):rep(20000)
    local of_text = hash(first, text)
    assert.equal(of_text, hash(first, text))
    assert.not_equal(of_text, hash(second, text))
    assert.not_equal(of_text, hash(first, text, #text - 1))
    assert.not_equal(of_text, hash(first, "T" .. text:sub(2)))
    assert.equal(of_text, hash(first, text)) -- what came between leaves nothing
    assert.equal(-tonumber(C.RILL_ARGUMENT), C.rill_hasher_hash(nil, text, #text, ffi.new "uint32_t[2]"))
    C.rill_hasher_free(first)
    C.rill_hasher_free(second)
    C.rill_hasher_free(nil)
  end)
end)
