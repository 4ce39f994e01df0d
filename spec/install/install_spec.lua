local process = require "support.process"
local scratch = require "support.scratch"

local VERSION = "0.1.0"

-- What the outer make was told is not for this one, nor which library the specs run on.
local MAKE = { "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "RILL_LIBRARY", "make" }

local function make(directory, ...)
  local argv = { unpack(MAKE) }
  for _, word in ipairs { ... } do argv[#argv + 1] = word end
  process.run(argv, directory .. "/make.output")
end

--- Runs a program in an empty environment and another directory; returns what it printed.
local function run(directory, ...)
  local out = os.tmpname()
  process.run({ "env", "-i", "-C", directory, "PATH=" .. os.getenv "PATH", ... }, out)
  local text = scratch.read(out)
  os.remove(out)
  return text
end

describe("make install", function()
  local prefix, elsewhere

  setup(function()
    prefix = scratch.directory "prefix"
    elsewhere = scratch.directory "elsewhere"
    make(elsewhere, "install", "PREFIX=" .. prefix)
  end)

  it("leads from each name of the library to the versioned one", function()
    for _, name in ipairs { "librill.so", "librill.so.0" } do
      local target = run(elsewhere, "readlink", "-f", prefix .. "/lib/" .. name)
      assert.equal(prefix .. "/lib/librill.so." .. VERSION .. "\n", target)
    end
  end)

  it("lets a C program be built with pkg-config's flags alone", function()
    local source = scratch.write(elsewhere .. "/version.c", [[
#include <rill.h>
#include <stdio.h>
int main(void) { return rill_abi() == RILL_ABI ? puts(rill_version()) < 0 : 1; }
]])
    local flags = run(elsewhere, "PKG_CONFIG_PATH=" .. prefix .. "/lib/pkgconfig", "pkg-config",
      "--cflags", "--libs", "rill")
    run(elsewhere, "sh", "-c", ("cc -o version %s %s -Wl,-rpath,%s/lib"):format(source,
      flags:gsub("\n", " "), prefix))
    assert.equal(VERSION .. "\n", run(elsewhere, elsewhere .. "/version"))
  end)

  it("tells pkg-config the version that the library has", function()
    assert.equal(VERSION .. "\n", run(elsewhere, "PKG_CONFIG_PATH=" .. prefix .. "/lib/pkgconfig",
      "pkg-config", "--modversion", "rill"))
  end)

  it("lets a script find modules and library by LUA_PATH alone", function()
    local script = scratch.write(elsewhere .. "/script.lua", [[
local rill = require "rill"
assert(rill.run(function() rill.sleep(0) return true end))
for line in io.lines "/proc/self/maps" do
  local path = line:match "/%S*librill%S*$"
  if path then print(path) break end
end
]])
    local share = prefix .. "/share/lua/5.1"
    local said = run(elsewhere, ("LUA_PATH=%s/?.lua;%s/?/init.lua"):format(share, share), "LUA_CPATH=",
      "luajit", script)
    assert.equal(prefix .. "/lib/librill.so." .. VERSION .. "\n", said)
  end)

  it("puts everything below DESTDIR and names PREFIX in what it writes", function()
    local stage = scratch.directory "stage"
    make(elsewhere, "install", "PREFIX=/usr", "DESTDIR=" .. stage)
    local pc = scratch.read(stage .. "/usr/lib/pkgconfig/rill.pc")
    assert.truthy(pc:find("prefix=/usr\n", 1, true))
    assert.falsy(pc:find(stage, 1, true))
    assert.equal("../../../../lib/librill.so." .. VERSION .. "\n",
      run(stage, "readlink", "usr/share/lua/5.1/rill/librill.so"))
    assert.truthy(scratch.read(stage .. "/usr/include/rill.h"))
    assert.truthy(scratch.read(stage .. "/usr/share/lua/5.1/rill/cdef.lua"))
  end)
end)
