local process = require "support.process"
local support = require "support"

describe("a crawl", function()
  it("makes room for what LuaJIT compiles, so that nothing of it is thrown away", function()
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "luajit", "spec/support/code_room.lua" } do
      argv[#argv + 1] = word
    end
    local child = process.start(argv, support.directory "code_room" .. "/output")
    assert.equal(0, child:wait(30), child:output())
    local said = child:output()
    assert.matches("flushes 0\n", said)
    -- LuaJIT takes 64 KiB by itself, and changes the protection of all of them for each trace.
    assert.is_true(tonumber(said:match "area (%d+)\n") < 64, said)
  end)
end)
