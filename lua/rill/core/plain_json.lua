--- JSON as outputs, states and HAR files hold it: any string becomes valid UTF-8, names are in a fixed order, and
--- nothing else has to be installed for it. Scripts have rill.json, which takes a library.
local grammar = require("rill.core.json_grammar")

local M = {}

local byte, char, find, format = string.byte, string.char, string.find, string.format
local gsub, match, sub, floor = string.gsub, string.match, string.sub, math.floor

local MAX_LEVELS = 64 -- of values in values

local NULL = setmetatable({}, { __tostring = function() return "null" end }) -- where no library has one

-- What a list holds where it has null, which must keep its place: the value of the library that the script uses.
local function null_of_script()
  local library = package.loaded["cjson.safe"] or package.loaded.cjson or package.loaded.dkjson
  return type(library) == "table" and library.null or NULL
end

-- dkjson's is a table; that of others, and of nginx, userdata.
local function is_null(value)
  local dkjson = package.loaded.dkjson
  return value == nil or value == NULL or type(value) == "userdata" or type(dkjson) == "table" and value == dkjson.null
end

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b",
  ["\f"] = "\\f" }

local function escape(each)
  return SHORT[each] or format("\\u%04x", byte(each))
end

local SECOND = { -- lead bytes whose second byte is bounded further (RFC 3629)
  [0xE0] = { 0xA0, 0xBF }, [0xED] = { 0x80, 0x9F }, [0xF0] = { 0x90, 0xBF }, [0xF4] = { 0x80, 0x8F },
}

local function is_utf8(text)
  local at = find(text, "[\128-\255]")
  while at do
    local lead = byte(text, at)
    local more = lead >= 0xF0 and 3 or lead >= 0xE0 and 2 or 1
    if lead < 0xC2 or lead > 0xF4 or not find(text, "^[\128-\191]", at + 1) then return false end
    local bounds, second = SECOND[lead], byte(text, at + 1)
    if bounds and (second < bounds[1] or second > bounds[2]) then return false end
    for i = 2, more do
      if not find(text, "^[\128-\191]", at + i) then return false end
    end
    at = find(text, "[\128-\255]", at + more + 1)
  end
  return true
end

local function string_of(text)
  if not find(text, '[%c"\\\127-\255]') then return '"' .. text .. '"' end
  if find(text, '[%c"\\\127]') then text = gsub(text, '[%c"\\\127]', escape) end
  if find(text, "[\128-\255]") and not is_utf8(text) then
    text = gsub(text, "[\128-\255]", escape) -- as Latin-1
  end
  return '"' .. text .. '"'
end
M.string = string_of

--- The text itself where it is UTF-8, else what it is as Latin-1.
---@param text string
---@return string
function M.utf8(text)
  if not find(text, "[\128-\255]") or is_utf8(text) then return text end
  return (gsub(text, "[\128-\255]", function(each)
    local code = byte(each)
    return char(0xC0 + floor(code / 64), 0x80 + code % 64)
  end))
end

local function number_of(value)
  if value ~= value or value == math.huge or value == -math.huge then return "null" end
  if value % 1 == 0 and value > -2 ^ 53 and value < 2 ^ 53 then return format("%d", value) end
  local short = format("%.14g", value)
  return tonumber(short) == value and short or format("%.17g", value)
end

local encode

local TOO_DEEP = "it is nested too deep for JSON"

local function refuse(kind)
  error(("a %s cannot be written as JSON"):format(kind), 0)
end

local function check_name(name)
  if type(name) ~= "string" and type(name) ~= "number" then
    error("a " .. type(name) .. " cannot be a name in JSON", 0)
  end
end

local function is_list(value)
  local count = #value
  if count == 0 then return next(value) == nil end
  for key in pairs(value) do
    if type(key) ~= "number" or key < 1 or key > count or key % 1 ~= 0 then return false end
  end
  return true
end

local function list_of(value, level)
  local parts = {}
  for i = 1, #value do parts[i] = encode(value[i], nil, level) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function is_before(a, b)
  return tostring(a) < tostring(b)
end

local function names_of(value)
  local names = {}
  for name in pairs(value) do
    check_name(name)
    names[#names + 1] = name
  end
  table.sort(names, is_before)
  return names
end

local function map_of(value, order, level)
  local parts = {}
  for _, name in ipairs(order or names_of(value)) do
    if value[name] ~= nil then
      parts[#parts + 1] = string_of(tostring(name)) .. ":" .. encode(value[name], nil, level)
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, order, level)
  local kind = type(value)
  if kind == "string" then return string_of(value) end
  if kind == "number" then return number_of(value) end
  if kind == "boolean" then return tostring(value) end
  if is_null(value) then return "null" end
  if kind == "table" then
    if level >= MAX_LEVELS then error(TOO_DEEP, 0) end
    local meta = getmetatable(value)
    local is_map = order or type(meta) == "table" and meta.__jsontype == "object"
    if not is_map and is_list(value) then return list_of(value, level + 1) end
    return map_of(value, order, level + 1)
  end
  refuse(kind)
end

local function copy(value, level)
  local kind = type(value)
  if kind ~= "table" or is_null(value) then
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" and not is_null(value) then refuse(kind) end
    return value
  end
  if level >= MAX_LEVELS then error(TOO_DEEP, 0) end
  local new = setmetatable({}, getmetatable(value))
  for name, inner in pairs(value) do
    check_name(name)
    new[name] = copy(inner, level + 1)
  end
  return new
end

--- A copy of what has JSON. Raises what is wrong, without a place, where a value has none.
---@generic T
---@param value T
---@return T
function M.copy(value)
  return copy(value, 0)
end

--- Raises what is wrong, without a place, when a value has no JSON.
---@param value any tables, strings, numbers, booleans
---@param order string[]? names of the outer table, in this order, those alone
---@return string
function M.encode(value, order)
  return encode(value, order, 0)
end

local PLAIN = { n = "\n", r = "\r", t = "\t", b = "\b", f = "\f" }

local function utf8_of(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64) end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64,
    0x80 + code % 64)
end

local function unescaped(text)
  local high -- the first half of a character beyond U+FFFF
  return (gsub(text, "\\(.)(%x?%x?%x?%x?)", function(kind, digits)
    if kind ~= "u" then return (PLAIN[kind] or kind) .. digits end
    local unit = tonumber(digits, 16)
    if unit >= 0xD800 and unit < 0xDC00 then
      high = unit
      return ""
    end
    if unit < 0xDC00 or unit > 0xDFFF then return utf8_of(unit) end
    return utf8_of(0x10000 + (high - 0xD800) * 1024 + unit - 0xDC00)
  end))
end

-- Each of these reads what begins at `at`, in a text that is JSON, and returns where it ends.
local function decode_string(text, at)
  local stop, escaped = at, false
  repeat
    stop = find(text, '["\\]', stop + 1)
    local backslash = byte(text, stop) == 92
    if backslash then stop, escaped = stop + 1, true end
  until not backslash
  local inner = sub(text, at + 1, stop - 1)
  return escaped and unescaped(inner) or inner, stop + 1
end

local decode

local function decode_list(text, at)
  local list, count = {}, 0
  at = match(text, "^%s*()", at + 1)
  while byte(text, at) ~= 93 do
    local value, after = decode(text, at)
    count = count + 1
    if value == nil then value = null_of_script() end
    list[count] = value
    at = match(text, "^%s*,?%s*()", after)
  end
  return list, at + 1
end

local function decode_map(text, at)
  local map = {}
  at = match(text, "^%s*()", at + 1)
  while byte(text, at) ~= 125 do
    local name, colon = decode_string(text, at)
    local value, after = decode(text, match(text, "^%s*:%s*()", colon))
    map[name] = value
    at = match(text, "^%s*,?%s*()", after)
  end
  return map, at + 1
end

local WORDS = { [102] = { false, 5 }, [110] = { nil, 4 }, [116] = { true, 4 } } -- by their first byte

function decode(text, at)
  local first = byte(text, at)
  if first == 34 then return decode_string(text, at) end
  if first == 123 then return decode_map(text, at) end
  if first == 91 then return decode_list(text, at) end
  local word = WORDS[first]
  if word then return word[1], at + word[2] end
  local number, after = match(text, "^([%d.eE+-]+)()", at)
  return tonumber(number), after
end

--- Reads what encode has written, and what other programs have: JSON and nothing else (RFC 8259).
---@param text string
---@return any value null is nil; in a list, which it keeps its place in, what the script's library has for it
---@return string? why it is none
function M.decode(text)
  local good, why = grammar.checked(text, MAX_LEVELS)
  if not good then return nil, why end
  return (decode(good, match(good, "^%s*()")))
end

return M
