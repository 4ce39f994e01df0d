local rill = require "rill"
local support = require "support"

describe("a semaphore", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("lets n in at once, first come, first served", function()
    support.run(function()
      local semaphore, order, inside, most = rill.semaphore(2), {}, 0, 0
      for i = 1, 6 do
        rill.spawn(function()
          semaphore:acquire()
          inside = inside + 1
          most = math.max(most, inside)
          order[#order + 1] = i
          rill.sleep(0)
          inside = inside - 1
          semaphore:release()
        end)
      end
      rill.sleep(0.001)
      support.wait(function() return #order == 6 and inside == 0 end, 3)
      assert.equal(2, most)
      assert.same({ 1, 2, 3, 4, 5, 6 }, order)
    end)
  end)

  it("gives up after the timeout, and holds nothing then", function()
    support.run(function()
      local semaphore = rill.semaphore(1)
      assert.is_true(semaphore:acquire())
      for _, timeout in ipairs { 0.005, 0, -1 } do
        local ok, err = semaphore:acquire(timeout)
        assert.is_nil(ok)
        assert.equal("timeout", err.reason)
      end
      semaphore:release()
      assert.is_true(semaphore:acquire(0))
      semaphore:release()
    end)
  end)

  it("gives a permit within the timeout, and stops the clock", function()
    support.run(function()
      local semaphore = rill.semaphore(1)
      semaphore:acquire()
      local task = rill.spawn(semaphore.acquire, semaphore, 60)
      rill.sleep(0)
      semaphore:release()
      assert.is_true(task:join())
      semaphore:release()
    end)
  end)

  it("passes on the permit of a task that was cancelled after it had been handed one", function()
    support.run(function()
      local semaphore = rill.semaphore(1)
      semaphore:acquire()
      local first = rill.spawn(semaphore.acquire, semaphore)
      local second = rill.spawn(semaphore.acquire, semaphore)
      rill.sleep(0)
      semaphore:release()
      first:cancel()
      assert.is_true(second:join())
      assert.equal("cancelled", select(2, first:join()).reason)
    end)
  end)

  it("forgets a task that was cancelled while it waited", function()
    support.run(function()
      local semaphore = rill.semaphore(1)
      semaphore:acquire()
      local first = rill.spawn(semaphore.acquire, semaphore, 60)
      local second = rill.spawn(semaphore.acquire, semaphore)
      rill.sleep(0)
      first:cancel()
      semaphore:release()
      assert.is_true(second:join())
      first:join()
    end)
  end)

  it("releases on every path out of `with`", function()
    support.run(function()
      local semaphore = rill.semaphore(1)
      assert.same({ 1, nil, 3 }, { semaphore:with(function(...) return ... end, 1, nil, 3) })
      local value = {}
      local ok, err = pcall(semaphore.with, semaphore, error, value)
      assert.is_false(ok)
      assert.equal(value, err)
      local task = rill.spawn(semaphore.with, semaphore, rill.sleep, 60)
      rill.sleep(0)
      task:cancel()
      task:join()
      assert.is_true(semaphore:acquire(0))
    end)
  end)

  it("raises on a release without acquire", function()
    assert.error_matches(function()
      rill.semaphore(2):release()
    end, "semaphore:release: all 2 permits are free")
  end)

  it("names a wrong argument and shows its value", function()
    assert.error_matches(function() rill.semaphore(0) end,
      "rill.semaphore: n must be a whole number of at least 1, got 0")
    assert.error_matches(function() rill.semaphore "2" end, 'got "2"')
    assert.error_matches(function() rill.semaphore(1):acquire "x" end,
      'semaphore:acquire: timeout must be a number of seconds, got "x"')
    assert.error_matches(function() rill.semaphore(1):with(7) end,
      "semaphore:with: fn must be a function, got 7")
  end)
end)
