local process = require "support.process"
local support = require "support"

-- A system call that changes what is mapped stops all threads, and where the process has run on several processors it
-- waits for these: three crawls on two of them spent a third of their time on that.
describe("a document that is asked a few small questions", function()
  if os.getenv "RILL_SANITIZED" then
    return pending "is counted in the plain library"
  end
  local COUNTER = "build/count.so"
  local costs = {}

  setup(function()
    support.make(COUNTER)
    local child = process.start({ "env", "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "LD_PRELOAD=" .. COUNTER, "luajit",
      "spec/support/document_cost.lua" }, support.directory "document_cost" .. "/output")
    local status, said = child:wait(60), child:output()
    assert.equal(0, status, said)
    for name, number in said:gmatch "(%l+) (%d+)\n" do costs[name] = tonumber(number) end
  end)

  it("runs on a stack that the one before has left", function()
    assert.is_true(costs.mappings < 100, costs.mappings .. " changes of what is mapped, for 1,000 documents") -- 0
  end)

  it("does not look at the clock", function()
    assert.is_true(costs.clocks < 100, costs.clocks .. " looks at the clock, for 1,000 documents") -- 0
  end)
end)
