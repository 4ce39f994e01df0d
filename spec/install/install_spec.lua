-- What `make install` puts where. Runs other programs alone: not under sanitizers.
local lfs = require "lfs"
local elf = require "support.elf"
local process = require "support.process"
local scratch = require "support.scratch"
local support = require "support"

local VERSION = support.read("src/rill.h"):match 'RILL_VERSION "([^"]+)"'

-- What the outer make was told is not for this one, nor which library the specs run on.
local MAKE = { "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "RILL_LIBRARY", "make" }

-- What a script does to show which library it has got.
local SCRIPT = [[
local rill = require "rill"
assert(rill.run(function() rill.sleep(0) return true end))
for line in io.lines "/proc/self/maps" do
  local path = line:match "/.*librill.*$"
  if path then print(path) break end
end
]]

local function make(directory, ...)
  local argv = { unpack(MAKE) }
  for _, word in ipairs { ... } do argv[#argv + 1] = word end
  process.run(argv, directory .. "/make.output")
end

--- Runs a program in an empty environment and another directory; returns what it printed.
local function run(directory, ...)
  return elf.output_of("env", "-i", "-C", directory, "PATH=" .. os.getenv "PATH", ...)
end

-- Regular files and links below a directory, without its name.
local function files(directory)
  local list = {}
  for path in elf.output_of("find", directory, "!", "-type", "d"):gmatch "[^\n]+" do
    list[#list + 1] = path:sub(#directory + 2)
  end
  table.sort(list)
  return list
end

-- In a directory whose name has a space, and characters that sed and the shell take for theirs.
for _, name in ipairs { "prefix", "a prefix & more" } do
  describe(("make install into %q"):format(name), function()
    local prefix, elsewhere, abi

    setup(function()
      prefix = scratch.directory "root" .. "/" .. name
      elsewhere = scratch.directory "elsewhere"
      abi = support.read("src/rill.h"):match "RILL_ABI = (%d+)"
      make(elsewhere, "install", "PREFIX=" .. prefix)
    end)

    it("leads from each name of the library to the versioned one", function()
      for _, link in ipairs { "librill.so", "librill.so." .. abi } do
        local target = run(elsewhere, "readlink", "-f", prefix .. "/lib/" .. link)
        assert.equal(prefix .. "/lib/librill.so." .. VERSION .. "\n", target)
      end
    end)

    it("leaves debug information out, and the hardening in", function()
      local library = prefix .. "/lib/librill.so"
      local sections = elf.output_of("readelf", "-SW", library)
      assert.is_nil(sections:find ".debug_info" or sections:find ".symtab")
      assert.matches("%.debug_info", elf.output_of("readelf", "-SW", "build/librill.so"))
      assert.is_true(lfs.attributes(library, "size") < lfs.attributes("build/librill.so", "size") / 2)
      elf.assert_hardened(library)
      assert.matches("soname: %[librill%.so%." .. abi .. "%]", elf.output_of("readelf", "-dW", library))
      assert.is_nil(support.read(library):find(lfs.currentdir(), 1, true))
    end)

    it("lets a C program be built with pkg-config's flags alone", function()
      local source = scratch.write(elsewhere .. "/version.c", [[
#include <rill.h>
#include <stdio.h>
int main(void) { return rill_abi() == RILL_ABI ? puts(rill_version()) < 0 : 1; }
]])
      local flags = run(elsewhere, "PKG_CONFIG_PATH=" .. prefix .. "/lib/pkgconfig", "pkg-config",
        "--cflags", "--libs", "rill")
      run(elsewhere, "sh", "-c", ("cc -o version %s %s -Wl,-rpath,'%s/lib'"):format(source,
        flags:gsub("\n", " "), prefix))
      assert.equal(VERSION .. "\n", run(elsewhere, elsewhere .. "/version"))
    end)

    it("tells pkg-config the version that the library has", function()
      assert.equal(VERSION .. "\n", run(elsewhere, "PKG_CONFIG_PATH=" .. prefix .. "/lib/pkgconfig",
        "pkg-config", "--modversion", "rill"))
    end)

    it("lets a script find modules and library by LUA_PATH alone", function()
      local script = scratch.write(elsewhere .. "/script.lua", SCRIPT)
      local share = prefix .. "/share/lua/5.1"
      local said = run(elsewhere, ("LUA_PATH=%s/?.lua;%s/?/init.lua"):format(share, share), "LUA_CPATH=",
        "luajit", script)
      assert.equal(prefix .. "/lib/librill.so." .. VERSION .. "\n", said)
    end)

    it("brings a command that finds its modules", function()
      assert.equal("rill " .. VERSION .. "\n", run(elsewhere, prefix .. "/bin/rill", "--version"))
      local said = run(elsewhere, "LUA_PATH=", "LUA_CPATH=", prefix .. "/bin/rill", "crawl", "--help")
      assert.matches("^usage: rill crawl URL", said)
    end)

    it("brings the pages, the licence, and examples that run from where they are", function()
      local pages = prefix .. "/share/doc/rill/"
      for _, page in ipairs { "README.md", "LICENSE", "CHANGELOG.md", "doc/limits.md" } do
        assert.equal(support.read(page), support.read(pages .. page))
      end
      assert.equal(support.read "examples/paging.lua", support.read(pages .. "examples/paging.lua"))
    end)

    it("touches nothing beside that directory", function()
      assert.equal(name .. "\n", run(elsewhere, "ls", prefix .. "/.."))
    end)
  end)
end

describe("make install", function()
  local elsewhere

  before_each(function() elsewhere = scratch.directory "elsewhere" end)

  it("puts everything below DESTDIR and names PREFIX in what it writes", function()
    for _, name in ipairs { "stage", "a stage" } do
      local root = scratch.directory "stages"
      local stage = root .. "/" .. name
      make(elsewhere, "install", "PREFIX=/usr", "DESTDIR=" .. stage)
      local pc = scratch.read(stage .. "/usr/lib/pkgconfig/rill.pc")
      assert.truthy(pc:find("prefix=/usr\n", 1, true))
      assert.falsy(pc:find(stage, 1, true))
      assert.equal("../../../../lib/librill.so." .. VERSION .. "\n",
        run(stage, "readlink", "usr/share/lua/5.1/rill/librill.so"))
      assert.truthy(scratch.read(stage .. "/usr/include/rill.h"))
      assert.truthy(scratch.read(stage .. "/usr/share/lua/5.1/rill/cdef.lua"))
      assert.equal(name .. "\n", run(root, "ls"))
    end
  end)

  it("is undone by make uninstall, which leaves what others have put beside it", function()
    for _, name in ipairs { "usr", "the usr" } do
      local stage = scratch.directory "stage"
      local words = { "DESTDIR=" .. stage, "PREFIX=/" .. name }
      local share = stage .. "/" .. name .. "/share/"
      make(elsewhere, "install", unpack(words))
      assert.is_true(#files(stage) > 50)
      local others = { name .. "/lib/libother.so", name .. "/share/lua/5.1/other.lua",
                       name .. "/share/lua/5.1/rill/added.lua" }
      for _, path in ipairs(others) do scratch.write(stage .. "/" .. path, "another's") end
      make(elsewhere, "uninstall", unpack(words))
      assert.same(others, files(stage))
      os.remove(stage .. "/" .. others[3])
      make(elsewhere, "uninstall", unpack(words)) -- what is not there does not matter
      assert.is_nil(lfs.attributes(share .. "lua/5.1/rill"))
      assert.is_nil(lfs.attributes(share .. "doc/rill"))
    end
  end)
end)
