local rill = require "rill"
local support = require "support"

describe("a queue", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("hands items on in order, false among them", function()
    local queue = rill.queue()
    for _, item in ipairs { 1, false, "three" } do
      assert.is_true(queue:push(item))
    end
    assert.equal(3, queue:count())
    assert.same({ 1, false, "three" }, { queue:pop(), queue:pop(), queue:pop() })
    assert.equal(0, queue:count())
  end)

  it("lets pop wait for an item; who waits longest gets the first", function()
    support.run(function()
      local queue = rill.queue()
      local first, second = rill.spawn(queue.pop, queue), rill.spawn(queue.pop, queue)
      rill.sleep(0)
      queue:push "a"
      queue:push "b"
      assert.equal("b", second:join())
      assert.equal("a", first:join())
    end)
  end)

  it("lets push wait for room, and keeps the order", function()
    support.run(function()
      local queue, pushed = rill.queue(2), 0
      rill.spawn(function()
        for i = 1, 5 do
          queue:push(i)
          pushed = i
        end
      end)
      rill.sleep(0)
      assert.equal(2, pushed)
      assert.equal(2, queue:count())
      for i = 1, 5 do
        assert.equal(i, queue:pop())
        assert.is_true(queue:count() <= 2)
      end
    end)
  end)

  it("gives what is left after close, then nil", function()
    local queue = rill.queue()
    queue:push(1)
    queue:close()
    queue:close()
    assert.equal(1, queue:pop())
    assert.is_nil(queue:pop())
    assert.is_nil(queue:pop())
  end)

  it("ends the waits of pop and push when it is closed", function()
    support.run(function()
      local empty, full = rill.queue(), rill.queue(1)
      full:push "kept"
      local popper, pusher = rill.spawn(empty.pop, empty), rill.spawn(full.push, full, "refused")
      rill.sleep(0)
      empty:close()
      full:close()
      assert.is_nil(popper:join())
      local ok, err = pusher:join()
      assert.is_nil(ok)
      assert.equal("cancelled", err.reason)
      assert.equal("kept", full:pop())
      assert.is_nil(full:pop())
    end)
  end)

  it("takes nothing after close", function()
    local queue = rill.queue()
    queue:close()
    assert.error_matches(function() queue:push "late" end,
      'queue:push: the queue is closed, got "late"')
  end)

  it("loses no item to a task that was cancelled after it had been handed one", function()
    support.run(function()
      local queue = rill.queue()
      local first = rill.spawn(queue.pop, queue)
      rill.sleep(0)
      queue:push "a"
      queue:push "b"
      first:cancel()
      first:join()
      assert.same({ "a", "b" }, { queue:pop(), queue:pop() })
    end)
  end)

  it("takes no item from a task that was cancelled while it waited for room", function()
    support.run(function()
      local queue = rill.queue(1)
      queue:push "a"
      local pusher = rill.spawn(queue.push, queue, "b")
      rill.sleep(0)
      pusher:cancel()
      pusher:join()
      assert.equal("a", queue:pop())
      assert.equal(0, queue:count())
    end)
  end)

  it("names a wrong argument and shows its value", function()
    assert.error_matches(function() rill.queue(0) end,
      "rill.queue: max must be a whole number of at least 1, got 0")
    assert.error_matches(function() rill.queue():push(nil) end, "queue:push: the item must not be nil")
  end)
end)

describe("a map over a queue", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Items of a tree: each number up to `last` has the children 2n and 2n + 1.
  local function children(n, last)
    local list = {}
    for child = 2 * n, math.min(2 * n + 1, last) do list[#list + 1] = child end
    return list
  end

  it("ends when a frontier that its workers feed is exhausted", function()
    support.run(function()
      local queue, seen = rill.queue(), 0
      queue:push(1)
      for _ in rill.map(queue, function(n)
        rill.sleep(n % 3 / 1000)
        for _, child in ipairs(children(n, 100)) do queue:push(child) end
      end) do
        seen = seen + 1
      end
      assert.equal(100, seen)
    end)
  end)

  it("ends when a frontier that the loop's body feeds is exhausted", function()
    support.run(function()
      local queue, seen = rill.queue(), 0
      queue:push(1)
      for n in rill.map(queue, function() rill.sleep(0) end) do
        seen = seen + 1
        for _, child in ipairs(children(n, 100)) do queue:push(child) end
      end
      assert.equal(100, seen)
    end)
  end)

  it("waits for tasks that its workers spawned", function()
    support.run(function()
      local queue, seen = rill.queue(), {}
      queue:push "a"
      for item in rill.map(queue, function(item)
        if item == "a" then
          rill.spawn(function()
            rill.sleep(0.005)
            queue:push "late"
          end)
        end
      end) do
        seen[#seen + 1] = item
      end
      assert.same({ "a", "late" }, seen)
    end)
  end)

  for name, feed in pairs {
    ["its workers"] = function(push, item) push(item) end,
    ["tasks of its workers"] = function(push, item) rill.spawn(push, item):join() end,
    ["a map inside a worker"] = function(push, item)
      for _ in rill.map({ item }, push) do end -- luacheck: ignore
    end,
    ["a timeout inside a worker"] = function(push, item) rill.timeout(60, push, item) end,
  } do
    it("does not let " .. name .. " wait for room that only it can make", function()
      support.run(function()
        local queue, seen = rill.queue(1), 0
        local function push(item) queue:push(item) end
        queue:push(1)
        for _ in rill.map(queue, function(n)
          for _, child in ipairs(children(n, 40)) do feed(push, child) end
        end, { concurrency = 3 }) do
          seen = seen + 1
        end
        assert.equal(40, seen)
      end)
    end)
  end

  it("does not let its loop wait for room either", function()
    support.run(function()
      local queue, seen = rill.queue(1), 0
      queue:push(1)
      for n in rill.map(queue, function() end, { concurrency = 3 }) do
        seen = seen + 1
        for _, child in ipairs(children(n, 40)) do queue:push(child) end
      end
      assert.equal(40, seen)
    end)
  end)

  it("makes other tasks wait for room", function()
    support.run(function()
      local queue, most, seen = rill.queue(2), 0, 0
      local producer = rill.spawn(function()
        for i = 1, 50 do
          queue:push(i)
          most = math.max(most, queue:count())
        end
        queue:close()
      end)
      rill.sleep(0)
      for _ in rill.map(queue, function() rill.sleep(0) end, { concurrency = 2 }) do seen = seen + 1 end
      assert.is_true(producer:join() == nil)
      assert.equal(50, seen)
      assert.equal(2, most)
    end)
  end)

  it("starts on an item as soon as a worker pushes it, not when that worker ends", function()
    support.run(function()
      local queue, gate = rill.queue(), rill.queue()
      queue:push "slow"
      local order = {}
      for item in rill.map(queue, function(item)
        if item == "slow" then
          queue:push "quick"
          gate:pop()
        else
          gate:push "go on"
        end
      end) do
        order[#order + 1] = item
      end
      assert.same({ "quick", "slow" }, order)
    end)
  end)

  it("drains a closed queue and ends", function()
    support.run(function()
      local queue, seen = rill.queue(), {}
      for i = 1, 5 do queue:push(i) end
      queue:close()
      for item in rill.map(queue, function() end) do seen[#seen + 1] = item end
      assert.same({ 1, 2, 3, 4, 5 }, seen)
    end)
  end)
end)
