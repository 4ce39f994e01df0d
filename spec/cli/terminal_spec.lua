-- rill crawl on a terminal: the live line, and what signals do.
local command = require "support.command"
local process = require "support.process"
local rill = require "rill"
local site = require "support.site"
local support = require "support"

local STATE = [[(path) => path === '/' ? '<a href=/slow>' : path === '/busy' ? { status: 503,
  headers: { 'retry-after': '3000' } } : { hangs: true }]]

describe("rill crawl on a terminal", function()
  local server, directory, screen

  before_each(function()
    directory = support.directory "terminal"
    screen = directory .. "/screen"
    server = site.start(STATE)
  end)
  after_each(function() process.stop_all() end)

  local function start(columns, ...)
    local argv = { "python3", "-B", "spec/support/terminal.py", tostring(columns), screen, "env",
      unpack(process.sanitizers()) }
    for _, word in ipairs { "luajit", "bin/rill", "crawl", "--ca", server.ca, "--no-robots", "--drain", "0.1",
      "--out", directory .. "/out.jsonl", ... } do
      argv[#argv + 1] = word
    end
    return process.start(argv, directory .. "/output")
  end

  -- The live lines that were shown so far.
  local function lines()
    local list = {}
    for line in support.read(screen):gmatch "\r([^\r\n\27]+)\27%[K" do list[#list + 1] = line end
    return list
  end

  local function wait_for_line(fits, what)
    support.wait(function()
      local ok, list = pcall(lines)
      for i = 1, ok and #list or 0 do
        if fits(list[i]) then return true end
      end
    end, 20, what)
  end

  it("shows one line that fits, however wide the terminal is, and names who rests and why", function()
    local child = start(30, server.url .. "/", server.url .. "/busy")
    wait_for_line(function(line) return line:find "^1 pages, " end, "a live line")
    for _, line in ipairs(lines()) do assert.is_true(#line <= 29, line) end
    support.write(screen .. ".columns", "200")
    wait_for_line(function(line)
      return line:find("^1 pages, %d+ pages/s, 0 failed, %d queued, 1 hosts, 0.0 MB, %d+ s, resting: localhost:%d+ "
        .. "%(retry%-after%)$")
    end, "a long line")
    child:signal "INT"
    assert.equal(130, child:wait(20))
    assert.matches("\r\27%[Krill: interrupted\r\npages: +1 ", support.read(screen))
    assert.equal(1, select(2, support.read(screen):gsub("\r\27%[K", ""))) -- it is not taken away before the end
  end)

  it("shows none with --no-progress and -q", function()
    for times, flag in ipairs { "--no-progress", "-q" } do
      os.remove(directory .. "/out.jsonl")
      local child = start(80, server.url .. "/", flag)
      server:wait_events(function(event) return event.path == "/slow" end, times)
      local began = rill.now()
      support.wait(function() return rill.now() > began + 1 end, 20, "a second") -- for a live line, or five
      child:signal "INT"
      assert.equal(130, child:wait(20))
      assert.is_nil(support.read(screen):find("\27", 1, true))
    end
  end)
end)

describe("rill crawl", function()
  local server, directory

  before_each(function()
    directory = support.directory "signals"
    server = site.start(STATE)
  end)
  after_each(function() process.stop_all() end)

  it("exits at once on the second signal; what it has done is in the state", function()
    for times, signal in ipairs { "INT", "TERM" } do
      local state = directory .. "/" .. signal
      local running = command.start { "crawl", server.url .. "/", "--ca", server.ca, "--no-robots", "--drain", "1000",
        "--state", state, "--out", state .. ".jsonl" }
      server:wait_events(function(event) return event.path == "/slow" end, times)
      running:signal(signal)
      support.wait(function()
        running:signal(signal)
        return running.process:ended()
      end, 20, "the end")
      assert.equal(({ INT = 130, TERM = 143 })[signal], running:finish().status)
      local said = command.run { "status", "--json", state }
      assert.matches('"pages":1,', said.out)
      assert.matches('"queued":1,', said.out)
    end
  end)

  it("writes a progress line now and then where there is no terminal, if told to, and on USR1", function()
    local running = command.start { "crawl", server.url .. "/", "--ca", server.ca, "--no-robots", "--drain", "0",
      "--progress" }
    server:wait_events(function(event) return event.path == "/slow" end, 1)
    running:signal "USR1"
    support.wait(function() return running:said():find "pages/s" end, 20, "the line")
    running:signal "TERM"
    local said = running:finish()
    assert.equal(143, said.status)
    assert.matches("^rill: 1 pages, %d+ pages/s, 0 failed, 0 queued, 1 hosts, 0.0 MB, %d+ s\nrill: interrupted\n",
      said.err)
    assert.is_nil(said.err:find("\27", 1, true))
    assert.matches('"item_id":"1.0"}\n$', said.out)
  end)

  it("writes a line for each exchange with -v: pages, robots, sitemaps, repeats", function()
    local small = site.start [[{ '/robots.txt': { type: 'text/plain', body: 'Sitemap: /map' },
      '/map': '<urlset></urlset>', '/': '<a href=/busy><a href=/gone>',
      '/busy': { fails: 1, failure: 500, body: 'b' } }]]
    local said = command.run { "crawl", "-v", small.url .. "/", "--ca", small.ca, "--out", directory .. "/out.jsonl" }
    for _, line in ipairs { "200 %s/robots.txt\n", "200 %s/map\n", "200 %s/\n", "500 %s/busy, again in %%d.%%d s\n",
      "200 %s/busy\n", "404 %s/gone\n" } do
      assert.matches(line:format((small.url:gsub("%p", "%%%0"))), said.err)
    end
    assert.equal(0, said.status)
  end)
end)
