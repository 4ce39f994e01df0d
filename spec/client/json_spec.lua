-- What is JSON, and what is none: for response:json() with either library, and for what rill keeps as JSON itself.
local cases = require "support.json_cases"
local plain = require "rill.core.plain_json"
local support = require "support"

local READERS = {
  cjson = [[assert(package.searchpath("cjson", package.cpath))
    local null = require("cjson").null]],
  dkjson = [[package.preload["cjson.safe"] = function() error("it is not to be found") end
    local null = require("dkjson").null]],
}

-- The cases, as either library reads them, which a process loads once: what is wrong, a line each.
local JUDGE = [[
  package.path = "./spec/?.lua;" .. package.path
  local cases, json = require "support.json_cases", require "rill.json"
  local function same(value, expected)
    if value == null then value = cases.null end
    if type(value) ~= "table" or value == cases.null then return value == expected end
    if type(expected) ~= "table" then return false end
    for key, each in pairs(value) do if not same(each, expected[key]) then return false end end
    for key in pairs(expected) do if value[key] == nil then return false end end
    return true
  end
  for _, case in ipairs(cases.good) do
    local value, why = json.decode(case[1])
    if not same(value, case[2]) then tell("good:", case[1], tostring(value), tostring(why)) end
  end
  for _, case in ipairs(cases.bad) do
    local value, why = json.decode(case[1])
    if value ~= nil or not tostring(why):find("at byte " .. case[2] .. "$") then
      tell("bad:", case[1], tostring(value), tostring(why))
    end
  end
  local deepest, why = json.decode(cases.nested(1000))
  tell(#cases.good, #cases.bad, type(deepest), tostring(why), tostring(select(2, json.decode(cases.nested(1001)))))
]]

-- A tree whose nodes know their parent: each table has two ways back to itself.
local TREE = [[
  local tree = { name = "root" }
  tree.children = { { name = "left", parent = tree }, { name = "right", parent = tree } }
  local twice = { 0.1 + 0.2 } -- the same table twice is no circle
  tell(select(2, pcall(rill.json, tree)))
  tell(rill.json({ twice, twice }).text)
]]

local function with_null(value)
  if type(value) ~= "table" then return value end
  if tostring(value) == "null" or value == require("dkjson").null then return cases.null end
  local copy = {}
  for key, each in pairs(value) do copy[key] = with_null(each) end
  return copy
end

describe("JSON", function()
  for name, prologue in pairs(READERS) do
    it("is what RFC 8259 says, read by " .. name, function()
      local said = require("support.script").run(prologue .. JUDGE)
      assert.same({ ("%d %d table nil more than 1000 values in values at byte 1001"):format(#cases.good, #cases.bad) },
        said)
    end)
  end

  for name, prologue in pairs(READERS) do
    it("is not made of a table within itself, by " .. name, function()
      local said = require("support.script").run(prologue .. TREE)
      assert.matches("rill.json: table: 0x%x+ cannot be encoded: a table is within itself$", said[1])
      assert.equal("[[0.30000000000000004],[0.30000000000000004]]", said[2])
    end)
  end

  for name, prologue in pairs(READERS) do
    it("is valid UTF-8 whatever strings hold, by " .. name, function()
      local said = require("support.script").run(prologue .. [[
        tell(rill.json({ "caf\233", "caf\195\169", "\237\191" }).text)
        local value = { ["caf\233"] = { "\255" } }
        tell(rill.json(value).text, tostring(value["caf\233"][1] == "\255"))
        tell(rill.json("\233").text)
      ]])
      assert.same({ '["caf\195\169","caf\195\169","\195\173\194\191"]', '{"caf\195\169":["\195\191"]} true',
        '"\195\169"' }, said)
    end)
  end

  it("is the same in states, HAR files and outputs", function()
    for _, case in ipairs(cases.good) do
      local value, why = plain.decode(case[1])
      assert.same(case[2], with_null(value), case[1] .. ": " .. tostring(why))
    end
    for _, case in ipairs(cases.bad) do
      local value, why = plain.decode(case[1])
      assert.is_nil(value, case[1])
      assert.matches("at byte " .. case[2] .. "$", why, 1, nil, case[1])
    end
    assert.is_table(plain.decode(cases.nested(64)))
    assert.equal("more than 64 values in values at byte 65", select(2, plain.decode(cases.nested(65))))
  end)

  it("says null where it has no value: of a list it keeps its place", function()
    local value, why = plain.decode "null"
    assert.is_nil(value)
    assert.is_nil(why)
    assert.same({ b = 1 }, plain.decode '{"a":null,"b":1}')
    for _, text in ipairs { "[1,null,3]", "[null]", "[null,null]", '{"a":[null,{}]}' } do
      assert.equal(text, (plain.encode(plain.decode(text)):gsub("%[%]", "{}")))
    end
    assert.equal('{"a":null}', plain.encode { a = require("dkjson").null })
  end)

  it("is read as it was written", function()
    math.randomseed(19)
    local function text()
      local bytes = {}
      for i = 1, math.random(0, 12) do bytes[i] = string.char(math.random(0, 127)) end
      return table.concat(bytes)
    end
    local function value(level)
      local kind = math.random(level < 5 and 6 or 4)
      if kind == 1 then return math.random() * 10 ^ math.random(-300, 300) end
      if kind == 2 then return math.random(-2 ^ 31, 2 ^ 31) end
      if kind == 3 then return math.random(2) == 1 end
      if kind == 4 then return text() end
      local made = {}
      for i = 1, math.random(1, 5) do made[kind == 5 and i or text() .. "x"] = value(level + 1) end
      return made
    end
    for _ = 1, 2000 do
      local given = value(0)
      assert.same(given, plain.decode(plain.encode(given)))
    end
  end)

  it("is refused with the place in a body", function()
    local server = support.http1 { ["/"] = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n[1,2,3,]" }
    support.begin()
    support.run(function()
      local value, err = assert(support.client():get(server.url .. "/")):json()
      assert.is_nil(value)
      assert.equal("decode_error", err.reason)
      assert.matches("the body is no JSON: no value at byte 8", err.message, 1, true)
    end)
    server:stop()
    support.check_clean()
  end)
end)
