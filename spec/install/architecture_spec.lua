-- The rooms of src/: on which floor each stands, and that no two need each other. It reads files: not under sanitizers.
local elf = require "support.elf"
local support = require "support"

--- Per room the rooms that its object calls, with a symbol that shows it; and symbols that two rooms define, which no
--- program can link that has both libraries in itself, as those of `make fuzz` do.
local function calls()
  local defined, wanted, arrows, twice, objects = {}, {}, {}, {}, {}
  for _, path in ipairs(support.find "src") do
    local name = path:match "^src/(%w+/[%w_]+)%.c$"
    if name then
      wanted[name], arrows[name] = {}, {}
      objects[#objects + 1] = "build/" .. name .. ".o"
    end
  end
  for name, kind, symbol in elf.output_of("nm", "-A", unpack(objects)):gmatch
      "build/(%w+/[%w_]+)%.o:[^\n]- (%u) ([%w_]+)" do
    if kind == "U" then
      table.insert(wanted[name], symbol)
    else
      if defined[symbol] then table.insert(twice, ("%s (%s, %s)"):format(symbol, defined[symbol], name)) end
      defined[symbol] = name
    end
  end
  for name, symbols in pairs(wanted) do
    for _, symbol in ipairs(symbols) do
      if defined[symbol] then arrows[name][defined[symbol]] = symbol end
    end
  end
  return arrows, twice
end

--- The arrows of each circle: "room > room (symbol), ...".
local function circles(arrows)
  local state, path, found = {}, {}, {}
  local function visit(name)
    state[name] = "open"
    path[#path + 1] = name
    for other, symbol in pairs(arrows[name]) do
      if state[other] == "open" then
        local text, at = ("%s > %s (%s)"):format(name, other, symbol), #path
        while path[at] ~= other do
          text = ("%s > %s (%s), "):format(path[at - 1], path[at], arrows[path[at - 1]][path[at]]) .. text
          at = at - 1
        end
        found[#found + 1] = text
      elseif not state[other] then
        visit(other)
      end
    end
    path[#path] = nil
    state[name] = "done"
  end
  for name in pairs(arrows) do
    if not state[name] then visit(name) end
  end
  return found
end

describe("doc/architecture.md", function()
  local arrows, twice

  setup(function() arrows, twice = calls() end)

  it("gives each room its floor: it includes only rooms of its own floor or below", function()
    local floors = { ["h2/frames"] = 4, ["api/loop"] = 8 } -- headers of several rooms, or of none
    for floor, rooms in support.read("doc/architecture.md"):gmatch "\n| (%d) | ([^|]*) |" do
      for name in rooms:gmatch "`src/(%w+/[%w_]+)%.%w`" do floors[name] = tonumber(floor) end
    end
    for _, path in ipairs(support.find "src") do
      local name = path:match "(%w+/[%w_]+)%.[ch]$"
      if name then
        assert.is_truthy(floors[name] or path == "src/rill.h", "no floor for " .. path)
        for other in support.read(path):gmatch '\n#include "(%w+/[%w_]+)%.h"' do
          assert.is_true((floors[other] or 99) <= floors[name], path .. " includes " .. other .. ".h")
        end
      end
    end
  end)

  it("says of each file of lua/rill what it does", function()
    local page = support.read("doc/architecture.md")
    for _, path in ipairs(support.find "lua/rill") do
      local is_named = not path:find "%.lua$" or page:find("`" .. path .. "`", 1, true)
      assert.is_truthy(is_named, "nothing about " .. path)
    end
  end)

  it("is drawn of rooms that call in one direction: no circle, by the objects' symbols", function()
    local count = 0
    for _, others in pairs(arrows) do
      for _ in pairs(others) do count = count + 1 end
    end
    assert.is_true(count > 200, count .. " arrows")
    assert.same({}, circles(arrows))
  end)

  it("is of rooms that define no symbol of another's", function()
    assert.same({}, twice)
  end)

  it("is held by a search that finds circles", function()
    local found = circles { a = { b = "to_b" }, b = { c = "to_c" }, c = { a = "to_a" }, d = { a = "to_a" } }
    assert.equal(1, #found)
    assert.is_truthy(found[1]:find("b > c (to_c)", 1, true), found[1])
  end)
end)
