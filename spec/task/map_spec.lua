local rill = require "rill"
local support = require "support"

local function double(n) return 2 * n end

describe("rill.map", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- All results as a list of {item, ...}.
  local function drain(map)
    local results = {}
    for item, a, b in map do results[#results + 1] = { item, a, b } end
    return results
  end

  it("gives each item with what the function returned", function()
    support.run(function()
      assert.same({ { 1, 2 }, { 2, 4 }, { 3, 6 } }, drain(rill.map({ 1, 2, 3 }, double)))
      assert.same({ { 1, "a", "b" } }, drain(rill.map({ 1 }, function() return "a", "b" end)))
      assert.same({}, drain(rill.map({}, double)))
    end)
  end)

  it("is no list: what would make a loop over one raises", function()
    support.run(function()
      local map = rill.map({ 1, 2 }, double)
      for _, wrong in ipairs { ipairs, pairs, next, unpack, function(m) return #m end, function(m) return m[1] end } do
        assert.is_false((pcall(wrong, map)))
      end
      assert.error_matches(function() return #map end, "for item, result, err in rill.map")
      assert.error_matches(function() return map[1] end, "for item, result, err in rill.map")
      assert.is_nil(map.missing)
      assert.matches("^map: 0 running, 0 results to take, at most 16 at once$", tostring(map))
      assert.same({ { 1, 2 }, { 2, 4 } }, drain(map))
      assert.matches("closed", tostring(map))
    end)
  end)

  it("takes another map for its items", function()
    support.run(function()
      assert.same({ { 1, 2 }, { 2, 4 } }, drain(rill.map(rill.map({ 1, 2 }, double), double)))
    end)
  end)

  it("gives results in order of completion", function()
    support.run(function()
      local order, gates, following = {}, { [9] = rill.queue(), [6] = rill.queue() }, { [3] = 6, [6] = 9 }
      local function work(item) -- each but the first lets the one after it go on
        if gates[item] then gates[item]:pop() end
        if following[item] then gates[following[item]]:push(true) end
      end
      for item in rill.map({ 9, 3, 6 }, work) do order[#order + 1] = item end
      assert.same({ 3, 6, 9 }, order)
    end)
  end)

  it("gives item, nil, err for a function that raised, and goes on", function()
    support.run(function()
      local failed, fine = nil, 0
      for item, result, err in rill.map({ 1, 2, 3 }, function(n)
        if n == 2 then error "boom" end
        return n
      end) do
        if result then
          fine = fine + 1
        else
          failed = { item, err.reason, err.message:match "boom" }
        end
      end
      assert.same({ 2, "error", "boom" }, failed)
      assert.equal(2, fine)
    end)
  end)

  it("runs 16 at once by default, and never more than it is told", function()
    support.run(function()
      local items = {}
      for i = 1, 60 do items[i] = i end
      for _, case in ipairs { { nil, 16 }, { { concurrency = 3 }, 3 }, { { concurrency = 1 }, 1 } } do
        local running, most = 0, 0
        drain(rill.map(items, function(n)
          running = running + 1
          most = math.max(most, running)
          rill.sleep(n % 4 / 1000)
          running = running - 1
        end, case[1]))
        assert.equal(case[2], most)
      end
    end)
  end)

  it("starts work only as results are taken", function()
    support.run(function()
      local items, started = {}, 0
      for i = 1, 100 do items[i] = i end
      local map = rill.map(items, function() started = started + 1 end, { concurrency = 4 })
      rill.sleep(0)
      assert.equal(0, started)
      map()
      rill.sleep(0)
      assert.equal(4, started)
      map()
      rill.sleep(0)
      assert.equal(5, started)
      map:close()
    end)
  end)

  it("takes items from an iterator function", function()
    support.run(function()
      assert.same({ { "a", "a" }, { "b", "b" } }, drain(rill.map(("a b"):gmatch "%a", function(c) return c end)))
    end)
  end)

  it("lets an iterator function wait without holding up results", function()
    support.run(function()
      local gate, n = rill.queue(), 0
      local map = rill.map(function()
        n = n + 1
        if n == 2 then gate:pop() end
        return n <= 3 and n or nil
      end, double)
      assert.equal(1, (map()))
      gate:push "go on"
      assert.same({ { 2, 4 }, { 3, 6 } }, drain(map))
    end)
  end)

  it("raises in the loop what the iterator raised, after the last result", function()
    support.run(function()
      local n, seen = 0, {}
      local ok, err = pcall(function()
        for item in rill.map(function()
          n = n + 1
          if n == 3 then error "broken source" end
          return n
        end, double) do
          seen[#seen + 1] = item
        end
      end)
      assert.is_false(ok)
      assert.matches("broken source", err)
      assert.same({ 1, 2 }, seen)
    end)
  end)

  it("takes items from another map", function()
    support.run(function()
      local sum = 0
      for _, n in rill.map(rill.map({ 1, 2, 3 }, double), double) do sum = sum + n end
      assert.equal(12, sum)
    end)
  end)

  it("serves several tasks that take its results", function()
    support.run(function()
      local items, sum = {}, 0
      for i = 1, 30 do items[i] = i end
      local map = rill.map(items, function(n) rill.sleep(0) return n end, { concurrency = 4 })
      local function take()
        for item in map do sum = sum + item end
      end
      rill.all { take, take, take }
      assert.equal(465, sum)
    end)
  end)

  it("names a wrong argument and shows its value", function()
    for _, case in ipairs {
      { "rill.map: items must be a list, an iterator function or a queue, got 7", 7, double },
      { "rill.map: fn must be a function, got nil", {} },
      { 'rill.map: options: unknown option "n"', {}, double, { n = 1 } },
      { "rill.map: concurrency must be a whole number of at least 1, got 1.5", {}, double, { concurrency = 1.5 } },
    } do
      local ok, err = pcall(function() rill.map(case[2], case[3], case[4]) end)
      assert.is_false(ok)
      assert.matches("map_spec.lua:%d+: ", err)
      assert.is_truthy(err:find(case[1], 1, true), err)
    end
  end)
end)

describe("closing a map", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("cancels what runs, tasks of the workers included, and gives nil from then on", function()
    support.run(function()
      local ended = {}
      local function wait(name)
        ended[name] = select(2, pcall(rill.sleep, 60))
      end
      local map = rill.map({ "quick", "slow" }, function(item)
        if item == "slow" then
          rill.spawn(wait, "child")
          wait "worker"
        else
          rill.sleep(0.001)
        end
      end)
      assert.equal("quick", (map()))
      map:close()
      map:close()
      assert.equal(1, select("#", map()))
      assert.is_nil((map()))
      rill.sleep(0)
      assert.same({ child = rill.cancelled, worker = rill.cancelled }, ended)
    end)
  end)

  it("happens when the task that made it ends", function()
    support.run(function()
      local ended
      local map
      rill.spawn(function()
        map = rill.map({ 1, 2 }, function(item)
          if item == 2 then ended = select(2, pcall(rill.sleep, 60)) end
        end)
        map()
      end):join()
      rill.sleep(0)
      assert.equal(rill.cancelled, ended)
      assert.is_nil((map()))
    end)
  end)

  it("wakes tasks that wait for a result", function()
    support.run(function()
      local map = rill.map({ 1 }, function() rill.sleep(60) end)
      local taker = rill.spawn(map)
      rill.sleep(0)
      map:close()
      assert.is_nil(taker:join())
    end)
  end)

  it("leaves the rest of a queue where it is", function()
    support.run(function()
      local queue = rill.queue()
      for i = 1, 10 do queue:push(i) end
      local map = rill.map(queue, function() end, { concurrency = 2 })
      map()
      map:close()
      assert.equal(8, queue:count())
      assert.equal(3, queue:pop())
    end)
  end)
end)
