local rill = require "rill"
local support = require "support"

describe("rill.all", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("lists the results in order, whatever ended first", function()
    support.run(function()
      assert.same({ { "slow" }, {}, { 1, nil, 3 } }, rill.all {
        function() rill.sleep(0.005) return "slow" end,
        function() end,
        function() return 1, nil, 3 end,
      })
      assert.same({}, rill.all {})
    end)
  end)

  it("lists nil, err for what raised, and runs the others on", function()
    support.run(function()
      local outcomes = rill.all {
        function() error "boom" end,
        function() rill.sleep(0.001) return "fine" end,
      }
      assert.is_nil(outcomes[1][1])
      assert.equal("error", outcomes[1][2].reason)
      assert.matches("boom", outcomes[1][2].message)
      assert.same({ "fine" }, outcomes[2])
    end)
  end)

  it("runs at most `concurrency` at once", function()
    support.run(function()
      local running, most, fns = 0, 0, {}
      for i = 1, 20 do
        fns[i] = function()
          running = running + 1
          most = math.max(most, running)
          rill.sleep(i % 3 / 1000)
          running = running - 1
          return i
        end
      end
      local outcomes = rill.all(fns, { concurrency = 4 })
      assert.equal(4, most)
      for i = 1, 20 do
        assert.same({ i }, outcomes[i])
      end
    end)
  end)

  it("names a wrong argument and shows its value", function()
    support.run(function()
      assert.error_matches(function()
        rill.all { print, "x" }
      end, 'rill.all: fns%[2%] must be a function, got "x"')
      assert.error_matches(function()
        rill.all({}, { concurency = 4 })
      end, 'rill.all: options: unknown option "concurency"')
      assert.error_matches(function()
        rill.all({ print }, { concurrency = 0 })
      end, "rill.all: concurrency must be a whole number of at least 1, got 0")
    end)
  end)
end)
