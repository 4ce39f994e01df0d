local process = require "support.process"
local support = require "support"

-- What a request may cost in steady state. A busy machine cuts what arrives into smaller pieces, so bounds are about
-- three times what an idle one shows where that matters; a cost that comes with each request passes them at once.
describe("a GET of 1 KiB in steady state", function()
  if os.getenv "RILL_SANITIZED" then
    return pending "is counted in the plain library"
  end
  local COUNTER = "build/count.so"
  local FILES = { ["1k"] = ("x"):rep(1024) }
  local server

  setup(function()
    support.make(COUNTER)
    server = support.nghttpd { files = FILES }
  end)

  teardown(support.stop_all)

  -- Runs a script with its arguments; returns what it says, by name.
  local function run(...)
    local child = process.start({ "env", "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "LD_PRELOAD=" .. COUNTER, "luajit",
      ... }, support.directory "cost" .. "/output")
    local status, said = child:wait(60), child:output()
    assert.equal(0, status, said)
    local costs = {}
    for name, number in said:gmatch "([%l_]+) ([%d.]+)\n" do costs[name] = tonumber(number) end
    return costs
  end

  local function measure(streams, protocol, world)
    return run("spec/support/cost.lua", server.url .. "/1k", server.ca, tostring(streams), protocol, world)
  end

  local function at_most(bound, cost, what)
    assert.is_true(cost <= bound, ("%s: %.1f, more than %d"):format(what, cost, bound))
  end

  it("allocates less than once, and shares its system calls, among 100 streams", function()
    local costs = measure(100, "h2")
    at_most(800, costs.allocations, "allocations for 1,000 requests") -- 242
    at_most(300, costs.reads + costs.writes + costs.waits + costs.others, "system calls for 1,000 requests") -- 92
    at_most(800, costs.lua_bytes, "bytes for Lua's collector") -- 521
  end)

  it("allocates seven times, and makes three system calls, alone", function()
    local costs = measure(1, "h2")
    at_most(9000, costs.allocations, "allocations for 1,000 requests") -- 7,008
    at_most(1100, costs.writes, "writes for 1,000 requests") -- 1,000
    at_most(4500, costs.reads + costs.writes + costs.waits + costs.others, "system calls for 1,000 requests") -- 3,007
    at_most(800, costs.lua_bytes, "bytes for Lua's collector") -- 521
  end)

  it("shares its system calls on a luv loop too", function()
    local costs = measure(100, "h2", "luv")
    at_most(300, costs.reads + costs.writes + costs.waits + costs.others, "system calls for 1,000 requests") -- 76
  end)

  it("wakes no luv loop that is stepping, and sets its timer no more often than a request ends, alone", function()
    local costs = measure(1, "h2", "luv")
    at_most(1100, costs.writes, "writes for 1,000 requests") -- 1,000
    at_most(1100, costs.others, "settings of the timer for 1,000 requests") -- 0
  end)

  it("maps no memory of its own for connections that come and go", function()
    local costs = run("spec/support/visits.lua", server.url .. "/1k", server.ca)
    at_most(10, costs.mappings, "mappings for 100 connections") -- 0
  end)

  it("is read once and written once over HTTP/1.1, where six connections share each look at them", function()
    server = support.nginx { files = FILES, keepalive_requests = 1e6 }
    local costs = measure(6, "http/1.1")
    at_most(1500, costs.reads, "reads for 1,000 requests") -- 1,000
    at_most(1100, costs.writes, "writes for 1,000 requests") -- 1,000
    at_most(4500, costs.reads + costs.writes + costs.waits + costs.others, "system calls for 1,000") -- some 3,100
  end)

  it("waits for no TLS context where a first client names nothing that one could be refused for", function()
    local costs = run "spec/support/first_client.lua"
    at_most(300, costs.usual, "allocations") -- 41
    assert.is_true(costs.named > 1000, costs.named .. " allocations with a context") -- 8,939
  end)
end)
