-- What somebody is told who has not what rill needs.
local process = require "support.process"
local script = require "support.script"
local support = require "support"

-- Runs a command that must fail; returns what it wrote without the standalone interpreter's traceback.
local function refusal(...)
  local out = support.directory "refusal" .. "/output"
  local child = process.start({ "env", "-u", "RILL_LIBRARY", ... }, out)
  assert.not_equal(0, child:wait(10))
  return (child:output():gsub("\nstack traceback:.*", ""):gsub("\n$", ""))
end

local function require_in(interpreter, module, path)
  return refusal(interpreter, "-e", ("package.path = '%s/?.lua;%s/?/init.lua;' .. package.path require '%s'"):format(
    path or "lua", path or "lua", module))
end

-- All modules, by the names that a script may require. What runs inside of Redis is none.
local function modules()
  local list = {}
  for _, path in ipairs(support.find "lua/rill") do
    local name = path:match "^lua/(.*)%.lua$"
    if name and name ~= "rill/cdef" and not name:find "/inside/" then
      list[#list + 1] = name:gsub("/init$", ""):gsub("/", ".")
    end
  end
  return list
end

describe("plain Lua", function()
  for _, interpreter in ipairs { "lua5.1", "lua5.2" } do
    it("is told in one line by every module that rill needs LuaJIT: " .. interpreter, function()
      local version = interpreter:gsub("lua", "Lua ")
      for _, module in ipairs { "rill", "rill.url", "rill.html", "rill.client" } do
        assert.equal(("%s: rill needs LuaJIT 2.1: this is %s"):format(interpreter, version),
          require_in(interpreter, module))
      end
    end)

    it("sees no list of paths, whatever module comes first: " .. interpreter, function()
      local names, out, heard = modules(), support.directory "modules" .. "/output", {}
      process.run({ interpreter, "-e", [[
        package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path
        for module in ("]] .. table.concat(names, " ") .. [["):gmatch "%S+" do
          for name in pairs(package.loaded) do
            if name:find "^rill" then package.loaded[name] = nil end
          end
          local good, message = pcall(require, module)
          print("[" .. module .. "]\n" .. tostring(good or message))
        end]] }, out)
      for name, said in support.read(out):gmatch "%[(rill[%w_.]*)%]\n([^\n]*\n)" do heard[name] = said end
      assert.is_true(#names > 100, #names .. " modules")
      for _, module in ipairs(names) do
        local said = assert(heard[module], module)
        assert.is_truthy(said == "true\n" or said:find "rill needs LuaJIT 2.1", module .. ": " .. said)
        assert.is_nil(said:find "no f", module .. ": " .. said)
      end
    end)

    it("is told so by the command: " .. interpreter, function()
      assert.matches("^%S+: rill needs LuaJIT 2.1: this is Lua 5.%d$",
        refusal(interpreter, "bin/rill", "get", "https://localhost/"))
    end)
  end

  it("is told so when it runs the specs", function()
    assert.equal("rill needs LuaJIT 2.1: this is Lua 5.2; run `make test`", refusal("lua5.2", "-e",
      "arg = { [0] = 'busted', '--ignore-lua', 'spec/task' } require 'busted.runner' ({ standalone = false })"))
  end)
end)

describe("a tree that is not built", function()
  local tree

  -- A copy of the modules without what make adds, but for `kept`.
  local function copy(kept)
    process.run({ "cp", "-r", "lua", tree }, tree .. "/log")
    for _, name in ipairs { "cdef.lua", "librill.so" } do
      if name ~= kept then os.remove(tree .. "/lua/rill/" .. name) end
    end
  end

  before_each(function() tree = support.directory "unbuilt" end)

  for _, module in ipairs { "rill", "rill.url", "rill.html", "rill.client" } do
    it("says in one line that make comes first: " .. module, function()
      copy()
      assert.equal("luajit: rill is not built: run make first (rill/cdef.lua is missing)",
        require_in("luajit", module, tree .. "/lua"))
    end)

    it("says in one line which library is missing: " .. module, function()
      copy "cdef.lua"
      local paths = "package.path, package.cpath = '%s/lua/?.lua;%s/lua/?/init.lua', '' require '%s'"
      local said = refusal("luajit", "-e", paths:format(tree, tree, module))
      assert.matches("^luajit: rill: librill%.so%.%d+ not found, run make first: [^\n]+$", said)
    end)
  end
end)

describe("a library that cannot be loaded", function()
  local function said_with(path)
    return refusal("env", "RILL_LIBRARY=" .. path, "luajit", "-e",
      "package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path require 'rill'")
  end

  it("is named once, with the loader's reason", function()
    assert.equal("luajit: rill: cannot load /nowhere/librill.so: cannot open shared object file: "
      .. "No such file or directory", said_with "/nowhere/librill.so")
    local text = support.write(support.directory "library" .. "/librill.so", "text")
    assert.equal(("luajit: rill: cannot load %s: file too short"):format(text), said_with(text))
  end)
end)

describe("require \"rill\"", function()
  it("loads what a request takes part in, and the rest when it is first asked for", function()
    local out = support.directory "later" .. "/output"
    local argv = { "env", unpack(process.sanitizers()) }
    argv[#argv + 1], argv[#argv + 2] = "luajit", "-e"
    argv[#argv + 1] = [[package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path
      local rill = require "rill"
      local later = { "all", "map", "queue", "semaphore", "signal", "wait", "connect", "streaming", "url", "html",
        "form", "json", "multipart", "cookies", "robots", "sitemap", "run", "spawn", "sleep", "now", "timeout" }
      for _, name in ipairs(later) do assert(rawget(rill, name) == nil, name) end
      rill.client {}
      for _, name in ipairs { "stream", "robots", "cookies", "html", "task", "task.timer", "core.suggest",
        "core.download", "core.exchange", "core.upload", "core.follow", "core.jars", "core.auth", "core.shown" } do
        assert(not package.loaded["rill." .. name], name)
      end
      for _, name in ipairs(later) do assert(rill[name] ~= nil and rill[name] == rawget(rill, name), name) end
      assert(rill.url == require "rill.url" and rill.map == require "rill.task.map")
      assert(rill.nothing == nil)
      print "good"]]
    process.run(argv, out)
    assert.equal("good\n", support.read(out))
  end)

  it("leaves names for wrong options to whoever gives one, also with a crawl", function()
    local lines = script.run [[
    local crawl = require "rill.crawl"
    require "rill.crawl.options".check { start = "http://h/", per_origin = { delay = 1 } }
    rill.client { per_origin = { delay = 1 }, cookies = rill.cookies.jar() }
    tell(tostring(package.loaded["rill.core.suggest"]))
    local _, why = pcall(crawl, { strat = "http://h/" })
    tell(why)
    ]]
    assert.equal("nil", lines[1])
    assert.matches('did you mean "start"', lines[2])
  end)

  it("begins again with modules whose reading was broken off", function()
    local lines = script.run [[
    jit.off() -- compiled code calls no hooks
    local function read_until(name, fn)
      debug.sethook(function()
        if debug.getinfo(2, "S").source:find(name, 1, true) then error("stopped at " .. name, 0) end
      end, "c")
      local _, why = pcall(fn)
      debug.sethook()
      tell(why)
    end
    read_until("rill/headers.lua", function() rill.client {} end) -- below rill.core.endpoint, below rill.client
    read_until("rill/task/root.lua", function() rill.run(print) end)
    tell(tostring(rill.client {}):match "^client", rill.run(function() return "run" end))
    ]]
    assert.same({ "stopped at rill/headers.lua", "stopped at rill/task/root.lua", "client run" }, lines)
  end)
end)
