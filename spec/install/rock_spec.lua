local process = require "support.process"
local scratch = require "support.scratch"

-- Without what belongs to the outer make, the specs' library, or the user's own rocks.
local CLEAN = { "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "RILL_LIBRARY" }

describe("the rock", function()
  it("installs with luarocks make and runs with nothing but its tree on the paths", function()
    local tree, elsewhere = scratch.directory "tree", scratch.directory "elsewhere"
    local argv = { unpack(CLEAN) }
    for _, word in ipairs { "HOME=" .. elsewhere, "luarocks", "make", "--lua-version", "5.1",
      "--tree", tree, "rill-scm-1.rockspec" } do argv[#argv + 1] = word end
    process.run(argv, elsewhere .. "/luarocks.output")

    local script = scratch.write(elsewhere .. "/script.lua", [[
local rill = require "rill"
assert(rill.run(function() rill.sleep(0) return true end))
for line in io.lines "/proc/self/maps" do
  local path = line:match "/%S*librill%S*$"
  if path then print(path) break end
end
]])
    local share = tree .. "/share/lua/5.1"
    local out = elsewhere .. "/script.output"
    process.run({ "env", "-i", "-C", elsewhere, "PATH=" .. os.getenv "PATH",
      ("LUA_PATH=%s/?.lua;%s/?/init.lua"):format(share, share),
      ("LUA_CPATH=%s/lib/lua/5.1/?.so"):format(tree), "luajit", script }, out)
    assert.equal(tree .. "/lib/lua/5.1/rill/librill.so\n", scratch.read(out))
  end)
end)
