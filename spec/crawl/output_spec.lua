-- What a crawl writes items to.
local crawl = require "rill.crawl"
local site = require "support.site"
local sqlite = require "rill.sqlite"
local support = require "support"

describe("an output of a crawl", function()
  local server, directory

  setup(function() server = site.start [[{ '/': 'a' }]] end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    directory = support.directory "crawl"
  end)
  after_each(support.check_clean)

  local function emit(items, out, more)
    local options = { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false,
      progress = false, out = out, page = function(page)
        for _, item in ipairs(items) do page:emit(item) end
      end }
    for name, value in pairs(more or {}) do options[name] = value end
    return support.run(function() return crawl(options) end)
  end

  it("is JSON Lines in valid UTF-8, whatever the strings are", function()
    local path = directory .. "/items.jsonl"
    assert(emit({ { a = "caf\233", b = "caf\195\169", c = "a\n\"\\\0", n = 1.5, list = { 1, 2 }, map = { x = true } } },
      path))
    assert.equal('{"a":"caf\\u00e9","b":"caf\195\169","c":"a\\n\\"\\\\\\u0000","list":[1,2],"map":{"x":true},'
      .. '"n":1.5}\n', support.read(path))
  end)

  it("is CSV: the fields of the first item or those that are named, quoted where it must be", function()
    local path = directory .. "/items.csv"
    assert(emit({ { b = 'say "x", y', a = 1 }, { a = "two\nlines", c = 3 } }, path))
    assert.equal('a,b\r\n1,"say ""x"", y"\r\n"two\nlines",\r\n', support.read(path))
    path = directory .. "/named.csv"
    assert(emit({ { b = 1, a = { 2 } } }, { path = path, fields = { "b", "a" } }))
    assert.equal("b,a\r\n1,[2]\r\n", support.read(path))
  end)

  it("is a table of SQLite whose columns come as they are needed", function()
    local path = directory .. "/items.db"
    assert(emit({ { a = 1, ['odd "name"'] = "x" }, { B = { 1 }, A = "two" } }, path .. "#pages"))
    local db = assert(sqlite.open(path))
    assert.equal(2, db:value "select count(*) from pages")
    assert.same({ 1, "x" }, { db:value [[select a, "odd ""name""" from pages where item_id = 1]] })
    assert.same({ "two", "[1]" }, { db:value "select a, b from pages where item_id = 2" })
    db:close()
  end)

  it("is a function that is given the item, its page and an id", function()
    local got = {}
    assert(emit({ { a = 1 }, { a = 2 } }, { directory .. "/a.jsonl", function(item, page, id)
      got[#got + 1] = { item.a, page.url, id }
    end }))
    assert.same({ { 1, server.url .. "/", "1.1" }, { 2, server.url .. "/", "1.2" } }, got)
  end)

  it("is refused where it is there already, cut short, or cannot be opened", function()
    local state = directory .. "/s.crawl"
    local function refused(out, more)
      local done, err = emit({ { a = 1 } }, out, more)
      assert.is_nil(done)
      return { err.reason, err.kind, err.path }
    end
    local path = support.write(directory .. "/there.csv", "x\n")
    assert.same({ "output", "exists", path }, refused(path))
    path = directory .. "/none/such.jsonl"
    assert.same({ "output", "file", path }, refused(path))
    path = directory .. "/cut.jsonl"
    assert(emit({ { a = 1 } }, path, { state = state }))
    support.write(path, "{")
    assert.same({ "output", "short", path }, refused(path, { state = state }))
    os.remove(path)
    assert.same({ "output", "short", path }, refused(path, { state = state }))
  end)

  it("is cut to what the state knows", function()
    local path, state = directory .. "/items.jsonl", directory .. "/s.crawl"
    assert(emit({ { a = 1 } }, path, { state = state }))
    local whole = support.read(path)
    support.write(path, whole .. '{"a":2}\n{"a')
    assert(emit({}, path, { state = state }))
    assert.equal(whole, support.read(path))
  end)
end)
