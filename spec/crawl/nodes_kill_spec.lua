-- Workers of a crawl in several Redis servers are killed, stopped and started again: each page is there once.
local dkjson = require "dkjson"
local site = require "support.site"
local support = require "support"

local HOSTS, PAGES, NODES = 5, 24, 3
local MOMENTS = 12

describe("a crawl in several Redis servers", function()
  local servers, fleet

  before_each(support.begin)
  after_each(function()
    fleet:stop()
    for _, each in ipairs(servers) do each:stop() end
    support.check_clean()
  end)

  local function states()
    local list = {}
    for i, each in ipairs(servers) do list[i] = each:state "site" end
    return list
  end

  local function start(hold, options)
    servers = {}
    for i = 1, NODES do servers[i] = support.redis(options) end
    fleet = support.fleet { state = states(), pages = PAGES, hosts = HOSTS, hold = hold }
  end

  local function kill(list)
    for _, child in ipairs(list) do
      child:signal "KILL"
      child:wait(10)
    end
  end

  it("loses nothing when one of three workers is killed, and one stands still past its lease", function()
    start(30)
    local list = {}
    for i, name in ipairs { "a", "b", "c" } do list[i] = fleet:worker(name, { lease = 2 }) end
    fleet:wait_asked(34)
    support.wait(function() return fleet:asked "a" > 0 and fleet:asked "b" > 0 end, 60, "both to work")
    list[2]:signal "STOP"
    kill { list[1] }
    fleet:release()
    fleet:finish(list[3]) -- what they had has come back to it
    list[2]:signal "CONT"
    fleet:finish(list[2])
    assert.equal(fleet.count, fleet:join())
  end)

  it("goes on when all were killed, twice, and a node was started again between", function()
    start(nil, { save = true })
    for i, more in ipairs { 15, 45 } do
      local list = { fleet:worker "a", fleet:worker "b", fleet:worker "c" }
      fleet:wait_asked(more)
      servers[i + 1]:restart()
      fleet:wait_asked(more + 10)
      kill(list)
    end
    fleet:finish(fleet:worker "d")
    assert.equal(fleet.count, fleet:join())
  end)

  it("waits for a node that is killed and started again, and then for another one", function()
    start(30, { save = true })
    local list = { fleet:worker "a", fleet:worker "b", fleet:worker "c" }
    fleet:wait_asked(34)
    servers[2]:kill()
    fleet:release()
    servers[2]:restart()
    fleet:wait_asked(60)
    servers[1]:kill()
    servers[1]:restart()
    for _, child in ipairs(list) do fleet:finish(child) end
    assert.equal(fleet.count, fleet:join())
    assert.equal(fleet.count, fleet:asked()) -- what was answered is on the disk: nothing is fetched twice
  end)

  it(("has each item once when it was killed at %d moments"):format(MOMENTS), function()
    start()
    for moment = 1, MOMENTS do
      local child, wanted = fleet:worker "a", fleet:asked() + math.random(0, 2 * moment)
      support.wait(function() return fleet:asked() >= wanted or child:ended() end, 60, "it to go on")
      kill { child }
    end
    fleet:finish(fleet:worker "a")
    assert.equal(fleet.count, fleet:join())
  end)

  -- Runs the command rill; returns what it wrote.
  local function rill(name, ...)
    local child = fleet:command(name, { "luajit", "bin/rill", name, ... })
    local status = child:wait(100)
    return status, child:output()
  end

  it("is named by --state more than once, and by several words of status and join", function()
    start()
    local options = fleet:options "w"
    local words = { options.start, "--worker", "w", "--out", options.out, "--no-robots", "--no-traps", "--ca",
      fleet.server.ca, "-q" }
    local function add(flag, value)
      words[#words + 1], words[#words + 2] = flag, value
    end
    for _, state in ipairs(options.state) do add("--state", state) end
    for _, host in ipairs(options.allow) do
      add("--allow", host)
      add("--resolve", host .. ":127.0.0.1")
    end
    local status, output = rill("crawl", unpack(words))
    assert.equal(0, status, output)
    assert.equal(fleet.count, fleet:asked())
    local list = states()
    status, output = rill("status", "--json", unpack(list))
    assert.equal(0, status, output)
    assert.same({ fleet.count, 0 }, { dkjson.decode(output).pages, dkjson.decode(output).queued })
    list[#list + 1] = options.out
    status, output = rill("join", unpack(list))
    assert.equal(0, status, output)
    assert.equal(fleet.count, #site.lines(options.out))
    status, output = rill("status", list[2], list[1])
    assert.equal(4, status)
    assert.matches("node 2 of 3", output)
    status, output = rill("crawl", options.start, "--state", list[1], "--state", options.out)
    assert.equal(4, status, output)
  end)
end)
