local rill = require "rill"
local support = require "support"

describe("rill.sleep", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("waits as long as it says, and never less", function()
    support.run(function()
      local start = rill.now()
      rill.sleep(0.02)
      local took = rill.now() - start
      assert.is_true(took >= 0.02, took)
    end)
  end)

  it("lets tasks wake in the order of their times", function()
    -- A sleep begins between the moment before its call and the one in which the next task runs: so long the machine
    -- may have looked away. Who was due first whatever happened there, by more than the wheel's step, wakes first.
    local STEP = 0.001
    local before, after, woken = {}, {}, {}
    support.run(function()
      for i, ms in ipairs { 60, 20, 40 } do
        rill.spawn(function()
          before[i] = rill.now() + ms / 1000
          rill.sleep(ms / 1000)
          woken[#woken + 1] = i
        end)
        rill.spawn(function() after[i] = rill.now() + ms / 1000 end)
      end
    end)
    assert.equal(3, #woken)
    for place, i in ipairs(woken) do
      for later = place + 1, 3 do
        local j = woken[later]
        assert.is_true(after[j] + STEP >= before[i], ("%d woke before %d"):format(i, j))
      end
    end
  end)

  it("lets others run when the time has passed already", function()
    local order = {}
    support.run(function()
      rill.spawn(function()
        order[#order + 1] = "other"
      end)
      rill.sleep(-1)
      order[#order + 1] = "sleeper"
    end)
    assert.same({ "other", "sleeper" }, order)
  end)

  it("waits until it is cancelled when its time is math.huge", function()
    support.run(function()
      local sleeper = rill.spawn(rill.sleep, math.huge)
      rill.sleep(0.01)
      sleeper:cancel()
      assert.equal("cancelled", select(2, sleeper:join()).reason)
    end)
  end)

  it("names a wrong argument and shows its value", function()
    support.run(function()
      assert.error_matches(function()
        rill.sleep "soon"
      end, 'rill.sleep: seconds must be a number of seconds, got "soon"')
      assert.error_matches(function()
        rill.sleep(0 / 0)
      end, "rill.sleep: seconds must be a number of seconds, got %-?nan")
    end)
  end)
end)

describe("rill.timeout", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("never ends what it runs when its time is math.huge", function()
    support.run(function()
      assert.equal("done", rill.timeout(math.huge, function()
        rill.sleep(0.01)
        return "done"
      end))
      local waiter = rill.spawn(rill.timeout, math.huge, rill.sleep, math.huge)
      rill.sleep(0.01)
      waiter:cancel()
      assert.equal("cancelled", select(2, waiter:join()).reason)
    end)
    local ok, message = pcall(rill.run, function()
      rill.timeout(math.huge, function()
        rill.queue():pop()
      end)
    end)
    assert.is_false(ok)
    assert.matches("deadlock: .*1 in rill.timeout", message)
  end)

  it("returns the results of what ends in time", function()
    support.run(function()
      assert.same({ 1, nil, 3 }, { rill.timeout(60, function(a, b)
        rill.sleep(0)
        return a, nil, b
      end, 1, 3) })
    end)
  end)

  it("cancels what does not, and says so", function()
    support.run(function()
      local raised
      local ok, err = rill.timeout(0.01, function()
        raised = select(2, pcall(rill.sleep, 60))
      end)
      assert.is_nil(ok)
      assert.equal("timeout", err.reason)
      assert.matches("0.01 s", tostring(err))
      rill.sleep(0)
      assert.equal(rill.cancelled, raised)
    end)
  end)

  it("does not wait for a function that catches its cancelling", function()
    rill.on_warning = function() end
    support.run(function()
      local _, err = rill.timeout(0.01, function()
        while true do
          pcall(rill.sleep, 60)
        end
      end)
      assert.equal("timeout", err.reason) -- and not after the 15 s that a spec may take
    end)
    rill.on_warning = nil
  end)

  it("raises what the function raised", function()
    support.run(function()
      local value = {}
      local ok, err = pcall(rill.timeout, 60, error, value)
      assert.is_false(ok)
      assert.equal(value, err)
    end)
  end)

  it("may be nested: the shorter time wins", function()
    support.run(function()
      local inner
      local ok, err = rill.timeout(0.01, function()
        inner = { pcall(rill.timeout, 60, rill.sleep, 60) }
      end)
      assert.is_nil(ok)
      assert.equal("timeout", err.reason)
      rill.sleep(0)
      assert.equal(rill.cancelled, inner[2])
    end)
  end)

  it("names a wrong argument and shows its value", function()
    support.run(function()
      assert.error_matches(function()
        rill.timeout("x", print)
      end, 'rill.timeout: seconds must be a number of seconds, got "x"')
      assert.error_matches(function()
        rill.timeout(1)
      end, "rill.timeout: fn must be a function, got nil")
    end)
  end)
end)
