local support = require "support"
local rill = require "rill"

-- What run raises when `fn` is its first task.
local function raised_by(fn)
  local ok, err = pcall(rill.run, fn)
  assert.is_false(ok)
  return err
end

describe("the traceback of an error", function()
  local function deep()
    error "boom"
  end

  local function deeper()
    deep()
  end

  it("stands behind the message that run raises", function()
    local err = raised_by(function()
      deeper()
    end)
    assert.matches("^[^\n]*task_error_spec.lua:%d+: boom\nstack traceback:\n", err)
    assert.matches("in function 'deep'", err)
    assert.matches("in function 'deeper'", err)
  end)

  it("ends the text of an error of rill's that run raises, with the script's line", function()
    local client = support.client()
    local line
    local ok, err = pcall(rill.run, function()
      local _, failed = client:get "no url"
      line = debug.getinfo(1, "l").currentline + 1
      error(failed)
    end)
    client:close()
    assert.is_false(ok)
    assert.equal("invalid_url", err.reason)
    assert.matches("task_error_spec.lua:" .. line .. ":", err.traceback)
    assert.equal(err.traceback, tostring(err):sub(-#err.traceback))
    assert.matches("^invalid_url: ", tostring(err))
  end)

  it("is not in the text of an error that a join returns", function()
    rill.run(function()
      local _, err = rill.spawn(function() error "boom" end):join()
      assert.matches("stack traceback:", err.traceback)
      assert.is_nil(tostring(err):find("\n", 1, true))
    end)
  end)

  it("is the field `traceback` of a table that was raised", function()
    local value = { code = 7 }
    local err = raised_by(function()
      error(value)
    end)
    assert.equal(value, err)
    assert.matches("stack traceback:", err.traceback)
  end)

  it("crosses from a child that timeout runs to the stack that waits for it", function()
    local function waiter()
      rill.timeout(60, deeper)
    end
    local err = raised_by(function()
      waiter()
    end)
    assert.matches("in function 'deep'.*in function 'waiter'", err)
  end)

  it("names the line that spawned the task", function()
    local line
    rill.run(function()
      line = debug.getinfo(1, "l").currentline + 1
      local _, err = rill.spawn(deeper):join()
      assert.matches("in a task started at [^\n]*task_error_spec.lua:" .. line, err.traceback)
    end)
  end)

  it("goes through eight tasks that led there, and no further", function()
    local function descend(levels)
      if levels == 0 then error "boom" end
      return rill.timeout(60, descend, levels - 1)
    end
    local function ancestors(levels)
      local err = raised_by(function() return descend(levels) end)
      return select(2, err:gsub("in a task started", ""))
    end
    assert.equal(7, ancestors(7))
    assert.equal(8, ancestors(20))
  end)

  it("survives semaphore:with", function()
    local err = raised_by(function()
      rill.semaphore(1):with(deeper)
    end)
    assert.matches("in function 'deep'", err)
  end)

  it("shows no frame of how tasks are started", function()
    local err = raised_by(function()
      deeper()
    end)
    assert.is_nil(err:find("xpcall", 1, true))
  end)
end)

describe("an error that nobody joins", function()
  local reported

  before_each(function()
    reported = {}
    rill.on_error = function(message, fields)
      reported[#reported + 1] = { message = message, fields = fields }
    end
  end)

  after_each(function()
    rill.on_error = nil
  end)

  it("goes to rill.on_error when run ends, with its traceback", function()
    local task -- luacheck: ignore
    rill.run(function()
      task = rill.spawn(function()
        error "lost"
      end)
    end)
    assert.equal(1, #reported)
    assert.matches("task_error_spec.lua:%d+: lost", reported[1].message)
    assert.equal("error", reported[1].fields.reason)
    assert.matches("stack traceback:", reported[1].fields.traceback)
  end)

  it("goes there when the task's handle is collected", function()
    rill.run(function()
      rill.spawn(error, "lost")
      rill.sleep(0)
      collectgarbage()
      collectgarbage()
      rill.sleep(0)
      assert.equal(1, #reported)
    end)
    assert.equal(1, #reported)
  end)

  it("goes there also when run itself raises", function()
    raised_by(function()
      rill.spawn(error, "lost")
      rill.sleep(0)
      error "first"
    end)
    assert.equal(1, #reported)
    assert.equal("lost", reported[1].message)
  end)

  it("does not go there when it was joined", function()
    rill.run(function()
      rill.spawn(error, "seen"):join()
      rill.all { function() error "seen" end }
      for _ in rill.map({ 1 }, error) do end -- luacheck: ignore
      pcall(rill.timeout, 60, error, "seen")
    end)
    collectgarbage()
    assert.same({}, reported)
  end)

  it("goes there from a cancelled task that raises something else", function()
    rill.run(function()
      local task = rill.spawn(function()
        pcall(rill.sleep, 60)
        error "while cleaning up"
      end)
      rill.sleep(0)
      task:cancel()
    end)
    assert.equal(1, #reported)
    assert.matches("while cleaning up", reported[1].message)
  end)

  it("is not made by a task that was cancelled", function()
    rill.run(function()
      rill.spawn(rill.sleep, 60):cancel()
    end)
    assert.same({}, reported)
  end)
end)

describe("misuse", function()
  it("tells a stray coroutine.yield by its name and line", function()
    local err = raised_by(function()
      coroutine.yield "x"
    end)
    assert.matches("coroutine.yield was called in a task", err)
    assert.matches("task_error_spec.lua", err)
  end)

  it("tells a wait inside a coroutine of the script's own", function()
    local err = raised_by(function()
      local generate = coroutine.wrap(function()
        rill.sleep(0)
      end)
      generate()
    end)
    assert.matches("in a coroutine inside a task", err)
  end)

  it("leaves generators alone that do not wait", function()
    rill.run(function()
      local numbers = coroutine.wrap(function()
        for i = 1, 3 do
          coroutine.yield(i)
        end
      end)
      local sum = 0
      for number in numbers do
        rill.sleep(0)
        sum = sum + number
      end
      assert.equal(6, sum)
    end)
  end)

  it("tells a wait outside of run", function()
    for name, wait in pairs {
      ["rill.sleep"] = function() rill.sleep(0) end,
      ["rill.timeout"] = function() rill.timeout(1, print) end,
      ["rill.all"] = function() rill.all { print } end,
      ["rill.map"] = function() rill.map({ 1 }, print)() end,
      ["rill.signal"] = function() rill.signal "USR1" end,
      ["queue:pop"] = function() rill.queue():pop() end,
    } do
      local ok, err = pcall(wait)
      assert.is_false(ok)
      assert.matches("task_error_spec.lua:%d+: " .. name .. " was called outside of a task", err)
    end
  end)

  it("tells tasks that wait only for each other, and for what", function()
    local err = raised_by(function()
      local queue, semaphore = rill.queue(), rill.semaphore(1)
      semaphore:acquire()
      rill.spawn(semaphore.acquire, semaphore)
      queue:pop()
    end)
    assert.matches("deadlock", err)
    assert.matches("1 in queue:pop", err)
    assert.matches("1 in semaphore:acquire", err)
    assert.matches("task_error_spec.lua", err)
  end)
end)

describe("a hook that raises", function()
  it("takes no task along", function()
    local calls = 0
    rill.on_error = function()
      calls = calls + 1
      error "the hook itself"
    end
    local stderr = io.stderr
    local lines = {}
    io.stderr = { write = function(_, ...) lines[#lines + 1] = table.concat { ... } end } -- luacheck: ignore
    local ok = pcall(rill.run, function()
      rill.spawn(error, "lost")
    end)
    io.stderr = stderr -- luacheck: ignore
    rill.on_error = nil
    assert.is_true(ok)
    assert.equal(1, calls)
    assert.matches("the hook itself", lines[1])
    assert.matches("lost", lines[2])
  end)
end)
