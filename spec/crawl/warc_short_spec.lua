-- WARC files where the system takes less than it is given, or memory runs out: small records are made together.
local process = require "support.process"
local script = require "support.script"
local server_of = require "support.server"
local site = require "support.site"
local support = require "support"

local EXTREMES = "build/extremes.so"
local PAGES = 300

local TREE = ([[(path) => {
  const n = path === '/' ? 1 : Number(path.slice(1));
  if (!(n >= 1 && n <= PAGES)) return null;
  return `<title>${n}</title>` + [2 * n, 2 * n + 1].filter((m) => m <= PAGES).map((m) => `<a href="/${m}">`).join('');
}]]):gsub("PAGES", PAGES)

local CRAWL = [[
local url, directory = ...
local done, err = require "rill.crawl" { start = url, client = { h2c = true }, robots = false, progress = false,
  traps = false, state = directory .. "/site.crawl", warc = directory .. "/site", page = function() end }
tell(done and done.reason or err.reason, done and done.pages or err.kind, err and tostring(err))
]]

describe("a crawl's WARC files", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "short"
    server = site.start(TREE, { h2c = true })
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function run(environment)
    local child = script.start(CRAWL, { server.url .. "/", directory }, { preload = EXTREMES,
      environment = environment })
    assert.equal(0, child:wait(80), child:output())
    return child:output()
  end

  -- How many exchanges they have; they are whole, and none is there twice.
  local function exchanges()
    local child = process.start({ "/usr/bin/python3", "-B", support.here .. "/warc.py",
      directory .. "/site-00000.warc.gz" }, support.directory "read" .. "/records")
    assert.equal(0, child:wait(60), child:output())
    local seen, count = {}, 0
    for _, each in ipairs(server_of.json_lines(child:output())) do
      local target = each["WARC-Type"] == "request" and each["WARC-Target-URI"]
      if target then
        assert.is_nil(seen[target], target)
        seen[target], count = true, count + 1
      end
    end
    return count
  end

  it("are whole where each write takes some of it", function()
    assert.equal(("finished %d\n"):format(PAGES), run { "EXTREMES_SHORT_WRITES=700" })
    assert.equal(PAGES, exchanges())
  end)

  it("keep what was committed where memory runs out, and a crawl that goes on adds the rest", function()
    local output = run { "EXTREMES_NO_DIGESTS=400" }
    assert.matches("^output memory output %(memory%): cannot make records for ", output)
    assert.matches("out of memory\n$", output)
    local kept = assert(support.run(function()
      return require("rill.crawl.frontiers").read(directory .. "/site.crawl")
    end))
    assert.equal(kept.counters.pages, exchanges())
    assert.is_true(kept.counters.pages > 0 and kept.counters.pages < PAGES, kept.counters.pages .. " pages")
    assert.equal(("finished %d\n"):format(PAGES), run())
    assert.equal(PAGES, exchanges())
  end)

  it("get no page's records where those of another one could not be made", function()
    local archive = require "rill.crawl.archive"
    local frontier = require "rill.crawl.frontier.memory".open {}
    local path = directory .. "/site-00000.warc.gz"
    support.run(function()
      local client = require "rill".client { h2c = true }
      local kept = assert(archive.open(directory .. "/site", frontier, { agent = "a", robots = false, version = "1" },
        os.time))
      local function fetch(address)
        local options = {}
        local each = kept:watch(address, options, require "rill.headers".fields("headers", {}))
        each:done(assert(client:get(server.url .. "/1", options)))
        local outcome = { entry = { url = address }, exchanges = { each } }
        kept:prepare(outcome)
        return outcome
      end
      local first, second = fetch "ftp://127.0.0.1/", fetch(server.url .. "/1") -- the first is no URL of HTTP: raises
      local ok, err = kept:write { first, second }
      assert.same({ nil, "output", path }, { ok, err.reason, err.path })
      assert.matches("cannot make records for .*: rill.warc: .*http or https", tostring(err))
      assert.is_string(second.records[1])
      assert.is_nil((kept:write { second }))
      kept:close()
      client:close()
    end)
    assert.equal("", support.read(path))
  end)
end)
