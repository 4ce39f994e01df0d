-- A task that was woken, and is cancelled before it runs: what else it waited for ends all the same.
local rill = require "rill"
local support = require "support"

describe("a task that is woken and then cancelled before it runs", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Starts `fn`, which waits, and among others for an item of `gate`; cancels it when it has been woken by that.
  local function cancel_woken(gate, fn)
    local task = rill.spawn(fn)
    rill.sleep(0)
    gate:push "item" -- who gets it runs next, ends, and wakes the task: behind the one that cancels
    rill.spawn(function() task:cancel() end)
    local _, err = task:join()
    assert.equal("cancelled", err.reason)
  end

  it("leaves no timer of rill.timeout", function()
    support.run(function()
      local gate = rill.queue()
      cancel_woken(gate, function() rill.timeout(60, gate.pop, gate) end)
      assert.equal(1, support.counters().timers) -- that of support.run
    end)
  end)

  it("leaves nothing of rill.all: those that run are cancelled", function()
    support.run(function()
      local gate, never, seen = rill.queue(), rill.queue()
      cancel_woken(gate, function()
        rill.all({ function() gate:pop() end, function() seen = select(2, pcall(never.pop, never)) end, error },
          { concurrency = 2 })
      end)
      rill.sleep(0)
      assert.equal(rill.cancelled, seen)
    end)
  end)
end)
