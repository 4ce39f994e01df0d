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
    options.state, options.worker, options.out = redis:state "site", worker, directory .. "/" .. out
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
end)
