-- Values that no function was meant for: each is answered by an error that names the caller's line. Pointers of the FFI
-- are among them, NULL above all, which LuaJIT takes for equal to nil, and which is no nil where it is looked into.
local process = require "support.process"
local support = require "support"

describe("a value of no use", function()
  it("is refused by every public function, and none ends the process", function()
    local node = support.node { source = [[
      server.on("stream", (stream) => {
        stream.on("error", () => {});
        stream.respond({ ":status": 200, "content-type": "text/html" });
        stream.end("<title>x</title><a href=/y>z</a>");
      });
    ]] }
    local out = support.directory "misuse" .. "/out"
    local argv = { "env" }
    for _, word in ipairs(process.sanitizers()) do argv[#argv + 1] = word end
    for _, word in ipairs { "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "luajit", "spec/support/misuse.lua", node.url,
      node.ca } do argv[#argv + 1] = word end
    local child = process.start(argv, out)
    child:wait(180)
    assert.equal("done\n", process.own(child:output()))
    assert.equal(0, child.status)
    node:stop()
  end)
end)
