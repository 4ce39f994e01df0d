-- The map of fingerprints, beside a table.
local map64 = require "rill.crawl.map64"

local MOST = 2 ^ 32 - 1

describe("a map of fingerprints", function()
  it("holds what it was given, and the last value of each key", function()
    local map, expected, seed, count = map64(), {}, 1, 0
    local function number()
      seed = seed * 16807 % 2147483647
      return seed * 2 % 2 ^ 32
    end
    for i = 1, 100000 do
      local high, low = i % 3 == 0 and i or number(), number() -- some are near each other
      local key = ("%d %d"):format(high, low)
      if not expected[key] then count = count + 1 end
      expected[key] = i
      map:set(high, low, i)
    end
    assert.equal(count, map.count)
    for key, value in pairs(expected) do
      local high, low = key:match "(%d+) (%d+)"
      if map:get(tonumber(high), tonumber(low)) ~= value then assert.equal(value, key) end
    end
    assert.is_nil(map:get(number(), number()))
  end)

  it("takes the least and the largest keys and values", function()
    local map = map64()
    for _, key in ipairs { { 0, 0 }, { 0, MOST }, { MOST, 0 }, { MOST, MOST } } do
      assert.is_nil(map:get(key[1], key[2]))
      map:set(key[1], key[2], MOST)
      assert.equal(MOST, map:get(key[1], key[2]))
    end
    assert.equal(4, map.count)
  end)

  it("holds many keys that want the same place", function()
    local map = map64()
    for i = 1, 2000 do map:set(i, MOST, i) end
    for i = 1, 2000 do assert.equal(i, map:get(i, MOST)) end
    assert.equal(2001, map:add(2000, MOST, 1))
  end)

  it("has no place that keys can be chosen for", function() -- it would stand still for many minutes
    for shift = 0, 24, 8 do
      local map = map64()
      for i = 1, 400000 do map:set(i * 2 ^ shift % 2 ^ 32, 0, i) end
      for i = 1, 400000, 1000 do assert.is_truthy(map:get(i * 2 ^ shift % 2 ^ 32, 0)) end
    end
  end)

  it("grows for new keys only", function()
    local map = map64()
    for i = 1, 10000 do map:set(i, i, i) end
    for i = 10000, 1, -1 do map:set(i, i, 2 * i) end
    assert.equal(10000, map.count)
    for i = 1, 10000 do assert.equal(2 * i, map:get(i, i)) end
  end)
end)
