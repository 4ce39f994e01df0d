-- What a crawl writes items to.
local command = require "support.command"
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

  it("is standard output with an item_id on each line", function()
    local said = command.run { "crawl", server.url .. "/", "--ca", server.ca, "--no-robots", "-q", "--out", "-" }
    assert.same({ 0, "" }, { said.status, said.err })
    assert.matches('^{"url":"[^\n]*,"item_id":"1.0"}\n$', said.out)
  end)

  it("keeps numbers whole, and refuses what JSON has not", function()
    local path = directory .. "/numbers.jsonl"
    assert(emit({ { 0.1, 1e308, 2 ^ 53 - 1, 1 / 3, -0.5, 1e-7 } }, path))
    assert.equal("[0.1,1e+308,9007199254740991,0.33333333333333331,-0.5,1e-07]\n", support.read(path))
    local deep = {}
    for _ = 1, 70 do deep = { deep } end
    for message, item in pairs { ["a function cannot"] = { a = print }, ["nested too deep"] = deep,
      ["item must be a table"] = "text", ["cannot be a name"] = { [{}] = 1 } } do
      local done = assert(emit({}, directory .. "/none.jsonl", { out = directory .. "/" .. #message .. ".jsonl",
        page = function(page)
          local ok, why = pcall(page.emit, page, item)
          assert.is_false(ok)
          assert.is_truthy(why:find(message, 1, true), why)
        end }))
      assert.same({ 1, 0, 0 }, { done.ok, done.failed, done.items })
    end
  end)

  it("leaves columns out beyond a thousand", function()
    local item, names = {}, {}
    for i = 1, 1100 do item["c" .. i] = i end
    for i = 1, 995 do names[i] = "c" .. i end
    local path = directory .. "/wide.db"
    local db = assert(sqlite.open(path))
    assert(db:exec("create table t(" .. table.concat(names, ", ") .. ")"))
    db:close()
    assert(emit({ item }, { path = path .. "#t", append = true }))
    db = assert(sqlite.open(path))
    assert.equal(1000, db:value "select count(*) from pragma_table_info('t')")
    db:close()
  end)

  it("is no empty name", function()
    for _, out in ipairs { "", { path = "" }, { "" }, { { path = "" } } } do
      assert.error_matches(function() emit({}, out) end, "crawl: out must be a path, a function, a table with a path")
    end
  end)

  it("is named once: two outputs cannot share a file", function()
    assert.error_matches(function()
      emit({ { a = 1 } }, { directory .. "/x.jsonl", { path = directory .. "/x.jsonl" } })
    end, "named twice")
  end)

  it("shares no file with the state, nor with another option", function()
    local file = directory .. "/one"
    for name, options in pairs {
      ["out: it is named twice"] = { out = { file, { path = directory .. "//./one", append = true } } },
      ["state and out name one file"] = { state = file, out = { path = file, append = true } },
      ["state and skipped name one file"] = { state = file, skipped = file },
      ["out and skipped name one file"] = { out = file, skipped = file },
      ["out and har name one file"] = { out = { file }, har = file },
      ["har and waterfall name one file"] = { har = file, waterfall = file },
    } do
      options.start = "http://127.0.0.1:1/"
      local ok, why = pcall(crawl.new, options)
      assert.is_false(ok, name)
      assert.is_truthy(tostring(why):find(name, 1, true), tostring(why))
      assert.is_nil(io.open(file))
    end
    for _, options in ipairs { { state = file .. ".db", out = file .. ".db#items" },
      { out = "/dev/null", skipped = "/dev/null" }, { out = { file .. ".db#a", file .. ".db#b" } } } do
      options.start = "http://127.0.0.1:1/"
      assert.is_true((pcall(crawl.new, options)))
    end
  end)

  it("keeps the columns of a file that is appended to, and has one header", function()
    local path = support.write(directory .. "/there.csv", 'b,"a ""x"""\r\n1,2\r\n')
    assert(emit({ { ['a "x"'] = 3, b = 4, c = 5 } }, { path = path, append = true }))
    assert.equal('b,"a ""x"""\r\n1,2\r\n4,3\r\n', support.read(path))
  end)

  it("has the fields of JSON Lines that are named, in their order", function()
    local path = directory .. "/named.jsonl"
    assert(emit({ { b = 1, a = 2, c = 3 }, { c = 4 } }, { path = path, fields = { "c", "b" } }))
    assert.equal('{"c":3,"b":1}\n{"c":4}\n', support.read(path))
    for _, fields in ipairs { "c,b", { c = true }, { "c", nil, "b" }, { "c", 5 } } do
      assert.error_matches(function() emit({}, { path = directory .. "/x.csv", fields = fields }) end,
        "crawl: out: fields must be a list of names, got ")
    end
    for _, name in ipairs { "/x.csv", "/x.jsonl", "/x.sqlite#t" } do
      assert.error_matches(function() emit({}, { path = directory .. name, fields = {} }) end,
        "crawl: out: fields names none")
    end
  end)

  it("has the columns of a table that are named, and no others", function()
    local path = directory .. "/named.sqlite#t"
    assert(emit({ { b = 1, a = 2, c = 3 }, { c = 4 } }, { path = path, fields = { "c", "b" } }))
    local db = assert(require("rill.sqlite").open(directory .. "/named.sqlite"))
    assert.same({ "item_id", "c", "b" }, assert(db:prepare "select * from t"):names())
    assert.same({ 7, 1 }, { db:value "select sum(c), sum(b) from t" })
    db:close()
    assert.error_matches(function() emit({}, directory .. "/x.db") end, "a table is named as file#table")
  end)

  it("is what its name says, and nothing is begun where that is not known", function()
    for name, first in pairs { ["a.ndjson"] = '{"b":1}', ["b.jl"] = '{"b":1}', ["c.CSV"] = "b", [".d"] = '{"b":1}',
      ["e"] = '{"b":1}', ["f.d/g"] = '{"b":1}' } do
      local path = directory .. "/" .. name
      command.shell("mkdir -p " .. directory .. "/f.d")
      assert(emit({ { b = 1 } }, path))
      assert.equal(first, support.read(path):match "^[^\r\n]*", name)
    end
    for name, ending in pairs { ["x.xml"] = ".xml", ["x.json"] = ".json", ["x.jsonl.gz"] = ".gz", ["x."] = "." } do
      local path, state = directory .. "/" .. name, directory .. "/begun.crawl"
      assert.error_matches(function() emit({}, { directory .. "/first.jsonl", path }, { state = state }) end,
        "nothing is known of the ending " .. ending:gsub("%p", "%%%0") .. ' of ".*: there are .jsonl, .csv, ')
      for _, none in ipairs { path, state, directory .. "/first.jsonl" } do assert.is_nil(io.open(none)) end
    end
    local path = directory .. "/y.xml"
    assert(emit({ { b = 1 } }, { path = path, format = "jsonl" }))
    assert.equal('{"b":1}\n', support.read(path))
  end)

  it("is not left as an empty file where the crawl could not begin, and what is there is left", function()
    local there = support.write(directory .. "/there.jsonl", "")
    local new, skipped = directory .. "/new.jsonl", directory .. "/skipped.jsonl"
    local out = { new, { path = there, append = true } }
    local warc = directory .. "/site"
    local done, err = emit({}, out, { har = directory .. "/none/x.har", warc = warc })
    assert.same({ nil, "output" }, { done, err.reason })
    done, err = emit({}, out, { start = function() end, skipped = skipped })
    assert.same({ nil, "start" }, { done, err.reason })
    for _, path in ipairs { new, skipped, warc .. "-00000.warc.gz" } do assert.is_nil(io.open(path), path) end
    assert.equal("", support.read(there))
    assert(emit({}, out, { warc = warc }))
    assert.equal("", support.read(new))
  end)

  it("is refused where it is a pipe, which nobody has to write to", function()
    local path = directory .. "/pipe"
    command.shell("mkfifo " .. path)
    local done, err = emit({}, path)
    assert.same({ nil, "exists" }, { done, err.kind })
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
