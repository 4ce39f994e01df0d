-- The tasks that have not ended: what each takes, and that none is forgotten among many that end.
local rill = require "rill"
local support = require "support"

describe("among many tasks", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function done() end

  it("one that has not begun takes little memory", function()
    local TASKS, MOST = 16384, 270 -- bytes; 241, of which 160 are its table, the rest places in lists
    support.run(function()
      local tasks = {}
      collectgarbage()
      local before = collectgarbage "count"
      for i = 1, TASKS do tasks[i] = rill.spawn(done, i) end
      collectgarbage()
      local each = (collectgarbage "count" - before) * 1024 / #tasks
      assert.is_true(each <= MOST, ("%.0f bytes"):format(each))
    end)
  end)

  it("those that go on are known in their order, and can be cancelled, when the others have ended", function()
    local names = rill.queue()
    local function wait_as(name)
      local _, why = pcall(rill.sleep, 60)
      names:push(name .. " " .. tostring(why))
    end
    local ok = pcall(rill.run, function()
      for i = 1, 5 do
        rill.spawn(wait_as, i)
        for _ = 1, 300 do rill.spawn(done) end
        rill.sleep(0)
      end
      error "enough"
    end)
    assert.is_false(ok)
    for i = 1, 5 do assert.equal(i .. " rill.cancelled", names:pop()) end
    assert.equal(0, names:count())
  end)
end)
