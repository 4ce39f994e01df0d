-- Full disks and kills at bad moments: nothing is lost, nothing is there twice.
local crawl = require "rill.crawl"
local disk = require "support.disk"
local site = require "support.site"
local sqlite = require "rill.sqlite"
local support = require "support"

local PAGES = 600

-- A tree of pages with titles of some length.
local TREE = ([[(path) => {
  const n = path === '/' ? 1 : Number(path.slice(1));
  if (!(n >= 1 && n <= PAGES)) return null;
  return `<title>${n} ${'t'.repeat(200)}</title>` + [2 * n, 2 * n + 1].filter((m) => m <= PAGES)
    .map((m) => `<a href="/${m}">`).join('');
}]]):gsub("PAGES", PAGES)

describe("a crawl whose disk is full", function()
  local server, directory, small

  before_each(function()
    support.begin()
    directory = support.directory "full"
    server = site.start(TREE)
    small = disk.small()
  end)
  after_each(function()
    server:stop()
    disk.unmount()
    support.check_clean()
  end)

  local function run(options)
    options.start, options.client = server.url .. "/", { tls = { ca_file = server.ca } }
    options.robots, options.progress, options.traps = false, false, false
    return support.run(function() return crawl(options) end)
  end

  local function each_once(list)
    local seen = {}
    for _, url in ipairs(list) do
      assert.is_nil(seen[url], url)
      seen[url] = true
    end
    assert.equal(PAGES, #list)
  end

  local function urls(lines)
    local list = {}
    for i, item in ipairs(lines) do list[i] = item.url end
    return list
  end

  local READ = { -- what of an output is read back
    ["items.jsonl"] = function(path) return urls(site.lines(path)) end,
    ["items.csv"] = function(path)
      local list = {}
      for line in support.read(path):gmatch "[^\r\n]+" do list[#list + 1] = line:match "^[^,]+" end
      assert.equal("url", table.remove(list, 1))
      return list
    end,
    ["items.sqlite"] = function(path)
      local db, list = assert(sqlite.open(path)), {}
      local stmt = assert(db:prepare "select url from pages")
      while stmt:step() do list[#list + 1] = stmt:column(0) end
      db:close()
      return list
    end,
  }

  for name, read in pairs(READ) do
    it("for " .. name .. " says so, and goes on with room: each item once", function()
      if not small then return pending "mounting is not permitted" end
      local path = small .. "/" .. name
      local out = name == "items.sqlite" and path .. "#pages" or path
      local options = { state = directory .. "/s.crawl", out = { out, directory .. "/other.jsonl" } }
      local done, err = run(options)
      assert.same({ nil, "output", "full" }, { done, err.reason, err.kind })
      assert.is_truthy(err.path:find(path, 1, true))
      assert.is_truthy(tostring(err):find(path, 1, true))
      done, err = run(options) -- still full
      assert.same({ nil, "full" }, { done, err.kind })
      disk.grow(small)
      done = assert(run(options))
      assert.same({ "finished", PAGES, PAGES }, { done.reason, done.pages, done.ok })
      each_once(read(path))
      each_once(urls(site.lines(directory .. "/other.jsonl")))
    end)
  end

  it("for saved bodies ends, and saves them all with room", function()
    if not small then return pending "mounting is not permitted" end
    local options = { state = directory .. "/s.crawl", save = small .. "/bodies" }
    local done, err = run(options)
    assert.same({ nil, "output", "full" }, { done, err.reason, err.kind })
    assert.is_truthy(err.path:find(small .. "/bodies/", 1, true))
    assert(os.execute(("mount -o remount,size=16m '%s'"):format(small)) == 0)
    done = assert(run(options))
    assert.equal(PAGES, done.pages)
    local files = 0
    local listing = io.popen(("find '%s' -type f -size +0"):format(small))
    for _ in listing:lines() do files = files + 1 end
    listing:close()
    assert.equal(PAGES, files)
  end)

  it("for the skipped URLs says so, and goes on with room", function()
    if not small then return pending "mounting is not permitted" end
    local options = { state = directory .. "/s.crawl", skipped = small .. "/skipped.jsonl", depth = 8 }
    support.write(small .. "/filler", ("x"):rep(60000))
    local done, err = run(options)
    assert.same({ nil, "output", "full", options.skipped }, { done, err.reason, err.kind, err.path })
    disk.grow(small)
    done = assert(run(options))
    assert.equal("finished", done.reason)
    local list = site.lines(options.skipped)
    assert.equal(done.skipped.depth, #list)
    assert.equal(PAGES, done.pages + #list)
  end)

  it("for a new state says so, and begins with room", function()
    if not small then return pending "mounting is not permitted" end
    support.write(small .. "/filler", ("x"):rep(60000))
    local options = { state = small .. "/s.crawl", out = directory .. "/out.jsonl" }
    local done, err = run(options)
    assert.same({ nil, "state", "full", options.state }, { done, err.reason, err.kind, err.path })
    assert(os.execute(("mount -o remount,size=8m '%s'"):format(small)) == 0)
    assert.equal(PAGES, assert(run(options)).pages)
    each_once(urls(site.lines(directory .. "/out.jsonl")))
  end)
end)
