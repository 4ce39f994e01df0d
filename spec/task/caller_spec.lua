-- Where a task was started, and what it costs to know that.
local process = require "support.process"
local rill = require "rill"
local support = require "support"

describe("the place where a task was started", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function nothing() end

  it("is the line that called rill.spawn, in turn those of one function", function()
    support.run(function()
      local line = debug.getinfo(1, "l").currentline
      for _ = 1, 100 do
        local first = rill.spawn(nothing)
        local second = rill.spawn(nothing)
        assert.matches("caller_spec%.lua:" .. line + 2 .. ":", tostring(first))
        assert.matches("caller_spec%.lua:" .. line + 3 .. ":", tostring(second))
      end
    end)
  end)

  it("is C where that called it, and unknown where nothing did", function()
    support.run(function()
      local _, task = pcall(rill.spawn, nothing)
      assert.matches("^task of %[C%]: ", tostring(task))
      local _, other = coroutine.resume(coroutine.create(rill.spawn), nothing)
      assert.matches("^task: ", tostring(other))
    end)
  end)

  it("leaves nothing behind but the tasks", function()
    local TASKS = 900
    support.run(function()
      local function grown()
        local tasks = {}
        for i = 1, TASKS do tasks[i] = false end
        collectgarbage()
        collectgarbage "stop"
        local before = collectgarbage "count"
        for i = 1, TASKS do tasks[i] = rill.spawn(nothing) end
        local bytes = (collectgarbage "count" - before) * 1024
        collectgarbage "restart"
        rill.sleep(0)
        assert.equal(TASKS, #tasks)
        return bytes / TASKS
      end
      grown()
      local bytes = grown()
      assert.is_true(bytes < 300, bytes .. " bytes a task") -- 128; with a table of debug.getinfo 600
    end)
  end)

  it("is known where the core cannot look", function()
    local child = process.start({ "env", "-u", "RILL_LIBRARY", "LUA_PATH=lua/?.lua;lua/?/init.lua;;",
      "luajit", "-e", [[
      package.loadlib = nil
      local rill = require "rill"
      rill.run(function()
        local task = rill.spawn(print)
        print(task)
        print(select(2, pcall(rill.spawn, print)))
        print(select(2, coroutine.resume(coroutine.create(rill.spawn), print)))
      end)]] }, support.directory "caller" .. "/output")
    local status, said = child:wait(20), child:output()
    assert.equal(0, status, said)
    assert.matches('^task of %(command line%):4: not begun\ntask of %[C%]: not begun\ntask: not begun\n', said)
  end)
end)
