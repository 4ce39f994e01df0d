local process = require "support.process"
local support = require "support"

describe("a crawl", function()
  local function said_by_a_crawl()
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "luajit", "spec/support/code_room.lua" } do
      argv[#argv + 1] = word
    end
    local child = process.start(argv, support.directory "code_room" .. "/output")
    assert.equal(0, child:wait(30), child:output())
    return child:output()
  end

  it("makes room for what LuaJIT compiles, so that nothing of it is thrown away", function()
    local said = said_by_a_crawl()
    assert.matches("flushes 0\n", said)
    -- LuaJIT takes 64 KiB by itself, and changes the protection of all of them for each trace.
    assert.is_true(tonumber(said:match "area (%d+)\n") < 64, said)
  end)

  it("compiles nothing that is done once a batch", function()
    local said = said_by_a_crawl()
    assert.matches("batches 0\n", said)
  end)
end)
