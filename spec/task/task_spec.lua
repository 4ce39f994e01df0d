local rill = require "rill"
local support = require "support"

describe("rill.run", function()
  it("passes arguments on and returns the results, nils included", function()
    local function pack(...)
      return { n = select("#", ...), ... }
    end
    assert.same({ n = 3, 1, nil, nil }, pack(rill.run(function(...)
      return ...
    end, 1, nil, nil)))
    assert.same({ n = 0 }, pack(rill.run(function() end)))
  end)

  it("waits for every task that was spawned, also by tasks", function()
    local ended = {}
    local result = rill.run(function()
      rill.spawn(function()
        rill.spawn(function()
          rill.sleep(0.002)
          ended[#ended + 1] = "grandchild"
        end)
        rill.sleep(0.001)
        ended[#ended + 1] = "child"
      end)
      return "first"
    end)
    assert.equal("first", result)
    assert.same({ "child", "grandchild" }, ended)
  end)

  it("can be called again, after an error too", function()
    assert.error(function()
      rill.run(error, "boom")
    end)
    assert.equal(7, rill.run(function()
      rill.sleep(0)
      return 7
    end))
  end)

  it("cancels the others when the first task fails", function()
    local seen, after
    assert.error_matches(function()
      rill.run(function()
        rill.spawn(function()
          local _, err = pcall(rill.sleep, 60)
          seen = err
          rill.sleep(60)
          after = true
        end)
        rill.sleep(0)
        error "first failed"
      end)
    end, "first failed")
    assert.equal(rill.cancelled, seen)
    assert.is_nil(after)
  end)

  it("does not let tasks that start while the others are cancelled keep it up", function()
    local ran = false
    assert.error_matches(function()
      rill.run(function()
        rill.spawn(function()
          pcall(rill.sleep, 60)
          rill.spawn(function()
            ran = true
            rill.sleep(60)
          end)
        end)
        rill.sleep(0)
        error "first failed"
      end)
    end, "first failed")
    assert.is_false(ran)
  end)

  it("cannot run inside itself", function()
    assert.error_matches(function()
      rill.run(function()
        rill.run(print)
      end)
    end, "rill.run: it runs already")
  end)

  it("names a wrong argument, shows its value and the line that passed it", function()
    local ok, err = pcall(function()
      rill.run "x"
    end)
    assert.is_false(ok)
    assert.matches('task_spec.lua:%d+: rill.run: fn must be a function, got "x"', err)
  end)
end)

describe("a task", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("runs when the one that spawned it waits", function()
    local order = {}
    support.run(function()
      local task = rill.spawn(function(name)
        order[#order + 1] = name
      end, "child")
      order[#order + 1] = "parent"
      task:join()
      order[#order + 1] = "joined"
    end)
    assert.same({ "parent", "child", "joined" }, order)
  end)

  it("gives its results to everybody who joins it, before or after its end", function()
    support.run(function()
      local task = rill.spawn(function()
        rill.sleep(0.001)
        return 1, nil, 3
      end)
      local other = rill.spawn(function()
        return task:join()
      end)
      assert.same({ 1, nil, 3 }, { task:join() })
      assert.same({ 1, nil, 3 }, { other:join() })
      assert.equal(3, select("#", task:join()))
    end)
  end)

  it("joins as nil, err when it raised", function()
    support.run(function()
      local ok, err = rill.spawn(function()
        error "boom"
      end):join()
      assert.is_nil(ok)
      assert.equal("error", err.reason)
      assert.matches("boom", err.message)
      assert.matches("task_spec.lua", err.traceback)
      assert.matches("boom", "the log says: " .. err)
    end)
  end)

  it("keeps what was raised when that is no string", function()
    support.run(function()
      local raised = { "a table" }
      local _, err = rill.spawn(error, raised):join()
      assert.equal("error", err.reason)
      assert.equal(raised, err.value)
    end)
  end)

  it("can be joined when run has ended", function()
    local task
    rill.run(function()
      task = rill.spawn(function()
        return "kept"
      end)
    end)
    assert.equal("kept", task:join())
  end)

  it("cannot join itself", function()
    support.run(function()
      local task
      task = rill.spawn(function()
        task:join()
      end)
      local _, err = task:join()
      assert.matches("task:join: a task cannot wait for its own end", err.message)
    end)
  end)

  it("takes 7,000 arguments, and says so when there are more", function()
    rill.run(function()
      local function count(...) return (select("#", ...)) end
      assert.equal(7000, rill.spawn(count, unpack({}, 1, 7000)):join())
      assert.has_error(function() rill.spawn(count, unpack({}, 1, 7001)) end,
        "a task takes at most 7000 arguments, got 7001")
    end)
  end)

  it("has a coroutine of its own, which is dead when the task has ended", function()
    local seen = {}
    rill.run(function()
      for i = 1, 3 do
        rill.spawn(function() seen[i] = coroutine.running() end):join()
      end
    end)
    assert.is_true(seen[1] ~= seen[2] and seen[2] ~= seen[3])
    for i = 1, 3 do assert.equal("dead", coroutine.status(seen[i])) end
  end)

  it("is not started outside of run", function()
    assert.error_matches(function()
      rill.spawn(print)
    end, "rill.spawn was called outside of a task")
  end)

  it("survives a deep chain of tasks that spawn each other without keeping the dead", function()
    local weak = setmetatable({}, { __mode = "k" })
    local left = 2000
    local function link()
      left = left - 1
      if left > 0 then
        weak[rill.spawn(link)] = true
      end
    end
    rill.run(function()
      rill.spawn(link):join()
      repeat
        rill.sleep(0)
      until left == 0
      collectgarbage()
      collectgarbage()
      local alive = 0
      for _ in pairs(weak) do
        alive = alive + 1
      end
      assert.is_true(alive < 20, alive .. " handles are alive")
    end)
  end)
end)

describe("cancelling a task", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("raises rill.cancelled from the wait it is in, and from every later one", function()
    support.run(function()
      local raised = {}
      local task = rill.spawn(function()
        for i = 1, 3 do
          raised[i] = select(2, pcall(rill.sleep, 60))
        end
        return "what it returns does not count"
      end)
      rill.sleep(0)
      task:cancel()
      local ok, err = task:join()
      assert.is_nil(ok)
      assert.equal("cancelled", err.reason)
      assert.same({ rill.cancelled, rill.cancelled, rill.cancelled }, raised)
      assert.equal("rill.cancelled", tostring(raised[1]))
    end)
  end)

  it("ends a task that catches the error for ever", function()
    local warned
    rill.on_warning = function()
      warned = true
    end
    support.run(function()
      local task = rill.spawn(function()
        while true do
          pcall(rill.sleep, 60)
        end
      end)
      rill.sleep(0)
      task:cancel()
      local _, err = task:join()
      assert.equal("cancelled", err.reason)
    end)
    rill.on_warning = nil
    assert.is_true(warned)
  end)

  it("keeps a task that has not begun from running", function()
    support.run(function()
      local ran = false
      local task = rill.spawn(function()
        ran = true
      end)
      task:cancel()
      local _, err = task:join()
      assert.equal("cancelled", err.reason)
      assert.is_false(ran)
    end)
  end)

  it("takes effect at the next wait when a task cancels itself", function()
    support.run(function()
      local reached
      local task
      task = rill.spawn(function()
        task:cancel()
        reached = true
        rill.sleep(0)
        reached = "too far"
      end)
      assert.equal("cancelled", select(2, task:join()).reason)
      assert.is_true(reached)
    end)
  end)

  it("does nothing to one that has ended, and may be done twice", function()
    support.run(function()
      local task = rill.spawn(function()
        return 1
      end)
      assert.equal(1, task:join())
      task:cancel()
      task:cancel()
      assert.equal(1, task:join())
    end)
  end)

  it("cancels the task that it joins", function()
    support.run(function()
      local inner = rill.spawn(rill.sleep, 60)
      local outer = rill.spawn(function()
        inner:join()
      end)
      rill.sleep(0)
      outer:cancel()
      assert.equal("cancelled", select(2, inner:join()).reason)
      outer:join()
    end)
  end)

  it("leaves a joined task alone that others wait for too", function()
    support.run(function()
      local gate = rill.queue()
      local inner = rill.spawn(gate.pop, gate)
      local first = rill.spawn(inner.join, inner)
      local second = rill.spawn(inner.join, inner)
      rill.sleep(0)
      first:cancel()
      gate:push "result"
      assert.equal("result", second:join())
      first:join()
    end)
  end)

  it("ends the tasks of rill.all and rill.timeout that it waits for", function()
    support.run(function()
      local ended = {}
      local function work(name)
        return function()
          ended[name] = select(2, pcall(rill.sleep, 60))
        end
      end
      local all = rill.spawn(rill.all, { work "a", work "b" })
      local timeout = rill.spawn(rill.timeout, 60, work "c")
      rill.sleep(0)
      rill.sleep(0)
      all:cancel()
      timeout:cancel()
      all:join()
      timeout:join()
      rill.sleep(0)
      assert.same({ a = rill.cancelled, b = rill.cancelled, c = rill.cancelled }, ended)
    end)
  end)
end)
