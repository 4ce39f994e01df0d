-- What helps who works on rill: the dialect of Lua, git's hooks, targets of make.
-- Runs other programs alone: not under sanitizers.
local dkjson = require "dkjson"
local elf = require "support.elf"
local process = require "support.process"
local support = require "support"

-- Exit status and output of a command.
local function run(...)
  local child = process.start({ ... }, support.directory "run" .. "/output")
  return child:wait(60), child:output()
end

local function make(...)
  return elf.output_of("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", ...)
end

describe("one dialect of Lua", function()
  -- What .ci/dialect.lua says of a module.
  local function judge(text, name)
    name = name or "module"
    local root = support.directory "dialect"
    assert(os.execute(("mkdir -p '%s/lua/rill/task'"):format(root)) == 0)
    support.write(("%s/lua/%s.lua"):format(root, name), text)
    return run("env", "-C", root, "luajit", require("lfs").currentdir() .. "/.ci/dialect.lua", "lua/" .. name .. ".lua")
  end

  it("is what all modules and specs are written in", function()
    local files = {}
    for _, room in ipairs { "lua/rill", "spec", "examples", "bench" } do
      for _, path in ipairs(support.find(room)) do
        if path:find "%.lua$" and not path:find "cdef" then files[#files + 1] = path end
      end
    end
    local status, output = run("luajit", ".ci/dialect.lua", unpack(files))
    assert.equal("", output)
    assert.equal(0, status)
  end)

  it("takes a module as it should be", function()
    assert.equal(0, (judge('--- A class.\n---@field private _name string\nlocal M = {}\nfunction M:set(name)\n'
      .. '  if name then self._name = name end\nend\nlocal text = [[\n   odd\n]]\nreturn M\n')))
  end)

  it("keeps what stands beside the task out of its fields, and of each other's", function()
    local reaches = "--- A map.\n---@field private _own table\nlocal function of(map, task)\n"
      .. "  return map._own and task._state\nend\nreturn of\n"
    local status, output = judge(reaches, "rill/task/map")
    assert.equal("lua/rill/task/map.lua:4: the field _state is another module's\n", output)
    assert.equal(1, status)
    assert.equal(0, (judge(reaches, "rill/task/failure")))
  end)

  for what, text in pairs {
    ["a tab"] = "local x = 1\n\treturn x\n",
    ["blanks at the end"] = "local x = 1 \nreturn x\n",
    ["an odd number of blanks"] = "if x then\n   x()\nend\nreturn x\n",
    ['require%("x"%) has parentheses'] = 'local x = require "x"\nreturn x\n',
    ["returns one value, once, at its end"] = "local x = 1\n",
    ["returns one value\n"] = "local x, y = 1, 2\nreturn x, y\n",
    ["the field _name is declared by no class"] = "local M = {}\nfunction M:set(x)\n  self._name = x\nend\nreturn M\n",
  } do
    it("refuses: " .. what, function()
      local status, output = judge(text)
      assert.matches("^lua/module%.lua:%d: .*" .. what, output)
      assert.equal(1, status)
    end)
  end
end)

describe("the hook for messages of commits", function()
  local function judge(message)
    return (run(".ci/hooks/commit-msg", support.write(support.directory "message" .. "/message", message)))
  end

  it("takes a subject of 72 characters, whatever their bytes, and a body below an empty line", function()
    assert.equal(0, judge(("x"):rep(72)))
    assert.equal(0, judge(("ä"):rep(72) .. "\n\nWhy.\n# a comment\n"))
  end)

  it("refuses a longer one, one with a dot at its end, none, and a body without a gap", function()
    for _, message in ipairs { ("x"):rep(73), "area: what.", "", "# comment\n", "area: what\nwhy" } do
      assert.equal(1, judge(message), message)
    end
  end)
end)

describe("make", function()
  it("debug builds beside the library: without optimizing, with all checks", function()
    local said = make("-n", "V=1", "debug")
    assert.matches("BUILD=build/debug CFLAGS='%-O0 %-g3 %-DRILL_CHECK'", said)
  end)

  it("compile_commands.json names each C file of the library, once", function()
    local root = support.directory "tree" -- what make reads, but not where it writes
    local copy = ("ln -s \"$PWD\"/* \"$PWD\"/.ci '%s' && rm -f '%s/compile_commands.json'"):format(root, root)
    assert(os.execute(copy) == 0)
    make("-C", root, "compile_commands.json")
    local count = 0
    for _, entry in ipairs(assert(dkjson.decode(support.read(root .. "/compile_commands.json")))) do
      assert.equal("file", require("lfs").attributes(entry.file, "mode"))
      count = count + 1
    end
    local files = 0
    for _, path in ipairs(support.find "src") do
      if path:find "%.c$" then files = files + 1 end
    end
    assert.equal(files, count)
  end)
end)
