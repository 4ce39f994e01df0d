-- The library as it is built: how it is hardened, what it names, that it links without optimizing.
-- Runs make: not under sanitizers.
local lfs = require "lfs"
local elf = require "support.elf"
local kept = require "support.kept"
local process = require "support.process"
local support = require "support"

local LIBRARY = "build/librill.so"

local function has_flag(flag)
  return (pcall(process.run, { "cc", "-Werror", flag, "-x", "c", "-c", "-o", "/dev/null", "/dev/null" },
    support.directory "flag" .. "/output"))
end

-- Whether a shared library can be made with these flags.
local function links(flags)
  local source = support.write(support.directory "links" .. "/empty.c", "int empty;\n")
  return (pcall(process.run, { "sh", "-c", "cc -Werror -O1 " .. flags .. " -fPIC -shared -o /dev/null " .. source },
    support.directory "flag" .. "/output"))
end

-- What make would do for one object file, and with other flags.
local function compile_line(...)
  return elf.output_of("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "-n", "V=1", "BUILD=/nowhere",
    "/nowhere/url/url.o", ...):match "[^\n]* %-c %-o [^\n]*"
end

describe("the library", function()
  it("is hardened: read-only relocations, bound at once, stack protector, fortified calls", function()
    elf.assert_hardened(LIBRARY)
  end)

  it("has a soname that follows the interface's number", function()
    local abi = support.read("src/rill.h"):match "RILL_ABI = (%d+)"
    assert.matches("soname: %[librill%.so%." .. abi .. "%]", elf.output_of("readelf", "-dW", LIBRARY))
    assert.equal(lfs.attributes(LIBRARY, "ino"), lfs.attributes("build/librill.so." .. abi, "ino"))
  end)

  it("does not name the directory that it was built in", function()
    local content = support.read(LIBRARY)
    assert.is_nil(content:find(lfs.currentdir(), 1, true))
    assert.is_truthy(content:find("src/", 1, true)) -- debug information names files within it
  end)
end)

describe("make", function()
  local HARDENING = { "-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection" }

  it("hardens with what the compiler has, before the flags from outside", function()
    local line = compile_line "CFLAGS=-O1 -DMINE"
    for _, flag in ipairs(HARDENING) do
      assert.equal(has_flag(flag), line:find(flag, 1, true) ~= nil, flag)
    end
    assert.is_true(line:find("-D_FORTIFY_SOURCE=2", 1, true) < line:find("-O1 -DMINE", 1, true))
    assert.matches("%-ffile%-prefix%-map=", line)
  end)

  it("fortifies no build that does not optimize, has sanitizers, or has decided", function()
    for _, flags in ipairs { "-O0", "-O1 -fsanitize=address", "-O2 -D_FORTIFY_SOURCE=3" } do
      assert.is_nil(compile_line("CFLAGS=" .. flags):find("-D_FORTIFY_SOURCE=2", 1, true), flags)
    end
    assert.is_nil(compile_line("CPPFLAGS=-D_FORTIFY_SOURCE=3"):find("-D_FORTIFY_SOURCE=2", 1, true))
  end)

  it("optimizes across files where compiler and linker can, if it optimizes and nobody looks on", function()
    local flags = "-flto=auto -ffat-lto-objects"
    assert.equal(links(flags), compile_line "CFLAGS=-O1":find(flags, 1, true) ~= nil)
    for _, given in ipairs { "-O0", "-O1 -fsanitize=address" } do
      assert.is_nil(compile_line("CFLAGS=" .. given):find("-flto", 1, true), given)
    end
  end)

  it("links without optimizing, which leaves calls to libm, and without a warning", function()
    local out = support.directory "built"
    local version = support.read("src/rill.h"):match 'RILL_VERSION "([^"]+)"'
    local log = elf.output_of(unpack(kept.environment("CC=" .. kept.cc, "make", "BUILD=" .. out,
      "CFLAGS=" .. kept.flags(), out .. "/librill.so." .. version)))
    assert.is_nil(log:find "warning", log)
  end)
end)
