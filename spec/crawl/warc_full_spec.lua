-- A disk that is full for WARC files: the crawl ends, says which file, and loses nothing; what is there can be read.
local disk = require "support.disk"
local process = require "support.process"
local server_of = require "support.server"
local site = require "support.site"
local support = require "support"

local PAGES = 300

-- A tree of pages that do not compress well.
local TREE = ([[(path) => {
  const n = path === '/' ? 1 : Number(path.slice(1));
  if (!(n >= 1 && n <= PAGES)) return null;
  let seed = n, text = '';
  for (let i = 0; i < 100; i++) {
    seed = seed * 16807 %% 2147483647;
    text += seed.toString(36);
  }
  return `<title>${n} ${text}</title>` + [2 * n, 2 * n + 1].filter((m) => m <= PAGES)
    .map((m) => `<a href="/${m}">`).join('');
}]]):gsub("PAGES", PAGES):gsub("%%%%", "%%")

describe("a crawl whose disk is full for WARC files", function()
  local server, redis, directory, small

  before_each(function()
    support.begin()
    directory = support.directory "full"
    server = site.start(TREE)
    redis = support.redis()
    small = disk.small()
  end)
  after_each(function()
    server:stop()
    redis:stop()
    disk.unmount()
    support.check_clean()
  end)

  local function run(state)
    local options = site.options(server, { state = state, warc = small .. "/site", worker = "a", lease = 600,
      traps = false, page = function() end })
    return support.run(function() return require "rill.crawl"(options) end)
  end

  -- How many exchanges the file has; it is whole, and none is there twice.
  local function exchanges(path)
    local child = process.start({ "/usr/bin/python3", "-B", support.here .. "/warc.py", path },
      support.directory "read" .. "/records")
    assert.equal(0, child:wait(60), child:output())
    local seen, count = {}, 0
    for _, each in ipairs(server_of.json_lines(child:output())) do
      if each["WARC-Type"] == "request" then
        local target = each["WARC-Target-URI"]
        assert.is_nil(seen[target], target)
        seen[target], count = true, count + 1
      end
    end
    return count
  end

  local STATES = {
    ["a file"] = function() return directory .. "/site.crawl", "/site-00000.warc.gz" end,
    Redis = function() return redis:state "site", "/site.a-00000.warc.gz" end,
  }
  for where, given in pairs(STATES) do
    it("ends, and goes on with room, with the state in " .. where, function()
      if not small then return pending "mounting is not permitted" end
      local state, name = given()
      local path = small .. name
      local done, err = run(state)
      assert.same({ nil, "output", "full", path }, { done, err.reason, err.kind, err.path })
      assert.matches("No space left", tostring(err))
      local kept = assert(support.run(function() return require("rill.crawl.frontiers").read(state) end))
      assert.equal(kept.counters.pages, exchanges(path)) -- what is committed, in whole members
      assert.is_true(kept.counters.pages > 0 and kept.counters.pages < PAGES)
      assert.is_true(kept.queued > 0)
      assert.equal(0, kept.in_flight or 0) -- nobody waits for a lease
      done, err = run(state) -- still full
      assert.same({ nil, "full", path }, { done, err.kind, err.path })
      disk.grow(small)
      done = assert(run(state))
      assert.same({ "finished", PAGES, PAGES }, { done.reason, done.pages, done.ok })
      assert.equal(PAGES, exchanges(path))
    end)
  end
end)
