local lfs = require "lfs"
local process = require "support.process"
local scratch = require "support.scratch"

-- Without what belongs to the outer make, the specs' library, or the user's own rocks.
local CLEAN = { "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "RILL_LIBRARY" }

local SCRIPT = [[
local rill = require "rill"
assert(rill.run(function() rill.sleep(0) return true end))
for line in io.lines "/proc/self/maps" do
  local path = line:match "/.*librill.*$"
  if path then print(path) break end
end
]]

local function install(tree, home)
  local argv = { unpack(CLEAN) }
  for _, word in ipairs { "HOME=" .. home, "luarocks", "make", "--lua-version", "5.1",
    "--tree", tree, "rill-scm-1.rockspec" } do argv[#argv + 1] = word end
  process.run(argv, home .. "/luarocks.output")
end

describe("the rock", function()
  for _, name in ipairs { "tree", "a tree" } do
    it(("installs with luarocks make and runs with nothing but its tree on the paths: %q"):format(name), function()
      local root, elsewhere = scratch.directory "trees", scratch.directory "elsewhere"
      local tree = root .. "/" .. name
      install(tree, elsewhere)

      local script = scratch.write(elsewhere .. "/script.lua", SCRIPT)
      local share = tree .. "/share/lua/5.1"
      local out = elsewhere .. "/script.output"
      process.run({ "env", "-i", "-C", elsewhere, "PATH=" .. os.getenv "PATH",
        ("LUA_PATH=%s/?.lua;%s/?/init.lua"):format(share, share),
        ("LUA_CPATH=%s/lib/lua/5.1/?.so"):format(tree), "luajit", script }, out)
      local library = tree .. "/lib/lua/5.1/rill/librill.so"
      assert.equal(library .. "\n", scratch.read(out))
      assert.is_true(lfs.attributes(library, "size") < lfs.attributes("build/librill.so", "size") / 2)

      local rock = tree .. "/lib/luarocks/rocks-5.1/rill/scm-1"
      for _, page in ipairs { "README.md", "LICENSE", "examples/many_files.lua" } do
        assert.equal(scratch.read(page), scratch.read(("%s/doc/%s"):format(rock, page)))
      end
      process.run({ "env", "-i", "-C", elsewhere, "PATH=" .. os.getenv "PATH", tree .. "/bin/rill", "--version" },
        elsewhere .. "/command.output")
      assert.matches("^rill %d", scratch.read(elsewhere .. "/command.output"))
      local count = 0
      for entry in lfs.dir(root) do count = count + (entry:find "^%.%.?$" and 0 or 1) end
      assert.equal(1, count) -- the tree, and no piece of its name
    end)
  end
end)
