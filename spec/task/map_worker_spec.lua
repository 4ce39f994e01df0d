-- The tasks of a map: each works on one item after the other, and between two of them it is none.
local rill = require "rill"
local support = require "support"

describe("a worker of a map", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- How many coroutines run fn(item) for the items.
  local function coroutines_for(items, concurrency, fn)
    local seen, different = {}, 0
    for _ in rill.map(items, function(item)
      local co = coroutine.running()
      if not seen[co] then different = different + 1 end
      seen[co] = true
      return fn(item)
    end, { concurrency = concurrency }) do end
    return different
  end

  local function numbers(count)
    local list = {}
    for i = 1, count do list[i] = i end
    return list
  end

  it("goes on with the next item, whether fn waits or not, and whatever it returns", function()
    support.run(function()
      assert.equal(3, coroutines_for(numbers(50), 3, function() end))
      assert.equal(3, coroutines_for(numbers(50), 3, function()
        rill.sleep(0)
        return 1, 2
      end))
      local n = 0
      assert.equal(3, coroutines_for(function()
        rill.sleep(0)
        n = n + 1
        return n <= 50 and n or nil
      end, 3, function() rill.sleep(0) end))
    end)
  end)

  it("ends with an item that raised, that was cancelled, or that left a task or a map behind", function()
    support.run(function()
      assert.equal(6, coroutines_for(numbers(6), 1, error))
      assert.equal(6, coroutines_for(numbers(6), 1, function() error(rill.cancelled) end))
      assert.equal(6, coroutines_for(numbers(6), 1, function() rill.spawn(rill.sleep, 0) end))
      assert.equal(6, coroutines_for(numbers(6), 1, function() rill.map({}, tostring) end))
    end)
  end)

  it("closes the map that an item has left, when that item ends", function()
    support.run(function()
      local order = {}
      local function wait_inside(inner)
        order[#order + 1] = tostring(select(2, pcall(rill.sleep, 60))) .. " " .. inner
      end
      local function leave_a_map(item)
        local map = rill.map({ "quick", item }, function(inner)
          if inner == item then wait_inside(inner) end
        end)
        assert.equal("quick", (map()))
      end
      for item in rill.map({ "one", "two" }, leave_a_map, { concurrency = 1 }) do
        order[#order + 1] = item
      end
      assert.same({ "rill.cancelled one", "one", "rill.cancelled two", "two" }, order)
    end)
  end)

  it("shows where fn raised, and nothing of its own", function()
    support.run(function()
      local function work(item)
        if item > 1 then error "boom" end
      end
      local n = 0
      local function next_number()
        n = n + 1
        return n < 3 and n or nil
      end
      for _, items in ipairs { { 1, 2 }, next_number } do
        local seen = {}
        for item, _, err in rill.map(items, work, { concurrency = 1 }) do seen[item] = err and err.traceback end
        local own = seen[2]:match "^(.-)\nin a task started"
        assert.matches("map_worker_spec.lua:%d+: in function 'fn'$", own)
        assert.is_nil(own:find("task/map.lua", 1, true))
      end
    end)
  end)

  it("adds no place of its own to a message", function()
    support.run(function()
      local function bad()
        error("bad item", 2)
      end
      local function worse()
        error { code = 7 }
      end
      local function of_error(fn, items)
        local _, _, err = rill.map(items or { "boom" }, fn)()
        return { err.message, err.value }
      end
      assert.same({ "bad item", "bad item" }, of_error(bad))
      assert.same({ "boom", "boom" }, of_error(error))
      assert.equal(7, of_error(worse)[2].code)
      assert.same({ "x: rill/task/map.lua:1: boom", "x: rill/task/map.lua:1: boom" }, of_error(function()
        error("x: rill/task/map.lua:1: boom", 0)
      end))
      local _, raised = pcall(rill.map(function() bad() end, print))
      assert.matches("^[^\n]*map_worker_spec.lua:%d+: bad item$", raised)
      _, raised = pcall(rill.map(bad, print))
      assert.equal("bad item", raised)
    end)
  end)

  it("does not begin an item where the map is closed before its turn", function()
    support.run(function()
      local begun = 0
      local map = rill.map({ 1, 2, 3, 4 }, function() begun = begun + 1 end, { concurrency = 1 })
      map()
      local taker = rill.spawn(map)
      rill.spawn(map.close, map) -- before the worker that the taker starts
      rill.sleep(0)
      rill.sleep(0)
      assert.is_nil((taker:join()))
      assert.is_true(begun <= 2, begun .. " have begun")
    end)
  end)
end)

describe("a worker of a map that took from a map over a queue", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("waits in its next item for room in that queue", function()
    support.run(function()
      local queue, pushes = rill.queue(1), false
      local shared = rill.map(queue, tostring, { concurrency = 1 })
      local outer = rill.map({ "take", "push" }, function(item)
        if item == "take" then return (shared()) end
        pushes = true
        queue:push "third"
      end, { concurrency = 1 })
      queue:push "first"
      assert.equal("first", select(2, outer()))
      queue:push "second"
      local taker = rill.spawn(outer)
      repeat rill.sleep(0) until pushes
      assert.equal(1, queue:count())
      assert.equal("second", queue:pop())
      assert.equal("push", (taker:join()))
      assert.equal("third", queue:pop())
      shared:close()
    end)
  end)
end)

describe("a worker of a map that has no item", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- A map of which two items were taken, so that its one worker rests.
  local function half_taken(items)
    local map = rill.map(items or { 1, 2, 3, 4 }, function() return coroutine.running() end, { concurrency = 1 })
    local _, first = map()
    local _, second = map()
    assert.equal(first, second)
    return map, first
  end

  it("keeps rill.run no longer, whoever has made the map", function()
    local outside = rill.map({ 1, 2, 3, 4 }, tostring, { concurrency = 1 })
    local inside
    support.run(function()
      outside()
      outside()
      inside = half_taken()
    end)
    support.run(function()
      assert.equal(3, (outside()))
      assert.equal(4, (outside()))
      assert.is_nil((outside()))
      assert.is_nil((inside()))
    end)
  end)

  it("is in no deadlock", function()
    local map
    local _, err = pcall(rill.run, function()
      map = half_taken()
      rill.queue():pop()
    end)
    assert.matches("deadlock: every task waits for another one: 1 in queue:pop\n", err)
    assert.matches("closed", tostring(map))
  end)

  it("goes with the map that nobody holds", function()
    support.run(function()
      local kept = setmetatable({}, { __mode = "k" })
      do
        local map, co = half_taken()
        kept[map], kept[co] = true, true
      end
      rill.sleep(0)
      collectgarbage()
      collectgarbage()
      assert.is_nil((next(kept)))
    end)
  end)

  it("does not hold the task for which it worked last", function()
    local map = rill.map({ 1, 2 }, tostring, { concurrency = 2 })
    support.run(function()
      local kept = setmetatable({}, { __mode = "k" })
      local function take()
        map()
        local result = {}
        kept[result] = true
        return result
      end
      local first = rill.spawn(take) -- starts both workers
      first:join()
      first = nil -- luacheck: ignore
      rill.spawn(map):join()
      rill.sleep(0)
      collectgarbage()
      collectgarbage()
      assert.is_nil((next(kept)))
      map:close()
    end)
  end)

  it("holds neither the item nor the result that was taken", function()
    support.run(function()
      local kept, queue = setmetatable({}, { __mode = "k" }), rill.queue()
      local map = rill.map(queue, function(item)
        local result = { item }
        kept[result] = true
        return result
      end, { concurrency = 1 })
      for _ = 1, 2 do
        local item = {}
        kept[item] = true
        queue:push(item)
        assert.equal(item, (map()))
      end
      rill.sleep(0)
      collectgarbage()
      collectgarbage()
      assert.is_nil((next(kept)))
      map:close()
    end)
  end)
end)
