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
    assert.matches("flushes 0\n", child:output())
  end)
end)
