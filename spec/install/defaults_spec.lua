-- What doc/reference says of values: defaults, kinds, phases, timings, exit statuses are those of the code.
local C = require "rill.clib"
local ffi = require "ffi"
local support = require "support"

local function page(name)
  return support.read("doc/reference/" .. name .. ".md")
end

-- Rows of tables: a list of cells for each.
local function rows_of(text)
  local rows = {}
  for line in text:gmatch "\n|([^\n]*)|" do
    local cells = {}
    for cell in (line .. "|"):gmatch " *(.-) *|" do cells[#cells + 1] = cell end
    rows[#rows + 1] = cells
  end
  return rows
end

-- Options with what the page gives as their defaults: name -> text. Two options in a row have two, or one for both.
local function defaults_in(text, column)
  local found = {}
  for _, cells in ipairs(rows_of(text)) do
    local names, values = {}, {}
    for name in cells[1]:gmatch "`([%w_]+)`" do names[#names + 1] = name end
    for value in (cells[column]:gsub("[,;] ", "\n") .. "\n"):gmatch "([^\n]*)\n" do values[#values + 1] = value end
    for i, name in ipairs(names) do found[name] = #names == #values and values[i] or cells[column] end
  end
  return found
end

local UNITS = { KiB = 2 ^ 10, MiB = 2 ^ 20, GiB = 2 ^ 30, s = 1, URLs = 1 }

-- "64 KiB" is 65536, "true" is true; nil where a text says what is no value.
local function value_of(text)
  if text == "true" or text == "false" then return text == "true" end
  local number, unit = text:gsub(",", ""):match "^([%d.e]+) ?(%a*)$"
  if not number or unit ~= "" and not UNITS[unit] then return text:match '^`"(.*)"`$' end
  return tonumber(number) * (UNITS[unit] or 1)
end

local function words_in(text)
  local set = {}
  for word in text:gmatch "`([%w_]+)`" do set[word] = true end
  return set
end

local BEFORE_STATUS = { ["return"] = true, ["and"] = true, ["or"] = true, ["="] = true, ["0,"] = true }

local function names_of(name_at)
  local list, number = {}, 1
  while ffi.string(name_at(number)) ~= "" do
    list[#list + 1] = ffi.string(name_at(number))
    number = number + 1
  end
  return list
end

describe("doc/reference", function()
  it("gives the defaults of clients as the core has them", function()
    local options = ffi.new "rill_options"
    C.rill_options_init(options)
    local checked = 0
    local clients, tls = page("options"):match "^(.-)\n## tls\n(.*)$"
    for _, part in ipairs { { clients, options }, { tls, options.tls } } do
      for name, text in pairs(defaults_in(part[1], 3)) do
        local has, real = pcall(function() return part[2][name] end)
        local told = value_of(text)
        if has and type(told) == type(real) and real ~= -1 then -- -1: by what is asked for
          assert.equal(told, real, name)
          checked = checked + 1
        end
      end
    end
    assert.is_true(checked >= 20, checked .. " options")
  end)

  it("gives the defaults that Lua has", function()
    local told = defaults_in(page "options", 3)
    local real = support.read "lua/rill/client.lua":match "\nlocal REDIRECTS = (%d+)"
    assert.equal(value_of(told.redirects), tonumber(real))
    assert.equal("false", told.cookies:match "%a+")
    assert.equal(false, value_of(told.allow_downgrade))
  end)

  it("gives the defaults of a crawl", function()
    local told, checked = defaults_in(page("crawl"):match "\n## Options\n(.-)\n## ", 2), 0
    local source = support.read "lua/rill/crawl/options.lua":match "\nlocal DEFAULTS = (%b{})"
    local real = assert(loadstring("return " .. source))()
    for name, value in pairs(real) do
      local text = assert(told[name], name)
      local shown = value_of(text)
      if shown == nil then shown = value_of(text:match "^[^ ]+") end
      assert.equal(value, shown, name)
      checked = checked + 1
    end
    assert.is_true(checked > 10)
  end)

  it("gives the defaults of a crawl's tables", function()
    local row = page("crawl"):match "\n| `per_origin` |[^\n]*"
    local real = support.read "lua/rill/crawl/options.lua":match "\nlocal PER_ORIGIN = {(.-)\n}"
    assert.is_not_nil(row)
    for name, value in real:gmatch "([%w_]+) = ([%w.]+)" do
      assert.is_not_nil(row:find(name .. " = " .. value, 1, true), name)
    end
    row = page("crawl"):match "\n| `traps` |[^\n]*"
    for name, value in pairs(require("rill.crawl.traps").DEFAULTS) do
      assert.is_not_nil(row:find(("%s = %d"):format(name, value), 1, true), name)
    end
  end)

  it("has every kind, phase and timing, and no other", function()
    local text = page "errors"
    local kinds = words_in(text:match "\n| `kind` |[^\n]*")
    for _, name in ipairs(names_of(C.rill_kind_name)) do assert.is_true(kinds[name], name) end
    local phases = words_in(text:match "\n| `phase` |[^\n]*")
    local count = 2 -- `phase` and `timeout`, which the row begins with
    for _, name in ipairs(names_of(C.rill_phase_name)) do
      assert.is_true(phases[name], name)
      count = count + 1
    end
    for _ in pairs(phases) do count = count - 1 end
    assert.equal(0, count)
    local timings = words_in(page("stream"):match "\n| `stream.timings` | (.-) |\n")
    local fields = support.read "lua/rill/meta.lua":match "@class rill.Timings\n(.-)\n\n"
    for name in fields:gmatch "@field ([%w_]+)" do
      assert.is_true(timings[name], name)
      timings[name] = nil
    end
    assert.is_nil(next(timings))
  end)

  it("has every exit status of the command, and no other", function()
    local told, real = {}, {}
    for status in page("cli"):match "\n| exit status |.-\n\n":gmatch "\n| ([%d, ]+) |" do
      for number in status:gmatch "%d+" do told[number] = true end
    end
    for _, name in ipairs { "init", "get", "crawl", "links", "robots", "status", "join", "common", "arguments" } do
      local text = support.read("lua/rill/cli/" .. name .. ".lua")
      for line in text:gmatch "[^\n]+" do
        local ending = line:match "%f[%w](return .*)$" or line:match "^local [%u, ]+( = .*)$"
        for word, number in (ending or ""):gmatch "(%S+) (%d+)%f[^%w]" do
          if BEFORE_STATUS[word] then real[number] = true end
        end
      end
    end
    for _, number in pairs(require "rill.cli.common".SIGNALS) do real[tostring(number)] = true end
    for number in pairs(real) do assert.is_true(told[number], "doc lacks " .. number) end
    for number in pairs(told) do assert.is_true(real[number], "doc has " .. number) end
  end)
end)
