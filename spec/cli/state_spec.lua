-- rill crawl with a state, and what rill status says of it.
local command = require "support.command"
local dkjson = require "dkjson"
local process = require "support.process"
local support = require "support"

describe("a state of rill crawl", function()
  local server, directory, state, out

  before_each(function()
    directory = support.directory "state"
    state, out = directory .. "/site.crawl", directory .. "/out.jsonl"
    server = support.nginx { files = { ["index.html"] = "<a href=a.html>a</a><a href=b.html>b</a>",
      ["a.html"] = "a", ["b.html"] = "b" } }
  end)
  after_each(function() process.stop_all() end)

  local function crawl(...)
    return command.run({ "crawl", "--state", state, "--ca", server.ca, ... })
  end

  local function status()
    return dkjson.decode(command.run({ "status", "--json", state }).out)
  end

  it("lets a later run go on where the last has ended, with nothing but its name", function()
    assert.equal(0, crawl("--max-pages", "1", "--out", out, server.url .. "/").status)
    local counters = status()
    assert.same({ 1, 2, false }, { counters.pages, counters.queued, counters.finished })
    local said = crawl("--max-pages", "9")
    assert.same({ "", 0 }, { said.out, said.status })
    counters = status()
    assert.same({ 3, 0, true }, { counters.pages, counters.queued, counters.finished })
    local count = 0
    for _ in support.read(out):gmatch "[^\n]+" do count = count + 1 end
    assert.equal(3, count)
    assert.matches("%-%-recrawl", crawl().err)
    assert.matches("^state: +[^\n]*site.crawl, finished\npages: +3 ", command.run({ "status", state }).out)
  end)

  it("is asked for again with --recrawl, alone or with a number of seconds behind it", function()
    assert.equal(0, crawl("--out", out, server.url .. "/").status)
    for _, words in ipairs { { "--recrawl", "3600" }, { "--recrawl=3600" } } do
      local said = crawl(unpack(words))
      assert.same({ "", 0 }, { said.out, said.status }, said.err)
      assert.equal(0, status().pages)
    end
    assert.equal(0, crawl("--recrawl", server.url .. "/").status)
    assert.same({ 3, 3 }, { status().pages, status().unchanged })
    assert.equal(0, crawl("--recrawl", "0").status)
    assert.same({ 3, 3 }, { status().pages, status().unchanged })
  end)

  it("may be asked for its status with the flags of all commands", function()
    assert.equal(0, crawl("--out", out, server.url .. "/").status)
    local said = command.run { "status", state, "-v", "--timeout", "1", "--ca", server.ca, "--insecure", "--user-agent",
      "x", "--resolve", "a:1:127.0.0.1", "--proxy", "http://127.0.0.1:1/" }
    assert.same({ "", 0 }, { said.err, said.status })
  end)

  it("is an error with its name where it is none", function()
    support.write(state, "something else, and long enough to be looked at\n")
    for _, said in ipairs { crawl(server.url .. "/"), command.run { "status", state } } do
      assert.equal(4, said.status)
      assert.is_truthy(said.err:find(state, 1, true))
      assert.is_truthy(said.err:find("corrupt", 1, true), said.err)
    end
    assert.matches("^something else", support.read(state))
  end)
end)
