-- A crawl that is told to end, or that has no room left, and goes on later.
local crawl = require "rill.crawl"
local disk = require "support.disk"
local process = require "support.process"
local site = require "support.site"
local support = require "support"

-- All but the first two hundred pages wait for the file GATE.
local TREE = [[(() => {
  let count = 0;
  return (path) => {
    const n = path === '/' ? 1 : Number(path.slice(1));
    if (!(n >= 1 && n <= 600)) return null;
    const links = [2 * n, 2 * n + 1].filter((m) => m <= 600).map((m) => `<a href="/${m}">`);
    return { body: links.join('') + n, after: ++count > 200 && 'GATE' };
  };
})()]]

describe("a crawl", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "drained"
    server = site.start((TREE:gsub("GATE", directory .. "/gate")))
  end)
  after_each(function()
    server:stop()
    disk.unmount()
    support.check_clean()
  end)

  local function start()
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "luajit", "spec/support/crawler.lua", server.url, server.ca, directory } do
      argv[#argv + 1] = word
    end
    return process.start(argv,
      directory .. "/output")
  end

  local function open_gate()
    support.write(directory .. "/gate", "")
  end

  it("drains on INT, and goes on where it was: no page twice", function()
    local child = start()
    support.wait(function() return #server:events() > 100 end, 20, "the crawl to begin")
    child:signal "INT"
    open_gate()
    assert.equal(0, child:wait(20), child:output())
    assert.matches("interrupted\t%d+", child:output())
    local pages = tonumber(child:output():match "interrupted\t(%d+)")
    assert.equal(pages, #site.lines(directory .. "/out.jsonl"))
    child = start()
    assert.equal(0, child:wait(20), child:output())
    assert.matches("finished\t600", child:output())
    assert.equal(600, #site.lines(directory .. "/out.jsonl"))
    assert.equal(600, #site.asked(server))
  end)

  it("ends as full where the disk is, and goes on when there is room", function()
    local small = disk.small()
    if not small then return pending "mounting is not permitted" end
    open_gate()
    local options = { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false,
      progress = false, traps = false, state = small .. "/site.crawl", out = directory .. "/items.jsonl" }
    local done, err = support.run(function() return crawl(options) end)
    assert.is_nil(done)
    assert.same({ "state", "full", small .. "/site.crawl" }, { err.reason, err.kind, err.path })
    assert.equal(0, os.execute(("mount -o remount,size=8m '%s'"):format(small)))
    done = assert(support.run(function() return crawl(options) end))
    assert.same({ "finished", 600 }, { done.reason, done.pages })
    assert.equal(600, #site.lines(directory .. "/items.jsonl"))
  end)
end)
