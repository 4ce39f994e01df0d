-- Outputs of a crawl with several workers: each has files of its own, named after those that the script names.
local site = require "support.site"
local support = require "support"

describe("an output of a worker", function()
  local server, redis, directory

  before_each(function()
    support.begin()
    server, redis = site.start "{ '/': '<a href=/a>', '/a': 'x' }", support.redis()
    directory = support.directory "outputs"
  end)
  after_each(function()
    server:stop()
    redis:stop()
    support.check_clean()
  end)

  local function run(worker, out, more)
    local options = site.options(server, more)
    if type(out) == "string" then out = directory .. "/" .. out end
    options.state, options.worker, options.out = redis:state "site", worker, out
    options.page = function(page) page:emit { depth = page.depth } end
    return assert(support.run(function() return require "rill.crawl"(options) end, 60))
  end

  it("is what the name says that the script gave, whatever the worker's is", function()
    for name, own in pairs { items = "items.a", [".items"] = ".items.b.csv", ["items.jl"] = "items.b.csv.jl" } do
      run(own:match "b%.csv" or "a", name, {})
      assert.equal('{"depth":0}\n{"depth":1}\n', support.read(directory .. "/" .. own))
      redis:cli("FLUSHALL")
    end
  end)

  it("has the names of its columns once where those of all workers become one", function()
    for _, name in ipairs { "a.csv", "b.CSV" } do
      run("a", name, { max_pages = 1 })
      run("b", name, {})
      local path = directory .. "/" .. name
      assert(require "rill.crawl".join(redis:state "site", path))
      assert.equal("depth\r\n0\r\n1\r\n", support.read(path))
      redis:cli("FLUSHALL")
    end
  end)

  it("is joined as what the option format says that it is, whatever its name", function()
    for _, case in ipairs { { "items.txt", "csv", "depth\r\n0\r\n1\r\n" }, { "b", "csv", "depth\r\n0\r\n1\r\n" },
      { "lines.csv", "jsonl", '{"depth":0}\n{"depth":1}\n' } } do
      local path = directory .. "/" .. case[1]
      local out = { directory .. "/other.jsonl", { path = path, format = case[2] } }
      run("a", out, { max_pages = 1 })
      run("b", out, {})
      assert(require "rill.crawl".join(redis:state "site", path))
      assert.equal(case[3], support.read(path))
      redis:cli("FLUSHALL")
      for _, worker in ipairs { "a", "b" } do os.remove(("%s/other.%s.jsonl"):format(directory, worker)) end
    end
  end)

  it("is joined as that where a function has the items too, which no state keeps", function()
    local path, called = directory .. "/items.txt", 0
    local out = { function() called = called + 1 end, { path = path, format = "csv" } }
    run("a", out, { max_pages = 1 })
    run("b", out, {})
    assert.equal(2, called)
    assert(require "rill.crawl".join(redis:state "site", path))
    assert.equal("depth\r\n0\r\n1\r\n", support.read(path))
    local alone = { state = redis:state "site", worker = "c" } -- it names no output, and so has none
    assert(support.run(function() return require "rill.crawl"(alone) end, 60))
    assert.is_nil(io.open(directory .. "/items.c.txt"))
  end)
end)
