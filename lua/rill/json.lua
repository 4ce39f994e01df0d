--- JSON, by the cjson or dkjson that is installed: loaded on first use.
local body_value = require("rill.core.body_value")
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local fields = lazy.module("rill.core.fields")
local grammar = lazy.module("rill.core.json_grammar")
local plain = lazy.module("rill.core.plain_json")
local random = require("rill.core.random")

local M = {}

local MOST_LEVELS = 1000 -- of tables in tables, lists in lists: what is deeper cjson refuses
local MARK_BYTES = 16 -- random

local codec -- { encode, decode }: each raises, or returns nil and why

-- Decoders get what is JSON, which rill looks at itself.
local function with_cjson(cjson)
  return { encode = cjson.encode, decode = cjson.decode }
end

local function with_dkjson(dkjson)
  local function decode(text)
    local value, _, why = dkjson.decode(text, 1, dkjson.null)
    return value, why
  end
  return { encode = dkjson.encode, decode = decode }
end

local function find()
  local loaded, cjson = pcall(require, "cjson.safe")
  if loaded then return with_cjson(cjson) end
  local found, dkjson = pcall(require, "dkjson")
  if found then return with_dkjson(dkjson) end
  errors.raise("rill.json needs a JSON library: luarocks install lua-cjson, or luarocks install dkjson "
    .. "(Debian: lua-cjson, lua-dkjson)")
end

local function library()
  codec = codec or find()
  return codec
end

local function copy_of(value)
  local copy = {}
  for key, each in pairs(value) do copy[key] = each end
  return setmetatable(copy, getmetatable(value))
end

-- What the libraries would write as it is, and JSON has not: text that is no UTF-8 counts as Latin-1. And they write 14
-- digits of a number: for one that needs more a string stands here, in whose place it is put afterwards.
local function marked(value, found, level)
  if type(value) == "string" then return plain.utf8(value) end
  if type(value) == "number" then
    if value ~= value or math.abs(value) == math.huge then error("JSON has no " .. tostring(value), 0) end
    if tonumber(("%.14g"):format(value)) == value then return value end
    found[#found + 1] = fields.text("rill.json", "", value)
    return found.mark .. #found
  end
  if type(value) ~= "table" or level > MOST_LEVELS then return value end
  -- Two ways back to itself are four one level below: no limit of levels ends that in time.
  if found.above[value] then error("a table is within itself", 0) end
  found.above[value] = true
  local copy
  for key, each in pairs(value) do
    local own, name = marked(each, found, level + 1), key
    if type(key) == "string" then name = plain.utf8(key) end
    if own ~= each or name ~= key then
      copy = copy or copy_of(value)
      if name ~= key then copy[key] = nil end
      copy[name] = own
    end
  end
  found.above[value] = nil
  return copy or value
end

local function encode(value)
  local found = { mark = random(MARK_BYTES), above = {} }
  local text, why = library().encode(marked(value, found, 0))
  if not text or #found == 0 then return text, why end
  return (text:gsub('"' .. found.mark .. '(%d+)"', function(i) return found[tonumber(i)] end))
end

--- A body of application/json. Numbers arrive as they are, to the last digit.
---@param value any what the library can encode
---@return rill.BodyValue
function M.body(value)
  library()
  local ok, text, why = pcall(encode, value)
  if not ok or not text then
    errors.raise(("rill.json: %s cannot be encoded: %s"):format(errors.show(value), tostring(ok and why or text)))
  end
  return body_value.new("application/json", text)
end

--- Reads a text.
---@param text string
---@return any value null is the library's own `null`
---@return string? why it is none
function M.decode(text)
  local decoder = library().decode
  local good, refused = grammar.checked(text, MOST_LEVELS)
  if not good then return nil, refused end
  local ok, value, why = pcall(decoder, good) -- it may raise what the script has forbidden it
  if not ok then return nil, tostring(value) end
  return value, why
end

return M
